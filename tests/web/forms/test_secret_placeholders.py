"""What the browser is sent in place of the secrets that stand in a file."""

from __future__ import annotations

import pytest

from jackfield.components.plugins.registry import Registry
from jackfield.web.forms.secret_placeholders import SecretKeeper, is_kept_in
from tests.support import Plugin

GONE = """\
[source]
use = "acme.hook"  # of theirs
signing_secret = "l1teral-signing"
[[steps]]
use = "acme.crm"
url = "https://crm.example/api"
token = 'l1teral-token'
headers = { Authorization = "Bearer l1teral-bearer", Cookie = "l1teral-cookie", X-Kind = "json" }
auth = { user = "me", password = "l1teral-password" }
accounts = [{ api_key = "l1teral-key", name = "one" }]
keys = "{{ secret.KEY }}"
access_token = "{{ secret.TOKEN }}"
passwords = ["shown"]
secret = ["l1teral-list", ""]
"""


@pytest.fixture(scope="module")
def keeper() -> SecretKeeper:
    return SecretKeeper(Registry.of(Plugin()), "key of the host")


def test_secrets_of_a_plugin_that_is_not_installed_are_guessed_by_their_names(keeper: SecretKeeper) -> None:
    hidden = keeper.hidden(GONE)
    assert "l1teral" not in hidden
    assert len(is_kept_in(hidden)) == 6
    for shown in ("https://crm.example/api", 'X-Kind = "json"', 'user = "me"', "{{ secret.TOKEN }}", "# of theirs"):
        assert shown in hidden
    assert keeper.restored(hidden, GONE) == GONE


def test_so_are_those_of_an_option_that_nobody_knows(keeper: SecretKeeper) -> None:
    text = '[source]\nuse = "call"\n[[steps]]\nuse = "act"\ndo = "say"\napi_token = "l1teral"\n'
    hidden = keeper.hidden(text)
    assert "l1teral" not in hidden
    assert 'do = "say"' in hidden
    assert keeper.restored(hidden, text) == text


def test_they_stay_when_another_action_is_chosen_for_the_step(keeper: SecretKeeper) -> None:
    other = keeper.hidden(GONE).replace('"acme.crm"', '"act"')
    assert keeper.restored(other, GONE) == GONE.replace('"acme.crm"', '"act"')
