import re
import tomllib
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jackfield.components.plugins.registry import Registry
from tests.docs.markdown import ROOT

NEEDED: dict[str, dict[str, Any]] = {
    "compose.form": {"fields": {}},
    "compose.json": {"value": 1},
    "filter": {"keep_when": True},
    "email": {"server": "smtp://example.ru", "from": "a@example.ru", "to": "b@example.ru"},
    "http_request": {"url": "https://example.ru"},
    "send_email": {
        "server": "smtp://example.ru",
        "from": "a@example.ru",
        "to": "b@example.ru",
        "subject": "x",
        "text": "x",
    },
    "webhook": {"url": "https://example.ru"},
    "webhook.generic": {"verify": "none"},
}
"""For options that cannot be left out: some value, to make a model with."""


def bundled() -> list[tuple[str, str, type[BaseModel]]]:
    """Find every component of the bundled plugins: its plugin's folder, its name and its options."""
    folders = {path.name for path in (ROOT / "plugins").iterdir()}
    plugins = [plugin for plugin in Registry.load().plugins if plugin.module.removeprefix("jackfield_") in folders]
    return [
        (plugin.module.removeprefix("jackfield_"), component.name, component.Options)
        for plugin in plugins
        for component in plugin.components
    ]


COMPONENTS = bundled()


def table(plugin: str, component: str) -> dict[str, str]:
    """Read the default of every option out of the table in a plugin's README: the component's own, or the only one."""
    text = (ROOT / "plugins" / plugin / "README.md").read_text(encoding="utf-8").partition("\n## Options\n")[2]
    options = text.partition("\n## ")[0]
    own = re.split(r"\n### ", options.partition(f"\n### `{component}`")[2])[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", own or options, re.MULTILINE))


def said_of(field: FieldInfo) -> str | None:
    """What stands for a default that is no value."""
    if field.is_required():
        return "required"
    return "none" if field.get_default(call_default_factory=True) in (None, ()) else None


@pytest.mark.parametrize(("plugin", "component", "model"), COMPONENTS)
def test_the_readme_lists_every_option_and_no_other(plugin: str, component: str, model: type[BaseModel]) -> None:
    assert table(plugin, component).keys() == {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("plugin", "component", "model"), COMPONENTS)
def test_a_default_in_the_readme_is_the_models(plugin: str, component: str, model: type[BaseModel]) -> None:
    shown = table(plugin, component)
    needed = NEEDED.get(component, {})
    for name, field in model.model_fields.items():
        option = field.alias or name
        if words := said_of(field):
            assert shown[option] == words, option
        else:
            written = tomllib.loads(f"{option} = {shown[option].strip('`')}")
            default = field.get_default(call_default_factory=True)
            assert getattr(model.model_validate(needed | written), name) == default, option


def test_every_bundled_plugin_is_looked_at() -> None:
    assert {plugin for plugin, _, _ in COMPONENTS} == {"compose", "email", "getcourse", "http_request", "webhook"}
