import json
from collections.abc import Iterable
from typing import Any

import pytest
from pydantic import Field, JsonValue, SecretStr

from jackfield import Action, Event, OptionsModel, Step, WebhookRequest, WebhookSource, hookimpl
from jackfield.loader import PipelineLoader
from jackfield.pipeline import Pipeline
from jackfield.registry import Registry
from jackfield.secrets import Secrets
from jackfield.tomlfile import TomlFile


class NoteOptions(OptionsModel):
    text: str
    times: int = Field(default=1, ge=1)
    pairs: dict[str, str] | list[tuple[str, str]] = {}
    key: SecretStr | None = None


class Note(Action[NoteOptions]):
    name = "note"
    title = "Note"
    Options = NoteOptions

    async def run(self, options: NoteOptions, step: Step) -> JsonValue:
        return [options.text] * options.times


class CallOptions(OptionsModel):
    key: SecretStr | None = None


class Call(WebhookSource[CallOptions]):
    name = "call"
    title = "Call"
    Options = CallOptions

    def verify(self, request: WebhookRequest) -> None:
        pass

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        yield Event({})


class Plugin:
    @hookimpl
    def register_actions(self) -> list[type[Action[Any]]]:
        return [Note]

    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        return [Call]


SOURCE = '[source]\nuse = "call"\n'


def load(text: str, id: str = "x", **secrets: str) -> Pipeline:
    loader = PipelineLoader(Registry.of(Plugin()), Secrets(secrets))
    return loader.load(id, TomlFile.parse(text, f"pipelines/{id}.toml"))


def problems(text: str, id: str = "x", **secrets: str) -> list[str]:
    return [str(problem) for problem in load(text, id, **secrets).problems]


def test_a_good_file_makes_a_pipeline_that_can_run() -> None:
    pipeline = load(f'title = "T"\nconcurrency = 3\nrate = "7/s"\n{SOURCE}[[steps]]\nuse = "note"\ntext = "hello"\n')
    assert pipeline.blocked is None
    assert (pipeline.title, pipeline.limits.concurrency) == ("T", 3)
    options = pipeline.steps[0].options
    assert options.render({}).text == "hello"
    assert options.render({}) is options.render({}), "what has no template is validated once"


def test_the_mistake_of_the_readme_is_named_by_file_line_key_and_remedy() -> None:
    assert problems('[[steps]]\nuse = "not"\n') == [
        "pipelines/x.toml: source: is required",
        'pipelines/x.toml:2: steps[0].use: there is no action "not"; did you mean "note"?',
    ]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("text = 5", "x.toml:5: steps[0].text: input should be a valid string"),
        ("txt = 'x'", 'x.toml:5: steps[0].txt: is not known here; did you mean "text"?'),
        ("txt = 'x'", "x.toml:3: steps[0].text: is required"),
        ("text = 'x'\ntimes = 0", "x.toml:6: steps[0].times: input should be greater than or equal to 1"),
        ("text = 'x'\npairs = { a = 1 }", "x.toml:6: steps[0].pairs.a: input should be a valid string"),
        ("text = '{{ $.event. }}'", "x.toml:5: steps[0].text: "),
        ("text = '{{ $.event.a | lowr }}'", "x.toml:5: steps[0].text: there is no filter lowr; did you mean lower?"),
        ("text = '{{ secret.TOKN }}'", "secret TOKN is not set; put it into secrets.toml or JACKFIELD_SECRET_TOKN"),
        ("text = '{{ $.steps.later.x }}'", "$.steps.later is not an earlier step"),
        ("text = 'x'\ntimeout = '5'", "x.toml:6: steps[0].timeout: '5' is not a duration"),
        ("text = 'x'\nretry = { atempts = 1 }", 'steps[0].retry.atempts: is not known here; did you mean "attempts"?'),
        ("text = 'x'\non_error = 'ignore'", "x.toml:6: steps[0].on_error: input should be 'stop' or 'continue'"),
    ],
)
def test_each_mistake_in_a_step_is_named(step: str, expected: str) -> None:
    found = problems(f'{SOURCE}[[steps]]\nuse = "note"\n{step}\n')
    assert any(expected in problem for problem in found), found


def test_all_mistakes_are_named_at_once() -> None:
    text = (
        f"titel = 'x'\n{SOURCE}[[steps]]\nuse = 'note'\ntext = '{{{{ nope }}}}'\ntimes = '{{{{ $.event.n | nope }}}}'\n"
    )
    assert len(problems(text)) == 3


def test_what_a_template_will_say_is_checked_when_it_has_said_it() -> None:
    step = "use = 'note'\ntext = 'x'\ntimes = '{{ $.event.n }}'\npairs = { a = '{{ $.event.p }}' }\n"
    pipeline = load(f"{SOURCE}[[steps]]\n{step}")
    assert pipeline.blocked is None
    options = pipeline.steps[0].options.render({"event": {"n": "3", "p": "q"}})
    assert (options.times, options.pairs) == (3, {"a": "q"})


def test_an_error_of_a_union_speaks_of_the_shape_that_fits_best() -> None:
    found = problems(f"{SOURCE}[[steps]]\nuse = 'note'\ntext = 'x'\npairs = [['a']]\n")
    assert all("list[" not in problem and "dict[" not in problem for problem in found)
    assert len(found) == 1


def test_steps_see_earlier_steps_only_and_have_names_of_their_own() -> None:
    first, second = "use='note'\nname='a'\ntext='x'\n", "use='note'\nname='b'\ntext='{{ $.steps.a[0] }}'\n"
    assert problems(f"{SOURCE}[[steps]]\n{first}[[steps]]\n{second}") == []
    twice = f"{SOURCE}[[steps]]\nuse='note'\ntext='x'\n[[steps]]\nuse='note'\ntext='x'\n"
    assert problems(twice) == [
        'pipelines/x.toml:6: steps[1].name: two steps are called "note"; give this one a name of its own'
    ]


def test_a_version_is_the_same_for_files_that_differ_in_comments_and_layout_only() -> None:
    first = load(f"title = 'x'\n{SOURCE}[[steps]]\nuse='note'\ntext='x'\n")
    second = load("# hello\ntitle = \"x\"\nsteps = [{ text = 'x', use = 'note' }]\nsource = { use = 'call' }")
    third = load(f"title = 'x'\n{SOURCE}[[steps]]\nuse='note'\ntext='y'\n")
    assert first.version == second.version != third.version


def test_a_pipeline_with_a_broken_step_still_has_its_source() -> None:
    pipeline = load(f"{SOURCE}[[steps]]\nuse = 'gone'\n")
    assert pipeline.source is not None
    assert pipeline.blocked == 'pipelines/x.toml:4: steps[0].use: there is no action "gone"; known: note'


def test_secrets_in_options_are_masked_even_if_they_are_not_named() -> None:
    pipeline = load(
        "[source]\nuse='call'\nkey='source-key'\n[[steps]]\nuse='note'\ntext='x'\nkey='step-key'\n", TOKEN="named"
    )
    assert pipeline.mask("source-key step-key named other") == "*** *** *** other"


def test_a_source_option_may_use_a_secret_but_no_event() -> None:
    step = "[[steps]]\nuse='note'\ntext='x'\n"
    assert problems(f"[source]\nuse='call'\nkey='{{{{ secret.TOKEN }}}}'\n{step}", TOKEN="t") == []
    assert len(problems(f"[source]\nuse='call'\nkey='{{{{ $.event.x }}}}'\n{step}")) == 1


@pytest.mark.parametrize("id", ["Имя", "A", "a b", "a" * 65, "-a", ".."])
def test_a_pipelines_name_must_do_as_a_part_of_an_address(id: str) -> None:
    assert any("rename the file" in problem for problem in problems(f"{SOURCE}[[steps]]\nuse='note'\ntext='x'\n", id))


@pytest.mark.parametrize("wrong", ["$.event.id", "x {{ $.event.id }}", "{% if $.event.id %}1{% endif %}", "constant"])
@pytest.mark.parametrize("key", ["dedupe", "order_by", "when"])
def test_what_stands_for_one_value_must_be_one_expression_in_braces(key: str, wrong: str) -> None:
    def text(value: str) -> str:
        lines = {"dedupe": "", "order_by": "", "when": "", key: f"{key} = {json.dumps(value)}\n"}
        return f"{lines['order_by']}{SOURCE}{lines['dedupe']}[[steps]]\nuse='note'\ntext='x'\n{lines['when']}"

    [problem] = problems(text(wrong))
    assert problem.endswith('must be one expression in braces, such as "{{ $.event.id }}"')
    assert problems(text("{{ $.event.id }}")) == []
    assert problems(text("\n{{ $.event.id }}\n")) == []


def test_a_template_in_a_list_is_put_off_and_a_wrong_key_is_not() -> None:
    good = f"{SOURCE}[[steps]]\nuse='note'\ntext='x'\npairs = [['{{{{ $.event.a }}}}', 'b']]\n"
    assert problems(good) == []
    [problem] = problems(f"{SOURCE}[[steps]]\nuse='note'\ntext='x'\ntimse = '{{{{ $.event.a }}}}'\n")
    assert 'steps[0].timse: is not known here; did you mean "times"?' in problem


def test_a_source_that_cannot_be_made_blocks_its_pipeline_and_says_why() -> None:
    class Broken(Call):
        name = "broken"

        def __init__(self, options: CallOptions) -> None:
            raise ZeroDivisionError("by design")

    class BrokenPlugin(Plugin):
        @hookimpl
        def register_sources(self) -> list[type[WebhookSource[Any]]]:
            return [Broken]

    loader = PipelineLoader(Registry.of(BrokenPlugin()), Secrets({}))
    text = "[source]\nuse='broken'\n[[steps]]\nuse='note'\ntext='x'\n"
    pipeline = loader.load("x", TomlFile.parse(text, "pipelines/x.toml"))
    assert pipeline.source is None
    assert pipeline.blocked is not None
    assert "source broken cannot be made: ZeroDivisionError('by design')" in pipeline.blocked


def test_a_pipeline_without_steps_is_a_mistake() -> None:
    assert len(problems(f"steps = []\n{SOURCE}")) == 1
