from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import TemplateError
from jackfield.templates.engine import Blank, Template, TemplateEngine, is_template

DOCUMENT: dict[str, Any] = {
    "event": {
        "email": "anna@example.ru",
        "first_name": "Анна",
        "last_name": "Белова",
        "ФИО": "Анна Белова",
        "VK-ID": "vk1",
        "phone": "007",
        "list_in_text": "[1]",
        "age": 40,
        "rate": 1.5,
        "paid": True,
        "none": None,
        "city": Blank(""),
        "unset": Blank("{object.unset}"),
        "items": [{"name": "one", "n": 1, "items": "inner", "keys": "k"}, {"name": "two", "n": 5}],
        "keys": {"values": 1},
    },
    "steps": {"add": {"status": 200, "body": {"id": 77}}},
}

ENGINE = TemplateEngine({"TOKEN": "s3cret"}, {"digits": lambda text: "".join(filter(str.isdigit, str(text)))})

names = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
template_like = st.sampled_from(["{{ secret.TOKEN }}", "{{ 7 * 7 }}", "{% raw %}", "{#", "}}", "$.event", "'\"", "{{'"])


def render(value: Any, document: dict[str, Any] = DOCUMENT) -> Any:
    return ENGINE.compile(value, "steps[0].url").render(document)


def complaint(value: Any, document: dict[str, Any] = DOCUMENT, engine: TemplateEngine = ENGINE) -> str:
    with pytest.raises(TemplateError) as refused:
        engine.compile(value, "steps[0].url").render(document)
    where, _, message = str(refused.value).partition(": ")
    assert where == "steps[0].url"
    return message


def mistake(value: Any) -> str:
    with pytest.raises(TemplateError) as refused:
        ENGINE.compile(value, "steps[0]")
    return str(refused.value)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ $.event.email }}", "anna@example.ru"),
        ("{{ $.event.ФИО }}", "Анна Белова"),
        ("{{ $.event.VK-ID }}", "vk1"),
        ("{{ $.event.age }}", 40),
        ("{{ $.event.paid }}", True),
        ("{{ $.event.none }}", None),
        ("{{ $.event.phone }}", "007"),
        ("{{ $.event.list_in_text }}", "[1]"),
        ("{{ $.event.items[0].name }}", "one"),
        ("{{ $.event.items[0].items }}", "inner"),
        ("{{ $.event.keys.values }}", 1),
        ("{{ $.event.items[*].name }}", ["one", "two"]),
        ("{{ $.event.items[?(@.n > 3)].name }}", ["two"]),
        ("{{ $.event.nothing[*] }}", []),
        ("{{ $.event.items | map(attribute='name') }}", ["one", "two"]),
        ("{{ $.event.age + 1 }}", 41),
        ("{{ $.event.age - 1 }}", 39),
        ("{{- $.event.age -}}", 40),
        ("{# a comment #}{{ $.event.age }}", 40),
        ("{{ {'a': {'b': $.event.age}} }}", {"a": {"b": 40}}),
        ("{{ [$.event.age, none] }}", [40, None]),
        ("{{ $.event.age > 18 }}", True),
        ("{{ secret.TOKEN }}", "s3cret"),
        ("{{ $.event.email | escape }}", "anna@example.ru"),
    ],
)
def test_a_string_that_is_one_expression_keeps_the_type(template: str, value: object) -> None:
    rendered = render(template)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ $.event.first_name }} {{ $.event.last_name }}", "Анна Белова"),
        ("https://crm/{{ $.steps.add.body.id }}?$a=$.event", "https://crm/77?$a=$.event"),
        (" {{ $.event.age }}", " 40"),
        ("{{ $.event.age }}\n", "40\n"),
        ("{{ $.event.age }}{{ $.event.rate }}", "401.5"),
        ("-{{ $.event.paid }}", "-true"),
        ("-{{ not $.event.paid }}", "-false"),
        ("-{{ $.event.none }}", "-"),
        ("-{{ $.event.city }}{{ $.event.unset }}", "-{object.unset}"),
        ("-{{ $.event.keys }}", '-{"values":1}'),
        ("-{{ [$.event.first_name] }}", '-["Анна"]'),
        ("Bearer {{ secret.TOKEN }}", "Bearer s3cret"),
        ("{% if $.event.paid %}paid{% else %}open{% endif %}", "paid"),
        ("{% for item in $.event.items %}{{ item.name }};{% endfor %}", "one;two;"),
        ("{% for item in $.event['items'][:1] %}{{ item.items }}{{ item.keys }}{% endfor %}", "innerk"),
        ("{% set age = $.event.age %}{{ age }}", "40"),
        ("{{ '$.event.age' }} {{ '}}' }} {{ $.event.age }}", "$.event.age }} 40"),
        ('{{ "\\"$" }}{{ $.event.age }}', '"$40'),
        ("{# $.nothing }} #}{{ $.event.age }}!", "40!"),
        ("{% raw %}{{ $.event.age }}{% endraw %}{{ $.event.age }}", "{{ $.event.age }}40"),
        ("a\r\nb\r{{ $.event.age }}\r\n{{ $.event.age | string }}", "a\r\nb\r40\r\n40"),
        ("{{ $.event.age -}}  !", "40!"),
        ("{{ ($.event.items)[0].name }}{{ ($.event.items)[1]['name'] }}", "onetwo"),
        ("{{ $.event.email | upper }}", "ANNA@EXAMPLE.RU"),
        ('{"name": {{ $.event.first_name | tojson }}}', '{"name": "Анна"}'),
        ("{{ $.event.keys | tojson(indent=1) }}!", '{\n "values": 1\n}!'),
    ],
)
def test_anything_else_becomes_text(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ $.event.absent | default('-') }}", "-"),
        ("{{ $.event.absent.deeper | default(0) }}", 0),
        ("{{ $.event.none | default('-') }}", "-"),
        ("{{ $.event.city | default('-') }}", "-"),
        ("{{ $.event.unset | d('-') }}", "-"),
        ("{{ $.event.age | default('-') }}", 40),
        ("{{ '' | default('-') }}", ""),
        ("{{ '' | default('-', true) }}", "-"),
        ("{{ $.event.absent | default }}", ""),
        ("{{ $.event.absent is defined }}", False),
        ("{{ $.event.city is defined }}", True),
        ("{{ 'none' if $.event.absent is undefined else 'some' }}", "none"),
        ("{{ ($.event).absent | default('-') }}", "-"),
        ("{{ ($.event)['absent'] | default('-') }}", "-"),
        ("{{ $.event.items | map(attribute='absent', default='-') }}", ["-", "-"]),
        ("{{ $.event.city }}", ""),
        ("{{ $.event.city ~ '!' }}", "!"),
    ],
)
def test_default_stands_in_for_what_is_absent_null_or_blank(template: str, value: object) -> None:
    rendered = render(template)
    assert rendered == value
    assert type(rendered) is type(value)


def test_templates_are_found_in_any_nesting_and_the_rest_is_kept() -> None:
    options = {"json": {"a": ["{{ $.event.age }}", 1, None, {"b": "{{ $.event.email }}"}]}, "timeout": 5, "flag": True}
    assert render(options) == {
        "json": {"a": [40, 1, None, {"b": "anna@example.ru"}]},
        "timeout": 5,
        "flag": True,
    }


def test_what_was_rendered_shares_nothing_with_the_document() -> None:
    document = {"event": {"items": [{"name": Blank("one")}]}}
    rendered = render("{{ $.event.items }}", document)
    assert type(rendered[0]["name"]) is str
    rendered[0]["name"] = "changed"
    assert document == {"event": {"items": [{"name": "one"}]}}


def test_a_template_says_what_it_uses() -> None:
    value: Any = {"a": "{{ secret.TOKEN }}", "b": ["{{ $.steps.add.status }} {{ $.steps['x y'][*].id }} {{ $.steps }}"]}
    template = ENGINE.compile(value, "w")
    assert not template.static
    assert template.secrets == {"TOKEN"}
    assert {path.text for path in template.paths} == {"$.steps.add.status", "$.steps['x y'][*].id", "$.steps"}


def test_a_value_without_templates_is_static_and_stays_the_same_object() -> None:
    value: Any = {"a": ["$.event.email", 1, {"b": "{object.id}"}], "c": "100 %}"}
    template = ENGINE.compile(value, "w")
    assert template == Template(
        static=True, single=False, secrets=frozenset(), paths=frozenset(), rendered=template.rendered
    )
    assert template.render({}) is value


@pytest.mark.parametrize(
    ("text", "single"),
    [
        ("{{ $.event.a }}", True),
        ("{{ $.event.a | lower }}", True),
        ("{{ secret.TOKEN }}", True),
        ("{{ $.event.a }} ", False),
        ("{{ $.event.a }}{{ $.event.a }}", False),
        ("{% if $.event.a %}x{% endif %}", False),
        ("$.event.a", False),
    ],
)
def test_a_template_tells_whether_it_is_one_expression(text: str, *, single: bool) -> None:
    assert ENGINE.compile(text, "w").single is single


def test_a_missing_path_names_the_option_and_the_keys_that_there_are() -> None:
    with pytest.raises(TemplateError) as refused:
        ENGINE.compile({"form": {"email": "{{ $.event.emial }}"}}, "steps[0]").render({"event": {"email": 1, "id": 2}})
    assert str(refused.value) == (
        "steps[0].form.email: $.event.emial selects nothing; did you mean $.event.email? event has: email, id"
    )


@pytest.mark.parametrize(
    "template",
    [
        "x{{ $.event.emial }}",
        "{{ $.event.emial | upper }}",
        "{{ $.event.emial | digits }}",
        "{{ [1, {'a': $.event.emial}] }}",
        "{{ [$.event.emial] | tojson }}",
        "{{ {'a': $.event.emial}.a }}",
        "{{ $.event.emial == 1 }}",
        "{{ $.event.emial or 1 }}",
        "{{ $.event.emial.x }}",
        "{{ ($.event.emial).x }}",
        "{% if $.event.emial %}{% endif %}",
        "{% for x in $.event.emial %}{% endfor %}",
    ],
)
def test_a_missing_path_is_an_error_however_it_is_used(template: str) -> None:
    assert " selects nothing; did you mean $.event.email? event has: " in complaint(template)


def test_a_missing_key_of_a_loop_variable_says_what_there_is() -> None:
    message = complaint("{% for item in $.event.items %}{{ item.nam }}{% endfor %}")
    assert message == ".nam selects nothing; did you mean .name? it has: name, n, items, keys"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ ($.event)[$.event.email] }}", "what is looked up in brackets is not there; it has: email, first_name"),
        ("{{ ($.event.items)[$.event.age] }}", "what is looked up in brackets is not there; it is a list of 2"),
        ("{{ $.event.email | int('x') | round }}", "the filter round cannot take what it is given (TypeError)"),
        ("{{ $.event.email * $.event.email }}", "the template does not suit this event (TypeError)"),
        ("{{ ($.event.email).encode() }}", "it comes to a bytes, which JSON does not have; add a filter"),
        ("-{{ range }}", "it comes to a function, which JSON does not have; add a filter"),
        ("{{ range(1000000) | list }}", "the template does not suit this event (OverflowError)"),
    ],
)
def test_what_does_not_suit_an_event_is_one_sentence_without_values(template: str, message: str) -> None:
    text = complaint(template)
    assert text.startswith(message)
    assert "anna" not in text


def test_a_filter_that_fails_is_named_and_what_it_says_is_not_repeated() -> None:
    def broken(value: str) -> str:
        raise ValueError(value)

    engine = TemplateEngine({}, {"broken": broken})
    message = "the filter broken cannot take what it is given (ValueError); check its input"
    assert complaint("{{ $.event.email | broken }}", engine=engine) == message
    assert complaint("{{ $.event.items | map('broken') | list }}", engine=engine) == message


def test_filters_of_plugins_work_beside_those_of_jinja() -> None:
    assert render("+{{ $.event.email ~ ' 7-9' | digits | reverse }}") == "+anna@example.ru97"
    assert render("{{ '+7 (900)' | digits }}") == "7900"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ $.event.email | uper }}", "there is no filter uper; did you mean upper?"),
        ("{% if false %}{{ $.event.email | uper }}{% endif %}", "there is no filter uper; did you mean upper?"),
        ("{{ 1 | zzzzzz }}", "there is no filter zzzzzz; install the plugin that has it, or take one of Jinja's"),
        ("{{ $.event.email is defned }}", "there is no test defned; did you mean defined?"),
        ("{{ event.email }}", "event is not known here; data is reached by a path: write $.event"),
        ("{{ email }}", "email is not known here; data is reached by a path: write $.event.email"),
        ("{{ cycler }}", "cycler is not known here"),
        ("{{ $.event.items[i] }}", "$.event.items[i] is ambiguous"),
        ("{{ 1 $.event.age }}", "not a valid template: expected token 'end of print statement', got '$.event.age'"),
        ("{{ $.event.age", "not a valid template: unexpected end of template"),
        ("{{ } }}", "not a valid template: unexpected '}'"),
        ("a$.event{{ b$.event }}", "not a valid template: expected token 'end of print statement', got '$.event'"),
        ("{% if true %}", "not a valid template: Unexpected end of template"),
        ("{# never closed", "not a valid template: Missing end of comment tag"),
        ("{% block a %}{% endblock %}" * 2, "not a valid template: block 'a' defined twice"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "not a template that Jinja can compile (RecursionError)"),
        ("{{ " + "1" * 5000 + " }}", "not a template that Jinja can compile (ValueError); make it simpler"),
        ("{% for i in [1] %}" * 30 + "{% endfor %}" * 30, "not a template that Jinja can compile (SyntaxError)"),
        ("{% include 'x' %}", "a template cannot include or import another one; write its text here"),
        ("{{ secret }}", "secrets are used one by one; write secret.NAME"),
        ("{% for name in secret %}{{ name }}{% endfor %}", "secrets are used one by one; write secret.NAME"),
        ("{{ secret[$.event.name] }}", "secrets are used one by one; write secret.NAME"),
        ("{% set secret = 1 %}", "secrets are used one by one; write secret.NAME"),
        ({"{{ $.event.email }}": 1}, "the key '{{ $.event.email }}' is a template, but only values can be"),
    ],
)
def test_a_mistake_in_a_template_is_found_when_it_is_compiled(template: Any, message: str) -> None:
    assert mistake({"json": [template]}).startswith(f"steps[0].json[0]: {message}")


def test_a_secret_that_is_not_set_is_an_error_when_it_is_needed() -> None:
    template = ENGINE.compile("{{ secret.ABSENT | default('x') }}", "steps[0].auth")
    assert template.secrets == {"ABSENT"}
    with pytest.raises(TemplateError) as refused:
        template.render(DOCUMENT)
    assert str(refused.value) == (
        "steps[0].auth: secret ABSENT is not set; put it into secrets.toml or JACKFIELD_SECRET_ABSENT"
    )


@pytest.mark.parametrize(
    "template",
    [
        "{{ ($.event.email).__class__.__mro__ }}",
        "{{ ($.event.email)['__class__'] }}",
        "{{ ($.event.items).append(1) }}",
        "{{ ''['format'].__self__ }}",
        "{{ '{0.__class__}'.format($.event.email) }}",
        "{{ $.event.items | map(attribute='__class__') | list }}",
        "{{ namespace.__init__ }}",
        "{{ self }}",
        "{{ secret.TOKEN.__class__ }}",
    ],
)
def test_nothing_but_data_can_be_reached(template: str) -> None:
    message = complaint(template)
    assert "s3cret" not in message
    assert "anna" not in message
    assert DOCUMENT["event"]["items"][-1]["name"] == "two"


@pytest.mark.parametrize(
    ("text", "found"),
    [("{{ 1 }}", True), ("{% if %}", True), ("{# #}", True), ("{object.id} }} $.event", False), ("", False)],
)
def test_only_opening_braces_make_a_template(text: str, found: bool) -> None:  # noqa: FBT001
    assert is_template(text) is found


@given(names, json_values)
def test_any_value_is_got_back_identical(name: str, value: Any) -> None:
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    for template in (f"{{{{ $['{quoted}'] }}}}", f"{{{{ $['{quoted}'] | default(none) }}}}"):
        rendered = render(template, {name: value})
        assert rendered == value
        assert type(rendered) is type(value)


@given(st.lists(st.text() | template_like).map("".join))
def test_a_value_that_looks_like_a_template_is_never_evaluated(value: str) -> None:
    document = {"event": {"x": value, "list": [{"items": value}]}}
    assert render("{{ $.event.x }}", document) == value
    assert render("{{ $.event.x }}{{ $.event.x | string }}", document) == value + value
    assert render("{{ $.event.list }}", document) == [{"items": value}]
    assert render("{% for entry in $.event.list %}{{ entry.items }}{% endfor %}", document) == value


@given(st.text().filter(lambda text: not is_template(text)))
def test_text_without_opening_braces_comes_back_unchanged(text: str) -> None:
    assert render(text) == text


@given(st.text(), st.text(), st.sampled_from(["{{ $.event.age }}", "{{ $.event.age | string }}"]))
def test_text_around_an_expression_comes_back_unchanged(before: str, after: str, expression: str) -> None:
    before, after = before.replace("{", "("), after.replace("{", "(")
    expected = f"{before}40{after}"
    assert str(render(before + expression + after)) == expected


@given(st.integers(0, 150))
def test_deep_lists_are_kept(depth: int) -> None:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    document = {"event": {"deep": value}}
    assert render("{{ $.event.deep }}", document) == value
    assert render("{{ $.event.deep" + "[0]" * depth + " }}", document) == "bottom"
    assert render("-{{ [$.event.deep] }}", document) == "-[" + "[" * depth + '"bottom"' + "]" * depth + "]"


def test_what_is_nested_too_deeply_is_a_template_error() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    assert complaint("{{ $.event }}", {"event": value}).startswith("the template does not suit this event")


@given(st.text("{}%#$.'\"[]()|ab0 \n-"))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    for template in (text, f"{{{{ {text} }}}}", f"{{% if {text} %}}{{% endif %}}"):
        with suppress(TemplateError):
            ENGINE.compile(template, "w")


def test_a_constant_that_selects_nothing_is_a_mistake_of_its_place() -> None:
    assert mistake("{{ 'a'.joi~ in ().b }}") == "steps[0]: .joi selects nothing; it is a text and has nothing inside"


def test_a_bracket_or_a_text_that_never_ends_is_looked_through_once() -> None:
    assert mistake("{{ $.event['" + "\\'" * 30_000) == (
        "steps[0]: $.event['" + "\\'" * 15 + "\\… is too long for a path; write it in 2000 characters"
    )
    assert "steps[0]:" in mistake("{{ " + "\\'" * 30_000)


def test_a_template_has_so_many_paths_that_it_can_be_compiled_while_somebody_waits() -> None:
    assert render("{{ $.event.age }} " * 200) == "40 " * 200
    assert mistake("{{ 1 }}" * 2001) == "steps[0]: a template has 2000 tags at most; divide it"
    assert mistake("{{ $.event.age }}" * 201) == "steps[0]: a template has 200 paths at most; divide it"
