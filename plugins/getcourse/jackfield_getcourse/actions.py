"""The actions `getcourse.import_user` and `getcourse.import_deal`: they write to GetCourse through its import API."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import ClassVar, Final, TypeVar
from urllib.parse import quote

import httpx

from jackfield import (
    Action,
    DestinationRefused,
    JsonObject,
    OptionsModel,
    PermanentFailure,
    Step,
    TemporaryFailure,
    Text,
)
from jackfield_getcourse.answer import Failure, read_answer
from jackfield_getcourse.imports import ImportDealOptions, ImportUserOptions, import_json

_PATIENCE: Final = 25.0  # less than a step's usual timeout, which would have an order imported once more
_LONGEST_ANSWER: Final = 1_000_000
_HEADERS: Final = {
    "Accept": "application/json; q=1.0, */*; q=0.1",
    "Content-Type": "application/x-www-form-urlencoded",
}
_OptionsT = TypeVar("_OptionsT", bound=ImportUserOptions)


def import_form(options: ImportUserOptions) -> bytes:
    """Write the form that GetCourse wants, percent-encoded: `params` is JSON in base64. Raises ValueError."""
    params = b64encode(import_json(options)).decode()
    return f"action=add&key={quote(options.key.get_secret_value(), safe='')}&params={quote(params, safe='')}".encode()


class _Import(Action[_OptionsT]):
    """Posts one import; its result is the `result` of GetCourse's answer."""

    http_only = True
    path: ClassVar[str]

    async def run(self, options: _OptionsT, step: Step) -> JsonObject:  # noqa: ARG002
        """Import. Raises `TemporaryFailure` and `PermanentFailure` as the README says."""
        try:
            form = import_form(options)
        except ValueError as error:
            raise PermanentFailure(f"the import cannot be written as JSON: {error}") from None
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._post(f"{options.account}{self.path}", form)
        except (DestinationRefused, httpx.LocalProtocolError, httpx.InvalidURL) as error:
            raise PermanentFailure(str(error)) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TemporaryFailure(str(error)) from error
        except httpx.RequestError as error:
            raise self.unsure(str(error)) from error
        except TimeoutError as error:
            raise self.unsure(f"GetCourse did not answer within {_PATIENCE:g} s") from error

    def unsure(self, reason: str) -> Failure:
        """Make the failure of an import of which nobody knows whether GetCourse has done it."""
        return TemporaryFailure(reason)

    async def _post(self, url: str, form: bytes) -> JsonObject:
        content = bytearray()
        async with self.context.http.stream("POST", url, content=form, headers=_HEADERS) as response:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > _LONGEST_ANSWER:
                    raise self.unsure(f"{response.url.host} answered more than {_LONGEST_ANSWER} bytes")
        return read_answer(response, bytes(content), self.unsure)


class ImportUser(_Import[ImportUserOptions]):
    """Creates or refreshes a user."""

    name: ClassVar[str] = "getcourse.import_user"
    title: ClassVar[Text] = {"en": "GetCourse: import a user", "ru": "GetCourse: импорт пользователя"}
    description: ClassVar[Text] = {
        "en": "Creates or updates a user in GetCourse.",
        "ru": "Создаёт или обновляет пользователя в GetCourse.",
    }
    Options: ClassVar[type[OptionsModel]] = ImportUserOptions
    path: ClassVar[str] = "/pl/api/users"


class ImportDeal(_Import[ImportDealOptions]):
    """Creates an order. GetCourse may create a second one if asked twice, so a doubtful import is not repeated."""

    name: ClassVar[str] = "getcourse.import_deal"
    title: ClassVar[Text] = {"en": "GetCourse: import an order", "ru": "GetCourse: импорт заказа"}
    description: ClassVar[Text] = {
        "en": "Creates an order in GetCourse.",
        "ru": "Создаёт заказ в GetCourse.",
    }
    Options: ClassVar[type[OptionsModel]] = ImportDealOptions
    path: ClassVar[str] = "/pl/api/deals"

    def unsure(self, reason: str) -> Failure:
        """Fail for good: a person has to look whether the order is there."""
        return PermanentFailure(
            f"{reason}; the order may have been created, so replay the run only if it is missing in GetCourse"
        )
