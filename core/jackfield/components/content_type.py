"""What a Content-Type says of a body: its charset, and whether it is JSON."""

from __future__ import annotations

import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Final

_DECLARED: Final = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_JSON_TYPE: Final = re.compile(
    r"\s*(?:(?:application|text)/json|[^\s/;]+/[^\s/;]+\+json)\s*(?:;|$)", re.ASCII | re.IGNORECASE
)

_WITHOUT_ALIAS: Final = frozenset(
    {"cp1006", "cp720", "cp737", "cp856", "cp874", "cp875", "koi8_t", "koi8_u", "mac_arabic", "mac_croatian",
     "mac_farsi", "mac_romanian", "palmos", "utf_8_sig"}
)  # fmt: skip
# Not of text, not of this machine, or (UTF-7) able to smuggle in half a character.
_NO_CHARSETS: Final = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "utf_7", "uu_codec", "zlib_codec"}
)
# A closed list: `codecs.lookup()` remembers every name that anybody sends, and takes Python's own notations (idna,
# punycode, escapes) for charsets, some of which take quadratic time or give what is not text.
_CHARSETS: Final = (frozenset(aliases.values()) | _WITHOUT_ALIAS) - _NO_CHARSETS


def declared_charset(content_type: str | None) -> str:
    """Return the codec of the charset that a Content-Type declares; "utf-8" where it declares none that is known.

    Every octet string can be decoded with it, if `errors` is "replace", and gives text without surrogates.
    """
    declared = _DECLARED.search(content_type or "")
    if declared is None:
        return "utf-8"
    name = normalize_encoding(declared[1]).lower().replace(".", "_")
    codec = aliases.get(name, name)
    return codec.replace("_", "-") if codec in _CHARSETS else "utf-8"


def is_json_type(content_type: str | None) -> bool:
    """Tell whether a Content-Type is a JSON MIME type (WHATWG MIME Sniffing, section 4.6)."""
    return bool(_JSON_TYPE.match(content_type or ""))
