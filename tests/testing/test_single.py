import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import Field as Option
from pydantic import SecretStr, ValidationError
from pydantic_core import from_json

from jackfield import (
    Action,
    Event,
    EventField,
    JsonValue,
    Malformed,
    OptionsModel,
    PermanentFailure,
    Step,
    Unauthorized,
    WebhookReply,
    WebhookRequest,
    WebhookSource,
)
from jackfield.testing import ActionContract, SourceContract, run_action


class Options(OptionsModel):
    key: SecretStr = Option(title="Key", description="What a call must carry.")


class Good(WebhookSource[Options]):
    """Keeps the contract; what each test makes of it breaks one promise."""

    name = "acme.order"
    title = {"en": "An order", "ru": "Заказ"}
    Options = Options
    fields = (EventField("id", {"en": "Id", "ru": "ID"}, "17"), EventField("sum", {"en": "Sum", "ru": "Сумма"}, 24900))

    def verify(self, request: WebhookRequest) -> None:
        shown = (request.header("x-key") or "").encode()
        if not hmac.compare_digest(shown, self.options.key.get_secret_value().encode()):
            raise Unauthorized("the key is wrong")

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        try:
            data = from_json(request.body, allow_inf_nan=False)
        except ValueError as error:
            raise Malformed(str(error)) from None
        if not isinstance(data, dict):
            raise Malformed("not an object")
        return [Event(data)]

    def confidential(self) -> frozenset[str]:
        return frozenset({"x-key"})

    def sample(self, values: Mapping[str, JsonValue]) -> WebhookRequest:
        request = super().sample(values)
        return WebhookRequest(body=request.body, headers=(("x-key", self.options.key.get_secret_value()),))


class Russian(Options):
    key: SecretStr = Option(
        title="Key",
        description="What a call must carry.",
        json_schema_extra={"ru": {"title": "Ключ", "description": "Что должен нести вызов."}},
    )


class TestAGoodSource(SourceContract):
    source = type("GoodInRussian", (Good,), {"Options": Russian})
    options = {"key": "s3cret"}


class AnyoneMayCall(Good):
    def verify(self, request: WebhookRequest) -> None:
        pass


class ComparesText(Good):
    def verify(self, request: WebhookRequest) -> None:
        if not hmac.compare_digest(request.header("x-key") or "", self.options.key.get_secret_value()):
            raise Unauthorized("the key is wrong")


class ReadsNothingBack(Good):
    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        return [Event({"id": "1"})]


class CrashesOnText(Good):
    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        return [Event(from_json(request.body))]


class TellsTheTime(Good):
    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        for event in super().parse(request):
            yield Event({**event.data, "now": str(datetime.now(UTC))})


class KeepsTheSecret(Good):
    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        for event in super().parse(request):
            yield Event({**event.data, "key": request.header("x-key")})


class HidesNothing(Good):
    def confidential(self) -> frozenset[str]:
        return frozenset()


class LeadsElsewhere(Good):
    def address(self, url: str) -> str:
        return f"https://elsewhere.example.ru/?to={url}"


class SaysNo(Good):
    def reply(self, request: WebhookRequest, runs: Any) -> WebhookReply:
        return WebhookReply(404)


class NamesAFieldTwice(Good):
    fields = (Good.fields[0], Good.fields[0])


class SpeaksNoRussian(Good):
    fields = (EventField("id", {"en": "Id"}, "17"), *Good.fields[1:])
    instructions = ({"en": "Paste the address."},)


class HasNoName(Good):
    name = "Acme Order"


@pytest.mark.parametrize(
    ("source", "test"),
    [
        (AnyoneMayCall, "test_a_request_that_shows_no_secret_is_refused_if_there_is_one"),
        (ReadsNothingBack, "test_a_sample_is_let_in_and_gives_its_values_back"),
        (CrashesOnText, "test_whatever_comes_in_is_read_or_refused"),
        (ComparesText, "test_whatever_comes_in_is_read_or_refused"),
        (TellsTheTime, "test_reading_a_request_again_gives_the_same_events"),
        (KeepsTheSecret, "test_a_secret_is_no_part_of_an_event_and_is_named_as_confidential"),
        (HidesNothing, "test_a_secret_is_no_part_of_an_event_and_is_named_as_confidential"),
        (LeadsElsewhere, "test_the_address_begins_with_the_url_and_has_no_space"),
        (SaysNo, "test_a_sample_is_answered_with_success"),
        (NamesAFieldTwice, "test_every_field_has_a_name_of_its_own_and_a_title"),
        (SpeaksNoRussian, "test_every_field_has_a_name_of_its_own_and_a_title"),
        (SpeaksNoRussian, "test_its_instructions_are_in_every_language_of_its_title"),
        (Good, "test_every_option_has_a_title_and_a_description"),
        (HasNoName, "test_a_host_takes_it"),
    ],
)
def test_a_source_that_breaks_a_promise_fails_the_test_that_names_it(source: type[Good], test: str) -> None:
    contract = type("Contract", (SourceContract,), {"source": source, "options": {"key": "s3cret"}})()
    with pytest.raises((AssertionError, ValueError, TypeError)):
        getattr(contract, test)()


class DoubleOptions(OptionsModel):
    number: int = Option(title="Number", description="What is doubled.")


class Double(Action[DoubleOptions]):
    name = "acme.double"
    title = "Double"
    Options = DoubleOptions

    async def run(self, options: DoubleOptions, step: Step) -> JsonValue:
        if options.number < 0:
            raise PermanentFailure("only what there is can be doubled")
        return {"double": 2 * options.number, "key": step.idempotency_key}


class TestAGoodAction(ActionContract):
    action = Double
    options = {"number": 21}


class NestedOptions(OptionsModel):
    inner: tuple[Options, ...] = Option(default=(), title="Inner", description="More of them.")
    deep: dict[str, DoubleOptions | None] | None = Option(default=None, title="Deep", description="Even more.")


def test_options_of_options_need_words_too() -> None:
    class Undescribed(OptionsModel):
        bare: int = 0

    class Outer(NestedOptions):
        worse: list[Undescribed] = Option(default=[], title="Worse", description="None of them.")

    def contract(model: type[OptionsModel]) -> ActionContract:
        action = type("Nested", (Double,), {"Options": model})
        made: ActionContract = type("Contract", (ActionContract,), {"action": action})()
        return made

    contract(NestedOptions).test_every_option_has_a_title_and_a_description()
    with pytest.raises(AssertionError, match="option bare has no title"):
        contract(Outer).test_every_option_has_a_title_and_a_description()


def test_an_action_is_run_with_its_options_and_gives_its_result() -> None:
    assert run_action(Double, {"number": 21}) == {"double": 42, "key": "run-1/step"}


def test_what_an_action_raises_reaches_the_test() -> None:
    with pytest.raises(PermanentFailure, match="only what there is"):
        run_action(Double, {"number": -1})


def test_wrong_options_and_a_result_that_is_not_json_are_errors() -> None:
    class Sets(Double):
        async def run(self, options: DoubleOptions, step: Step) -> JsonValue:
            return {1, 2}  # type: ignore[return-value]

    with pytest.raises(ValidationError, match="number"):
        run_action(Double, {"number": "many"})
    with pytest.raises(ValidationError):
        run_action(Sets, {"number": 1})
