"""Secrets: their names and uses. A value goes in, and never comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from jackfield.checks.secret_uses import secret_rows
from jackfield.components.options import OptionsModel
from jackfield.errors import BadRequest, NotFound
from jackfield.host.host import Host
from jackfield.journal.audit import AuditAction
from jackfield.pipelines.definition import pipeline_file
from jackfield.pipelines.editing.secret_move import carry_out, plan_move
from jackfield.project.secrets import SECRET_NAME, SECRETS_FILE
from jackfield.project.secrets_file import delete_secret, put_secret, secrets_in_file
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.auth.callers import Note


class SecretBody(OptionsModel):
    """The value."""

    value: SecretStr


@dataclass(frozen=True, slots=True)
class SecretReport:
    """A secret: where it is set, and who names it. One that is set in both places is that of the environment."""

    name: str
    in_file: bool
    in_environment: bool
    pipelines: Sequence[str]
    in_settings: bool


class MoveBody(OptionsModel):
    """Which key of a pipeline's file, such as `steps[0].headers.X-Token`; without a name one is found."""

    key: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class SecretMoved:
    """What the secret is called that has the key now."""

    name: str


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/secrets", list_secrets, secret=True),
        Endpoint("PUT", "/secrets/{name}", set_secret, 204, action=AuditAction.SECRET_SET),
        Endpoint("DELETE", "/secrets/{name}", remove_secret, 204, action=AuditAction.SECRET_REMOVED),
        Endpoint("POST", "/pipelines/{id}/move-secret", move_secret, action=AuditAction.SECRET_MOVED),
    ]


async def list_secrets(host: Host) -> list[SecretReport]:
    """List the secrets that are set or that a file names, without their values."""
    rows = sorted(await run_in_threadpool(lambda: list(secret_rows(host))), key=lambda row: row.name)
    return [
        SecretReport(row.name, row.in_file, row.in_environment, [id for id, _ in row.pipelines], row.in_settings)
        for row in rows
    ]


async def set_secret(host: Host, name: str, body: SecretBody) -> None:
    """Set a secret in secrets.toml, or replace it; it is used at once."""
    if not SECRET_NAME.fullmatch(name):
        raise BadRequest("a secret's name has only Latin letters, digits and underscores, and no digit in front")
    if not body.value.get_secret_value().strip():
        raise BadRequest("value: must not be empty; delete the secret if nobody needs it")
    try:
        async with host.files.changing(SECRETS_FILE, None):
            await run_in_threadpool(put_secret, host.project.folder, name, body.value.get_secret_value())
    except ValueError:
        raise BadRequest(f"this value cannot be written into {SECRETS_FILE}") from None
    await host.reload()


async def remove_secret(host: Host, name: str) -> None:
    """Take a secret out of secrets.toml."""
    if name not in await run_in_threadpool(secrets_in_file, host.project.folder):
        raise NotFound(f"there is no secret {name} in {SECRETS_FILE}")
    async with host.files.changing(SECRETS_FILE, None):
        await run_in_threadpool(delete_secret, host.project.folder, name)
    await host.reload()


async def move_secret(host: Host, note: Note, id: str, body: MoveBody) -> SecretMoved:
    """Move a key that stands in a pipeline's file to secrets.toml."""
    planned = await run_in_threadpool(plan_move, host.project.folder, id, body.key, body.name)
    async with host.files.changing(SECRETS_FILE, None), host.files.changing(pipeline_file(id), None):
        await run_in_threadpool(carry_out, host.project.folder, planned)
    note.target, note.detail = pipeline_file(id), f"{body.key} is now secret {planned.name}"
    await host.reload()
    return SecretMoved(planned.name)
