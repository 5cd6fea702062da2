import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, JsonValue, SecretStr

from jackfield import (
    Action,
    Duration,
    Event,
    OptionsModel,
    ResponseExpression,
    Step,
    WebhookRequest,
    WebhookSource,
    hookimpl,
)
from jackfield.checks.project import inspect_project
from jackfield.components.plugins.registry import Registry
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.document import event_document
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile


class Signature(OptionsModel):
    exclusive = at_least_one = (("bearer", "basic"),)

    bearer: str = ""
    basic: str = ""


class NoteOptions(OptionsModel):
    exclusive = (("pairs", "json"),)

    text: str
    times: int = Field(default=1, ge=1)
    pairs: dict[str, str] | list[tuple[str, str]] = {}
    json_: JsonValue = Field(default=None, alias="json")
    key: SecretStr | None = None
    auth: Signature | None = None


class Note(Action[NoteOptions]):
    name = "note"
    title = "Note"
    Options = NoteOptions

    async def run(self, options: NoteOptions, step: Step) -> JsonValue:
        return [options.text] * options.times


class LateOptions(OptionsModel):
    text: str = ""
    rule: ResponseExpression | None = None


class Late(Action[LateOptions]):
    name = "late"
    title = "Late"
    Options = LateOptions

    async def run(self, options: LateOptions, step: Step) -> JsonValue:
        return None


class CallOptions(OptionsModel):
    exclusive = (("key", "word"),)

    key: SecretStr | None = None
    word: SecretStr | None = None
    window: Duration | None = None


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
        return [Note, Late]

    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        return [Call]


SOURCE = '[source]\nuse = "call"\n'
NOTE = '[[steps]]\nuse = "note"\ntext = "a"\n'


def load(text: str, id: str = "x", **secrets: str) -> Pipeline:
    loader = PipelineLoader(Registry.of(Plugin()), Secrets(secrets))
    return loader.load(id, TomlFile.parse(text, f"pipelines/{id}.toml"))


def problems(text: str, id: str = "x", **secrets: str) -> list[str]:
    return [str(problem) for problem in load(text, id, **secrets).problems]


def places(text: str, **secrets: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.key) for problem in load(text, **secrets).problems]


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
        ("text = 5", "x.toml:5: steps[0].text: must be text in quotes"),
        ("txt = 'x'", 'x.toml:5: steps[0].txt: is not known here; did you mean "text"?'),
        ("txt = 'x'", "x.toml:3: steps[0].text: is required"),
        ("text = 'x'\ntimes = 0", "x.toml:6: steps[0].times: must be at least 1"),
        ("text = 'x'\npairs = { a = 1 }", "x.toml:6: steps[0].pairs.a: must be text in quotes"),
        ("text = '{{ $.event. }}'", "x.toml:5: steps[0].text: "),
        ("text = '{{ $.event.a | lowr }}'", "x.toml:5: steps[0].text: there is no filter lowr; did you mean lower?"),
        ("text = '{{ secret.TOKN }}'", "secret TOKN is not set; put it into secrets.toml or JACKFIELD_SECRET_TOKN"),
        ("text = '{{ $.steps.later.x }}'", "$.steps.later is not an earlier step"),
        ("text = 'x'\ntimeout = '5'", "x.toml:6: steps[0].timeout: '5' is not a duration"),
        ("text = 'x'\nname = 'a-b'", "x.toml:6: steps[0].name: may have only Latin letters, digits and _"),
        ("text = 'x'\nretry = { atempts = 1 }", 'steps[0].retry.atempts: is not known here; did you mean "attempts"?'),
        ("text = 'x'\non_error = 'ignore'", "x.toml:6: steps[0].on_error: must be one of 'stop' or 'continue'"),
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


def test_a_pipeline_has_so_many_steps_and_no_more() -> None:
    step = "[[steps]]\nuse = 'note'\nname = 's{}'\ntext = 'x'\n"
    assert problems(SOURCE + "".join(map(step.format, range(200)))) == []
    assert problems(SOURCE + "".join(map(step.format, range(20_000)))) == [
        "pipelines/x.toml:803: steps[200]: is one step too many: a pipeline has 200 at most; divide it"
    ]


def test_a_version_is_the_same_for_files_that_differ_in_comments_and_layout_only() -> None:
    first = load(f"title = 'x'\n{SOURCE}[[steps]]\nuse='note'\ntext='x'\n")
    second = load("# hello\ntitle = \"x\"\nsteps = [{ text = 'x', use = 'note' }]\nsource = { use = 'call' }")
    third = load(f"title = 'x'\n{SOURCE}[[steps]]\nuse='note'\ntext='y'\n")
    assert first.version == second.version != third.version


def test_a_pipeline_with_a_broken_step_still_has_its_source() -> None:
    pipeline = load(f"{SOURCE}[[steps]]\nuse = 'gone'\n")
    assert pipeline.source is not None
    assert pipeline.blocked == 'pipelines/x.toml:4: steps[0].use: there is no action "gone"; known: late, note'


def test_secrets_in_options_are_masked_even_if_they_are_not_named() -> None:
    pipeline = load(
        "[source]\nuse='call'\nkey='source-key'\n[[steps]]\nuse='note'\ntext='x'\nkey='step-key'\n", TOKEN="named-key"
    )
    assert pipeline.mask("source-key step-key named-key other") == "*** *** *** other"


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


def test_a_mistake_in_the_hosts_keys_of_a_step_hides_none_in_its_options() -> None:
    step = "timeout=30\npiars={ a='1' }\ntext='{{ $.evnt.a }}'\nwhen='{{ nope }}'\nuse='note'\nname='-'\ntimes='x'\n"
    assert places(f"{SOURCE}[[steps]]\n{step}") == [
        (4, "steps[0].timeout"),
        (5, "steps[0].piars"),
        (6, "steps[0].text"),
        (7, "steps[0].when"),
        (9, "steps[0].name"),
        (10, "steps[0].times"),
    ]


def test_a_step_without_use_still_has_its_other_mistakes_named() -> None:
    step = "when='x'\ntext='{{ secret.TOKEN }}'\n"
    assert places(f"{SOURCE}[[steps]]\n{step}[[steps]]\n{step}") == [
        (3, "steps[0].use"),
        (4, "steps[0].when"),
        (5, "steps[0].text"),
        (6, "steps[1].use"),
        (7, "steps[1].when"),
        (8, "steps[1].text"),
    ]


def test_a_mistake_in_the_files_own_keys_hides_no_other() -> None:
    assert places(f"order_by='x'\nconcurrency=0\npause_after=0\ntitle=5\n{SOURCE}") == [
        (0, "steps"),
        (1, "order_by"),
        (2, "concurrency"),
        (3, "pause_after"),
        (4, "title"),
    ]


def test_all_mistakes_of_a_source_are_named_together() -> None:
    source = "use='call'\naddress_version=0\nwindow='5'\nkey='{{ $.event.x }}'\ndedupe='x'\nreply.json.a='{{ nope }}'\n"
    pipeline = load(f"[source]\n{source}[[steps]]\nuse='note'\ntext='x'\n")
    assert [(problem.line, problem.key) for problem in pipeline.problems] == [
        (3, "source.address_version"),
        (4, "source.window"),
        (5, "source.key"),
        (6, "source.dedupe"),
        (7, "source.reply.json.a"),
    ]
    assert pipeline.source is None, "a source that is set up in another way than was meant is worse than none"


@pytest.mark.parametrize(
    ("reply", "key"),
    [
        ("reply.text='{{ secret.A }}'", "source.reply.text"),
        ("reply.text='{% if $.event.x %}{{ secret.A | upper }}{% endif %}'", "source.reply.text"),
        ("reply.json={ a=[1, { b='{{ secret.A }}' }], c='{{ $.event.c }}' }", "source.reply.json.a[1].b"),
    ],
)
def test_a_reply_that_would_tell_a_secret_to_the_caller_is_refused(reply: str, key: str) -> None:
    assert problems(f"[source]\nuse='call'\n{reply}\n[[steps]]\nuse='note'\ntext='x'\n", A="the-secret") == [
        f"pipelines/x.toml:3: {key}: secret A would be told to whoever calls the webhook; take it out of the reply"
    ]


def test_what_a_secret_in_a_source_option_says_is_checked_beside_the_other_options() -> None:
    source = "use='call'\nkye='x'\nwindow='{{ secret.WINDOW }}'\nkey=5\n"
    text = f"[source]\n{source}[[steps]]\nuse='note'\ntext='x'\n"
    assert places(text, WINDOW="5") == [(3, "source.kye"), (4, "source.window"), (5, "source.key")]


def test_a_source_template_that_cannot_be_rendered_is_named_at_its_key() -> None:
    text = "[source]\nuse='call'\nkey='{{ 1 / 0 }}'\n[[steps]]\nuse='note'\ntext='x'\n"
    assert places(text) == [(3, "source.key")]


def test_every_template_in_a_nesting_is_named_by_its_own_key_and_line() -> None:
    step = """\
use = "note"
text = "x"
[steps.json]
one = "{{ nope }}"
two = ["fine", "{{ $.event.a | lowr }}", { three = "{{ $.event. }}" }]
"four.five" = "{{ secret.TOKN }}"
"{{ six }}" = 6
[steps.json.deep.deeper]
seven = "{{ $.steps.later }} {{ $.steps.later.x }} {{ $.run.atempt }}"
"""
    found = problems(f"{SOURCE}[[steps]]\n{step}", TOKEN="t")
    assert [problem.partition(": ")[2].partition(";")[0] for problem in found] == [
        "steps[0].json: the key '{{ six }}' is a template, but only values can be",
        "steps[0].json.one: nope is not known here",
        "steps[0].json.two[1]: there is no filter lowr",
        "steps[0].json.two[2].three: $.event. lacks a name after its last dot",
        "steps[0].json.four.five: secret TOKN is not set",
        "steps[0].json.deep.deeper.seven: $.run.atempt selects nothing",
        "steps[0].json.deep.deeper.seven: $.steps.later is not an earlier step",
    ]
    assert [problem.split(":")[1] for problem in found] == ["6", "7", "8", "8", "9", "12", "12"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dedup = '{{ $.event.id }}'", 'source.dedup: is not known here; did you mean "dedupe"?'),
        ("adress_version = 2", 'source.adress_version: is not known here; did you mean "address_version"?'),
        ("windw = '{{ $.event.id }}'", 'source.windw: is not known here; did you mean "window"?'),
    ],
)
def test_a_misspelt_key_of_a_source_may_be_the_hosts_or_the_sources(line: str, expected: str) -> None:
    [problem] = problems(f"[source]\nuse='call'\n{line}\n[[steps]]\nuse='note'\ntext='x'\n")
    assert problem == f"pipelines/x.toml:3: {expected}"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("nam = 'a'", "name"),
        ("retrys = { attempts = 1 }", "retry"),
        ("on_eror = 'stop'", "on_error"),
        ("wen = '{{ $.evnt.x }}'", "when"),
        ("tims = 2", "times"),
    ],
)
def test_a_misspelt_key_of_a_step_may_be_the_hosts_or_the_actions(line: str, meant: str) -> None:
    [problem] = problems(f"{SOURCE}[[steps]]\nuse='note'\ntext='x'\n{line}\n")
    assert problem.startswith("pipelines/x.toml:6: ")
    assert problem.endswith(f': is not known here; did you mean "{meant}"?')


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "$.evnt.email",
            "$.evnt.email selects nothing; did you mean $.event? the document has: event, steps, run, pipel",
        ),
        ("$.email", "$.email selects nothing; the document has: event, steps, run, pipeline"),
        ("$[0]", "$[0] selects nothing; the document has: event, steps, run, pipeline"),
        ("$.run.atempt", "$.run.atempt selects nothing; did you mean $.run.attempt? run has: id, received_at, attempt"),
        ("$.run.id.x", "$.run.id.x selects nothing; run.id is a text and has nothing inside"),
        (
            "$.pipeline.titel",
            "$.pipeline.titel selects nothing; did you mean $.pipeline.title? pipeline has: id, title",
        ),
    ],
)
@pytest.mark.parametrize("key", ["dedupe", "order_by", "when", "text"])
def test_a_path_that_no_run_has_is_found_at_load_time(key: str, path: str, expected: str) -> None:
    lines = {"dedupe": "", "order_by": "", "when": "", "text": "text='x'\n"} | {key: f"{key} = '{{{{ {path} }}}}'\n"}
    text = f"{lines['order_by']}{SOURCE}{lines['dedupe']}[[steps]]\nuse='note'\n{lines['text']}{lines['when']}"
    [problem] = problems(text)
    assert expected in problem


def test_every_path_that_a_run_may_have_is_taken() -> None:
    pipeline = load(f"title = {{ en = 'T' }}\n{SOURCE}[[steps]]\nuse='note'\ntext='x'\n")
    document = event_document(pipeline, "1", datetime.now(UTC), Event({"any": 1}), {"note": None})
    paths = [f"$.{key}.{inner}" for key, value in document.items() if isinstance(value, dict) for inner in value]
    assert len(paths) == 7
    more = ["$", "$.event", "$.event.a[0].b", "$.steps.note[0].x", "$.pipeline.title.en", "$.evnt[*]", "$..id", "$.*"]
    texts = " ".join(f"{{{{ {path} }}}}" for path in [*paths, *more])
    assert problems(f"{SOURCE}[[steps]]\nuse='note'\ntext='x'\n[[steps]]\nuse='note'\nname='b'\ntext='{texts}'\n") == []


def test_a_source_says_that_it_knows_no_event() -> None:
    [problem] = problems(f"{SOURCE}key='{{{{ $.event.id }}}}'\n[[steps]]\nuse='note'\ntext='x'\n")
    assert problem == (
        "pipelines/x.toml:3: source.key: $.event.id is not known here: "
        "this is set up before there is any event; write the value itself, or secret.NAME"
    )


def test_a_missing_secret_is_named_once() -> None:
    [problem] = problems(f"{SOURCE}key='{{{{ secret.TOKN }}}}'\n[[steps]]\nuse='note'\ntext='x'\n", TOKEN="t")
    assert problem.startswith("pipelines/x.toml:3: source.key: secret TOKN is not set")
    assert problem.endswith('did you mean "TOKEN"?')


def test_a_step_whose_name_is_wrong_is_still_the_earlier_step_that_others_mean() -> None:
    first, second = "use='note'\nname='a-b'\ntext='x'\n", "use='note'\ntext='{{ $.steps.a-b }}'\n"
    assert places(f"{SOURCE}[[steps]]\n{first}[[steps]]\n{second}") == [(5, "steps[0].name")]


@pytest.mark.parametrize(
    ("source", "version"),
    [
        ("use='gone'\naddress_version=3", 3),
        ("use='call'\naddress_version=3\nkye='x'", 3),
        ("address_version=3\ndedupe=5", 3),
        ("use='call'\naddress_version=0", 1),
        ("use='call'\naddress_version='new'", 1),
        ("use='gone'", 1),
    ],
)
def test_the_address_does_not_change_because_the_source_cannot_be_made(source: str, version: int) -> None:
    pipeline = load(f"[source]\n{source}\n[[steps]]\nuse='note'\ntext='x'\n")
    assert pipeline.source is None
    assert pipeline.address_version == version


def test_the_address_has_the_files_version() -> None:
    step = "[[steps]]\nuse='note'\ntext='x'\n"
    assert load(f"{SOURCE}address_version=2\n{step}").address_version == 2
    assert load(f"{SOURCE}{step}").address_version == 1
    assert load(f"source=5\n{step}").address_version == 1


def test_the_answer_is_there_for_a_late_template_and_for_nothing_else() -> None:
    step = '[source]\nuse = "call"\n[[steps]]\nuse = "late"\n'
    assert not problems(step + 'rule = "{{ $.response.body.ok and $.event.a }}"')
    [ordinary] = problems(step + 'text = "{{ $.response.body }}"')
    assert "steps[0].text: $.response.body is not there before the answer" in ordinary
    [plain] = problems(step + 'rule = "true"')
    assert "steps[0].rule: must be one expression in braces" in plain
    [secret] = problems(step + 'rule = "{{ secret.NONE }}"')
    assert "steps[0].rule: secret NONE is not set" in secret


def test_a_late_template_is_rendered_with_the_answer_beside_the_runs_document() -> None:
    pipeline = load('[source]\nuse = "call"\n[[steps]]\nuse = "late"\nrule = "{{ $.response ~ $.event.a }}"')
    options = pipeline.steps[0].options.render({"event": {"a": "b"}})
    assert options.rule.render(response="a") == "ab"


def test_options_that_exclude_each_other_are_named_when_the_file_is_loaded_even_if_they_are_templates() -> None:
    step = "use='note'\ntext='{{ $.event.x }}'\njson='{{ $.event.x }}'\npairs={ a='{{ $.event.x }}' }\n"
    step += (
        "auth={ basic='{{ $.event.x }}', bearer='{{ $.event.x }}' }\n[[steps]]\nuse='note'\nname='b'\ntext='x'\nauth={}"
    )
    source = (
        "[source]\nuse='call'\nkey='{{ secret.A }}'\nword='{{ secret.A }}'\nreply={ json=1, text='{{ $.event.x }}' }\n"
    )
    assert problems(f"{source}[[steps]]\n{step}", A="a") == [
        "pipelines/x.toml:4: source.word: give either key or word, not both",
        "pipelines/x.toml:5: source.reply.text: give either json or text, not both",
        "pipelines/x.toml:10: steps[0].pairs: give either json or pairs, not both",
        "pipelines/x.toml:11: steps[0].auth.bearer: give either basic or bearer, not both",
        "pipelines/x.toml:16: steps[1].auth: give bearer or basic",
    ]


def test_what_viewers_do_not_see_is_compiled_and_mistakes_in_it_are_reported_each_at_its_path() -> None:
    good = load(f"mask = ['$.event.phone', '$.event.items[*].card']\n{SOURCE}{NOTE}")
    assert good.problems == ()
    assert [path.text for path in good.hidden or ()] == ["$.event.phone", "$.event.items[*].card"]
    assert load(f"{SOURCE}{NOTE}").hidden == ()
    bad = load(f"mask = ['event.phone', '$.phone', '$.event', '$.event.a[', '$.event.ok']\n{SOURCE}{NOTE}")
    assert [(problem.key, problem.message) for problem in bad.problems] == [
        ("mask[0]", "'event.phone' is not one path of the event; did you mean $.event.phone?"),
        ("mask[1]", "$.phone leads out of the event; did you mean $.event.phone?"),
        ("mask[2]", "$.event is the event itself; did you mean $.event.*, which is all that is in it?"),
        ("mask[3]", "$.event.a[ has a bracket that is never closed; add the missing ]"),
    ]
    assert bad.hidden is None


@pytest.mark.parametrize("mask", ["'$.event.phone'", "[1]", "5"])
def test_a_mask_that_is_no_list_of_texts_hides_everything(mask: str) -> None:
    found = load(f"mask = {mask}\n{SOURCE}{NOTE}")
    assert found.hidden is None
    assert len(found.problems) == 1


REGISTRY = Registry.of(Plugin())
_VALUES = [
    "1",
    '"x"',
    '"{{ $.event.a }}"',
    '"{{ $.event.`len` }}"',
    '"{{ secret.NO }}"',
    '"{{"',
    "[]",
    "{}",
    "inf",
    "{ a = [1] }",
]
_KEYS = [
    "title",
    "use",
    "source",
    "steps",
    "mask",
    "order_by",
    "rate",
    "text",
    "when",
    "retry",
    "dedupe",
    "reply",
    "key",
    "a.b",
]
LINES = st.one_of(
    st.sampled_from(["[source]", "[[steps]]", '[source]\nuse = "call"', '[[steps]]\nuse = "note"', "[steps.json]"]),
    st.builds("{} = {}".format, st.sampled_from(_KEYS), st.sampled_from(_VALUES) | st.text().map(json.dumps)),
)
CONTENT = st.lists(LINES).map("\n".join).map(str.encode) | st.binary(max_size=100)


@given(content=CONTENT)
def test_whatever_stands_in_one_file_its_neighbour_is_read(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "neighbours"
    (folder / "pipelines").mkdir(parents=True, exist_ok=True)
    (folder / "jackfield.toml").touch()
    (folder / "pipelines" / "a.toml").write_bytes(content)
    (folder / "pipelines" / "b.toml").write_text('[source]\nuse = "call"\n[[steps]]\nuse = "note"\ntext = "x"\n')
    found = inspect_project(folder, {}, REGISTRY)
    assert found.pipelines == 2
    assert {problem.file for problem in found.problems} <= {"pipelines/a.toml"}
    assert all(problem.message for problem in found.problems)
