"""The filters as templates see them: by their names, in the sandbox, in a pipeline that is loaded."""

from typing import Any

import pytest

import jackfield_filters
from jackfield.components.plugins.registry import Registry
from jackfield.errors import TemplateError
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.templates.engine import Blank, TemplateEngine
from tests.support import Plugin, steps

NAMES = ["phone", "money", "date", "base64", "base64_decode", "hash", "hmac", "slug", "translit"]
MAY_BE_BLANK = ["phone", "money", "date"]


def render(template: str, value: Any = None) -> Any:
    engine = TemplateEngine({"KEY": "s3cret-key"}, Registry.of(jackfield_filters).filters)
    return engine.compile(template, "steps[0].url").render({"event": {"v": value}})


def test_a_host_takes_all_of_them() -> None:
    registry = Registry.of(jackfield_filters)
    assert [plugin.error for plugin in registry.plugins] == [None]
    assert sorted(registry.filters) == sorted(NAMES)


@pytest.mark.parametrize(
    ("template", "value", "result"),
    [
        ("{{ $.event.v | phone }}", "8 (916) 123-45-67", "+79161234567"),
        ("{{ $.event.v | phone('GB') }}", "020 7946 0958", "+442079460958"),
        ("{{ $.event.v | money }}", "24\u00a0900,50", 24900.5),
        ("{{ $.event.v | money(decimal=',') }}", "1.234", 1234),
        ("{{ $.event.v | date('%d.%m.%Y') }}", "2026-11-24 09:30:00", "24.11.2026"),
        ("{{ $.event.v | date(zone='Europe/Moscow', to='UTC') }}", "24.11.2026 09:30", "2026-11-24T06:30:00+00:00"),
        ("{{ $.event.v | tojson | base64(urlsafe=true) }}", {"a": "Анна"}, "eyJhIjoi0JDQvdC90LAifQ=="),
        ("{{ $.event.v | base64_decode }}", "0JDQvdC90LA", "Анна"),
        ("{{ $.event.v | hash('md5') }}", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("{{ $.event.v | map('money') | sum }}", ["1 000", "2,5"], 1002.5),
        ("{{ $.event.v | slug('_') }}", "Анна Ли", "anna_li"),
        ("to {{ $.event.v | translit }}", "Юлия", "to Iuliia"),
    ],
)
def test_a_filter_can_be_used_in_a_template(template: str, value: object, result: object) -> None:
    rendered = render(template, value)
    assert (rendered, type(rendered)) == (result, type(result))


@pytest.mark.parametrize("name", MAY_BE_BLANK)
@pytest.mark.parametrize("value", [Blank(""), Blank("  "), None])
def test_a_value_that_says_nothing_goes_through_to_default(name: str, value: object) -> None:
    assert render(f"{{{{ $.event.v | {name} | default('none') }}}}", value) == "none"


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_missing_is_named(name: str) -> None:
    argument = "('key')" if name == "hmac" else ""
    with pytest.raises(TemplateError, match=r"\$\.event\.w selects nothing"):
        render(f"{{{{ $.event.w | {name}{argument} }}}}", 1)


@pytest.mark.parametrize(
    ("name", "fault"), [("phone", "NotAPhoneNumberError"), ("money", "NotMoneyError"), ("date", "NotADateError")]
)
def test_a_value_that_does_not_suit_is_said_in_one_sentence_without_it(name: str, fault: str) -> None:
    with pytest.raises(TemplateError) as refused:
        render(f"{{{{ $.event.v | {name} }}}}", "личное")
    assert str(refused.value) == (
        f"steps[0].url: the filter {name} cannot take what it is given ({fault}); check its input"
    )


def test_a_secret_can_be_the_key_of_a_signature() -> None:
    signature = render("{{ $.event.v | hmac(secret.KEY) }}", 1017)
    assert len(signature) == 64
    assert signature == render("{{ '1017' | hmac('s3cret-key') }}")


@pytest.mark.parametrize("arguments", ["secret.KEY, 'sha257'", "secret.KEY, encoding=secret.KEY", "'', secret.KEY"])
def test_a_secret_key_is_not_shown_where_a_signature_fails(arguments: str) -> None:
    with pytest.raises(TemplateError, match="the filter hmac cannot take what it is given") as refused:
        render(f"{{{{ $.event.v | hmac({arguments}) }}}}", "data")
    assert "s3cret" not in str(refused.value)


def test_a_pipeline_that_uses_them_loads_and_renders() -> None:
    text = steps('do = "say"\ntext = "{{ $.event.phone | phone }} {{ $.event.id | hmac(secret.KEY) }}"')
    loader = PipelineLoader(Registry.of(Plugin(), jackfield_filters), Secrets({"KEY": "s3cret-key"}))
    pipeline = loader.load("x", TomlFile.parse(text, "x.toml"))
    assert pipeline.problems == ()
    options: Any = pipeline.steps[0].options.render({"event": {"phone": "8 916 123-45-67", "id": 1017}})
    phone, _, signature = options.text.partition(" ")
    assert (phone, signature) == ("+79161234567", render("{{ '1017' | hmac(secret.KEY) }}"))
