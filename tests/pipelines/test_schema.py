import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import pytest
from pydantic import Field, JsonValue, create_model

from jackfield import Action, OptionsModel, Source, Step, WebhookSource, hookimpl
from jackfield.components.host_keys.tables import SourceSettings, StepSettings
from jackfield.components.option_schema import option_rows
from jackfield.components.plugins.registry import Registry
from jackfield.components.units import Duration, parse_duration
from jackfield.pipelines.schema import pipeline_schema


class Waits(OptionsModel):
    connect: Duration = parse_duration("10 s")


class Sample(OptionsModel):
    needed: str
    waits: Waits = Waits()
    patience: Duration = parse_duration("90 s")
    patterns: tuple[str, ...] = ("2**",)
    on: bool = True


class Leaf(OptionsModel):
    kind: Literal["leaf"]
    size: int = Field(ge=1, description="How large it is.")


class Branch(OptionsModel):
    kind: Literal["branch"]
    items: list[Leaf] = []


class Place(OptionsModel):
    exclusive = at_least_one = (("shelf", "floor"),)

    shelf: int = 0
    floor: int = 0


class Nested(OptionsModel):
    """What a tree looks like."""

    exclusive = (("text", "code", "anything"),)

    tree: Leaf | Branch = Field(discriminator="kind", description="The tree.")
    numbers: dict[str, int] = {}
    pair: tuple[int, bool] = (1, True)
    anything: JsonValue = None
    code: str = Field(default="", max_length=3, description="A short word.")
    text: str = ""
    place: Place | None = None


def action_called(name: str, options: type[OptionsModel]) -> type[Action[Any]]:
    async def run(self: Action[Any], options: OptionsModel, step: Step) -> None: ...

    return type("Made", (Action,), {"name": name, "title": name, "Options": options, "run": run})


def source_called(name: str, options: type[OptionsModel]) -> type[WebhookSource[Any]]:
    members = {"name": name, "title": name, "Options": options, "verify": lambda *_: None, "parse": lambda *_: ()}
    return type("Made", (WebhookSource,), members)


class Offer:
    def __init__(self, *components: type[Any]) -> None:
        self.components = components

    @hookimpl
    def register_sources(self) -> Iterable[type[Source[Any]]]:
        return [one for one in self.components if issubclass(one, Source)]

    @hookimpl
    def register_actions(self) -> Iterable[type[Action[Any]]]:
        return [one for one in self.components if issubclass(one, Action)]


def signed(**keys: Any) -> type[OptionsModel]:
    """Make options with a model called Auth, as plugins do that do not know each other."""
    return create_model(
        "Options", __base__=OptionsModel, auth=(create_model("Auth", __base__=OptionsModel, **keys), ...)
    )


def schema_of(*components: type[Any]) -> dict[str, Any]:
    registry = Registry.of(*(Offer(component) for component in components))
    assert [plugin.error for plugin in registry.plugins] == [None] * len(components)
    return pipeline_schema(registry)


def references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for part in schema.values():
            yield from references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from references(part)


def resolved(schema: dict[str, Any], reference: str) -> Any:
    found: Any = schema
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def takes(root: dict[str, Any], schema: Any, value: Any) -> bool:
    """Validate as JSON Schema does, as far as these tests need it."""
    if isinstance(schema, bool):
        return schema
    if not all(keeps(rule, value) for rule in schema.get("allOf", ())):
        return False
    if "$ref" in schema:
        return takes(root, resolved(root, schema["$ref"]), value)
    if "anyOf" in schema:
        return any(takes(root, choice, value) for choice in schema["anyOf"])
    return bool(value == schema["const"]) if "const" in schema else is_of_type(root, schema, value)


def keeps(rule: dict[str, Any], value: Any) -> bool:
    """Validate against a rule about which keys there are."""
    match rule:
        case {"not": negated}:
            return not keeps(negated, value)
        case {"anyOf": choices}:
            return any(keeps(choice, value) for choice in choices)
    return not isinstance(value, dict) or value.keys() >= {*rule["required"]}


def is_of_type(root: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    match schema.get("type"), value:
        case "object", dict():
            known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
            return all(takes(root, known.get(key, other), item) for key, item in value.items())
        case "array", list():
            parts = schema.get("prefixItems") or [schema["items"]] * len(value)
            return all(takes(root, part, item) for part, item in zip(parts, value, strict=True))
        case "string", str():
            return bool(re.search(schema.get("pattern", ""), value)) and len(value) <= schema.get("maxLength", 99)
        case kind, _:
            return kind is None or isinstance(value, {"integer": int, "boolean": bool}.get(kind, ()))


def test_options_are_described_as_one_writes_them() -> None:
    rows = {row.name: (row.type, row.default) for row in option_rows(Sample)}
    assert rows == {
        "needed": ("string", "required"),
        "waits": ("table", '{ connect = "10 s" }'),
        "patience": ("string", '"90 s"'),
        "patterns": ("list", '["2**"]'),
        "on": ("boolean", "true"),
    }


def test_the_schema_of_a_pipeline_knows_the_hosts_keys_and_the_components() -> None:
    schema = schema_of(source_called("acme.call", Waits), action_called("acme.send", Sample))
    assert schema["required"] == ["source", "steps"]
    [source] = schema["properties"]["source"]["anyOf"]
    [step] = schema["properties"]["steps"]["items"]["anyOf"]
    assert source["properties"].keys() == SourceSettings.model_fields.keys() | {"connect"}
    assert step["properties"].keys() == StepSettings.model_fields.keys() | Sample.model_fields.keys()
    assert (source["required"], step["required"]) == (["use"], ["use", "needed"])
    assert (source["properties"]["use"], step["properties"]["use"]) == ({"const": "acme.call"}, {"const": "acme.send"})
    assert source["additionalProperties"] is step["additionalProperties"] is False


def test_models_of_the_same_name_are_each_their_components_own() -> None:
    schema = schema_of(
        action_called("acme.send", signed(token=str)),
        action_called("other.send", signed(user=str)),
        source_called("acme.send", signed(key=str)),
    )
    found = set()
    for component in (*schema["properties"]["source"]["anyOf"], *schema["properties"]["steps"]["items"]["anyOf"]):
        [reference] = references(component["properties"]["auth"])
        found.add((component["title"], *resolved(schema, reference)["properties"]))
    assert found == {("acme.send", "key"), ("acme.send", "token"), ("other.send", "user")}


def test_every_reference_leads_to_something_in_the_schema() -> None:
    for schema in (
        pipeline_schema(Registry.load()),
        schema_of(action_called("acme.tree", Nested), action_called("acme.sample", Sample)),
    ):
        found = set(references(schema))
        assert found
        for reference in found:
            assert isinstance(resolved(schema, reference), dict), reference


def test_components_and_their_options_are_described_where_editors_look() -> None:
    [step] = schema_of(action_called("acme.tree", Nested))["properties"]["steps"]["items"]["anyOf"]
    assert (step["title"], step["description"]) == ("acme.tree", "What a tree looks like.")
    assert step["properties"]["tree"]["description"] == "The tree."
    assert step["properties"]["code"]["description"] == "A short word."
    assert step["properties"]["pair"]["default"] == [1, True]


TEMPLATE = "{{ $.event.x }}"


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ({"tree": {"kind": "leaf", "size": 5}}, True),
        ({"tree": {"kind": "leaf", "size": "5"}}, False),
        ({"tree": {"kind": "leaf", "size": TEMPLATE}}, True),
        ({"tree": {"kind": TEMPLATE, "size": TEMPLATE}}, True),
        ({"tree": {"kind": "branch", "items": [{"kind": "leaf", "size": TEMPLATE}, TEMPLATE]}}, True),
        ({"tree": {"kind": "branch", "items": [{"kind": "leaf", "size": "many"}]}}, False),
        ({"tree": {"kind": "branch", "items": TEMPLATE}}, True),
        ({"tree": TEMPLATE}, True),
        ({"tree": "oak"}, False),
        ({"tree": {"kind": "leaf", "sise": 5}}, False),
        ({"numbers": {"a": 1, "b": TEMPLATE}}, True),
        ({"numbers": {"a": "1"}}, False),
        ({"pair": [TEMPLATE, TEMPLATE]}, True),
        ({"pair": [1, "yes"]}, False),
        ({"anything": [TEMPLATE, {"a": None}]}, True),
        ({"code": "abc"}, True),
        ({"code": "abcd"}, False),
        ({"code": TEMPLATE}, True),
        ({"text": "anything"}, True),
        ({"retry": {"attempts": 3}}, True),
        ({"retry": {"attempts": TEMPLATE}}, False),
        ({"tre": TEMPLATE}, False),
        ({"text": TEMPLATE, "code": TEMPLATE}, False),
        ({"text": "", "anything": None}, False),
        ({"place": {"shelf": 1}}, True),
        ({"place": {"shelf": 1, "floor": TEMPLATE}}, False),
        ({"place": {}}, False),
        ({"place": TEMPLATE}, True),
    ],
)
def test_a_template_may_stand_for_any_value_of_an_option_and_nothing_else_is_loosened(
    options: dict[str, Any],
    good: bool,  # noqa: FBT001
) -> None:
    schema = schema_of(action_called("acme.tree", Nested))
    [step] = schema["properties"]["steps"]["items"]["anyOf"]
    assert takes(schema, step, {"use": "acme.tree", **options}) is good


def test_a_default_in_the_schema_is_what_one_may_write() -> None:
    schema = schema_of(action_called("acme.sample", Sample))
    [step] = schema["properties"]["steps"]["items"]["anyOf"]
    written = {name: step["properties"][name]["default"] for name in Sample.model_fields.keys() - {"needed"}}
    assert Sample.model_validate({"needed": "x", **written}) == Sample(needed="x")
    assert schema["$defs"]["action.acme.sample.Waits"]["properties"]["connect"]["default"] == "10 s"
    assert step["properties"]["timeout"]["default"] == "30 s"
