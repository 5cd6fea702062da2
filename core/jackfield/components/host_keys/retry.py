"""When a step that failed for now is tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Self

from pydantic import model_validator
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential, wait_random_exponential

from jackfield.components.options import OptionsModel, option
from jackfield.components.units import Duration, duration_words

_GROWTH: Final = 3.0
"""By how much waits grow. Three, for then seven waits lead from 5 s to 1 h, which are the defaults."""


class RetryPolicy(OptionsModel):
    """How often a step is attempted, and how long it waits in between.

    Waits grow threefold, half of each by chance ("equal jitter": aws.amazon.com/blogs/architecture/
    exponential-backoff-and-jitter), so that runs which failed together do not come back together.
    """

    attempts: int = option(
        ("Attempts", "How many times the step is tried before the run fails."),
        ("Попытки", "Сколько раз шаг выполняется, прежде чем операция считается неудачной."),
        default=8,
        ge=1,
    )
    first_wait: Duration = option(
        ("First wait", "How long to wait after the first failure, at least; later waits are longer."),
        ("Первая пауза", "Сколько ждать после первой неудачи, не меньше; следующие паузы длиннее."),
        default=timedelta(seconds=5),
        gt=timedelta(0),
    )
    longest_wait: Duration = option(
        ("Longest wait", "No wait is longer, not even one that the destination asks for."),
        ("Самая долгая пауза", "Ни одна пауза не длится дольше, даже если получатель просит."),
        default=timedelta(hours=1),
        gt=timedelta(0),
        le=timedelta(days=365),
    )

    @model_validator(mode="after")
    def _waits_are_in_order(self) -> Self:
        if self.first_wait > self.longest_wait:
            first, longest = duration_words(self.first_wait), duration_words(self.longest_wait)
            raise ValueError(f"first_wait ({first}) is longer than longest_wait ({longest}); change one of them")
        return self

    def next_wait(self, attempt: int, retry_after: timedelta | None) -> timedelta | None:
        """Return how long to wait after the failure of this attempt (from 1), None if it was the last.

        The wait is never under `retry_after`, what the destination asks for, unless `longest_wait` caps that.
        """
        retrying = self._retrying()
        state = RetryCallState(retrying, fn=None, args=(), kwargs={})
        state.attempt_number = attempt
        if retrying.stop(state):
            return None
        wait = timedelta(seconds=retrying.wait(state))
        return min(max(wait, retry_after or wait), self.longest_wait)

    def _retrying(self) -> Retrying:
        first, half = self.first_wait.total_seconds(), self.longest_wait.total_seconds() / 2
        fixed = wait_exponential(multiplier=first, exp_base=_GROWTH, min=first, max=half)
        by_chance = wait_random_exponential(multiplier=first, exp_base=_GROWTH, max=half)
        return Retrying(stop=stop_after_attempt(self.attempts), wait=fixed + by_chance)
