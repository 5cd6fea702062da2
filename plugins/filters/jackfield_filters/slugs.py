"""Text in Latin letters."""

from __future__ import annotations

from slugify import slugify


def slug(value: object, separator: str = "-") -> str:
    """Write text in small Latin letters and digits, with `separator` between the words: `Анна Ли` is `anna-li`."""
    return slugify(str(value), separator=separator)
