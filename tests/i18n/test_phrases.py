"""The phrasebook: sentences are known by their literal pieces, and said in another language."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from jackfield.components.plugins.registry import Registry
from jackfield.i18n.phrasebooks import read_phrasebooks
from jackfield.i18n.phrases import Phrase, Phrasebook, read_phrases

BOOK = Phrasebook(
    [
        Phrase.of("step %(step)s: %(error)s", "шаг %(step)s: %(error)s"),
        Phrase.of("%(host)s cannot be reached: %(detail)s", "нет связи с %(host)s: %(detail)s"),
        Phrase.of("Connection refused", "соединение отклонено"),
        Phrase.of("is required", "обязательно"),
        Phrase.of("is not known here", "здесь такого нет"),
        Phrase.of("is not UTF-8 text; save it as UTF-8", "это не UTF-8; сохраните в UTF-8"),
        Phrase.of('%(problem)s; did you mean "%(word)s"?', "%(problem)s; может быть, «%(word)s»?"),
        Phrase.of("%(error)s; replay the run", "%(error)s; повторите операцию"),
        Phrase.of("pipeline %(id)s is blocked: %(why)s", "обработка %(id)s заблокирована: %(why)s"),
        Phrase.of("from %(first)s to %(last)s", "до %(last)s, с %(first)s"),
    ]
)
_PIECE = st.text("abcdefghij ", min_size=4, max_size=12).filter(lambda piece: sum(map(str.isalpha, piece)) > 2)
_VALUE = st.text("0123456789", max_size=5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("is required", "обязательно"),
        ("from 1 to 2", "до 2, с 1"),
        ("step a: x.ru cannot be reached: Connection refused", "шаг a: нет связи с x.ru: соединение отклонено"),
        ("step a: not now", "шаг a: not now"),
        ("pipelines/x.toml:6: steps[0].url: is required", "pipelines/x.toml:6: steps[0].url: обязательно"),
        ('nmae: is not known here; did you mean "name"?', "nmae: здесь такого нет; может быть, «name»?"),
        ("is not UTF-8 text; save it as UTF-8", "это не UTF-8; сохраните в UTF-8"),
        ("a: is required; b: is not known here", "a: обязательно; b: здесь такого нет"),
        (
            'a: is not known here; did you mean "b"?; c: is required',
            "a: здесь такого нет; может быть, «b»?; c: обязательно",
        ),
        ("x.toml:1: is required\ny.toml: who knows\n", "x.toml:1: обязательно\ny.toml: who knows\n"),
        (
            "pipeline x is blocked: x.toml:2: steps[0]: is required; replay the run",
            "обработка x заблокирована: x.toml:2: steps[0]: обязательно; повторите операцию",
        ),
        ("100%(x)s is a riddle %s", "100%(x)s is a riddle %s"),
        ("step %(error)s: %(step)s", "шаг %(error)s: %(step)s"),
        ("Is required", "Is required"),
        ("", ""),
        ("\n", "\n"),
    ],
)
def test_a_sentence_is_said_as_far_as_it_is_known(text: str, said: str) -> None:
    assert BOOK(text) == said
    assert Phrasebook()(text) == text


def test_the_phrase_with_more_of_the_sentence_in_its_pieces_wins() -> None:
    narrow, wide = Phrase.of("%(a)s is not %(b)s", "%(a)s ≠ %(b)s"), Phrase.of("%(a)s is not set", "нет %(a)s")
    assert Phrasebook([narrow, wide])("x is not set") == Phrasebook([wide, narrow])("x is not set") == "нет x"


@given(st.lists(_PIECE, min_size=1, max_size=5), st.lists(_VALUE, min_size=4, max_size=4))
def test_a_phrase_that_is_filled_in_is_known_again_with_the_same_values(pieces: list[str], values: list[str]) -> None:
    names = [f"n{number}" for number in range(len(pieces) - 1)]
    text = "".join(f"%({name})s{piece}" for name, piece in zip(["", *names], pieces, strict=True)).removeprefix("%()s")
    filled = "".join(value + piece for value, piece in zip(["", *values], pieces, strict=False))
    said = "|".join(f"%({name})s" for name in reversed(names))
    expected = "|".join(reversed(values[: len(names)]))
    assert Phrasebook([Phrase.of(text, f"<{said}>")])(filled) == f"<{expected}>"


@given(st.text('step :;\n"ab%(x)scanotberh', max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(BOOK(text), str)


@pytest.mark.parametrize(
    "piece",
    [
        "step a: ",
        "a: ",
        "; ",
        "\n",
        "is required; ",
        "is required\n",
        " cannot be reached: ",
        "from  to ",
        '; did you mean "b"?',
        "x",
    ],
)
def test_a_megabyte_of_what_looks_like_pieces_takes_no_time(piece: str) -> None:
    text = "is required" + piece * (1_000_000 // len(piece)) + "; z"
    said = BOOK(text)
    assert len(said) > 900_000
    for known in ("шаг ", "нет связи с ", "обязательно"):
        assert said.count(known) <= 200  # so many look-ups at most, however long the text is


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        ("%(a)s", "%(a)s", "fewer than 3 letters"),
        ("%(a)s: x %(b)s", "%(a)s%(b)s", "fewer than 3 letters"),
        ("from %(a)s%(b)s", "%(a)s%(b)s", "nothing between"),
        ("from %(a)s", "из", "each of its placeholders"),
        ("from here", "из %(a)s", "each of its placeholders"),
        ("from %(a)s to %(a)s", "из %(a)s", "each of its placeholders"),
    ],
)
def test_what_cannot_be_recognised_is_no_phrase(text: str, said: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Phrase.of(text, said)


def po(*entries: str) -> str:
    return "\n\n".join(['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"', *entries, ""])


GREETING = 'msgid "hello, %(name)s"\nmsgstr "привет, %(name)s"'


def test_what_is_not_translated_or_uncertain_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "ru.po"
    file.write_text(po(GREETING, 'msgid "not yet"\nmsgstr ""', '#, fuzzy\nmsgid "good bye"\nmsgstr "пока"'), "utf-8")
    assert read_phrases(file, "ru") == [Phrase.of("hello, %(name)s", "привет, %(name)s")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (po('msgid "hello'), "missing msgstr"),
        (po('msgid "%(a)s"\nmsgstr "%(a)s"'), "fewer than 3 letters"),
        (po('msgid "one"\nmsgid_plural "many"\nmsgstr[0] "раз"'), "plural forms"),
        ("\ud800", "decode"),
    ],
)
def test_a_file_that_is_wrong_says_so(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "ru.po"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=reason):
        read_phrases(file, "ru")


def plugin(folder: Path, name: str, text: str | None) -> ModuleType:
    """Make a plugin of a package of this name, as if it was installed and imported."""
    package = folder / name
    (package / "locale").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from jackfield import hookimpl\n@hookimpl\ndef register_sources(): return []\n"
    )
    if text is not None:
        (package / "locale" / "ru.po").write_text(text, "utf-8")
    return __import__(name)


def test_a_plugin_brings_phrases_in_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    good, none = plugin(tmp_path, "acme_good", po(GREETING)), plugin(tmp_path, "acme_none", None)
    said = read_phrasebooks(Registry.of(none, good, object()).plugins)["ru"]
    assert said("step greet: hello, Anna") == "шаг greet: привет, Anna"


def test_a_plugin_whose_phrases_are_broken_takes_nothing_else_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    broken = plugin(tmp_path, "acme_garbled", po('msgid "%(all)s"\nmsgstr "%(all)s"'))
    other = plugin(tmp_path, "acme_other", po(GREETING))
    with capture_logs() as log:
        said = read_phrasebooks(Registry.of(broken, other).plugins)["ru"]
    assert said("hello, Anna") == "привет, Anna"
    assert [(line["plugin"], line["file"], line["log_level"]) for line in log] == [
        ("acme_garbled", "locale/ru.po", "warning")
    ]
    assert "fewer than 3 letters" in log[0]["problem"]


def test_a_module_that_is_in_no_package_brings_none(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = ModuleType("acme_alone")
    alone.__spec__ = ModuleSpec("acme_alone", None)
    monkeypatch.setitem(sys.modules, "acme_alone", alone)
    assert read_phrasebooks(Registry.of(alone).plugins)["ru"]("hello, Anna") == "hello, Anna"


def test_each_of_many_joined_sentences_is_said_though_the_first_ends_in_a_placeholder() -> None:
    pairs = {"runs: %(number)s": "операций: %(number)s", "from the start": "с начала", "they: %(ids)s": "это %(ids)s"}
    book = Phrasebook([Phrase.of(*pair) for pair in pairs.items()])
    assert book("runs: 61; from the start; they: a, b") == "операций: 61; с начала; это a, b"
