from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pluggy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import jackfield_getcourse
from jackfield import Event, Malformed, Unauthorized, WebhookRequest
from jackfield_getcourse.orders import OrderCreated, OrderPaid
from jackfield_getcourse.user_created import UserCreated, UserCreatedOptions

HOOK = "https://hooks.example.ru/hooks/new-student/token"


def source(**options: Any) -> UserCreated:
    return UserCreated(UserCreatedOptions.model_validate(options))


def parsed(request: WebhookRequest, **options: Any) -> Event:
    (event,) = source(**options).parse(request)
    return event


def got(query: str) -> Event:
    return parsed(WebhookRequest(method="GET", query=query))


def test_the_plugin_registers_the_sources() -> None:
    manager = pluggy.PluginManager("jackfield")
    manager.register(jackfield_getcourse)
    assert [list(sources) for sources in manager.hook.register_sources()] == [[UserCreated, OrderCreated, OrderPaid]]


def test_get_and_post_are_accepted() -> None:
    assert UserCreated.methods == {"GET", "POST"}


def test_a_call_becomes_one_event_of_all_its_parameters() -> None:
    query = urlencode({"id": "1", "first_name": "Сергей тест", "phone": "+7 999 000-00-00", "custom_10558670": "Да"})
    assert got(query) == Event(
        {"id": "1", "first_name": "Сергей тест", "phone": "+7 999 000-00-00", "custom_10558670": "Да"}
    )


def test_query_and_body_make_one_event_and_the_body_wins() -> None:
    request = WebhookRequest(
        query="id=1&email=query%40example.ru",
        headers=(("content-type", "application/json"),),
        body=b'{"email": "body@example.ru", "tags": ["a"]}',
    )
    assert parsed(request).data == {"id": "1", "email": "body@example.ru", "tags": ["a"]}


@pytest.mark.parametrize("value", ["", "  ", "(empty)", "none", "None", " NULL "])
def test_a_value_that_says_nothing_stays_and_is_named(value: str) -> None:
    event = got(urlencode({"id": "1", "city": value}))
    assert event.data == {"id": "1", "city": value}
    assert event.blank == {"city"}
    assert event.warnings == ()


def test_a_null_in_json_says_nothing_and_a_zero_says_something() -> None:
    request = WebhookRequest(body=b'{"a": null, "b": 0, "c": false, "d": [], "e": "nonet"}')
    assert parsed(request).blank == {"a"}


@pytest.mark.parametrize(
    "value",
    [
        "{object.foo}",
        "{object.VK-ID}",
        "{object.Любимый цвет}",
        "{object.first_name} {object.last_name}",
        "Анна {object.last_name}",
        "{object.created_at format='Y-m-d H:i:s'}",
        "{email}",
        "{Email}",
        " {manager_email} ",
        "{create_session.utm_medium}",
        "{deal.user.email}",
        "{payed_at format='Y-m-d'}",
    ],
)
def test_a_placeholder_that_was_not_replaced_stays_and_is_warned_of(value: str) -> None:
    event = got(urlencode({"id": "1", "who": value}))
    assert event.data == {"id": "1", "who": value}
    (warning,) = event.warnings
    assert "'who'" in warning
    assert "'id'" not in warning
    assert "spelling" in warning


def test_braces_that_were_pasted_percent_encoded_are_warned_of() -> None:
    (warning,) = got("id=%7Bobject.id%7D").warnings
    assert "%7B" in warning


@pytest.mark.parametrize("value", ["{}", '{"email": 1}', "{анна}", "{a b}", "see {email} there", "object.id", "{1}"])
def test_other_braces_are_ordinary_text(value: str) -> None:
    assert got(urlencode({"about": value})).warnings == ()


def test_a_repeated_parameter_keeps_the_last_value_and_is_warned_of() -> None:
    event = got("id=1&city=A&city=B")
    assert event.data == {"id": "1", "city": "B"}
    (warning,) = event.warnings
    assert "'city'" in warning


def test_many_warnings_are_a_few_short_ones() -> None:
    query = "&".join(f"name{number}={{object.x}}&name{number}={{object.x}}" for number in range(1000))
    warnings = got(query).warnings
    assert len(warnings) == 2
    assert all(len(warning) < 400 and "1000 parameters" in warning for warning in warnings)


def test_a_hostile_name_cannot_break_a_warning() -> None:
    (warning,) = got("a%0D%0A%1B%00" + "x" * 10_000 + "={email}").warnings
    assert warning.isprintable()
    assert len(warning) < 300


@pytest.mark.parametrize("request_", [WebhookRequest(), WebhookRequest(query="&&"), WebhookRequest(body=b"{}")])
def test_a_call_without_parameters_is_malformed(request_: WebhookRequest) -> None:
    with pytest.raises(Malformed, match="carries no parameters"):
        parsed(request_)


def test_a_call_with_nothing_but_the_secret_is_malformed() -> None:
    with pytest.raises(Malformed, match="carries no parameters"):
        parsed(WebhookRequest(query="secret=s3"), secret="s3")


def test_ten_thousand_parameters_are_one_event() -> None:
    query = "&".join(f"name{number}=%D0%AF+{number}" for number in range(10_000))
    assert got(query).data == {f"name{number}": f"Я {number}" for number in range(10_000)}


CARRIERS: list[Callable[[str], WebhookRequest]] = [
    lambda secret: WebhookRequest(method="GET", query=f"id=1&secret={quote(secret)}"),
    lambda secret: WebhookRequest(query="id=1", body=urlencode({"secret": secret}).encode()),
    lambda secret: WebhookRequest(query="id=1", body=b'{"secret": "%s"}' % secret.encode()),
    lambda secret: WebhookRequest(query="id=1", headers=(("x-access-secret", secret.encode().decode("latin-1")),)),
]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("secret", ["s3cret", "пароль & 100%", "a+b"])
def test_the_secret_lets_a_call_in_and_is_no_part_of_the_event(
    carrier: Callable[[str], WebhookRequest], secret: str
) -> None:
    guarded = source(secret=secret)
    guarded.verify(carrier(secret))
    assert [event.data for event in guarded.parse(carrier(secret))] == [{"id": "1"}]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("wrong", ["", "s3cre", "s3cret ", "S3CRET", "пароль", "x" * 100_000])
def test_any_other_secret_keeps_it_out(carrier: Callable[[str], WebhookRequest], wrong: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        source(secret="s3cret").verify(carrier(wrong))
    assert "s3cret" not in str(caught.value)


def test_a_call_without_the_secret_is_kept_out() -> None:
    with pytest.raises(Unauthorized, match="X-Access-Secret"):
        source(secret="s3cret").verify(WebhookRequest(query="id=1"))


def test_only_the_last_of_several_secrets_counts() -> None:
    with pytest.raises(Unauthorized):
        source(secret="s3cret").verify(WebhookRequest(query="secret=s3cret&secret=other"))


def test_a_body_that_cannot_be_read_does_not_hide_the_secret_in_the_query() -> None:
    source(secret="s3cret").verify(WebhookRequest(query="secret=s3cret&name=%FF", body=b'{"broken'))


def test_without_a_secret_every_call_is_let_in_and_the_parameter_is_an_ordinary_one() -> None:
    source().verify(WebhookRequest(query="secret=mine"))
    assert got("secret=mine").data == {"secret": "mine"}
    assert source().confidential() == frozenset()


def test_the_secret_is_named_as_confidential() -> None:
    assert source(secret="x").confidential() == {"secret", "x-access-secret"}
    assert source(secret="x", secret_parameter="Key", secret_header="X-Key").confidential() == {"key", "x-key"}


def test_a_secret_that_is_taken_from_the_header_only_is_not_in_the_address() -> None:
    guarded = source(secret="s3cret", secret_parameter="")
    assert "s3cret" not in guarded.address(HOOK)
    assert guarded.confidential() == {"x-access-secret"}
    guarded.verify(guarded.sample({}))
    with pytest.raises(Unauthorized):
        guarded.verify(WebhookRequest(query="secret=s3cret&=s3cret"))
    assert [event.data for event in guarded.parse(WebhookRequest(query="secret=a&=b"))] == [{"secret": "a", "": "b"}]


def test_the_address_asks_for_every_field_with_literal_braces() -> None:
    address = source().address(HOOK)
    assert address.startswith(f"{HOOK}?id={{object.id}}&email={{object.email}}&phone={{object.phone}}&first_name=")
    assert "&utm_source={object.create_session.utm_source}" in address
    assert [pair.partition("=")[0] for pair in address.partition("?")[2].split("&")] == [
        field.name for field in UserCreated.fields
    ]


def test_the_address_asks_for_further_parameters_too() -> None:
    address = source(extra={"vk_id": "VK-ID", "city": "Город рождения", "имя": "Имя ребёнка"}).address(HOOK)
    assert "&vk_id={object.VK-ID}&" in address
    assert address.endswith("&%D0%B8%D0%BC%D1%8F={object.Имя ребёнка}")
    assert re.findall(r"[?&]city=[^&]*", address) == ["&city={object.Город рождения}"]


def test_the_address_carries_the_secret() -> None:
    assert source(secret="a&b {c}", secret_parameter="key").address(HOOK).endswith("&key=a%26b%20%7Bc%7D")


def test_the_address_with_its_placeholders_replaced_is_a_call_that_is_let_in() -> None:
    guarded = source(secret="пароль &", extra={"vk_id": "VK-ID"})
    query = re.sub(
        r"\{object\.([^{}]*)\}", lambda match: quote(f"<{match[1]}>"), guarded.address(HOOK).partition("?")[2]
    )
    request = WebhookRequest(method="GET", query=query)
    guarded.verify(request)
    (event,) = guarded.parse(request)
    assert event.data["email"] == "<email>"
    assert event.data["vk_id"] == "<VK-ID>"
    assert event.data["utm_term"] == "<create_session.utm_term>"


@pytest.mark.parametrize("secret", [{}, {"secret": "пароль &"}, {"secret": "s", "secret_parameter": ""}])
def test_a_sample_is_a_call_that_is_let_in_with_the_fields_examples(secret: dict[str, str]) -> None:
    sampled = source(**secret)
    request = sampled.sample({})
    assert request.method == "GET"
    assert request.query.isascii()
    sampled.verify(request)
    (event,) = sampled.parse(request)
    assert event.data == {field.name: field.example for field in UserCreated.fields}
    assert event.blank
    assert event.warnings == ()


def test_a_sample_has_the_further_parameters_too_empty_unless_given() -> None:
    sampled = source(extra={"vk_id": "VK-ID", "city": "Город рождения"})
    (event,) = sampled.parse(sampled.sample({}))
    assert (event.data["vk_id"], event.data["city"]) == ("", "Санкт-Петербург")


@given(st.dictionaries(st.text(), st.text()))
def test_a_sample_brings_the_values_it_is_given(values: dict[str, str]) -> None:
    event = parsed(source().sample(values))
    assert event.data == {field.name: field.example for field in UserCreated.fields} | values


def test_a_sample_turns_other_values_into_text() -> None:
    event = parsed(source().sample({"id": 5, "city": None, "paid": True, "tags": ["a"]}))
    assert [event.data[name] for name in ("id", "city", "paid", "tags")] == ["5", "", "true", '["a"]']


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": ""}, "would keep nobody out"),
        ({"secret": "s", "secret_parameter": "email"}, "is the name of a field"),
        ({"secret": "s", "secret_parameter": "vk", "extra": {"vk": "VK"}}, "is the name of a field"),
        ({"secret_header": "X Secret"}, "secret_header"),
        ({"secret_header": ""}, "secret_header"),
        ({"extra": {"vk": "{object.VK-ID}"}}, "is not the name of a variable"),
        ({"extra": {"vk": "object.VK-ID"}}, "is not the name of a variable"),
        ({"extra": {"vk": " "}}, "is not the name of a variable"),
        ({"extra": {"": "VK"}}, "extra"),
        ({"sceret": "s"}, "sceret"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_it(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        source(**options)


def test_every_word_for_people_is_there_in_english_and_russian() -> None:
    texts = [UserCreated.title, *UserCreated.instructions, *(field.title for field in UserCreated.fields)]
    for text in texts:
        assert isinstance(text, dict)
        assert text.keys() == {"en", "ru"}
    for option in UserCreatedOptions.model_json_schema()["properties"].values():
        assert option["title"]
        assert option["description"]
        assert option["ru"].keys() == {"title", "description"}
