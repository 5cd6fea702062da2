"""Who may open which page, and which forms are heeded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support import serve, steps
from tests.web.site import PASSWORD, visitor

X = {"x": steps('do = "say"')}


def test_who_is_not_logged_in_is_sent_to_the_login_and_from_there_to_where_he_wanted_to_go(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as operator, visitor(served, None) as stranger:
            away = await stranger.get("/?a=1")
            assert (away.status_code, away.headers["location"]) == (303, "/login?next=%2F%3Fa%3D1")
            back = await stranger.post("/login", {"name": "operator", "password": PASSWORD, "next": "/?a=1"})
            assert (back.status_code, back.headers["location"]) == (303, "/?a=1")
            assert (await operator.get("/")).status_code == 200

    asyncio.run(main())


def test_a_form_without_the_token_of_this_browser_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as operator:
            for form in ({}, {"csrf": "guessed"}):
                assert (await operator.client.post("/logout", data=form)).status_code == 403
            foreign = await operator.client.post("/logout", headers={"origin": "https://evil.example"})
            assert foreign.status_code == 403
            assert (await operator.get("/")).status_code == 200
            assert (await operator.post("/logout", {}, seen_on="/")).status_code == 303
            assert (await operator.get("/")).status_code == 303

    asyncio.run(main())
