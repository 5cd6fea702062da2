"""What the tests of a plugin import: contracts that every component has to keep, and a way to run an action.

Nothing here needs a host or a journal. A contract is a class of tests for pytest: subclass it under a name that begins
with `Test`, and say which component it is about.
"""
# ruff: noqa: D102, S101 - these are tests: a name is its sentence, and they assert

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any, ClassVar, Final, get_args
from urllib.parse import quote

import structlog
from pydantic import BaseModel, JsonValue, TypeAdapter
from pydantic.fields import FieldInfo

from jackfield.components import Action, ActionContext, Notifier, Source, WebhookSource
from jackfield.errors import Malformed, Unauthorized
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpPool
from jackfield.late import late_options
from jackfield.models import Event, JsonObject, Notice, Step, Text, WebhookRequest
from jackfield.options import secret_values
from jackfield.registry import Registry
from jackfield.templates import TemplateEngine

THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")

_STEP: Final = Step(run="run-1", pipeline="test", name="step", attempt=1, idempotency_key="run-1/step")
_URL: Final = "https://hooks.example.ru/hooks/test/0123456789abcdef"
_JSON: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)
_EVENT_DATA: Final = TypeAdapter(JsonObject)
_ODD_BODIES: Final = (
    b"",
    b"\0",
    b"{",
    b"[" * 5000,
    b'"\\ud800"',
    b'{"a": 1e999}',
    b"null",
    b"\xff\xfe",
    b"a=1&a=2&=&&%zz&%ff",
)
_ODD_TYPES: Final = (None, "", "application/json", "application/x-www-form-urlencoded", "text/xml; charset=utf-99")


def run_action(
    action: type[Action[Any]],
    options: Mapping[str, object],
    *,
    step: Step = _STEP,
    allow: Sequence[str] = THIS_MACHINE,
) -> JsonValue:
    """Run an action once, as a host would, and return its result. Call it where no event loop is running.

    `options` are what stands in a pipeline's file, rendered. The HTTP client is the real one; its address guard lets
    through what `allow` lists, which is this machine unless you say otherwise. Raises what the action raises, and
    pydantic's `ValidationError` if the options are wrong or the result is not JSON.
    """
    return asyncio.run(_run(action, options, step, allow))


async def _run(action: type[Action[Any]], options: Mapping[str, object], step: Step, allow: Sequence[str]) -> JsonValue:
    http = HttpPool(allow=allow)
    made = action(ActionContext(http=http.client, log=structlog.get_logger()))
    try:
        result = await made.run(action.Options.model_validate(_with_late(action, options)), step)
    finally:
        await made.close()
        await http.close()
    return _JSON.validate_python(result)


def _with_late(action: type[Action[Any]], options: Mapping[str, object]) -> dict[str, object]:
    """Make late templates ready to be rendered, for a run without secrets whose event is empty."""
    document: JsonObject = {"event": {}, "steps": {}}
    late = {
        name: kind(text).bound(TemplateEngine({}).compile(text, name), document)
        for name, kind in late_options(action.Options).items()
        if isinstance(text := options.get(name), str)
    }
    return {**options, **late}


def run_notifier(
    notifier: type[Notifier[Any]], options: Mapping[str, object], notice: Notice, *, allow: Sequence[str] = THIS_MACHINE
) -> None:
    """Deliver a notice once, as a host would. Call it where no event loop is running; raises what the notifier raises.

    `options` are what stands in the notifier's table, rendered; `allow` is as in `run_action()`.
    """
    asyncio.run(_deliver(notifier, options, notice, allow))


async def _deliver(
    notifier: type[Notifier[Any]], options: Mapping[str, object], notice: Notice, allow: Sequence[str]
) -> None:
    http = HttpPool(allow=allow)
    context = ActionContext(http=http.client, log=structlog.get_logger())
    made = notifier(notifier.Options.model_validate(dict(options)), context)
    try:
        await made.notify(notice)
    finally:
        await made.close()
        await http.close()


class NotifierContract:
    """Tests that every notifier passes. `options` are valid ones, as they stand in its table, rendered."""

    notifier: ClassVar[type[Notifier[Any]]]
    options: ClassVar[Mapping[str, object]] = {}

    def test_a_host_takes_it(self) -> None:
        _assert_taken(_Offer(notifiers=[self.notifier]))

    def test_every_option_has_a_title_and_a_description(self) -> None:
        _assert_described(self.notifier)

    def test_it_can_be_made_and_closed_without_a_notice(self) -> None:
        async def main() -> None:
            http = HttpPool()
            context = ActionContext(http=http.client, log=structlog.get_logger())
            await self.notifier(self.notifier.Options.model_validate(dict(self.options)), context).close()
            await http.close()

        asyncio.run(main())


class ActionContract:
    """Tests that every action passes. `options` are valid ones, as they stand in a pipeline's file, rendered."""

    action: ClassVar[type[Action[Any]]]
    options: ClassVar[Mapping[str, object]] = {}

    def test_a_host_takes_it(self) -> None:
        _assert_taken(_Offer(actions=[self.action]))

    def test_every_option_has_a_title_and_a_description(self) -> None:
        _assert_described(self.action)

    def test_the_options_are_valid(self) -> None:
        self.action.Options.model_validate(dict(self.options))

    def test_it_can_be_made_and_closed_without_a_run(self) -> None:
        async def main() -> None:
            http = HttpPool()
            await self.action(ActionContext(http=http.client, log=structlog.get_logger())).close()
            await http.close()

        asyncio.run(main())


class SourceContract:
    """Tests that every webhook source passes.

    `options` are valid ones, as they stand in a pipeline's file; give a secret if the source can check one. `values`
    are sent in the sample beside the examples of the source's fields, or in their place.
    """

    source: ClassVar[type[WebhookSource[Any]]]
    options: ClassVar[Mapping[str, object]] = {}
    values: ClassVar[Mapping[str, JsonValue]] = {}

    def test_a_host_takes_it(self) -> None:
        _assert_taken(_Offer(sources=[self.source]))

    def test_every_option_has_a_title_and_a_description(self) -> None:
        _assert_described(self.source)

    def test_every_field_has_a_name_of_its_own_and_a_title(self) -> None:
        names = [field.name for field in self.source.fields]
        assert len(set(names)) == len(names), f"fields have the same name: {sorted(names)}"
        for field in self.source.fields:
            assert field.name, "a field has no name"
            _assert_words(field.title, _languages(self.source.title), f"the title of field {field.name}")

    def test_its_instructions_are_in_every_language_of_its_title(self) -> None:
        for number, instruction in enumerate(self.source.instructions, 1):
            _assert_words(instruction, _languages(self.source.title), f"instruction {number}")

    def test_the_address_begins_with_the_url_and_has_no_space(self) -> None:
        address = self._source().address(_URL)
        assert address.startswith(_URL), f"the sender would not reach the host at {address}"
        assert not any(character.isspace() for character in address.removeprefix(_URL).partition("{")[0]), (
            f"the address has a space in it: {address}"
        )

    def test_a_sample_is_let_in_and_gives_its_values_back(self) -> None:
        [event] = self._events_of_the_sample()
        for name, value in self._values().items():
            read = event.data.get(name)
            assert read == value, f"{name} went in as {value!r} and came out as {read!r}"

    def test_reading_a_request_again_gives_the_same_events(self) -> None:
        source = self._source()
        request = source.sample(self._values())
        source.verify(request)
        assert list(source.parse(request)) == list(source.parse(request)), "parse() must be a function of the request"

    def test_a_sample_is_answered_with_success(self) -> None:
        source = self._source()
        reply = source.reply(source.sample(self._values()), ["run-1"])
        assert 200 <= reply.status < 300, f"an accepted request is answered {reply.status}"  # noqa: PLR2004 - success

    def test_a_request_that_shows_no_secret_is_refused_if_there_is_one(self) -> None:
        if not self._secrets():
            return
        for method in self.source.methods:
            try:
                self._source().verify(WebhookRequest(method=method))
            except Unauthorized:
                continue
            raise AssertionError(f"a secret is set, and verify() lets an empty {method} request in")

    def test_a_secret_is_no_part_of_an_event_and_is_named_as_confidential(self) -> None:
        source = self._source()
        request = source.sample(self._values())
        for secret in self._secrets():
            assert secret not in repr(self._events_of_the_sample()), "an event holds the secret"
            carriers = {name.lower() for name, value in (*request.parameters(), *request.headers) if secret in value}
            assert carriers <= source.confidential(), f"confidential() must name {sorted(carriers)}, in lower case"

    def test_whatever_comes_in_is_read_or_refused(self) -> None:
        source = self._source()
        for request in _odd_requests(self.source.methods, source.confidential()):
            with suppress(Unauthorized):
                source.verify(request)
            with suppress(Malformed):
                for event in source.parse(request):
                    _EVENT_DATA.validate_python(event.data)

    def _source(self) -> WebhookSource[Any]:
        return self.source(self.source.Options.model_validate(dict(self.options)))

    def _values(self) -> dict[str, JsonValue]:
        return {field.name: field.example for field in self.source.fields} | dict(self.values)

    def _secrets(self) -> set[str]:
        return set(secret_values(self._source().options))

    def _events_of_the_sample(self) -> list[Event]:
        source = self._source()
        request = source.sample(self._values())
        source.verify(request)
        return list(source.parse(request))


class _Offer:
    """A plugin that offers what it is given."""

    def __init__(
        self,
        sources: Iterable[type[Source[Any]]] = (),
        actions: Iterable[type[Action[Any]]] = (),
        notifiers: Iterable[type[Notifier[Any]]] = (),
    ) -> None:
        self._sources = sources
        self._actions = actions
        self._notifiers = notifiers

    @hookimpl
    def register_sources(self) -> Iterable[type[Source[Any]]]:
        return self._sources

    @hookimpl
    def register_actions(self) -> Iterable[type[Action[Any]]]:
        return self._actions

    @hookimpl
    def register_notifiers(self) -> Iterable[type[Notifier[Any]]]:
        return self._notifiers


def _assert_taken(offer: _Offer) -> None:
    [plugin] = Registry.of(offer).plugins
    assert plugin.error is None, plugin.error


def _assert_described(component: type[Source[Any] | Action[Any] | Notifier[Any]]) -> None:
    """It and every option, however deep, have words for people in every language that the component speaks."""
    title = component.title
    if component.description:
        _assert_words(component.description, _languages(title), "the description")
    for name, option in _options(component.Options):
        extra = option.json_schema_extra if isinstance(option.json_schema_extra, dict) else {}
        for language in _languages(title):
            words: Any = extra.get(language, {})
            own = {"title": option.title, "description": option.description} if language == "en" else words
            for kind in ("title", "description"):
                assert own.get(kind), f"option {name} has no {kind} in the language {language!r}"


def _options(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, option in model.model_fields.items():
        yield option.alias or name, option
        for nested in _models(option.annotation):
            yield from _options(nested)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _languages(text: Text) -> set[str]:
    return {"en"} if isinstance(text, str) else set(text)


def _assert_words(text: Text, languages: set[str], what: str) -> None:
    spoken = languages if isinstance(text, str) else {name for name, words in text.items() if words}
    assert text, f"{what} says nothing"
    assert languages <= spoken, f"{what} says nothing in {', '.join(sorted(languages - spoken))}"


def _odd_requests(methods: Iterable[str], credentials: Iterable[str]) -> Iterator[WebhookRequest]:
    """Make requests that no sender would make, also with text that is not ASCII in the place of each credential."""
    for method, body, content_type in product(sorted(methods), _ODD_BODIES, _ODD_TYPES):
        headers = () if content_type is None else (("content-type", content_type),)
        yield WebhookRequest(method=method, headers=headers, body=body)
        yield WebhookRequest(method=method, headers=headers, query=body.decode("latin-1"))
    for method, name in product(sorted(methods), sorted(credentials)):
        yield WebhookRequest(method=method, headers=((name, "\xe9"),))
        yield WebhookRequest(method=method, query=f"{quote(name)}=%E9%FF")
