from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield import JsonObject, PermanentFailure
from jackfield.journal.records import State
from jackfield_http_request.auth.credentials import Digest
from jackfield_http_request.auth.digest import DigestFlow
from jackfield_http_request.options import HttpRequestOptions
from tests.destinations.kit import Received, Reply
from tests.plugins.http_request.service import Service, http_request, passed, step
from tests.servers import listening

USER, PASSWORD, REALM = "Mufasa", "Circle of Life", "http-auth@example.org"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
AUTH = {"digest": {"username": USER, "password": PASSWORD}}


LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
VALUE = st.sampled_from(["auth", '"auth"', "MD5", "sha-256-SESS", '"', "", "a=b", '"\\"', "\xe9"])
KEY = st.sampled_from(["realm", "nonce", "algorithm", "opaque", "qop", "QOP", "", "x"])
CHALLENGES = st.lists(st.tuples(KEY, VALUE)).map(lambda pairs: ",".join(f"{key}={value}" for key, value in pairs))


def expected(method: str, given: Mapping[str, str], user: str = USER, password: str = PASSWORD) -> str:
    """Compute the response that RFC 7616, section 3.4.1, wants, for a server that knows the password."""
    algorithm = given.get("algorithm", "MD5").upper()
    name = algorithm.removesuffix("-SESS").replace("-", "").lower()

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(user, given["realm"], password)
    if algorithm.endswith("-SESS"):
        secret = hashed(secret, given["nonce"], given["cnonce"])
    more = [given["nc"], given["cnonce"], given["qop"]] if "qop" in given else []
    return hashed(secret, given["nonce"], *more, hashed(method, given["uri"]))


class Guarded(Service):
    """Lets in whoever answers its challenge: the scheme's parameters, and a second scheme's if there is one."""

    def __init__(self, *challenges: str, user: str = USER, password: str = PASSWORD) -> None:
        super().__init__()
        self.challenges = challenges
        self.known = (user, password)

    def answer(self, received: Received) -> Reply:
        scheme, _, fields = received.headers.get("authorization", "").partition(" ")
        given = parse_keqv_list(parse_http_list(fields)) if scheme == "Digest" else {}
        target = f"{received.path}?{received.query}" if received.query else received.path
        if given and given["uri"] == target and given["response"] == expected(received.method, given, *self.known):
            assert (given["realm"], given["nonce"], given["username"]) == (REALM, NONCE, self.known[0])
            return Reply.json(200, {"in": True})
        # The kit's server cannot repeat a header's name in a mapping; another spelling is another key.
        names = ("WWW-Authenticate", "Www-Authenticate")
        return Reply(401, b"who are you?", dict(zip(names, self.challenges, strict=False)))


def challenge(**more: str) -> str:
    fields = {"realm": f'"{REALM}"', "nonce": f'"{NONCE}"'} | more
    return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


def result(service: Service, auth: Mapping[str, Any] = AUTH, path: str = "/dir/index.html", **more: Any) -> JsonObject:
    async def main() -> JsonObject:
        async with service.serving(), http_request() as action:
            options = {"url": service.url + path, "auth": auth} | more
            return await action.run(HttpRequestOptions.model_validate(options), step())

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_tests_own_server_expects_what_the_rfc_shows(algorithm: str, response: str) -> None:
    """RFC 7616, section 3.9.1."""
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    given = {"realm": REALM, "nonce": NONCE, "uri": "/dir/index.html", "nc": "00000001", "cnonce": cnonce}
    assert expected("GET", {**given, "qop": "auth", "algorithm": algorithm}) == response


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512"])
@pytest.mark.parametrize("qop", ['"auth"', '"auth, auth-int"', '"auth-int,auth"'])
def test_a_challenge_is_answered(algorithm: str, qop: str) -> None:
    service = Guarded(challenge(qop=qop, algorithm=algorithm, opaque='"abc"'))
    assert result(service, path="/a%20b?c=d", json={"e": "f"})["body"] == {"in": True}
    first, second = service.received
    assert "authorization" not in first.headers
    assert 'opaque="abc"' in second.headers["authorization"]
    assert (first.method, first.body) == (second.method, second.body) == ("POST", b'{"e":"f"}')
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_a_challenge_of_the_old_kind_is_answered() -> None:
    assert result(Guarded(challenge()))["status"] == 200


@settings(max_examples=25)
@given(LINE.filter(lambda text: not set(':"\\') & set(text)), LINE)
def test_user_name_and_password_may_have_any_letters(user: str, password: str) -> None:
    auth = {"digest": {"username": user, "password": password}}
    assert result(Guarded(challenge(qop='"auth"'), user=user, password=password), auth)["status"] == 200


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"])) | CHALLENGES)
def test_no_challenge_is_too_odd_to_be_answered_or_refused(text: str) -> None:
    request = httpx.Request("POST", "https://crm.example.ru/")
    flow = DigestFlow(Digest.model_validate(AUTH["digest"])).auth_flow(request)
    assert next(flow) is request
    response = httpx.Response(401, headers=[(b"WWW-Authenticate", f"Digest {text}".encode("latin-1"))])
    try:
        answered = flow.send(response)
    except PermanentFailure:
        return
    assert answered.headers["authorization"].startswith("Digest username=")


@pytest.mark.parametrize("other", ['Basic realm="x"', challenge(algorithm="SHA-512-256"), challenge(qop='"auth-int"')])
def test_of_several_challenges_the_first_that_can_be_answered_is(other: str) -> None:
    assert result(Guarded(other, challenge(qop='"auth"')))["status"] == 200


@pytest.mark.parametrize(
    "unusable",
    [
        challenge(algorithm="SHA-512-256"),
        challenge(qop='"auth-int"'),
        challenge(qop='"new"'),
        'Digest realm="x"',
        "Digest what",
        "Digest ,=,",
    ],
)
def test_a_challenge_that_cannot_be_answered_fails_for_good(unusable: str) -> None:
    service = Guarded(unusable)
    with pytest.raises(PermanentFailure, match=r"127\.0\.0\.1 asks for a digest that cannot be made"):
        result(service)
    assert len(service.received) == 1


def test_a_wrong_password_is_tried_once_and_fails_for_good() -> None:
    service = Guarded(challenge(qop='"auth"'))
    with pytest.raises(PermanentFailure, match="answered 401: who are you"):
        result(service, {"digest": {"username": USER, "password": "wrong"}})
    assert len(service.received) == 2


def test_nobody_is_told_more_than_asked() -> None:
    service = Service()
    assert result(service)["status"] == 204
    [received] = service.received
    assert "authorization" not in received.headers
    with pytest.raises(PermanentFailure, match="answered 401"):
        result(Guarded('Basic realm="x"'))


def test_a_redirect_is_answered_for_its_own_address_and_at_another_origin_not_at_all() -> None:
    class Moved(Guarded):
        def answer(self, received: Received) -> Reply:
            reply = super().answer(received)
            there = "/there" if self.near else f"{self.elsewhere}/there"
            return Reply(307, headers={"Location": there}) if received.path == "/" and reply.status == 200 else reply

        near = True

    near, far = Moved(challenge(qop='"auth"')), Moved(challenge(qop='"auth"'))
    far.near = False
    assert result(near, path="/", redirects="all")["body"] == {"in": True}
    assert [received.path for received in near.received] == ["/", "/", "/there", "/there"]
    with pytest.raises(PermanentFailure, match="answered 401"):
        result(far, path="/", redirects="all")
    assert [received.path for received in far.received] == ["/", "/", "/there"]
    assert "authorization" not in far.received[-1].headers


def test_an_endless_refusal_is_not_read_to_its_end() -> None:
    async def main() -> JsonObject:
        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"\r\nAuthorization: Digest" in head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                return
            lines = f"HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge()}\r\nContent-Length: 1000000000\r\n\r\n"
            writer.write(lines.encode())
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

        async with listening(endless) as port, http_request() as action:
            options = {"url": f"http://127.0.0.1:{port}", "auth": AUTH}
            async with asyncio.timeout(10):
                return await action.run(HttpRequestOptions.model_validate(options | {"max_answer": "1 KB"}), step())

    assert asyncio.run(main())["body"] == "ok"


def test_the_journal_has_both_exchanges_and_no_password(tmp_path: Path) -> None:
    auth = f'auth = {{ digest = {{ username = "{USER}", password = "{{{{ secret.PASSWORD }}}}" }} }}'
    view = passed(tmp_path, Guarded(challenge(qop='"auth"')), auth, PASSWORD=PASSWORD)
    assert view.summary.state is State.SUCCEEDED
    first, second = view.attempts[0].exchanges
    assert [first.status, second.status] == [401, 200]
    assert "Authorization" not in dict(first.request_headers)
    assert dict(second.request_headers)["Authorization"] == "***"
    assert PASSWORD not in repr(view)
