"""Jackfield plugin: template filters for phones, money, dates, hashes and transliteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jackfield import hookimpl
from jackfield_filters.dates import format_date
from jackfield_filters.digests import digest, sign
from jackfield_filters.encoding import decode_base64, encode_base64
from jackfield_filters.latin import slug, translit
from jackfield_filters.money import money
from jackfield_filters.phone import phone


@hookimpl
def register_filters() -> Mapping[str, Callable[..., object]]:
    """Offer the filters of this plugin."""
    return {
        "phone": phone,
        "money": money,
        "date": format_date,
        "base64": encode_base64,
        "base64_decode": decode_base64,
        "hash": digest,
        "hmac": sign,
        "slug": slug,
        "translit": translit,
    }
