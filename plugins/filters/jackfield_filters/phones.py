"""Phone numbers, in the one form that programs agree on."""

from __future__ import annotations

import phonenumbers


def phone(value: object, region: str = "RU") -> str:
    """Write a phone number in E.164 (`+79161234567`).

    One without + is read as people dial it in `region` (a country's two letters), or as an international number whose
    + got lost. Raises ValueError if it is no number that can exist.
    """
    text = str(value).strip()
    for candidate in (text, f"+{text}"):
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise ValueError("is no phone number")
