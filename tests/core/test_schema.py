from jackfield import OptionsModel
from jackfield.registry import Registry
from jackfield.schema import option_rows, pipeline_schema
from jackfield.units import Duration, parse_duration
from tests.support import Plugin


class Waits(OptionsModel):
    connect: Duration = parse_duration("10 s")


class Sample(OptionsModel):
    needed: str
    waits: Waits = Waits()
    patterns: tuple[str, ...] = ("2**",)
    on: bool = True


def test_options_are_described_as_one_writes_them() -> None:
    rows = {name: (kind, default) for name, kind, default, _ in option_rows(Sample, lambda text: text["en"])}  # type: ignore[index]
    assert rows == {
        "needed": ("string", "required"),
        "waits": ("table", '{ connect = "10 s" }'),
        "patterns": ("list", '["2**"]'),
        "on": ("boolean", "true"),
    }


def test_the_schema_of_a_pipeline_knows_host_keys_and_components_and_allows_templates() -> None:
    schema = pipeline_schema(Registry.of(Plugin()))
    assert {one["title"] for one in schema["properties"]["source"]["anyOf"]} == {"call", "gullible"}
    [step] = schema["properties"]["steps"]["items"]["anyOf"]
    assert step["properties"]["use"] == {"const": "act"}
    assert {"do", "text", "when", "retry", "timeout", "on_error"} <= step["properties"].keys()
    assert any("pattern" in choice for choice in step["properties"]["text"]["anyOf"])
    assert step["additionalProperties"] is False
