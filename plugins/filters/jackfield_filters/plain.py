"""What a filter is given: a value of an event, as plain text."""

from __future__ import annotations


def is_blank(value: object) -> bool:
    """Whether a value says nothing: null, or text of nothing but spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def plain_text(value: object) -> str:
    """Return text as it is and a number as it is written. Raises TypeError for anything else."""
    text = str(value)  # if there is no value, the host's placeholder raises here and says what is missing
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return text
    raise TypeError("only text and numbers can be used here; write a table or a list as text with tojson")
