"""A field of curl's -F, read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = r'\s*(?:"(?P<quoted>(?:\\.|[^"\\])*)"[^;]*|(?P<bare>[^;]*))'
_CONTENT: Final = re.compile(_WORD, re.DOTALL)
_PARAMETER: Final = re.compile(rf";\s*(?:(?P<name>[a-z]+)=)?{_WORD}", re.DOTALL)
_ESCAPED: Final = re.compile(r'\\([\\"])')


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a multipart form; without a `type` and a `filename` it is a plain text."""

    name: str
    text: str
    type: str = ""
    filename: str = ""


def read_form_field(option: str, *, literal: bool) -> FormField:
    """Read what -F says, or --form-string if it is `literal`. Raises ValueError for what is not imported."""
    name, equals, content = option.partition("=")
    if not equals or not name:
        raise ValueError("-F must be name=value; is the command complete?")
    if literal:
        return FormField(name, content)
    if content[:1] in ("@", "<"):
        raise ValueError(
            f"-F {name}={content[0]} reads a file, which a step cannot; leave it out, and write a part of multipart "
            "that has the file in base64"
        )
    if content[:1] == "(":
        raise ValueError(f"-F {name}=( has parts of its own, which are not imported; write the step by hand")
    word = _CONTENT.match(content)
    assert word is not None  # noqa: S101 - it may be empty
    return _with_parameters(FormField(name, _said(word)), content[word.end() :])


def _with_parameters(field: FormField, text: str) -> FormField:
    """Read what follows the content: curl passes over what it does not know, but for the parameters of a type."""
    kind, filename = "", ""
    for parameter in _PARAMETER.finditer(text):
        name, value = parameter["name"], _said(parameter)
        if name in ("encoder", "headers"):
            raise ValueError(f"-F with {name}= is not imported; leave it out, or write the step by hand")
        if name == "type":
            kind = value
        elif name == "filename":
            filename = value
        elif kind:
            kind += f"; {name}={value}" if name else f"; {value}"
    return FormField(field.name, field.text, kind, filename)


def _said(match: re.Match[str]) -> str:
    quoted = match["quoted"]
    return match["bare"].strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
