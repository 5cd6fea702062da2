import re
import tomllib

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jackfield_getcourse.user_created import UserCreatedOptions
from jackfield_http_request.options import HttpRequestOptions
from tests.docs.markdown import ROOT

READMES: list[tuple[str, type[BaseModel]]] = [("getcourse", UserCreatedOptions), ("http_request", HttpRequestOptions)]


def table(plugin: str) -> dict[str, str]:
    """Read the default of every option out of the table in a plugin's README."""
    text = (ROOT / "plugins" / plugin / "README.md").read_text(encoding="utf-8").partition("\n## Options\n")[2]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text.partition("\n## ")[0], re.MULTILINE))


def said_of(field: FieldInfo) -> str | None:
    """What stands for a default that is no value."""
    if field.is_required():
        return "required"
    return "none" if field.get_default(call_default_factory=True) in (None, ()) else None


@pytest.mark.parametrize(("plugin", "model"), READMES)
def test_the_readme_lists_every_option_and_no_other(plugin: str, model: type[BaseModel]) -> None:
    assert list(table(plugin)) != []
    assert table(plugin).keys() == {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("plugin", "model"), READMES)
def test_a_default_in_the_readme_is_the_models(plugin: str, model: type[BaseModel]) -> None:
    shown = table(plugin)
    needed = {"url": "https://example.ru"} if "url" in model.model_fields else {}
    default = model.model_validate(needed)
    for name, field in model.model_fields.items():
        option = field.alias or name
        if words := said_of(field):
            assert shown[option] == words, option
        else:
            written = tomllib.loads(f"{option} = {shown[option].strip('`')}")
            assert model.model_validate(needed | written) == default, option
