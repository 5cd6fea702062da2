import warnings

import pytest

import jackfield
from jackfield import JackfieldDeprecationWarning


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("Field", "EventField"),
        ("LateExpression", "ResponseExpression"),
        ("LateTemplate", "ResponseTemplate"),
        ("about", "option"),
    ],
)
def test_a_name_that_plugins_knew_is_still_there_and_says_what_it_is_called_now(before: str, now: str) -> None:
    with pytest.warns(JackfieldDeprecationWarning, match=f"jackfield.{before} is now called jackfield.{now}"):
        assert getattr(jackfield, before) is getattr(jackfield, now)


def test_every_name_of_the_interface_is_there_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [name for name in jackfield.__all__ if not hasattr(jackfield, name)] == []


def test_a_name_that_never_was_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(jackfield, "Nothing")  # noqa: B009 - the name is not there for a type checker either
