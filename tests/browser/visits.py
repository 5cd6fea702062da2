"""Somebody who has logged in, in a browser."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Browser, Page

from jackfield.access.users import Role, Users
from tests.processes import ServedHost

PASSWORD: Final = "correct horse battery"


def logged_in(
    browser: Browser, host: ServedHost, name: str = "olga", role: Role = Role.OPERATOR, **context: Any
) -> Page:
    """Make the user where there is none of this name, and log in with a browser of their own."""
    users = Users(host.project.var)
    if users.get(name) is None:
        users.add(name, PASSWORD, role)
    page = browser.new_context(base_url=host.project.settings.local_url, **context).new_page()
    page.goto("/login")
    page.locator('input[name="name"]').fill(name)
    page.locator('input[name="password"]').fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/")
    return page
