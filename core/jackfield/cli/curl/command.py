"""A curl command, read: what it would send, with nothing decided yet about how a step says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from jackfield.cli.curl.form_field import FormField, read_form_field
from jackfield.cli.curl.shell_words import split_words

_VALUES: Final = {
    "-X": "request", "--request": "request", "-H": "header", "--header": "header", "-d": "data", "--data": "data",
    "--data-ascii": "data", "--data-raw": "data-raw", "--data-binary": "data", "--data-urlencode": "data-urlencode",
    "--json": "json", "-F": "form", "--form": "form", "--form-string": "form-string", "-u": "user", "--user": "user",
    "-b": "cookie", "--cookie": "cookie", "-A": "user-agent", "--user-agent": "user-agent", "-e": "referer",
    "--referer": "referer", "-m": "max-time", "--max-time": "max-time", "--connect-timeout": "connect-timeout",
    "--max-redirs": "max-redirs", "-x": "proxy", "--proxy": "proxy", "-U": "proxy-user", "--proxy-user": "proxy-user",
    "--url": "url", "--oauth2-bearer": "bearer",
    "-o": "", "--output": "", "-w": "", "--write-out": "",
}  # fmt: skip
_FLAGS: Final = {
    "-G": "get", "--get": "get", "-I": "head", "--head": "head", "-L": "location", "--location": "location",
    "-k": "insecure", "--insecure": "insecure", "--compressed": "", "-s": "", "--silent": "", "-S": "",
    "--show-error": "", "-v": "", "--verbose": "", "-i": "", "--include": "", "--show-headers": "", "-f": "",
    "--fail": "", "--fail-with-body": "", "-g": "", "--globoff": "", "-N": "", "--no-buffer": "", "-#": "",
    "--progress-bar": "", "--no-progress-meter": "", "--http1.1": "", "--http2": "",
}  # fmt: skip
_HELD: Final = "write the step by hand"
_FORM: Final = "application/x-www-form-urlencoded"
_UNSET: Final = frozenset(
    {"accept-encoding", "connection", "content-length", "keep-alive", "proxy-connection", "te", "transfer-encoding"}
)
"""Headers about one connection, which a step sets by itself."""
_BROWSERS: Final = frozenset({"dnt", "priority", "upgrade-insecure-requests"})
"""Headers that describe the browser and mean nothing to an API, as those that begin with `sec-` do."""


@dataclass(frozen=True, slots=True)
class CurlCommand:
    """What a command sends. `query` are the data of `-G`; `timeout` and `connect` are seconds.

    `most_redirects` is None where the command does not say it, and negative where there is to be no limit.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str | None
    form: tuple[FormField, ...]
    query: str
    user: str | None
    proxy: str | None
    proxy_user: str | None
    follow: bool
    most_redirects: int | None
    timeout: str | None
    connect: str | None
    notes: tuple[str, ...]


def read_curl(text: str) -> CurlCommand:
    """Read a command. Raises ValueError, naming the option, for what cannot be imported."""
    words = split_words(text)
    if words[:1] in (["$"], [">"]):
        del words[0]
    if not words or words[0].lower().removesuffix(".exe") != "curl":
        raise ValueError("the command does not begin with curl; paste all of it, in quotes or on standard input")
    return _Reading(list(_options(words[1:]))).command()


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give each option as its long name with its value; addresses are `url`."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            yield from _long(word, rest)
        elif word.startswith("-") and word != "-":
            yield from _short(word, rest)
        else:
            yield "url", word


def _long(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    name, mark, value = word.partition("=")
    if name in _VALUES:
        yield _VALUES[name], value if mark else _value(name, rest)
    elif name in _FLAGS and not mark:
        yield _FLAGS[name], ""
    else:
        raise ValueError(f"{name} is an option that is not imported; leave it out, or {_HELD}")


def _short(word: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    for place, letter in enumerate(word[1:], 2):
        name = f"-{letter}"
        if name in _VALUES:
            glued = word[place:]
            yield _VALUES[name], glued.removeprefix("=") if glued else _value(name, rest)
            return
        if name not in _FLAGS:
            raise ValueError(f"{name} is an option that is not imported; leave it out, or {_HELD}")
        yield _FLAGS[name], ""


def _value(name: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise ValueError(f"{name} has no value; is the command complete?")
    return value


class _Reading:
    """One reading of the options of one command."""

    def __init__(self, options: list[tuple[str, str]]) -> None:
        self.options = options
        self.names = {name for name, _ in options}

    def command(self) -> CurlCommand:
        data, form = self._data(), tuple(self._form())
        if form and data is not None:
            raise ValueError("the command has -F and -d; a request has one body")
        in_query = "get" in self.names and data is not None
        url, user = self._address()
        proxy, proxy_user = self._proxy()
        return CurlCommand(
            method=self._last("request") or self._method(sends_data=data is not None, sends_form=bool(form)),
            url=url,
            headers=tuple(self._headers(body=data is not None and not in_query)),
            body=None if in_query else data,
            form=form,
            query=(data or "") if in_query else "",
            user=self._last("user") or user,
            proxy=proxy,
            proxy_user=proxy_user,
            follow="location" in self.names,
            most_redirects=self._most_redirects(),
            timeout=self._seconds("max-time"),
            connect=self._seconds("connect-timeout"),
            notes=tuple(self._notes()),
        )

    def _all(self, name: str) -> list[str]:
        return [value for key, value in self.options if key == name]

    def _last(self, name: str) -> str | None:
        return (self._all(name) or [None])[-1]  # type: ignore[list-item]

    def _method(self, *, sends_data: bool, sends_form: bool) -> str:
        if "head" in self.names:
            return "HEAD"
        return "POST" if sends_form or (sends_data and "get" not in self.names) else "GET"

    def _address(self) -> tuple[str, str | None]:
        """Return the address as curl would complete it, and the user that stands in it."""
        urls = self._all("url")
        if len(urls) != 1:
            raise ValueError(f"the command has {len(urls) or 'no'} addresses; a step has one")
        url = urls[0] if re.match(r"https?://", urls[0], re.IGNORECASE) else f"http://{urls[0]}"
        if re.match(r"https?://[a-z]+://", url, re.IGNORECASE):
            raise ValueError(f"{urls[0].partition(':')[0]}: is not imported; the address must begin with http or https")
        address, user = _parted(url)
        return address.partition("#")[0], user

    def _proxy(self) -> tuple[str | None, str | None]:
        """Return the proxy's address as curl would complete it, and the user for it."""
        proxy = self._last("proxy")
        if not proxy:
            return None, None
        address, user = _parted(proxy if "://" in proxy else f"http://{proxy}")
        match = re.fullmatch(r"(https?)://([^/]+?)(:[0-9]+)?/?", address, re.IGNORECASE)
        if match is None:
            raise ValueError(
                "-x must be a proxy of http:// or https://, for no other is imported; write the step by hand"
            )
        port = match[3] or (":1080" if match[1].lower() == "http" else "")
        return f"{match[1].lower()}://{match[2]}{port}", self._last("proxy-user") or user

    def _data(self) -> str | None:
        text: str | None = None
        for name, value in self.options:
            if name not in ("data", "data-raw", "data-urlencode", "json"):
                continue
            joint = "" if text is None or name == "json" else "&"
            text = (text or "") + joint + _datum(name, value)
        return text

    def _form(self) -> Iterator[FormField]:
        for name, value in self.options:
            if name in ("form", "form-string"):
                yield read_form_field(value, literal=name == "form-string")

    def _headers(self, *, body: bool) -> Iterator[tuple[str, str]]:
        given = [_header(line) for line in self._all("header")]
        names = {name.lower() for name, _ in given}
        for name, value in self._implied(body=body):
            if name.lower() not in names:
                yield name, value
        yield from ((name, value) for name, value in given if value is not None and not self._is_noise(name, value))

    def _is_noise(self, name: str, value: str) -> bool:
        """Tell whether a header is about the connection, or about the browser that the command was copied from."""
        match name.lower():
            case "host":
                return value.lower() == self._address()[0].partition("://")[2].partition("/")[0].lower()
            case "user-agent":
                return value.startswith("Mozilla/")
            case small:
                return small in _UNSET or small in _BROWSERS or small.startswith("sec-")

    def _implied(self, *, body: bool) -> Iterator[tuple[str, str]]:
        if body:
            yield "Content-Type", "application/json" if "json" in self.names else _FORM
        if "json" in self.names:
            yield "Accept", "application/json"
        for name, option in (("User-Agent", "user-agent"), ("Referer", "referer"), ("Cookie", "cookie")):
            if value := "; ".join(self._all(option)) if option == "cookie" else self._last(option):
                yield name, _cookie(value) if option == "cookie" else value
        if bearer := self._last("bearer"):
            yield "Authorization", f"Bearer {bearer}"

    def _seconds(self, name: str) -> str | None:
        value = self._last(name)
        if value is not None and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            raise ValueError(f"--{name} {value} is not a number of seconds")
        return value

    def _most_redirects(self) -> int | None:
        value = self._last("max-redirs")
        if value is not None and not re.fullmatch(r"-?[0-9]{1,9}", value):
            raise ValueError(f"--max-redirs {value} is not a number")
        return None if value is None else int(value)

    def _notes(self) -> Iterator[str]:
        if "insecure" in self.names:
            yield "-k is not taken over: certificates are always checked"


def _parted(url: str) -> tuple[str, str | None]:
    """Part a URL from the user and the password in it."""
    scheme, rest = url.split("://", 1)
    place = re.search(r"[/?#]|$", rest).start()  # type: ignore[union-attr]  # "$" is always found
    user, mark, host = rest[:place].rpartition("@")
    return f"{scheme}://{host}{rest[place:]}", unquote(user) if mark else None


def _datum(name: str, value: str) -> str:
    if name == "data-urlencode":
        if "=" in value:
            key, _, content = value.partition("=")
            return f"{key}={quote(content, safe='')}" if key else quote(content, safe="")
        if "@" not in value:
            return quote(value, safe="")
    elif name == "data-raw" or not value.startswith("@"):
        return value
    raise ValueError(f"--{name} reads a file (@), which a step cannot; write its text into the command")


def _header(line: str) -> tuple[str, str | None]:
    """Read a header; None for one that is only there to keep curl from sending its own."""
    if line.startswith("@"):
        raise ValueError("-H reads a file (@), which a step cannot; write the headers into the command")
    name, colon, value = line.partition(":")
    if not colon:
        return name.rstrip(" ;"), "" if line.rstrip().endswith(";") else None
    return name.strip(), value.strip() or None


def _cookie(value: str) -> str:
    if "=" not in value:
        raise ValueError(
            "-b reads a file unless it is name=value, which a step cannot; write the cookies into the command"
        )
    return value
