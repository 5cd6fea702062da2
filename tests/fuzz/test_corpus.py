"""What fuzzing found once stays harmless. `python -m tests.fuzz` looks for more."""

import pytest

from tests.fuzz.corpus import complaint, inputs
from tests.fuzz.targets import TARGETS


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of jsonpath-ng, about `&` in filters
@pytest.mark.parametrize("target", TARGETS)
def test_no_input_of_the_corpus_crashes_or_takes_long(target: str) -> None:
    attempt, longest = TARGETS[target].prepare(), TARGETS[target].longest
    found = [(data, message) for data in inputs(target) if (message := complaint(attempt, data, longest))]
    assert not found
