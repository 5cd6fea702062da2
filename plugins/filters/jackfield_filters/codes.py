"""Base64, hashes and HMAC of text."""

from __future__ import annotations

import base64 as codec
import hashlib
import hmac as codes


def base64(value: object, *, urlsafe: bool = False) -> str:
    """Write the text's UTF-8 in base64; `urlsafe` has - and _ in place of + and /."""
    data = str(value).encode()
    return (codec.urlsafe_b64encode(data) if urlsafe else codec.b64encode(data)).decode()


def base64_decode(value: object) -> str:
    """Read base64, of either alphabet and with or without its padding, as UTF-8. Raises ValueError."""
    text = "".join(str(value).split()).rstrip("=").replace("-", "+").replace("_", "/")
    return codec.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()


def digest(value: object, algorithm: str = "sha256", encoding: str = "hex") -> str:
    """Hash the text's UTF-8 (md5, sha1, sha256, sha512 ...); "hex" or "base64". Raises ValueError."""
    return _written(hashlib.new(algorithm, str(value).encode(), usedforsecurity=False).digest(), encoding)


def hmac(value: object, key: object, algorithm: str = "sha256", encoding: str = "hex") -> str:
    """Sign the text's UTF-8 with a key (RFC 2104); "hex" or "base64". Raises ValueError."""
    return _written(codes.new(str(key).encode(), str(value).encode(), algorithm).digest(), encoding)


def _written(octets: bytes, encoding: str) -> str:
    if encoding == "hex":
        return octets.hex()
    if encoding == "base64":
        return codec.b64encode(octets).decode()
    raise ValueError('the encoding is "hex" or "base64"')
