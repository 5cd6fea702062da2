"""Reads a form out of a page, as a browser without scripts would send it."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

_VOID = {"input", "br", "img", "meta", "link", "hr"}


class FormReader(HTMLParser):
    """Collects what the form with this id, or the first one of this class, would send."""

    def __init__(self, id: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pairs: list[tuple[str, str]] = []
        self.buttons: list[str] = []
        self._id = id
        self._inside = False
        self._select: str | None = None
        self._chosen: str | None = None
        self._first: str | None = None
        self._option: tuple[str | None, bool] | None = None
        self._text: list[str] = []
        self._area: str | None = None

    def feed(self, data: str) -> None:
        """Read a page; every line end is a line feed, as a browser has it before it reads anything."""
        super().feed(data.replace("\r\n", "\n").replace("\r", "\n"))

    def handle_starttag(self, tag: str, found: list[tuple[str, str | None]]) -> None:
        given = dict(found)
        if tag == "form":
            self._inside = given.get("id") == self._id
        if not self._inside:
            return
        name = given.get("name")
        if tag == "input" and name:
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                self.pairs.append((name, given.get("value") or ""))
        elif tag == "button":
            self.buttons.append(given.get("value") or "")
        elif tag == "textarea" and name:
            self._area, self._text = name, []
        elif tag == "select" and name:
            self._select, self._chosen, self._first = name, None, None
        elif tag == "option":
            self._option, self._text = (given.get("value"), "selected" in given), []

    def handle_endtag(self, tag: str) -> None:
        text = "".join(self._text)
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            self.pairs.append((self._area, text.removeprefix("\n").replace("\n", "\r\n")))
            self._area = None
        elif tag == "option" and self._option:
            value, selected = self._option
            value = text if value is None else value
            self._first = value if self._first is None else self._first
            self._chosen = value if selected else self._chosen
            self._option = None
        elif tag == "select" and self._select:
            chosen = self._first if self._chosen is None else self._chosen
            if chosen is not None:
                self.pairs.append((self._select, chosen))
            self._select = None

    def handle_data(self, data: str) -> None:
        self._text.append(data)


def form_of(page: str, id: str = "editor") -> dict[str, list[str]]:
    """Return what the form of a page would send, buttons left out: the values of each name."""
    reader = FormReader(id)
    reader.feed(page)
    form: dict[str, list[str]] = {}
    for name, value in reader.pairs:
        form.setdefault(name, []).append(value)
    return form


def buttons_of(page: str, id: str = "editor") -> Sequence[str]:
    """Return the values of the buttons of the form."""
    reader = FormReader(id)
    reader.feed(page)
    return reader.buttons
