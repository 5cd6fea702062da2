"""Base64, both ways."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode

from jackfield_filters.plain import plain_text


class NotBase64Error(ValueError):
    """The text is not Base64, or not of text in UTF-8."""


def encode_base64(value: object, urlsafe: bool = False) -> str:  # noqa: FBT001, FBT002 - an argument in a template
    """Return the Base64 of a text in UTF-8; `urlsafe` takes `-` and `_` for `+` and `/` (RFC 4648, section 5)."""
    content = plain_text(value).encode()
    return (urlsafe_b64encode(content) if urlsafe else b64encode(content)).decode()


def decode_base64(value: object) -> str:
    """Return the text that is in Base64 of either alphabet, with its `=` or without.

    Raises `NotBase64Error` if it is anything else, or the content is no text in UTF-8.
    """
    text = "".join(plain_text(value).split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:  # of base64, of ASCII and of UTF-8
        raise NotBase64Error("this is not the Base64 of a text in UTF-8") from None
