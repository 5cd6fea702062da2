"""The rules an answer is judged by beyond its status: many an API says 200 and, in the body, that it failed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

from jackfield import JsonValue, PermanentFailure, TemporaryFailure
from jackfield_http_request.answers.answer import Answer
from jackfield_http_request.answers.outcome import failure
from jackfield_http_request.options import HttpRequestOptions

_LONGEST_WAIT: Final = 10**9


def judge(host: str, answer: Answer, options: HttpRequestOptions, *, succeeded: bool) -> None:
    """Return if the answer is a success. `succeeded` says what its status alone makes of it.

    Raises `TemporaryFailure` or `PermanentFailure`, and the error of a rule that cannot be rendered.
    """
    rules = (options.retry_when, options.fail_when, options.success_when)
    if succeeded and not any(rules):
        return
    response: JsonValue = answer.result()
    retry = options.retry_when is not None and bool(options.retry_when.render(response=response))
    if succeeded and not retry:
        rule = _broken_rule(options, response)
        if rule is None:
            return
        raise PermanentFailure(_reason(host, answer, options, response, rule))
    found = failure(host, answer)
    reason = _reason(host, answer, options, response, "retry_when" if retry else "")
    if not retry and isinstance(found, PermanentFailure):
        raise PermanentFailure(reason)
    waits = [answer.retry_after(datetime.now(UTC)), _wait(options, response)]
    raise TemporaryFailure(reason, retry_after=max((wait for wait in waits if wait is not None), default=None))


def _broken_rule(options: HttpRequestOptions, response: JsonValue) -> str | None:
    if options.fail_when is not None and options.fail_when.render(response=response):
        return "fail_when"
    if options.success_when is not None and not options.success_when.render(response=response):
        return "success_when"
    return None


def _reason(host: str, answer: Answer, options: HttpRequestOptions, response: JsonValue, rule: str) -> str:
    if options.reason is not None and (said := str(options.reason.render(response=response) or "").strip()):
        return f"{host} answered {answer.status}: {said}"
    if not rule:
        return str(failure(host, answer))
    said = answer.line() or "an empty body"
    return f"{host} answered {answer.status}, a failure by {rule}: {said}"


def _wait(options: HttpRequestOptions, response: JsonValue) -> timedelta | None:
    value = None if options.retry_after is None else options.retry_after.render(response=response)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise PermanentFailure("retry_after comes to no number of seconds; correct the template")
    return timedelta(seconds=seconds)
