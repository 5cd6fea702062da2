"""No template makes more than a rendering may, or takes longer; what it cannot do is a readable error."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from jackfield.errors import TemplateError
from jackfield.templates.engine import TemplateEngine

A_MEGABYTE = 1_000_000
EVENT: dict[str, Any] = {
    "price": "A",
    "count": 20_000_000_000,
    "huge": 10**4000,
    "text": "z" * A_MEGABYTE,
    "words": "слово Word " * 60_000,
    "tags": "<b>x</b>&<!-- " * 70_000,
    "lines": "\n" * A_MEGABYTE,
    "percents": "%s" * (A_MEGABYTE // 2),
    "braces": "{0}" * (A_MEGABYTE // 3),
    "numbers": [*range(150_000)],
    "rows": [{"id": number, "name": "somebody", "price": number % 7} for number in range(20_000)],
    "empties": [[]] * 330_000,
    "deep": from_json('{"a":' * 150 + "1" + "}" * 150),
}
DOCUMENT: dict[str, Any] = {"event": EVENT, "steps": {}, "run": {"attempt": 1}}


def endless() -> Any:
    while True:
        yield "x"


def slow(value: str) -> str:
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    return value


PLUGIN = {"endless": lambda value: endless(), "repeat": lambda value: value * 20_000_000, "slow": slow}
ENGINE = TemplateEngine({}, PLUGIN)

TOO_MUCH = [
    "{{ $.event.price * $.event.count }}",
    "{{ $.event.count * $.event.price }}",
    "{{ [1] * $.event.count }}",
    "{{ 'A' * 300000000 }}",
    "{{ 'A' | center(300000000) }}",
    "{{ 2 ** $.event.count }}",
    "{{ 7 ** 7 ** 7 }}{{ (7 ** 99) ** 999 }}",
    "{{ $.event.huge * $.event.huge }}",
    "{{ '%99999999999d' % 1 }}",
    "{{ '%*d' % (99999999999, 1) }}",
    "{{ '%.99999999999f' | format(1.5) }}",
    "{{ '{:>99999999999}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=99999999999) }}",
    "{{ '{a:>99999999999}'.format_map({'a': 1}) }}",
    "{{ ('<' | e).ljust(99999999999) }}",
    "{{ ($.event.price).ljust($.event.count) }}",
    "{{ 'a'.zfill(99999999999) }}",
    "{{ '\\t'.expandtabs(99999999999) }}",
    "{{ ($.event.text).join($.event.numbers | map('string')) }}",
    "{{ ($.event.text).replace('z', $.event.text) }}",
    "{{ $.event.text | replace('z', $.event.text) }}",
    "{{ $.event.text | join($.event.text) }}",
    "{{ $.event.text | indent(999999999) }}",
    "{{ $.event.lines | indent(9999, true, true) }}",
    "{{ $.event.text | wordwrap(1, wrapstring=$.event.text) }}",
    "{{ [1] | batch(99999999999, 0) | list }}",
    "{{ [1] | slice(99999999999) | list }}",
    "{{ 1.5 | round(999999999, 'ceil') }}",
    "{{ '\\t'.expandtabs(tabsize=400000000) }}",
    "{{ '{:>４００００００００}'.format(1) }}",
    "{{ '%400000000d' % 1.5 }}",
    "{{ '%((a))400000000d' % {'(a)': 1} }}",
    "{{ 'a'.ljust(-99999999999) }}{% for i in range(30000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "{{ 'a' | indent(-99999999999) }}{% for i in range(30000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "{{ [] | batch(-99999999, 1) | list }}{% for i in range(9999) %}{% for j in range(999) %}{% endfor %}{% endfor %}",
    "{% for i in range(10000) %}{{ 1.5 in range(100000) }}{% endfor %}",
    "{% for i in range(10000) %}{{ loop.changed([i, $.event.rows]) }}{% endfor %}",
    "{{ $.event.empties | sum(start=[]) }}",
    "{{ $.event.numbers | batch(1) | sum(start=[]) }}",
    "{{ ($.event.braces).format($.event.text) }}",
    "{{ $.event.percents % $.event.text }}",
    "{{ $.event.deep | tojson(indent=10000000) }}",
    "{{ range(100000) | map('center', 99999) | list }}",
    "{{ range(100000) | select('in', $.event.numbers) | list }}",
    "{{ $.event.text | sort }}",
    "{{ $.event.words | groupby('x') }}",
    "{% for a in range(20000) %}{% for b in range(20000) %}x{% endfor %}{% endfor %}",
    "{% for a in range(20000) %}{% for b in range(20000) %}{% endfor %}{% endfor %}",
    "{% for a in range(20000) %}{% for b in range(20000) if b < 0 %}x{% endfor %}{% endfor %}",
    "{% for a in $.event.numbers %}{% if a in $.event.numbers %}x{% endif %}{% endfor %}",
    "{% for a in $.event.numbers %}{% if $.event.rows == ($.event.rows)[:] %}x{% endif %}{% endfor %}",
    "{% for a in $.event.numbers %}{% if a is in $.event.numbers %}x{% endif %}{% endfor %}",
    "{% for a in $.event.numbers %}{% set b = ($.event.text)[1:] %}{% endfor %}",
    "{% for a in $.event.numbers %}{{ $.event.text }}{% endfor %}",
    "{% for a in $.event.numbers %}{% set b = ($.event.text).split('z') %}{% endfor %}",
    "{% for a in range(40) recursive %}{{ loop(range(40)) if loop.depth < 9 }}{% endfor %}",
    "{% set n = namespace(x='aaaaaaaa') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | string }}",
    "{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x == n.x[:] }}",
    "{% set n = namespace(x=3) %}{% for a in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% set x %}{% for i in range(100000) %}{{ $.event.rows[0].name * 10 }}{% endfor %}{% endset %}{{ x }}{{ x }}",
    "{{ $.event.rows[*].name | endless | list }}",
    "{{ 'x' | repeat }}",
    "{% for a in range(90000) %}..{% endfor %}{% for a in range(1000) %}{{ 'x' | slow }}{% endfor %}",
    "{{ $..*..* }}",
]


@pytest.mark.parametrize("text", TOO_MUCH)
def test_a_template_that_would_make_or_take_too_much_is_a_readable_error(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(TemplateError, match=r"^steps\[0\]\.url: this (takes|would make) .*; (use|correct) "):
        ENGINE.compile(text, "steps[0].url").render(DOCUMENT)
    assert time.thread_time() - began < 3  # without a limit it is minutes, and gigabytes


COSTLY = [
    "{{ 7 ** 4000 }}",
    "{{ $.event.long }}",
    "{{ $.event.long | string | length }}",
    "{{ '%d' % $.event.long }}",
    "{{ loop.index }}{{ loop.revindex }}{{ loop.last }}",
    "{{ loop.changed(i) }}",
    "{{ i.real }}{{ i.imag }}",
    "{{ i.foo is defined }}",
    "{{ 'abc' | urlize }}",
    "{{ '{0:>10}'.format(i) }}",
    "{{ i ~ i ~ i }}",
    "{{ 'abc'.upper() }}",
    "{{ [3, 2, 1] | map('string') | list }}",
]


def test_a_step_takes_about_the_same_time_wherever_it_is_counted() -> None:
    def seconds(body: str) -> float:
        template = ENGINE.compile(
            f"{{% for j in range(400) %}}{{% for i in range(400) %}}{body}{{% endfor %}}{{% endfor %}}", "w"
        )
        document = {**DOCUMENT, "event": {**DOCUMENT["event"], "long": 7**4000}}
        taken = []
        for _ in range(2):
            began = time.thread_time()
            with pytest.raises(TemplateError, match="more than 1000000 steps"):
                template.render(document)
            taken.append(time.thread_time() - began)
        return min(taken)

    plain = seconds("{{ i }}{{ 'a' if i == 3 else i * 2 }}")
    costs = {body: seconds(body) / plain for body in COSTLY}
    assert {body: cost for body, cost in costs.items() if cost > 2.6} == {}


def test_the_error_says_how_long_the_text_would_be() -> None:
    with pytest.raises(TemplateError) as refused:
        ENGINE.compile("{{ $.event.price * $.event.count }}", "steps[0].json.note").render(DOCUMENT)
    assert str(refused.value) == (
        "steps[0].json.note: this would make a text of 20000000000 characters, 10000000 is the most; "
        "correct the template"
    )


@pytest.mark.parametrize("text", ["{{ 'z'.translate({122: 'y'}) }}", "{{ (1).to_bytes(999999999, 'big') }}"])
def test_a_method_that_cannot_be_counted_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="a template cannot call the method"):
        ENGINE.compile(text, "w").render(DOCUMENT)


def test_all_templates_of_a_step_share_one_budget() -> None:
    options = ENGINE.compile([f"{{{{ $.event.rows[{index}:] }}}}" for index in range(100)], "w")
    with pytest.raises(TemplateError, match=r"w\[\d+\]: this takes more than"):
        options.render(DOCUMENT)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("{{ $.event.rows }}", 20_000),
        ("{{ $.event.rows | tojson }}", 808_891),
        ("{{ $.event.text | upper | replace('Z', 'y') | trim }}", A_MEGABYTE),
        ("{{ $.event.text ~ $.event.text }}", 2 * A_MEGABYTE),
        ("{% for row in $.event.rows %}{{ row.name }} {{ row.id }};{% endfor %}", 288_890),
        ("{{ $.event.rows | selectattr('price', 'eq', 3) | map(attribute='id') | list }}", 2857),
        ("{{ $.event.rows | sort(attribute='price') }}", 20_000),
        ("{{ $.event.rows..price }}", 20_000),
    ],
)
def test_an_event_of_a_megabyte_is_rendered(text: str, length: int) -> None:
    rendered: Any = ENGINE.compile(text, "w").render(DOCUMENT)
    assert len(rendered) == length


def test_operators_filters_and_methods_give_what_they_gave() -> None:
    cases: dict[str, Any] = {
        "{{ 7 // 2 }}": 3,
        "{{ 2 ** 10 }}": 1024,
        "{{ 2 ** -1 }}": 0.5,
        "{{ -7 % 3 }}": 2,
        "{{ 'ab' * 3 }}": "ababab",
        "{{ [1] + [2] }}": [1, 2],
        "{{ 3 * [0] }}": [0, 0, 0],
        "{{ 'a' ~ 1 ~ none ~ [1] }}": "a1None[1]",
        "{{ '%05.1f %s%%' % (2.25, 'x') }}": "002.2 x%",
        "{{ '%(a)s' % {'a': 1} }}": "1",
        "{{ '%s-%s' | format('a', 'b') }}": "a-b",
        "{{ '{:>5}|{a!r}'.format(1, a='x') }}": "    1|'x'",
        "{{ '{a}'.format_map({'a': '<'}) }}": "<",
        "{{ ('{}' | safe).format('<') }}": "&lt;",
        "{{ 'abc'[1:] ~ [1, 2, 3][::-1] }}": "bc[3, 2, 1]",
        "{{ 1 < 2 < 3 and not 3 < 2 < 1 }}": True,
        "{{ 'b' in 'abc' and 2 not in [1] and 1 is in [1] }}": True,
        "{{ $.run.attempt == 1 and $.run.attempt <= $.event.count }}": True,
        "{{ 'a b'.split() | join(d='-') }}": "a-b",
        "{{ ', '.join(['a', 'b']) }}": "a, b",
        "{{ 'x'.ljust(3, '.') ~ 'a\\tb'.expandtabs(4) }}": "x..a   b",
        "{{ [3, 1, 2] | sort(reverse=true) | map('string') | join }}": "321",
        "{{ [[1], [2]] | sum(start=[]) }}": [1, 2],
        "{{ range(7) | batch(3, 0) | list }}": [[0, 1, 2], [3, 4, 5], [6, 0, 0]],
        "{{ [1, 1, 2] | unique | list | length }}": 2,
        "{{ 'a\\nb' | indent(2) }}": "a\n  b",
        "{{ 'a b c' | wordwrap(1) }}": "a\nb\nc",
        "{{ '<a>x</a>' | striptags }}": "x",
        "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller() if caller is defined else '' }}{% endmacro %}{{ m(1) }}"
        "{% call m(3, b=4) %}!{% endcall %}": "1234!",
        "{% for x in [1, [2]] recursive %}{{ loop(x) if x is iterable else x }}{% endfor %}": "12",
        "{% for x in range(5) if x % 2 %}{{ loop.index }}{{ x }} {% else %}none{% endfor %}": "11 23 ",
        "{% for x in [] %}x{% else %}none{% endfor %}": "none",
    }
    assert {text: ENGINE.compile(text, "w").render(DOCUMENT) for text in cases} == cases


values = st.sampled_from(
    ["$.event.text", "$.event.words", "$.event.tags", "$.event.rows", "$.event.numbers", "$.event.empties",
     "$.event.deep", "$.event.count", "$.event.huge", "$.event.price", "'x'", "3", "1.5", "[1, 'a']", "none",
     "range(100000)", "$.event.rows[*].name", "$..a", "x", "n.x"]
)  # fmt: skip
filters = st.sampled_from(
    ["abs", "batch(3)", "capitalize", "center(99999)", "count", "dictsort", "e", "first", "float", "groupby('id')",
     "indent(99)", "int", "int(base=16)", "items", "join(y)", "last", "list", "lower", "map('string')", "max", "pprint",
     "map('center', 9999)", "random", "replace('z', y)", "reverse", "round(9)", "select", "selectattr('id')",
     "slice(99)", "sort", "string", "striptags", "sum", "sum(start=[])", "title", "tojson", "tojson(indent=9)", "trim",
     "truncate(9)", "unique", "upper", "urlencode", "urlize", "wordcount", "wordwrap(9)", "xmlattr", "format(y)"]
)  # fmt: skip
expressions = st.recursive(
    values,
    lambda inner: (
        st.tuples(inner, filters).map(" | ".join).map("({})".format)
        | st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "**", "~", "==", "in", "or"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        )
        | inner.map("({})[1:]".format)
        | st.tuples(inner, st.sampled_from(["join", "format", "replace('z', y)", "center(99999)", "split"])).map(
            lambda parts: f"({parts[0]}).{parts[1]}" + ("" if parts[1].endswith(")") else "(y)")
        )
    ),
    max_leaves=4,
)
bodies = st.recursive(
    expressions.map("{{{{ {} }}}}".format),
    lambda inner: (
        st.tuples(expressions, inner).map(lambda parts: f"{{% for x in {parts[0]} %}}{parts[1]}{{% endfor %}}")
        | st.tuples(expressions, inner).map(lambda parts: f"{{% if {parts[0]} %}}{parts[1]}{{% endif %}}")
        | st.tuples(expressions, inner).map(lambda parts: f"{{% set n.x = {parts[0]} %}}{parts[1]}")
    ),
    max_leaves=3,
)


@settings(deadline=None, max_examples=50)
@given(bodies)
def test_any_template_ends_soon_and_raises_nothing_but_a_template_error(body: str) -> None:
    text = f"{{% set x = 'z' %}}{{% set y = $.event.text %}}{{% set n = namespace(x='z') %}}{body}"
    began = time.thread_time()
    with suppress(TemplateError):
        ENGINE.compile(text, "w").render(DOCUMENT)
    assert time.thread_time() - began < 3
