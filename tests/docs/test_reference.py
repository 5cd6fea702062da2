import re
import tomllib
from enum import StrEnum

import pytest

from jackfield.components.host_keys.retry import RetryPolicy
from jackfield.components.host_keys.tables import PipelineSettings, SourceSettings, StepSettings
from jackfield.components.options import OptionsModel
from jackfield.journal.records import Mode, Outcome, State
from jackfield.project.settings import Settings
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs" / "pipelines.md"
TEXT = PAGE.read_text(encoding="utf-8")


def first_column(heading: str) -> list[str]:
    """List what the rows of the table with this heading are about."""
    rows = TEXT.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`([\w.]+)`", row.split("|")[1])]


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("key of the file", PipelineSettings),
        ("key of `[source]`", SourceSettings),
        ("key of a step", StepSettings),
    ],
)
def test_every_key_of_the_host_has_a_row(heading: str, model: type[OptionsModel]) -> None:
    assert set(first_column(heading)) == model.model_fields.keys() - {"source", "steps"}


def test_every_setting_has_a_row() -> None:
    settings = {
        f"{table}.{key}"
        for table, field in Settings.model_fields.items()
        for key in (field.annotation or OptionsModel).model_fields
    }
    assert set(first_column("key")) == settings


def test_what_is_said_to_be_the_default_is_the_default() -> None:
    [block] = [block for block in blocks("toml", PAGE) if "[server]" in block.text]
    shown = tomllib.loads(block.text)
    examples = {
        "server": {"public_url": shown["server"].pop("public_url")},
        "http": {"allow": shown["http"].pop("allow")},
    }
    assert Settings.model_validate(shown) == Settings()
    Settings.model_validate(examples)
    retry = re.search(r"`retry = (\{.*?\})` is the default", TEXT)
    assert retry
    assert RetryPolicy.model_validate(tomllib.loads(f"retry = {retry[1]}")["retry"]) == RetryPolicy()


@pytest.mark.parametrize(
    ("key", "value"), [("concurrency", "10"), ("timeout", '"30 s"'), ("on_error", '"stop"'), ("address_version", "1")]
)
def test_a_default_in_a_table_is_the_default(key: str, value: str) -> None:
    assert f"| `{key}` | `{value}` |" in TEXT
    model = next(model for model in (PipelineSettings, SourceSettings, StepSettings) if key in model.model_fields)
    given = {"use": "x", "source": {}, "steps": [{}]}
    host = {name: item for name, item in given.items() if name in model.model_fields}
    assert model.model_validate(host | tomllib.loads(f"{key} = {value}")) == model.model_validate(host)


@pytest.mark.parametrize(("heading", "words"), [("state", State), ("mode", Mode)])
def test_every_state_and_mode_has_a_row(heading: str, words: type[StrEnum]) -> None:
    assert first_column(heading) == [word.value for word in words]


def test_every_outcome_of_an_attempt_is_named() -> None:
    [paragraph] = [part for part in TEXT.split("\n\n") if part.startswith("An attempt of a step is")]
    assert set(re.findall(r"`(\w+)`", paragraph)) >= {outcome.value for outcome in Outcome}
