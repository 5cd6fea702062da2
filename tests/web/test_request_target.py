"""Requests that a proxy and the host might read in two ways."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.web.app import TOKEN_FILE
from jackfield.web.request_target import is_unclear
from jackfield.web.server.serving import Served
from tests.support import hook, serve, steps

SAY = {"x": steps('do = "say"')}


async def asked(served: Served, head: str) -> bytes:
    """Send the head of a request as it is; return the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(served.url).port)
    writer.write(f"{head}Connection: close\n\n".replace("\n", "\r\n").encode())
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


def statuses(folder: Path, heads: Sequence[str]) -> list[int]:
    """Return the status of the answer to each of these; HOOK stands for the path of a webhook."""

    async def main() -> list[int]:
        async with serve(folder, SAY) as served:
            path = urlsplit(hook(served)).path
            answers = [await asked(served, head.replace("HOOK", path)) for head in heads]
        return [int(answer.split(b" ")[1]) for answer in answers]

    return asyncio.run(main())


def test_a_request_that_does_not_name_one_host_is_answered_400(tmp_path: Path) -> None:
    wrong = [
        "GET HOOK HTTP/1.1\n",
        "GET /healthz HTTP/1.1\n",
        "GET HOOK HTTP/1.1\nHost: a\nHost: a\n",
        "GET HOOK HTTP/1.1\nHost: a\nHOST: b\n",
        "GET HOOK HTTP/1.0\nHost: a\nHost: b\n",
        "GET HOOK HTTP/1.1\nHost: a b\n",
        "GET HOOK HTTP/1.1\nHost: a/b\n",
        "GET HOOK HTTP/1.1\nHost: user@a\n",
        "GET HOOK HTTP/1.1\nHost: [::1\n",
    ]
    assert statuses(tmp_path, wrong) == [400] * len(wrong)


def test_a_request_that_names_one_host_is_answered(tmp_path: Path) -> None:
    right = [
        "GET /healthz HTTP/1.1\nHost: hooks.example.ru\n",
        "GET /healthz HTTP/1.1\nhost: 127.0.0.1:8000\n",
        "GET /healthz HTTP/1.1\nHost: [::1]:8000\n",
        "GET /healthz HTTP/1.1\nHost:\n",
        "GET /healthz HTTP/1.0\n",
    ]
    assert statuses(tmp_path, right) == [200] * len(right)


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/..%2fapi/v1/runs",
        "/hooks/..%2Fapi/v1/runs",
        "/hooks/%2e%2e/api/v1/runs",
        "/hooks/../api/v1/runs",
        "/hooks/x%2f..%2f..%2fapi/v1/runs",
        "/hooks/..%5capi/v1/runs",
        "/hooks/..\\api/v1/runs",
        "/hooks/./x",
        "/hooks%2f..%2fmetrics",
        "/api/v1/runs/..%2f..%2f..%2f..%2fhooks/x",
        "/api/v1/../../hooks/x",
        "/login/%2e%2e/hooks/",
        "/..%2fhooks/..",
        "/api/v1/runs%2fx",
    ],
)
def test_a_path_that_leads_elsewhere_once_it_is_resolved_is_answered_400(path: str) -> None:
    assert is_unclear({"path": path, "raw_path": path.encode()})


def test_a_path_around_the_rule_of_a_proxy_reaches_nothing_even_with_the_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, SAY) as served:
            bearer = f"Host: x\nAuthorization: Bearer {(tmp_path / 'var' / TOKEN_FILE).read_text().strip()}\n"
            assert (await asked(served, f"GET /api/v1/runs HTTP/1.1\n{bearer}"))[9:12] == b"200"
            for path in ("/hooks/..%2fapi/v1/runs", "/hooks/../api/v1/runs", "/hooks%2f..%2fapi%2fv1%2fruns"):
                answer = await asked(served, f"GET {path} HTTP/1.1\n{bearer}")
                assert answer[9:12] == b"400"
                assert b"runs" not in answer
            for path in (
                "/api/v1/runs/..%2f..%2f..%2f..%2fhooks/x",
                "/api/v1/../../hooks/x",
                "/api/v1/pipelines/%5c/file",
            ):
                answer = await asked(served, f"GET {path} HTTP/1.1\n{bearer}")
                assert answer[9:12] == b"404"
                assert b'"error"' in answer

    asyncio.run(main())


@pytest.mark.parametrize(
    "path", ["/", "/hooks/new-student/0123", "/.well-known/x", "/a..b/...", "/static/main.js", "/%D0%96"]
)
def test_a_path_that_can_be_read_in_one_way_only_is_taken(path: str) -> None:
    assert not is_unclear({"path": path, "raw_path": path.encode()})


@given(st.lists(st.sampled_from(["a", ".", "..", "hooks", "%2e", "%2E.", "%2f", "%5C", "...", ".b"]), min_size=1))
def test_no_path_that_is_taken_has_a_segment_that_means_another_folder(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    decoded = path.lower().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/")
    means_another = bool({".", ".."} & set(decoded.split("/"))) or "%2f" in path or "%5C" in path
    assert is_unclear({"path": path, "raw_path": path.encode()}) == means_another
