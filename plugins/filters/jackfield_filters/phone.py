"""Phone numbers, in the one form that every API reads."""

from __future__ import annotations

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    format_number,
    is_valid_number,
    parse,
)

from jackfield_filters.plain import is_blank, plain_text


class NotAPhoneNumberError(ValueError):
    """The text is no phone number that can be called."""


class UnknownRegionError(ValueError):
    """The region is not one of the two-letter codes that have phone numbers."""


def phone(value: object, region: str = "RU") -> object:
    """Write a phone number in E.164: `8 (916) 123-45-67` is `+79161234567`.

    A number without a country code is of `region` (two letters, ISO 3166). A space in front stands for a lost `+`
    where the number makes sense in no other way: in a query a `+` that was not encoded is read as a space. An
    extension is left out. A value that says nothing is handed on as it came, for `default()`. Raises
    `NotAPhoneNumberError` unless there is exactly one number and it is valid.
    """
    if is_blank(value):
        return value
    if region not in SUPPORTED_REGIONS:
        raise UnknownRegionError("the region is unknown; write two capital letters, such as RU, KZ or DE")
    text = plain_text(value)
    readings = [text, f"+{text.lstrip()}"] if text[0].isspace() else [text]
    for reading in readings:
        number = _read(reading, region)
        if number is not None:
            return format_number(number, PhoneNumberFormat.E164)
    raise NotAPhoneNumberError("this is not a valid phone number; correct it, or leave the value out for such events")


def _read(text: str, region: str) -> PhoneNumber | None:
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    return number if is_valid_number(number) else None
