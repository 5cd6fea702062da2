"""The command `import-curl`: writes the step that sends what a curl command sends."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import typer
from pydantic import JsonValue

from jackfield.cli.curl.command import CurlCommand, read_curl
from jackfield.cli.local import HERE, ProjectOption
from jackfield.cli.output import plain
from jackfield.components.content_type import is_json_type
from jackfield.errors import ConfigurationError
from jackfield.project.file_reader import read_file
from jackfield.project.key_literals import key_literals
from jackfield.project.secrets import LIKELY_SECRET, Secrets
from jackfield.project.settings import PIPELINES_FOLDER
from jackfield.project.toml_file import MEGABYTES
from jackfield.project.toml_text import toml_lines, toml_value

_NAMED: Final = re.compile(r"\bsecret\.([A-Za-z_]\w*)")
_OPENING: Final = re.compile(r"\{[{%#]")
_SECRET_PATHS: Final = (
    ("BOT_TOKEN", re.compile(r"(?<=/bot)[0-9]+:[\w-]+")),
    ("WEBHOOK_KEY", re.compile(r"(?<=/)[0-9a-z]{16}(?=/\w+(\.\w+)+$)")),
)
_PORTS: Final = {"http": ":80", "https": ":443"}
_MOST: Final = 20
"""How many redirects a step can follow."""
_FORM: Final = "application/x-www-form-urlencoded"
_JSON_TYPES: Final = frozenset(
    {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}
)


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("import-curl")(import_curl)


def import_curl(
    command: Annotated[
        str, typer.Argument(metavar="COMMAND", help="The curl command, in quotes; - reads it from standard input.")
    ] = "-",
    *,
    project: ProjectOption = HERE,
) -> None:
    """Print the step that sends what a curl command sends, with the credentials left to secrets.toml.

    The secrets get names that the project does not have with another value.
    """
    text = sys.stdin.read() if command == "-" else command
    try:
        step = _Writer(read_curl(text), _taken(project))
        print("\n".join(step.lines()))  # noqa: T201 - as it is: a program may read it
    except ValueError as error:
        message = plain(str(error)).replace("\n", " ")
        raise typer.BadParameter(message) from None
    for note in step.notes():
        print(plain(note), file=sys.stderr)  # noqa: T201


class _Writer:
    """Writes one step; collects on the way which secrets it needs and what it leaves out."""

    def __init__(self, command: CurlCommand, taken: Mapping[str, str | None]) -> None:
        self.command = command
        self.taken = taken
        self.owner = _owner(command.url)
        self.secrets: dict[str, str] = {}

    def lines(self) -> list[str]:
        """Return the lines of the step. Raises ValueError for text that TOML cannot hold."""
        step = self._step()
        plain_keys = {key: value for key, value in step.items() if not _is_section(value)}
        lines = ["[[steps]]", 'use = "http_request"', *toml_lines(plain_keys)]
        for key, value in step.items():
            if isinstance(value, dict) and key not in plain_keys:
                lines += ["", f"[steps.{key}]", *toml_lines(value)]
        return lines

    def notes(self) -> list[str]:
        """Say what was left out, and which secrets to set."""
        setting = [
            f"the secret {name} is set already, to the same value"
            if self.taken.get(name) == value
            else f"set the secret {name}, in secrets.toml or as JACKFIELD_SECRET_{name}"
            for name, value in self.secrets.items()
        ]
        return [*(f"note: {note}" for note in self.command.notes), *setting]

    def _step(self) -> dict[str, JsonValue]:
        command = self.command
        step: dict[str, JsonValue] = {"method": command.method.upper(), **self._address()}
        if command.follow and command.most_redirects != 0:
            step["redirects"] = "all"
            if command.most_redirects is not None:
                step["max_redirects"] = command.most_redirects if 0 < command.most_redirects < _MOST else _MOST
        if command.timeout:
            step["timeout"] = f"{command.timeout} s"
        if command.connect:
            step["timeouts"] = {"connect": f"{command.connect} s"}
        if command.user is not None:
            step["auth"] = {"basic": self._login(command.user, self.owner)}
        if command.proxy and command.proxy_user is not None:
            login = self._login(command.proxy_user, _owner(command.proxy.rpartition(":")[0]))
            step["proxy"] = {"url": _literal(command.proxy), **login}
        elif command.proxy:
            step["proxy"] = _literal(command.proxy)
        return step | self._payload()

    def _login(self, user: str, owner: str) -> dict[str, JsonValue]:
        """Write user and password. Where there is no password, the user's name is the secret: APIs take a key so."""
        name, _, password = user.partition(":")
        if name and not password:
            return {"username": self._secret("KEY", name, owner), "password": ""}
        looks_like_a_key = any(key_literals({"username": name}))
        shown = self._secret("USER", name, owner) if looks_like_a_key else _literal(name)
        return {"username": shown, "password": self._secret("PASSWORD", password, owner)}

    def _address(self) -> dict[str, JsonValue]:
        """Leave the query in the address as it is, unless there is a secret in it."""
        address, _, query = self.command.url.partition("?")
        query = "&".join(filter(None, (query, self.command.query)))
        for name, pattern in _SECRET_PATHS:
            if match := pattern.search(address):
                hidden = self._secret(name, match[0])
                before, after = address[: match.start()], address[match.end() :]
                return {"url": f"{_literal(before)}{hidden}{_literal(after)}"} | self._query(query)
        pairs = parse_qsl(query, keep_blank_values=True)
        if any(LIKELY_SECRET.search(name) for name, _ in pairs):
            return {"url": _literal(address)} | self._query(query)
        return {"url": _literal(f"{address}?{query}" if query else address)}

    def _query(self, query: str) -> dict[str, JsonValue]:
        pairs = parse_qsl(query, keep_blank_values=True)
        return {"query": self._pairs(pairs)} if pairs else {}

    def _payload(self) -> dict[str, JsonValue]:
        headers = list(self.command.headers)
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        body, automatic = self._multipart() if self.command.form else self._body(kind)
        if automatic:
            headers = [pair for pair in headers if pair[0].lower() != "content-type"]
        shown = self._pairs(headers, self._header)
        return ({"headers": shown} if shown else {}) | body

    def _multipart(self) -> tuple[dict[str, JsonValue], bool]:
        parts: list[JsonValue] = []
        for field in self.command.form:
            given = {"name": _literal(field.name), "text": self._value(field.name, field.text)}
            about = {"type": _literal(field.type), "filename": _literal(field.filename)}
            parts.append({**given, **{key: text for key, text in about.items() if text}})
        return {"multipart": parts}, True

    def _body(self, kind: str) -> tuple[dict[str, JsonValue], bool]:
        """Return the option that is the body, and whether its Content-Type goes without saying."""
        text = self.command.body
        if text is None:
            return {}, False
        if is_json_type(kind) and (body := self._json(text)):
            return body, "json" in body and kind.lower() in _JSON_TYPES
        if kind.lower() == _FORM and (pairs := _form(text)):
            return {"form": self._pairs(pairs)}, True
        return {"body": self._text(text)}, False

    def _json(self, text: str) -> dict[str, JsonValue]:
        """Return JSON as a table; nothing if it is no JSON, or such that TOML cannot say."""
        known = dict(self.secrets)
        try:
            hidden = self._hidden(json.loads(text, object_pairs_hook=_unique))
            toml_value(hidden)
        except (ValueError, RecursionError):
            self.secrets = known
            return {}
        return {"json": hidden}

    def _text(self, text: str) -> str:
        """Keep the text; only what looks like a secret in JSON is replaced."""
        pieces, position = [], 0
        for match in re.finditer(r'"((?:\\.|[^"\\])*)"(\s*:\s*)("(?:\\.|[^"\\])+")', text):
            if LIKELY_SECRET.search(match[1]):
                name = self._secret_name(match[1], match[3][1:-1])
                pieces += [_literal(text[position : match.start(3)]), f"{{{{ secret.{name} | tojson }}}}"]
                position = match.end(3)
        return "".join([*pieces, _literal(text[position:])])

    def _hidden(self, value: Any, name: str = "") -> JsonValue:
        if isinstance(value, dict):
            if any(_OPENING.search(key) for key in value):
                raise ValueError("a key cannot be a template")
            return {key: self._hidden(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._hidden(item, name) for item in value]
        return self._value(name, value) if isinstance(value, str) else value

    def _pairs(self, pairs: list[tuple[str, str]], write: Any = None) -> JsonValue:
        """Write a table, or a list of pairs if a table could not keep them."""
        write = write or self._value
        shown: list[tuple[str, str]] = [(name, write(name, value)) for name, value in pairs]
        if len({name for name, _ in shown}) < len(shown) or any(_OPENING.search(name) for name, _ in shown):
            return [[_literal(name), value] for name, value in shown]
        return dict(shown)

    def _header(self, name: str, value: str) -> str:
        scheme, space, token = value.partition(" ")
        if name.lower() in ("authorization", "proxy-authorization"):
            if space and scheme.isalpha():
                return f"{scheme} {self._secret('TOKEN' if scheme.lower() == 'bearer' else name, token)}"
            return self._secret(name, value)
        return self._secret("COOKIE", value) if name.lower() == "cookie" else self._value(name, value)

    def _value(self, name: str, value: str) -> str:
        return self._secret(name, value) if value and LIKELY_SECRET.search(name) else _literal(value)

    def _secret(self, name: str, value: str, owner: str | None = None) -> str:
        return f"{{{{ secret.{self._secret_name(name, value, owner)} }}}}"

    def _secret_name(self, name: str, value: str, owner: str | None = None) -> str:
        """Give a secret a name: the same for the same value, another one for another value.

        It begins with the host that it is for, so that the secrets of two steps do not get in each other's way.
        """
        base = re.sub(r"[^A-Z0-9]+", "_", f"{self.owner if owner is None else owner}_{name}".upper()).strip("_")
        base = base if base and not base[0].isdigit() else f"SECRET_{base}".rstrip("_")
        chosen, number = base, 1
        while self.taken.get(chosen, value) != value or self.secrets.setdefault(chosen, value) != value:
            number += 1
            chosen = f"{base}_{number}"
        return chosen


def _taken(folder: Path) -> Mapping[str, str | None]:
    """Find the names that a project's secrets have, with their values; None: a pipeline names one that is not set."""
    taken: dict[str, str | None] = {}
    for path in sorted((folder / PIPELINES_FOLDER).glob("*.toml")):
        with suppress(OSError):  # whoever loads it says why
            text = read_file(path, MEGABYTES).decode("utf-8", "replace")
            taken |= dict.fromkeys(_NAMED.findall(text))
    with suppress(ConfigurationError):
        taken |= Secrets.load(folder, os.environ)
    return taken


def _owner(url: str) -> str:
    """Return the host of a URL, with its port if that is not the usual one, as the beginning of secrets' names."""
    address = re.match(r"(https?)://([^/?#]*)", url, re.IGNORECASE)
    if address is None:
        return ""
    return address[2].lower().removeprefix("www.").removesuffix(_PORTS[address[1].lower()])


def _literal(text: str) -> str:
    """Write text so that no template is seen in it."""
    return _OPENING.sub(lambda match: f"{{{{ '{match[0]}' }}}}", text)


def _is_section(value: JsonValue) -> bool:
    return isinstance(value, dict) and bool(value) and not any(key in value for key in ("connect", "basic"))


def _form(text: str) -> list[tuple[str, str]]:
    """Read an urlencoded form; nothing if it is another text, unless there is a secret in it."""
    try:
        return parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        pairs = parse_qsl(text, keep_blank_values=True)
        return pairs if any(LIKELY_SECRET.search(name) for name, _ in pairs) else []


def _unique(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name is repeated")
    return dict(pairs)
