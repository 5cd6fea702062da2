"""A regular expression out of a file: it runs on RE2, which never tries again what it has tried.

Python's own engine may need years for a text of forty characters, and nothing can interrupt it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import re2

from jackfield.errors import TemplateError
from jackfield.templates.limits.budget import Budget

_START: Final = 40
"""Steps that one search takes besides looking at the text."""
_UNENDING: Final = re.compile(r"[*+]|\{[0-9]+,\}")
_GROUP: Final = re.compile(r"\\(?:[0-9]|g<)")


class Pattern:
    """A compiled regular expression, as RE2 has them: without look-around and references to groups.

    Raises `TemplateError` if it is none.
    """

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled = re2.compile(text, options)
        except (re2.error, UnicodeError) as error:
            raise TemplateError(f"{text!r} is not a regular expression that RE2 knows: {_said(error)}") from None
        self._size = self._compiled.programsize
        self._unending = _UNENDING.search(text) is not None

    def search(self, text: str, budget: Budget) -> bool:
        """Whether it matches anywhere in a text."""
        self._count(len(text), budget)
        return self._compiled.search(_sayable(text)) is not None

    def sub(self, replacement: str, text: str, budget: Budget) -> str:
        r"""Put something in the place of each match; `\1` in it is what the first group has matched."""
        return "".join(self._pieces(replacement, _sayable(text), budget))

    def _pieces(self, replacement: str, text: str, budget: Budget) -> Iterator[str]:
        groups = len(_GROUP.findall(replacement))
        end = length = 0
        self._count(len(text), budget)
        for match in self._compiled.finditer(text):
            self._count(len(text) - end if self._unending else match.end() - end, budget)
            length += match.start() - end + len(replacement) + groups * (match.end() - match.start())
            budget.text(length)
            yield text[end : match.start()]
            yield match.expand(replacement)
            end = match.end()
        yield text[end:]

    def _count(self, length: int, budget: Budget) -> None:
        """Count a search. RE2 looks at each character once, at worst for each place in the expression."""
        budget.spend(_START + (length * self._size >> 3))


def _said(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _sayable(text: str) -> str:
    """Return the text without halves of characters, which cannot be written in UTF-8."""
    return text if text.isascii() else text.encode(errors="replace").decode()
