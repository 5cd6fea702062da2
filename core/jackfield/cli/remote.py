"""A host that runs elsewhere, by its API."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from jackfield.access.users import Role
from jackfield.checks.health import HealthReport
from jackfield.checks.project import Inspection
from jackfield.components.catalogue import PluginDescription, PluginReport
from jackfield.components.values import JsonObject
from jackfield.errors import JackfieldError, NotFound
from jackfield.journal.audit import AuditCheck, AuditEntry, AuditQuery
from jackfield.journal.records import Mode, Refusal
from jackfield.journal.views import Page, Query, RunView
from jackfield.notices.notifiers import LIMIT
from jackfield.notices.sample_notice import NotifiersTried
from jackfield.pipelines.modes import PipelineStatus
from jackfield.pipelines.sender import Address
from jackfield.runs.replay import On
from jackfield.web.api.endpoints.files import PipelineVersion
from jackfield.web.api.endpoints.pipelines import PipelineReport
from jackfield.web.api.endpoints.tokens import TokenReport
from jackfield.web.api.endpoints.trials import SampleTaken
from jackfield.web.api.endpoints.users import UserReport

TOKEN_VARIABLE: Final = "JACKFIELD_TOKEN"  # noqa: S105 - the variable's name
_PATIENCE: Final = 30.0
_NOT_FOUND: Final = 404
_ResultT = TypeVar("_ResultT")


@asynccontextmanager
async def remote_desk(url: str) -> AsyncIterator[RemoteDesk]:
    """Talk to the host at `url`, with the token that is in the environment. Raises `JackfieldError`."""
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise JackfieldError(f"put an API token of {url} into the environment variable {TOKEN_VARIABLE}")
    headers = {"authorization": f"Bearer {token}"}
    base = f"{url.rstrip('/')}/api/v1/"
    try:
        async with httpx.AsyncClient(base_url=base, headers=headers) as client:
            yield RemoteDesk(client)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise JackfieldError(f"{url} does not answer as a host: {error}; check --url") from None


@dataclass(frozen=True, slots=True)
class RemoteDesk:
    """See `Desk`."""

    client: httpx.AsyncClient

    async def pipelines(self) -> Sequence[PipelineReport]:
        """List the pipelines, with what is wrong with their files."""
        return _read(list[PipelineReport], await self._asked("GET", "pipelines"))

    async def pipeline(self, id: str) -> PipelineStatus | None:
        """Find one."""
        try:
            return _read(PipelineStatus, await self._asked("GET", f"pipelines/{quote(id, safe='')}"))
        except NotFound:
            return None

    async def address(self, id: str) -> Address:
        """Say where the sender of a pipeline's events sends to."""
        return _read(Address, await self._asked("GET", f"pipelines/{quote(id, safe='')}/address"))

    async def set_mode(self, id: str, mode: Mode, reason: str) -> None:
        """Start, hold or stop a pipeline."""
        await self._asked("PUT", f"pipelines/{quote(id, safe='')}/mode", {"mode": mode, "reason": reason})

    async def versions(self, id: str) -> Sequence[PipelineVersion]:
        """List the versions of a pipeline that the journal has."""
        return _read(list[PipelineVersion], await self._asked("GET", f"pipelines/{quote(id, safe='')}/versions"))

    async def restore(self, id: str, version: str) -> None:
        """Bring one of them back."""
        path = f"pipelines/{quote(id, safe='')}"
        try:
            base = str(from_json(await self._asked("GET", f"{path}/file"))["base"])
        except NotFound:
            base = ""
        await self._asked("POST", f"{path}/versions/{quote(version, safe='')}/restore", {"base": base})

    async def search(self, query: Query) -> Page:
        """List runs."""
        asked = {
            "pipeline": query.pipeline,
            "state": sorted(query.states),
            "since": query.since and query.since.isoformat(),
            "until": query.until and query.until.isoformat(),
            "search": query.text,
            "limit": query.limit,
            "repaired": query.repaired,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return _read(Page, await self._asked("GET", "runs", parameters=given))

    async def run(self, id: str) -> RunView | None:
        """Show a run."""
        try:
            return _read(RunView, await self._asked("GET", f"runs/{quote(id, safe='')}"))
        except NotFound:
            return None

    async def refusals(self, pipeline: str | None, limit: int) -> Sequence[Refusal]:
        """List refused requests."""
        given = {"limit": limit, **({"pipeline": pipeline} if pipeline else {})}
        return _read(list[Refusal], await self._asked("GET", "refusals", parameters=given))

    async def replay(self, id: str, *, from_step: str | None, on: On, event: JsonObject | None) -> Sequence[str]:
        """Replay a run, or accept a refused request."""
        asked = {"from_step": from_step, "on": on, "event": event}
        answer = from_json(await self._asked("POST", f"runs/{quote(id, safe='')}/replay", asked))
        return [str(run) for run in answer["runs"]]

    async def cancel(self, id: str) -> bool:
        """End a run that is not settled."""
        return bool(from_json(await self._asked("POST", f"runs/{quote(id, safe='')}/cancel"))["cancelled"])

    async def set_aside(self, id: str, note: str | None) -> None:
        """Note that nothing is to be done about a failed run; None: that something is after all."""
        path = f"runs/{quote(id, safe='')}/set-aside"
        await (self._asked("DELETE", path) if note is None else self._asked("PUT", path, {"note": note}))

    async def sample(self, id: str, values: JsonObject) -> SampleTaken:
        """Send a sample event to a pipeline, as its sender would."""
        return _read(
            SampleTaken, await self._asked("POST", f"pipelines/{quote(id, safe='')}/sample", {"values": values})
        )

    async def plugins(self) -> Sequence[PluginReport]:
        """List the plugins that are installed there."""
        return _read(list[PluginReport], await self._asked("GET", "plugins"))

    async def plugin(self, module: str) -> PluginDescription:
        """Show one of them with its options. Raises `NotFound` if it is not there."""
        return _read(PluginDescription, await self._asked("GET", f"plugins/{quote(module, safe='')}"))

    async def inspection(self) -> Inspection:
        """Name every mistake in the host's project folder."""
        return _read(Inspection, await self._asked("GET", "check"))

    async def condition(self) -> HealthReport:
        """Say how the host is."""
        return _read(HealthReport, await self._asked("GET", "health"))

    async def schema(self) -> JsonObject:
        """Describe the file of a pipeline there."""
        return _read(JsonObject, await self._asked("GET", "schema"))

    async def test_notice(self, notifier: str | None) -> NotifiersTried:
        """Have a test sent through every notifier of the host, or one of them."""
        asked, patience = {"notifier": notifier}, LIMIT + _PATIENCE
        return _read(NotifiersTried, await self._asked("POST", "notices/test", asked, patience=patience))

    async def tokens(self) -> Sequence[TokenReport]:
        """List the API tokens, without what they are."""
        return _read(list[TokenReport], await self._asked("GET", "tokens"))

    async def make_token(self, name: str, role: Role, expires: datetime | None) -> str:
        """Make a token and return it."""
        asked = {"name": name, "role": role, "expires": expires and expires.isoformat()}
        return str(from_json(await self._asked("POST", "tokens", asked))["token"])

    async def revoke_token(self, name: str) -> None:
        """Make a token worthless."""
        await self._asked("DELETE", "tokens", parameters={"name": name})

    async def audit(self, query: AuditQuery) -> Sequence[AuditEntry]:
        """List the audit log, newest first."""
        asked = {
            "actor": query.actor,
            "action": query.action,
            "target": query.target,
            "since": query.since and query.since.isoformat(),
            "limit": query.limit,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return _read(list[AuditEntry], await self._asked("GET", "audit", parameters=given))

    async def check_audit(self) -> AuditCheck:
        """Say whether somebody has changed the audit log past Jackfield."""
        return _read(AuditCheck, await self._asked("GET", "audit/check"))

    async def move_secret(self, id: str, key: str, name: str | None) -> str:
        """Move a key from a pipeline's file to the secrets; return the secret's name."""
        asked = {"key": key, "name": name}
        return str(from_json(await self._asked("POST", f"pipelines/{quote(id, safe='')}/move-secret", asked))["name"])

    async def users(self) -> Sequence[UserReport]:
        """List who may log in to the host's pages."""
        return _read(list[UserReport], await self._asked("GET", "users"))

    async def add_user(self, name: str, password: str, role: Role) -> None:
        """Add a user."""
        await self._asked("POST", "users", {"name": name, "password": password, "role": role})

    async def set_password(self, name: str, password: str) -> None:
        """Give a user a new password, which ends their sessions."""
        await self._asked("PUT", f"users/{quote(name, safe='')}/password", {"password": password})

    async def remove_user(self, name: str, *, even_last: bool) -> None:
        """Remove a user and end their sessions."""
        await self._asked("DELETE", f"users/{quote(name, safe='')}", parameters={"even_last": even_last})

    async def _asked(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        patience: float = _PATIENCE,
    ) -> bytes:
        answer = await self.client.request(method, path, json=body, params=parameters, timeout=patience)
        if answer.is_success:
            return answer.content
        try:
            reason = str(from_json(answer.content)["error"])
        except (ValueError, KeyError, TypeError):
            reason = f"the host answered {answer.status_code}"
        raise NotFound(reason) if answer.status_code == _NOT_FOUND else JackfieldError(reason)


def _read(kind: type[_ResultT], content: bytes) -> _ResultT:
    try:
        return TypeAdapter(kind).validate_json(content)
    except ValidationError as error:
        raise JackfieldError(f"the host answered what this version does not understand: {error.title}") from None
