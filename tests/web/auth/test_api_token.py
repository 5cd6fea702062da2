"""Tokens that end by themselves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from jackfield.access.tokens import InvalidToken, Tokens
from jackfield.access.users import Role
from jackfield.journal.audit import AuditQuery
from tests.support import serve, steps
from tests.web.pages.pipelines.test_pipelines import read, words
from tests.web.site import visitor

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_token_is_worth_nothing_from_its_end_on(tmp_path: Path) -> None:
    now = [NOW]
    tokens = Tokens(tmp_path, lambda: now[0])
    text = tokens.make("crm", Role.VIEWER, NOW + timedelta(days=90))
    found = tokens.find(text.encode())
    assert found is not None
    assert not tokens.expired(found)
    now[0] += timedelta(days=90)
    assert tokens.expired(found)
    with pytest.raises(InvalidToken, match="cannot have expired before"):
        tokens.make("late", Role.VIEWER, now[0])


def test_an_expired_token_is_refused_with_a_sentence_and_that_is_noted(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps('do = "say"')}) as served, visitor(served) as anna:
            long_ago = datetime.now(UTC) - timedelta(days=100)
            text = Tokens(tmp_path / "var", lambda: long_ago).make("crm", Role.VIEWER, long_ago + timedelta(days=90))
            async with httpx.AsyncClient(base_url=served.url) as client:
                answer = await client.get("/api/v1/runs", headers={"authorization": f"Bearer {text}"})
            assert answer.status_code == 401
            assert answer.json()["error"].startswith("this token expired at ")
            [entry] = await served.host.journal.audit(AuditQuery())
            assert (entry.action.value, entry.actor, entry.detail) == (
                "token.refused",
                "token crm",
                "the token has expired",
            )
            assert "expired" in words(await read(anna, "/tokens"))
            made = await anna.post("/tokens", {"name": "new", "role": "viewer", "days": "30"}, seen_on="/tokens")
            assert made.status_code == 201
            [new, _] = Tokens(tmp_path / "var").all()
            assert new.expires is not None
            assert timedelta(days=29) < new.expires - datetime.now(UTC) < timedelta(days=31)

    asyncio.run(main())
