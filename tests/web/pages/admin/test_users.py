"""The page of users, and one's own password."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable
from pathlib import Path

from jackfield.access.users import Role, Users
from jackfield.web.auth.throttle import BY_NAME
from tests.support import serve, steps
from tests.web.site import PASSWORD, Visitor, visitor

X = {"x": steps('do = "say"')}
NEW = "another good password"


def visit(
    folder: Path,
    story: Callable[[Users, Visitor], Awaitable[None]],
    role: Role = Role.OPERATOR,
    language: str = "en",
) -> None:
    async def main() -> None:
        async with serve(folder, X) as served, visitor(served, role, language) as person:
            await story(Users(served.host.project.var), person)

    asyncio.run(main())


def test_an_operator_adds_users_gives_roles_and_passwords_and_removes(tmp_path: Path) -> None:
    async def story(users: Users, operator: Visitor) -> None:
        form = {"name": "Вера", "password": PASSWORD, "role": "viewer"}
        added = await operator.post("/users", form, seen_on="/users")
        assert (added.status_code, added.headers["location"]) == (303, "/users?done=added")
        shown = (await operator.get("/users?done=added")).text
        assert "Вера" in shown
        assert "The user is added." in shown
        assert users.verified("Вера", PASSWORD) is not None

        await operator.post("/users/Вера/role", {"role": "operator"}, seen_on="/users")
        await operator.post("/users/Вера/password", {"password": NEW}, seen_on="/users")
        found = users.verified("Вера", NEW)
        assert found is not None
        assert found.role is Role.OPERATOR

        await operator.post("/users/Вера/remove", {}, seen_on="/users")
        assert users.get("Вера") is None
        gone = await operator.post("/users/Вера/remove", {}, seen_on="/users")
        assert (gone.status_code, "no user of this name any more" in gone.text) == (404, True)

    visit(tmp_path, story)


def test_a_mistake_is_said_in_place_and_what_was_typed_stays_but_for_the_password(tmp_path: Path) -> None:
    mistakes = {
        "A name has letters, digits": {"name": "<b>x</b>"},
        "There is a user of this name already.": {"name": "operator"},
        "A password has 10 characters or more": {"password": "sh0rt"},
        "Choose a role": {"role": "root"},
    }

    async def story(users: Users, operator: Visitor) -> None:
        for complaint, form in mistakes.items():
            typed = {"name": "vera", "password": PASSWORD, "role": "viewer", **form}
            answer = await operator.post("/users", typed, seen_on="/users")
            assert (answer.status_code, complaint in answer.text) == (422, True)
            assert typed["password"] not in answer.text
            assert "<b>x" not in answer.text
            assert f'value="{html.escape(typed["name"])}"' in answer.text
        assert len(users.all()) == 1

    visit(tmp_path, story)


def test_the_last_operator_can_neither_go_nor_become_a_viewer(tmp_path: Path) -> None:
    async def story(users: Users, operator: Visitor) -> None:
        for path, form in (("remove", {}), ("role", {"role": "viewer"})):
            answer = await operator.post(f"/users/operator/{path}", form, seen_on="/users")
            assert (answer.status_code, "This is the last operator" in answer.text) == (409, True)
        assert users.all()[0].role is Role.OPERATOR
        assert (await operator.get("/users")).status_code == 200

    visit(tmp_path, story)


def test_an_operator_who_becomes_a_viewer_may_no_longer_see_the_users(tmp_path: Path) -> None:
    async def story(users: Users, operator: Visitor) -> None:
        users.add("anna", PASSWORD, Role.OPERATOR)
        await operator.post("/users/operator/role", {"role": "viewer"}, seen_on="/users")
        assert (await operator.get("/users")).status_code == 403

    visit(tmp_path, story)


def test_everybody_changes_their_own_password_and_stays_in_here_alone(tmp_path: Path) -> None:
    role = Role.VIEWER

    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served, role) as here, visitor(served, role) as there:
            form = {"old": PASSWORD, "password": NEW, "again": NEW}
            changed = await here.post("/password", form, seen_on="/password")
            assert (changed.status_code, changed.headers["location"]) == (303, "/password?done")
            assert "The password is changed." in (await here.get("/password?done")).text
            assert (await there.get("/")).status_code == 303
            users = Users(served.host.project.var)
            assert users.verified(role, PASSWORD) is None
            assert users.verified(role, NEW) is not None

    asyncio.run(main())


def test_ones_own_password_stays_when_something_is_wrong(tmp_path: Path) -> None:
    mistakes: dict[str, tuple[int, dict[str, str]]] = {
        "This is not your present password.": (403, {"old": "wrong"}),
        "The two passwords are not the same.": (422, {"again": "something else"}),
        "A password has 10 characters or more": (422, {"password": "short", "again": "short"}),
    }

    async def story(users: Users, viewer: Visitor) -> None:
        for complaint, (status, form) in mistakes.items():
            typed = {"old": PASSWORD, "password": NEW, "again": NEW, **form}
            answer = await viewer.post("/password", typed, seen_on="/password")
            assert (answer.status_code, complaint in answer.text) == (status, True)
        assert users.verified("viewer", PASSWORD) is not None
        assert (await viewer.get("/")).status_code == 200

    visit(tmp_path, story, Role.VIEWER)


def test_a_stolen_session_cannot_guess_the_password(tmp_path: Path) -> None:
    async def story(_users: Users, viewer: Visitor) -> None:
        form = {"old": "wrong", "password": NEW, "again": NEW}
        answers = [await viewer.post("/password", form, seen_on="/password")]
        while answers[-1].status_code == 403:
            answers.append(await viewer.post("/password", form, seen_on="/password"))
        assert len(answers) > BY_NAME.free
        assert answers[-1].status_code == 429
        assert f"Try again in {answers[-1].headers['retry-after']} second" in answers[-1].text

    visit(tmp_path, story, Role.VIEWER)


def test_what_the_address_says_of_an_outcome_is_not_repeated_blindly(tmp_path: Path) -> None:
    async def story(_users: Users, operator: Visitor) -> None:
        shown = await operator.get("/users?done=<script>")
        assert (shown.status_code, 'class="done"' in shown.text) == (200, False)

    visit(tmp_path, story)


def test_the_pages_are_there_in_russian(tmp_path: Path) -> None:
    async def story(_users: Users, operator: Visitor) -> None:
        assert "<h1>Пользователи</h1>" in (await operator.get("/users")).text
        assert "Нынешний пароль" in (await operator.get("/password")).text
        assert "<h1>Токены API</h1>" in (await operator.get("/tokens")).text

    visit(tmp_path, story, language="ru")
