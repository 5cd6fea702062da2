"""The answer of GetCourse's import: its result, or what went wrong and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

import httpx
from pydantic_core import from_json

from jackfield import JsonObject, JsonValue, PermanentFailure, TemporaryFailure

Failure: TypeAlias = TemporaryFailure | PermanentFailure

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST: Final = 500
_FALSE: Final = frozenset({"", "0", "false"})
_TRUE: Final = frozenset({"1", "true"})
_RATE_LIMIT: Final = "903"
_CODES: Final = {
    "901": "the key or the school is wrong; compare `key` and `account` with GetCourse",
    _RATE_LIMIT: "too many requests",
    "904": "no key arrived; see what `key` is",
    "905": "an export is running in the school; replay the run when it has ended",
    "917": "the API is switched off; switch it on in GetCourse",
}
_TEXTS: Final = {
    "действие запрещено": "the key may only read; use one that may write",
    "достигнут лимит": "the school's quota of imports is used up; look at its plan in GetCourse",
}


def read_answer(response: httpx.Response, content: bytes, unsure: Callable[[str], Failure]) -> JsonObject:
    """Return the import's `result`; else raise the failure that the answer is.

    `unsure` makes the failure of an answer that leaves open whether GetCourse has done the import.
    """
    status, host = response.status_code, response.url.host
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise TemporaryFailure(f"{host} answered 429: too many requests", retry_after=_retry_after(response))
    if status == httpx.codes.REQUEST_TIMEOUT or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise unsure(f"{host} answered {status}")
    if response.is_redirect:
        raise PermanentFailure(_redirect(response))
    try:
        answer = from_json(content.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _no_json(response, content, unsure)
    return _result(host, status, answer, unsure)


def _result(host: str, status: int, answer: JsonObject, unsure: Callable[[str], Failure]) -> JsonObject:
    """Look at both levels: `success` may be true while `result` says that it failed."""
    result = answer.get("result")
    levels = [answer, result] if isinstance(result, dict) else [answer]
    if any(_failed(level) for level in levels):
        raise _refusal(host, levels)
    if not httpx.codes.is_success(status):
        raise PermanentFailure(f"{host} answered {status}; see the attempt")
    if not isinstance(result, dict) or "success" not in answer:
        raise unsure(f"{host} answered without saying whether the import succeeded")
    return result


def _failed(level: JsonObject) -> bool:
    return ("success" in level and not _is_true(level["success"])) or _is_true(level.get("error"))


def _is_true(value: JsonValue) -> bool:
    return value.strip().lower() not in _FALSE if isinstance(value, str) else bool(value)


def _refusal(host: str, levels: list[JsonObject]) -> Failure:
    code = next((str(level["error_code"]) for level in levels if level.get("error_code")), "")
    said = next((text for level in reversed(levels) if (text := _said(level))), "")
    hint = _CODES.get(code) or next((hint for text, hint in _TEXTS.items() if text in said.lower()), "")
    why = _why(_line(said), hint)
    reason = f"GetCourse at {host} refused the import: {why}"
    if code.isdecimal() and len(code) < 6:  # noqa: PLR2004 - codes have three
        reason = f"GetCourse at {host} refused the import with error_code {code}: {why}"
    return TemporaryFailure(reason) if code == _RATE_LIMIT else PermanentFailure(reason)


def _why(said: str, hint: str) -> str:
    if said and hint:
        return f"{said}, which means: {hint}"
    return said or hint or "it does not say why; look into GetCourse"


def _said(level: JsonObject) -> str:
    for name in ("error_message", "error"):
        text = level.get(name)
        if isinstance(text, str) and text.strip().lower() not in _FALSE | _TRUE:
            return text.strip()
    return ""


def _line(text: str) -> str:
    """Make one line of a text; nothing is cut, for the host could not take half a secret out."""
    if len(text) > _LONGEST:
        return f"a text of {len(text)} characters, see the attempt"
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def _no_json(response: httpx.Response, content: bytes, unsure: Callable[[str], Failure]) -> Failure:
    host, status = response.url.host, response.status_code
    text = content.strip().lower()
    if b"wrong subdomain" in text:
        return PermanentFailure(f"{host} answered {status}: there is no such school; correct `account`")
    if text.startswith((b"<!doctype html", b"<html")):
        return PermanentFailure(f"{host} answered {status} with a web page: it has no import API; correct `account`")
    if status == httpx.codes.OK and not text:
        return PermanentFailure(f"{host} answered nothing: the school's plan may exclude the import; look in GetCourse")
    if httpx.codes.is_success(status):
        return unsure(f"{host} answered {status} with what is not JSON")
    return PermanentFailure(f"{host} answered {status}; see the attempt")


def _redirect(response: httpx.Response) -> str:
    host = response.url.host
    try:
        target: str = response.url.join(response.headers.get("location", "")).host
    except httpx.InvalidURL:
        target = ""
    if not target:
        return f"{host} answered {response.status_code}, a redirect to no address; correct `account`"
    return (
        f"{host} answered {response.status_code}, a redirect, which would lose the import; set `account` to the "
        f'school\'s own domain, "{target}"'
    )


def _retry_after(response: httpx.Response) -> timedelta | None:
    text = response.headers.get("retry-after", "").strip()
    return timedelta(seconds=int(text)) if re.fullmatch(r"[0-9]{1,9}", text) else None
