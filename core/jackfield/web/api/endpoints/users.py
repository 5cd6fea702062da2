"""The users of the pages."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from jackfield.access.users import Role, User, Users
from jackfield.components.options import OptionsModel
from jackfield.journal.audit import AuditAction
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.auth.callers import Note, role_words
from jackfield.web.auth.password_check import PasswordChecker


class UserBody(OptionsModel):
    """A new user."""

    name: str
    password: SecretStr
    role: Role


class RoleBody(OptionsModel):
    """What the user may do."""

    role: Role


class PasswordBody(OptionsModel):
    """The new password."""

    password: SecretStr


class RemovalQuery(OptionsModel):
    """Whether even the last operator is removed."""

    even_last: bool = False


@dataclass(frozen=True, slots=True)
class UserReport:
    """Somebody who may log in."""

    name: str
    role: Role


def endpoints() -> list[Endpoint]:
    """Return the endpoints of this module."""
    return [
        Endpoint("GET", "/users", list_users, secret=True),
        Endpoint("POST", "/users", add_user, 201, action=AuditAction.USER_ADDED),
        Endpoint("PUT", "/users/{name}/role", set_role, action=AuditAction.USER_ROLE),
        Endpoint("PUT", "/users/{name}/password", set_password, 204, action=AuditAction.USER_PASSWORD),
        Endpoint("DELETE", "/users/{name}", remove_user, 204, action=AuditAction.USER_REMOVED),
    ]


async def list_users(users: Users) -> list[UserReport]:
    """List who may log in to the pages."""
    return [_report(user) for user in users.all()]


async def add_user(users: Users, door: PasswordChecker, note: Note, body: UserBody) -> UserReport:
    """Add a user."""
    note.target, note.detail = body.name, role_words(body.role)
    return _report(await door.hashing(lambda: users.add(body.name, body.password.get_secret_value(), body.role)))


async def set_role(users: Users, note: Note, name: str, body: RoleBody) -> UserReport:
    """Make a user an operator or a viewer."""
    note.detail = role_words(body.role)
    return _report(await run_in_threadpool(users.set_role, name, body.role))


async def set_password(users: Users, door: PasswordChecker, name: str, body: PasswordBody) -> None:
    """Give a user a new password; that ends their sessions."""
    await door.hashing(lambda: users.set_password(name, body.password.get_secret_value()))


async def remove_user(users: Users, name: str, query: RemovalQuery) -> None:
    """Remove a user; that ends their sessions."""
    await run_in_threadpool(users.remove, name, even_last=query.even_last)


def _report(user: User) -> UserReport:
    return UserReport(user.name, user.role)
