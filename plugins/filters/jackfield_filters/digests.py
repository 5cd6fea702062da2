"""Hashes and signatures of texts."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Final

from jackfield_filters.plain import plain_text

_ALGORITHMS: Final = frozenset({"md5", "sha1", "sha256", "sha512"})


class UnknownAlgorithmError(ValueError):
    """The algorithm, or the encoding, is not one that these filters have."""


class EmptyKeyError(ValueError):
    """A key is empty, so that anybody could make the signature."""


def digest(value: object, algorithm: str = "sha256", encoding: str = "hex") -> str:
    """Return the hash of a text in UTF-8. `algorithm` is md5, sha1, sha256 or sha512; `encoding` is hex or base64.

    Raises `UnknownAlgorithmError`.
    """
    return _written(
        hashlib.new(_known(algorithm), plain_text(value).encode(), usedforsecurity=False).digest(), encoding
    )


def sign(value: object, key: object, algorithm: str = "sha256", encoding: str = "hex") -> str:
    """Return the HMAC of a text in UTF-8 by a key, which should be `secret.NAME`; the rest is as for `digest()`.

    Raises `UnknownAlgorithmError` and `EmptyKeyError`.
    """
    content = plain_text(key).encode()
    if not content:
        raise EmptyKeyError("the key is empty")
    return _written(hmac.digest(content, plain_text(value).encode(), _known(algorithm)), encoding)


def _known(algorithm: str) -> str:
    if algorithm not in _ALGORITHMS:
        raise UnknownAlgorithmError(f"the algorithm must be one of {', '.join(sorted(_ALGORITHMS))}")
    return algorithm


def _written(content: bytes, encoding: str) -> str:
    if encoding == "hex":
        return content.hex()
    if encoding == "base64":
        return b64encode(content).decode()
    raise UnknownAlgorithmError("the encoding must be hex or base64")
