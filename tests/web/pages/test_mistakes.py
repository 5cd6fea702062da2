"""What went wrong is said in the visitor's language, wherever a page shows it; the journal has it in English."""

from __future__ import annotations

import asyncio
import html
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import jackfield_http_request
import jackfield_webhook
from jackfield.components.plugins.registry import Registry
from jackfield.i18n.phrasebooks import read_phrasebooks
from jackfield.journal.records import Mode
from jackfield.web.server.serving import Served, serving
from tests.servers import listening
from tests.support import Plugin, give, hook, make_project, serve, steps, until
from tests.web.site import Visitor, visitor

RUSSIAN = read_phrasebooks([])["ru"]
ALLOWED = '[server]\nport = 0\n[http]\nallow = ["127.0.0.1"]\n'
_SHOWN_AS_IT_IS = re.compile(r"<(pre|code|script|textarea|title)\b.*?</\1>|<[^>]*>", re.DOTALL)
_ENGLISH = re.compile(r"[a-z']{2,}(?: [a-z']{2,}){2,}", re.IGNORECASE)


def english(page: str) -> list[str]:
    """Find what reads like English on a page, except for data and code."""
    return _ENGLISH.findall(html.unescape(_SHOWN_AS_IT_IS.sub("|", page)))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("is required", "обязательно, а его нет"),
        ('is not known here; did you mean "name"?', "здесь такого параметра нет; может быть, «name»?"),
        ('use: there is no action "vk.send"; known: set, filter', "use: нет действия «vk.send»; есть: set, filter"),
        ("pipelines/x.toml:6: steps[0].url: is required", "pipelines/x.toml:6: steps[0].url: обязательно, а его нет"),
        ("must have 1 or more entries", "нужно записей не меньше: 1"),
        (
            'there is no source "a.b"; plugin acme (jackfield-acme 1.0) cannot be imported: ImportError: no',
            "нет источника «a.b»; плагин acme (jackfield-acme 1.0) не загружается: ImportError: no",
        ),
        (
            "step a: steps[0].text: $.event.emial selects nothing; did you mean $.event.email? event has: email, id",
            "шаг a: steps[0].text: $.event.emial ничего не находит; может быть, $.event.email? в event есть: email, id",
        ),
        ("100%(x)s is a riddle %s", "100%(x)s is a riddle %s"),
        ("must be one of '%s' or %(y)d", "должно быть одно из: '%s' or %(y)d"),
    ],
)
def test_a_mistake_is_said_in_russian(message: str, said: str) -> None:
    assert RUSSIAN(message) == said


def test_what_is_wrong_with_a_file_is_said_in_the_visitors_language(tmp_path: Path) -> None:
    async def main() -> None:
        files = {"x": steps('do = 5\nnmae = "a"'), "y": steps('do = "say"', source='use = "nobody"')}
        async with serve(tmp_path, files) as served, visitor(served, language="ru") as person:
            for path in ("/pipelines/x", "/pipelines/x/edit", "/"):
                page = (await person.get(path)).text
                assert "должен быть текст в кавычках" in page
                assert "здесь такого параметра нет" in page
            assert "нет источника «nobody»" in page
            assert english(page) == []

    asyncio.run(main())


@asynccontextmanager
async def school(folder: Path, pipeline: str) -> AsyncIterator[tuple[Served, Visitor]]:
    """Serve a pipeline with the plugins that talk HTTP, and visit it in Russian."""
    project = make_project(folder, {"x": pipeline}, ALLOWED)
    registry = Registry.of(Plugin(), jackfield_http_request, jackfield_webhook)
    async with serving(project, os.environ, registry=registry) as served, visitor(served, language="ru") as person:
        yield served, person


@asynccontextmanager
async def destination(answer: bytes | None) -> AsyncIterator[str]:
    """Answer every request so; None: not at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            await writer.drain()

    async with listening(serve) as port:
        yield f"http://127.0.0.1:{port}/"


def request_to(url: str, more: str = "") -> str:
    retry = 'retry = { attempts = 1, first_wait = "1 s" }'
    step = f'[[steps]]\nuse = "http_request"\nname = "tell"\nmethod = "GET"\nurl = "{url}"\n{retry}\n{more}\n'
    return f'[source]\nuse = "call"\n{step}'


def closed_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("answer", "pipeline", "said"),
    [
        (b"", request_to("http://nobody.invalid/"), "сервер nobody.invalid не найден"),
        (b"", request_to("http://10.1.2.3/"), "10.1.2.3 (для http://10.1.2.3) — адрес внутренней сети"),
        (b"", request_to(closed_port()), "нет связи с 127.0.0.1: соединение отклонено"),
        (b"", request_to("{url}"), "127.0.0.1 закрыл соединение, не ответив"),
        (None, request_to("{url}", 'timeout = "0.2 s"'), "нет результата за 0.2 с"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", request_to("{url}"), "500"),
        (b"HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\n", request_to("{url}"), "422"),
        (b"", steps('do = "say"\ntext = "{{ $.event.emial }}"'), "$.event.emial ничего не находит; может быть, "),
        (b"", steps('do = "say"\ntext = "{{ $.event.n }}"'), "должен получиться текст"),
        (b"", steps('do = "say"\ntext = "{{ $.event.n | join }}"'), "не может обработать то, что получил"),
        (b"", steps('do = "crash"'), "в действии произошла ошибка LookupError"),
        (b"", steps('do = "nonsense"'), "результат действия (set) нельзя записать в JSON"),
    ],
)
def test_why_a_run_failed_is_said_in_russian_and_kept_in_english(
    tmp_path: Path, answer: bytes | None, pipeline: str, said: str
) -> None:
    async def main() -> None:
        async with destination(answer) as url, school(tmp_path, pipeline.replace("{url}", url)) as (served, person):
            run = await give(served.host, {"email": "a@example.ru", "n": 1})
            view = await until(served.host, run)
            assert view.summary.error is not None
            assert view.summary.error.startswith("step ")
            for path in (f"/runs/{run}", "/runs", "/pipelines/x"):
                page = (await person.get(path)).text
                assert english(page) == []
                assert said in html.unescape(page), path

    asyncio.run(main())


def test_why_a_request_was_refused_is_said_in_russian(tmp_path: Path) -> None:
    source = 'use = "webhook.generic"\nverify = { preset = "github", secret = "long enough" }'

    async def main() -> None:
        async with school(tmp_path, steps('do = "say"', source=source)) as (served, person):
            assert (await person.client.post(hook(served), content=b"{}")).status_code == 401
            assert (await person.client.post(served.url + "/hooks/x/wrong", content=b"{}")).status_code == 404
            assert (await person.client.delete(hook(served))).status_code == 405
            await served.host.modes.set("x", Mode.STOPPED, "")
            assert (await person.client.post(hook(served), content=b"{}")).status_code == 503
            page = (await person.get("/refused")).text
            assert english(page) == []
            assert "обработка остановлена; запустите её, затем примите этот запрос в разделе «Отклонено»" in page
            assert "токен в адресе неверен; скопируйте адрес ещё раз" in page

    asyncio.run(main())


def test_a_blocked_pipeline_and_a_newer_file_with_a_mistake_are_spoken_of_in_russian(tmp_path: Path) -> None:
    async def main() -> None:
        async with school(tmp_path, steps('do = "say"')) as (served, person):
            folder = tmp_path / "pipelines"
            (folder / "x.toml").write_text("title = broken\n", encoding="utf-8")
            (folder / "b.toml").write_text(steps('do = "say"\ntimeuot = "5 s"'), encoding="utf-8")
            await served.host.reload()
            for path in ("/", "/pipelines/x", "/pipelines/b", "/health"):
                page = (await person.get(path)).text
                assert english(page) == [], path
            assert "не читается как TOML: недопустимое значение" in page
            assert "здесь такого параметра нет; может быть, «timeout»?" in page

    asyncio.run(main())
