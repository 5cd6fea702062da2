from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_filters.dates import NotADateError, UnknownZoneError, format_date


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-11-24", "2026-11-24"),
        ("24.11.2026", "2026-11-24"),
        ("2026-11-24 09:30:00", "2026-11-24T09:30:00"),
        ("2026-11-24T09:30", "2026-11-24T09:30:00"),
        ("2026-11-24T09:30:00+03:00", "2026-11-24T09:30:00+03:00"),
        ("2026-11-24T09:30:00.5Z", "2026-11-24T09:30:00.500+00:00"),
        ("24.11.2026 9:30", "2026-11-24T09:30:00"),
        (" 24.11.2026, 09:30:15 ", "2026-11-24T09:30:15"),
        ("1700000000", "2023-11-14T22:13:20+00:00"),
        (1700000000, "2023-11-14T22:13:20+00:00"),
    ],
)
def test_a_date_is_read_as_people_and_programs_write_it(written: object, iso: str) -> None:
    assert format_date(written) == iso


def test_a_time_that_says_no_zone_is_of_the_zone_that_is_given() -> None:
    assert format_date("24.11.2026 09:30", zone="Europe/Moscow") == "2026-11-24T09:30:00+03:00"


def test_a_time_that_says_its_zone_is_moved_to_the_zone_that_is_given() -> None:
    assert format_date("2026-11-24T09:30:00Z", "%d.%m.%Y %H:%M", "Europe/Moscow") == "24.11.2026 12:30"
    assert format_date(1700000000, zone="Europe/Moscow") == "2023-11-15T01:13:20+03:00"


def test_a_time_can_be_moved_from_one_zone_to_another() -> None:
    assert format_date("24.11.2026 02:00", zone="Europe/Moscow", to="UTC") == "2026-11-23T23:00:00+00:00"


def test_a_date_without_a_time_is_the_same_in_every_zone() -> None:
    assert format_date("24.11.2026", zone="Europe/Moscow", to="America/New_York") == "2026-11-24"


def test_seconds_since_1970_are_written_where_the_zone_is_known() -> None:
    assert format_date("15.11.2023 01:13:20", "unix", "Europe/Moscow") == 1700000000
    for written in ("15.11.2023 01:13:20", "15.11.2023"):
        with pytest.raises(UnknownZoneError, match="need a time and its zone"):
            format_date(written, "unix")


@pytest.mark.parametrize(
    "value",
    [
        "завтра",
        "32.01.2026",
        "2026-13-01",
        "24.11.26",
        "2026-11-24 25:00",
        "2026-11-24T09:30:00+99:00",
        "12",
        "1e9",
        1e20,
    ],
)
def test_what_is_no_date_is_refused_without_being_quoted(value: object) -> None:
    with pytest.raises(NotADateError) as refused:
        format_date(value)
    assert f" {value} " not in f" {refused.value} "


@pytest.mark.parametrize("zone", ["Europe/Mosgow", "Europe", "../etc/passwd", "/etc/localtime", "\x00"])
@pytest.mark.parametrize("written", ["24.11.2026", "24.11.2026 09:30"])
def test_a_zone_that_does_not_exist_is_refused(written: str, zone: str) -> None:
    with pytest.raises(UnknownZoneError, match="such as Europe/Moscow"):
        format_date(written, zone=zone)


def test_a_time_of_no_zone_cannot_be_moved() -> None:
    with pytest.raises(UnknownZoneError, match="say it with zone"):
        format_date("24.11.2026 09:30", to="UTC")


def test_a_date_at_the_end_of_time_is_refused_if_it_leaves_it() -> None:
    with pytest.raises(NotADateError, match="no such date in that zone"):
        format_date("0001-01-01T00:00:00", zone="Europe/Moscow", to="America/New_York")


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis wants them so
def test_every_form_of_a_time_is_the_same_time(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    forms = (moment.isoformat(), f"{moment:%Y-%m-%d %H:%M:%S}", f"{moment:%d.%m.%Y %H:%M:%S}", int(moment.timestamp()))
    assert {format_date(form, zone="UTC") for form in forms} == {moment.isoformat()}
