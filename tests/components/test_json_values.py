"""What is JSON is told as pydantic tells it, and soon."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import from_json

from jackfield.components.json_values import MOST_LEVELS, NotJsonError, TooDeepError, check_json

PYDANTIC: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Own(dict[str, Any]):
    pass


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


odd = st.sampled_from(
    [Colour.RED, Number.ONE, Own(a=1), OrderedDict(a=1), (1,), {1}, b"x", Decimal(1), datetime.now(UTC), "\ud800",
     float("inf"), range(2), object, frozenset(), 2**70, True]
)  # fmt: skip
keys = st.text(max_size=2) | st.sampled_from([1, None, Colour.RED, True])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
)


@given(anything)
def test_a_value_is_json_if_pydantic_says_so(value: Any) -> None:
    try:
        PYDANTIC.validate_python(value)
    except ValidationError:
        with pytest.raises(NotJsonError):
            check_json(value)
    else:
        check_json(value)


def test_a_value_may_be_nested_so_deep_and_no_deeper() -> None:
    check_json(nested(MOST_LEVELS))
    with pytest.raises(TooDeepError):
        check_json(nested(MOST_LEVELS + 1))


def test_a_value_that_holds_itself_is_too_deep() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(TooDeepError):
        check_json(value)


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b",".join([b"[" * 95 + b"]" * 95] * 5000) + b"]",
        b"[" + b",".join([b'{"a":' * 180 + b"1" + b"}" * 180] * 900) + b"]",
        b"[" + b",".join([b"[]"] * 330_000) + b"]",
    ],
    ids=["lists in lists", "tables in tables", "empty lists"],
)
def test_a_megabyte_of_brackets_is_checked_in_a_fraction_of_pydantics_time(text: bytes) -> None:
    value = from_json(text)
    assert cost(check_json, value) < cost(PYDANTIC.validate_python, value)


def cost(check: Any, value: Any) -> float:
    def once() -> float:
        began = time.thread_time()
        check(value)
        return time.thread_time() - began

    return min(once() for _ in range(3))
