from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from jackfield import WebhookRequest
from jackfield_getcourse.callback import Callback
from jackfield_getcourse.orders import OrderCreated, OrderOptions, OrderPaid

HOOK = "https://hooks.example.ru/hooks/orders/token"
SOURCES: list[type[Callback]] = [OrderCreated, OrderPaid]


@pytest.mark.parametrize("source", SOURCES)
def test_the_address_asks_for_the_order_and_its_buyer_with_literal_placeholders(source: type[Callback]) -> None:
    address = source(OrderOptions()).address(HOOK)
    assert address.startswith(f"{HOOK}?id={{object.id}}&number={{object.number}}&positions={{object.positions}}")
    assert "&user_email={object.user.email}&" in address
    assert "&deal_utm_source={object.deal_utm_source}&" in address
    assert address.endswith("&payed_at={object.payed_at format='Y-m-d H:i:s'}")


@pytest.mark.parametrize("source", SOURCES)
def test_the_address_with_its_placeholders_replaced_is_an_order_that_is_let_in(source: type[Callback]) -> None:
    guarded = source(OrderOptions.model_validate({"secret": "пароль &"}))
    query = re.sub(r"\{object\.([^{}]*)\}", lambda found: quote(found[1]), guarded.address(HOOK).partition("?")[2])
    request = WebhookRequest(method="GET", query=query)
    guarded.verify(request)
    (event,) = guarded.parse(request)
    assert event.data["user_first_name"] == "user.first_name"
    assert event.data["created_at"] == "created_at format='Y-m-d H:i:s'"
    assert event.warnings == ()


def test_money_stays_as_it_came() -> None:
    (event,) = OrderPaid(OrderOptions()).parse(WebhookRequest(query="cost_money=24%C2%A0900%2C50+%E2%82%BD"))
    assert event.data == {"cost_money": "24\N{NO-BREAK SPACE}900,50 ₽"}


def test_a_date_that_was_not_replaced_is_warned_of() -> None:
    query = "id=1&payed_at=%7Bobject.payed_at%20format%3D%27Y-m-d%20H%3Ai%3As%27%7D"
    (event,) = OrderPaid(OrderOptions()).parse(WebhookRequest(query=query))
    (warning,) = event.warnings
    assert "'payed_at'" in warning


def test_the_secrets_parameter_must_not_be_an_orders_field() -> None:
    with pytest.raises(ValidationError, match="is the name of a field"):
        OrderOptions.model_validate({"secret": "s", "secret_parameter": "positions"})
