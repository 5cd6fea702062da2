from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield import OptionsModel, Url, UrlTemplate
from jackfield.errors import TemplateError
from jackfield.templates.engine import TemplateEngine
from jackfield.templates.marked_options import Marked, marked_options
from jackfield.templates.url_options import dot_segment, web_address
from jackfield.templates.url_template import Urls

SECRETS = {
    "TOKEN": "123456:AAF-x_y",
    "BASE": "https://crm.example.ru/api",
    "ORIGIN": "https://crm.example.ru",
    "CODE": "1/a+b=",
    "HOST": "crm.example.ru",
    "SLASHED": "https://crm.example.ru/api/",
}
ENGINE = TemplateEngine(SECRETS, {"digits": lambda text: "".join(filter(str.isdigit, str(text)))})
ORDERS = "https://shop.example.ru:8443/customers/{{ $.event.id }}/orders"
EVERYWHERE = (
    "https://shop.example.ru:8443/a/{{ $.event.id }}/b-{{ $.event.id | upper }}/c"
    "?x={{ $.event.id }}&{{ $.event.id }}=1&y=k:{{ $.event.id | trim }}#{{ $.event.id }}"
)
STATEMENTS = (
    "{% set id = $.event.id %}https://shop.example.ru:8443/a/{% if id %}{{ id }}{% else %}{{ $.event.id }}{% endif %}"
    "/c?x={% for one in [1, 2] %}{{ $.event.id }}{% endfor %}"
)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
sly = st.lists(
    st.sampled_from(["..", ".", "/", "\\", "%2e", "%2F", "?", "#", "&", "=", "@", ":", ";", "a", "\0", "\n", "%", " "]),
    max_size=8,
).map("".join)
values = st.recursive(scalars | sly, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)


def urls(*, from_event: bool = False) -> Urls:
    return Urls(Marked(here=True), from_event)


def render(url: str, id: object = None, *, from_event: bool = False, **more: Any) -> str:
    document = {"event": {"id": id}, "steps": {}, **more}
    rendered = ENGINE.compile(url, "steps[0].url", urls(from_event=from_event)).render(document)
    assert isinstance(rendered, str)
    return rendered


def refused(url: str, *, from_event: bool = False) -> str:
    with pytest.raises(TemplateError) as error:
        ENGINE.compile(url, "steps[0].url", urls(from_event=from_event))
    where, _, message = str(error.value).partition(": ")
    assert where == "steps[0].url"
    return message


def failing(url: str, event: object, *, from_event: bool = False) -> str:
    with pytest.raises(TemplateError) as error:
        render(url, event, from_event=from_event)
    return str(error.value)


def test_a_value_in_the_path_is_one_segment_whatever_is_in_it() -> None:
    assert (
        render(ORDERS, "a/b?all=1#x %2F") == "https://shop.example.ru:8443/customers/a%2Fb%3Fall%3D1%23x%20%252F/orders"
    )


def test_a_value_that_leads_out_of_the_path_is_refused() -> None:
    for value in ("../../admin/delete?all=1", "..", ".", "%2e%2e", "%252e%252E", "..\\x", "a/../b", "..;x", ".. "):
        assert 'its path would have ".' in failing(ORDERS, value)


def test_what_only_looks_like_it_is_sent() -> None:
    assert render(ORDERS, "...").endswith("/.../orders")
    assert render(ORDERS, "a..b").endswith("/a..b/orders")
    assert render("https://a.example/?next={{ $.event.id }}", "../x") == "https://a.example/?next=..%2Fx"


def test_a_value_in_the_query_is_one_value() -> None:
    assert (
        render("https://a.example/?q={{ $.event.id }}&b=1", "x&b=2+3#") == "https://a.example/?q=x%26b%3D2%2B3%23&b=1"
    )


def test_lists_numbers_and_nothing_are_written_as_in_any_text() -> None:
    assert render(ORDERS, 7).endswith("/customers/7/orders")
    assert render(ORDERS, None).endswith("/customers//orders")
    assert render(ORDERS, [1]).endswith("/customers/%5B1%5D/orders")


@given(values)
@example("../../admin/delete?all=1")
@example("%2e%2e")
@example("\x00p$.event.id\x00x")
@pytest.mark.parametrize("template", [ORDERS, EVERYWHERE, STATEMENTS])
def test_whatever_a_value_is_a_url_keeps_its_origin_its_segments_and_its_keys(template: str, value: object) -> None:
    plain = urlsplit(render(template, "x"))
    try:
        url = render(template, value)
    except TemplateError as error:
        assert "its path would have" in str(error) or "UnicodeEncodeError" in str(error)  # noqa: PT017
        return
    assert web_address(url) == url
    made = urlsplit(url)
    assert (made.scheme, made.netloc, made.hostname, made.port) == (plain.scheme, plain.netloc, plain.hostname, 8443)
    assert made.path.count("/") == plain.path.count("/")
    assert not {".", ".."}.intersection(unquote(made.path).replace("\\", "/").split("/"))
    pairs = parse_qsl(made.query, keep_blank_values=True)
    assert len(pairs) == len(parse_qsl(plain.query, keep_blank_values=True))
    assert {"x", "y"}.intersection(dict(parse_qsl(plain.query))) <= dict(pairs).keys()


@given(st.text() | sly)
def test_a_value_arrives_as_it_was(value: str) -> None:
    try:
        url = render("https://a.example/?q={{ $.event.id }}&z=1", value)
    except TemplateError as error:
        assert "UnicodeEncodeError" in str(error)  # noqa: PT017
        return
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == [("q", value), ("z", "1")]


@pytest.mark.parametrize(
    "url",
    [
        "{{ $.event.url }}",
        "{{ $.event.scheme }}://a.example/",
        "https://{{ $.event.host }}/a",
        "https://{{ $.event.account }}.amocrm.ru/a",
        "https://a.example:{{ $.event.port }}/",
        "https://{{ $.event.user }}@a.example/",
        "https://a.example{{ $.event.path }}",
        "https://{{ $.event.host | raw_url }}/a",
        "https://{{ $.steps.find.body.host }}/a",
        "https://{{ 'a' ~ $.event.host }}/a",
        "https://{{ secret.HOST ~ $.event.host }}/a",
        "{{ secret.ORIGIN }}{{ $.event.path }}",
        "https://{{ $..host }}/a",
        "https://{{ $ }}/a",
        "{% if $.event.x %}https://{{ $.event.x }}{% endif %}/a",
        "{% set host = $.event.host %}https://{{ host }}/a",
        "https://{% for one in $.event.hosts %}{{ one }}{% endfor %}/a",
        "https://{{ $.event.x if true else 'b' }}/",
        "https://{{ 'a' | replace('a', $.event.x) }}/",
        "https:\\\\{{ $.event.x }}/",
        "{% for i in $.event.l %}{{ 'abc:/.'[i] }}{% endfor %}",
        "https://{{ 'abc.'[$.event.a] ~ 'abc.'[$.event.b] }}/",
        "https://{{ ('abc' ~ '.')[$.event.a] }}/",
        "https://{{ ['a', 'b', 'c'][$.event.a:] | join }}/",
        "https://{% for i in $.event.l %}a{% endfor %}.example/",
        "https://{% for i in range(9) %}{% if ($.event.l)[i] == 1 %}a{% else %}.{% endif %}{% endfor %}/",
    ],
)
def test_no_event_says_whom_a_request_goes_to(url: str) -> None:
    message = refused(url)
    assert message.startswith("the host of this address would come from $")
    assert message.endswith("url_from_event = true in this step")
    ENGINE.compile(url, "", urls(from_event=True))


def test_the_message_names_what_the_host_would_come_from() -> None:
    assert "would come from $.steps.find.body.host, so" in refused("https://{{ $.steps.find.body.host }}/a")


def test_an_event_may_choose_among_hosts_that_the_template_names() -> None:
    chosen = "https://{{ 'one.example' if $.event.id == 1 else 'two.example' }}/x"
    assert render(chosen, 1) == "https://one.example/x"
    named = "https://{{ {'ru': 'one.example', 'kz': 'two.example'}[$.event.id] }}/x"
    assert render(named, "kz") == "https://two.example/x"
    assert "looked up in brackets" in failing(named, "evil.example/")
    branch = "https://{% if $.event.id == 1 %}one{% else %}two{% endif %}.example/{{ $.event.id }}"
    assert render(branch, 2) == "https://two.example/2"


def test_behind_the_host_a_loop_writes_its_letters_as_they_are() -> None:
    looped = "https://a.example/x?{% for i in range(2) %}id={{ $.event.id }}&{{ 'k' }}={{ 'ab'[i] }}&{% endfor %}"
    assert render(looped, "1&2") == "https://a.example/x?id=1%262&k=a&id=1%262&k=b&"
    hosts = "https://{% for part in ['a', 'example'] %}{{ part }}.{% endfor %}com/"
    assert render(hosts, "") == "https://a.example.com/"


def test_a_step_that_allows_it_takes_the_address_of_the_event() -> None:
    assert render("{{ $.event.id }}", "https://b.example:81/x?y=1/2", from_event=True) == "https://b.example:81/x?y=1/2"
    assert render("https://{{ $.event.id }}.amocrm.ru/a/{{ $.event.id }}", "me", from_event=True) == (
        "https://me.amocrm.ru/a/me"
    )
    assert 'would have ".."' in failing("{{ $.event.id }}", "https://b.example/../x", from_event=True)


def test_even_then_a_piece_of_the_host_stays_one() -> None:
    for value in ("evil.example/", "evil.example?", "evil.example#", "a@evil.example", "a\\b", "a b", "a\n"):
        message = failing("https://{{ $.event.id }}.amocrm.ru/a", value, from_event=True)
        assert "characters that no host has" in message
    ready = "https://{{ $.event.id | raw_url }}/a"
    assert render(ready, "b.example/x", from_event=True) == "https://b.example/x/a"


def test_raw_url_inserts_a_piece_as_it_is() -> None:
    assert render("https://a.example/{{ $.event.id | raw_url }}/x", "a/b?c=%20&d") == "https://a.example/a/b?c=%20&d/x"
    assert 'would have ".."' in failing("https://a.example/{{ $.event.id | raw_url }}", "a/../b")
    statements = "{% if true %}https://a.example/{{ $.event.id | raw_url }}/{{ $.event.id }}{% endif %}"
    assert render(statements, "a/b") == "https://a.example/a/b/a%2Fb"


def test_raw_url_stands_last_and_in_an_address() -> None:
    message = "raw_url stands last in an expression of an address, and nowhere else; take it out"
    assert refused("https://a.example/{{ $.event.id | raw_url | upper }}") == message
    with pytest.raises(TemplateError, match="raw_url stands last"):
        ENGINE.compile("{{ $.event.id | raw_url }}", "steps[0].body")


def test_a_secret_is_the_operators_own_text() -> None:
    assert render("https://api.telegram.org/bot{{ secret.TOKEN }}/sendMessage") == (
        "https://api.telegram.org/bot123456:AAF-x_y/sendMessage"
    )
    assert render("{{ secret.BASE }}/users/{{ $.event.id }}", "a/b") == "https://crm.example.ru/api/users/a%2Fb"
    assert render("{{ secret.SLASHED }}{{ $.event.id }}", "a/b") == "https://crm.example.ru/api/a%2Fb"
    assert render("{{ secret.SLASHED | trim('/') }}/x/{{ $.event.id }}", "a/b") == "https://crm.example.ru/api/x/a%2Fb"
    assert render("https://{{ secret.HOST }}/rest/{{ secret.CODE }}/{{ $.event.id }}", "/") == (
        "https://crm.example.ru/rest/1/a+b=/%2F"
    )
    assert render("https://a.example/?k={{ secret.CODE | urlencode }}") == "https://a.example/?k=1/a%2Bb%3D"


def test_what_urlencode_made_is_not_encoded_twice() -> None:
    assert render("https://a.example/{{ $.event.id | urlencode }}?q={{ $.event.id | urlencode }}", "a /b") == (
        "https://a.example/a%20%2Fb?q=a%20/b"
    )
    assert (
        render("https://a.example/?{{ $.event.id | urlencode }}", {"a": "1&", "b": 2})
        == "https://a.example/?a=1%26&b=2"
    )
    assert refused("https://{{ $.event.id | urlencode }}/").startswith("the host of this address")


def test_the_pipelines_own_words_may_stand_in_the_host_and_are_encoded_elsewhere() -> None:
    pipeline = {"id": "new", "title": "A & B"}
    url = "https://{{ $.pipeline.id }}.example/{{ $.pipeline.title }}?from={{ $.pipeline.title }}&run={{ $.run.id }}"
    assert (
        render(url, pipeline=pipeline, run={"id": "r/1"})
        == "https://new.example/A%20%26%20B?from=A%20%26%20B&run=r%2F1"
    )


def test_an_address_takes_no_blocks() -> None:
    for block in (
        "{% filter upper %}{{ $.event.id }}{% endfilter %}",
        "{% set a %}{{ $.event.id }}{% endset %}{{ a }}",
    ):
        assert "no other statements" in refused(f"https://a.example/{block}")
    assert "control characters" in refused("https://a.example/\0{{ $.event.id }}")


def test_other_options_are_what_they_were() -> None:
    body = ENGINE.compile("a/{{ $.event.id }}", "steps[0].body")
    assert body.render({"event": {"id": "../b?"}}) == "a/../b?"


class Inner(OptionsModel):
    target: Url
    note: str = ""


class Outer(OptionsModel):
    url: Url
    inner: Inner | None = None
    many: list[Annotated[str, UrlTemplate()]] = []
    named: Mapping[str, Inner] = {}
    other: str = ""


def test_a_model_says_which_of_its_options_are_urls_however_deep() -> None:
    marked = marked_options(Outer, UrlTemplate)
    assert marked is not None
    found = Urls(marked, from_event=False)
    for keys in (("url",), ("inner", "target"), ("many", 3), ("named", "any", "target")):
        place = found.at(keys)
        assert place is not None
        assert place.marked.here
    for keys in (("other",), ("inner", "note"), ("named", "any", "note"), ("url", "x")):
        assert found.at(keys) is None
    assert marked_options(Inner, int) is None


def test_a_table_with_an_address_in_it_does_not_come_from_an_event() -> None:
    marked = marked_options(Outer, UrlTemplate)
    assert marked is not None
    options: dict[str, Any] = {"url": "https://a.example", "inner": "{{ $.event.inner }}"}
    with pytest.raises(TemplateError, match=r"inner: this would come from \$\.event\.inner as a whole"):
        ENGINE.compile(options, "steps[0]", Urls(marked, from_event=False))
    allowed = ENGINE.compile(options, "steps[0]", Urls(marked, from_event=True))
    rendered = allowed.render({"event": {"inner": {"target": "https://b.example"}}})
    assert rendered == {"url": "https://a.example", "inner": {"target": "https://b.example"}}


def test_a_url_is_http_with_a_host_and_leads_nowhere_else() -> None:
    assert web_address(" https://a.example/b?c=../d ") == "https://a.example/b?c=../d"
    for wrong, why in (
        ("ftp://a.example", "must begin with http"),
        ("https:///a", "must begin with http"),
        ("https://user:pw@a.example", "a user and a password"),
        ("https://a.example/../b", 'has ".." as a part'),
        ("https://a.example/%2E%2e/b", 'has ".." as a part'),
        ("https://a.example/b/.", 'has "." as a part'),
        ("https://a.example/b\n", ""),
    ):
        if why:
            with pytest.raises(ValueError, match=why):
                web_address(wrong)
    assert dot_segment("https://..") is None
