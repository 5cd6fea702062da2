"""Contracts: classes of tests for pytest, which every component has to pass.

Subclass one under a name that begins with `Test`, and say which component it is about.
"""
# ruff: noqa: D102, S101 - these are tests: a name is its sentence, and they assert

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

import structlog
from pydantic import JsonValue, TypeAdapter

from jackfield.components.base import Action, Notifier, Source, WebhookSource
from jackfield.components.plugins.hookspecs import hookimpl
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import Event, JsonObject, WebhookRequest
from jackfield.errors import Malformed, Unauthorized
from jackfield.http.client import HttpPool
from jackfield.pipelines.rendered_options import secret_values
from jackfield.testing.hostile import odd_requests
from jackfield.testing.words import assert_described, assert_words, languages

_URL: Final = "https://hooks.example.ru/hooks/test/0123456789abcdef"
_EVENT_DATA: Final = TypeAdapter(JsonObject)


class NotifierContract:
    """Tests that every notifier passes. `options` are valid ones, as they stand in its table, rendered."""

    notifier: ClassVar[type[Notifier[Any]]]
    options: ClassVar[Mapping[str, object]] = {}

    def test_a_host_takes_it(self) -> None:
        _assert_taken(_Offer(notifiers=[self.notifier]))

    def test_every_option_has_a_title_and_a_description(self) -> None:
        assert_described(self.notifier)

    def test_it_can_be_made_and_closed_without_a_notice(self) -> None:
        async def main() -> None:
            http = HttpPool()
            context = http.lend(structlog.get_logger())
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
        assert_described(self.action)

    def test_the_options_are_valid(self) -> None:
        self.action.Options.model_validate(dict(self.options))

    def test_it_can_be_made_and_closed_without_a_run(self) -> None:
        async def main() -> None:
            http = HttpPool()
            await self.action(http.lend(structlog.get_logger())).close()
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
        assert_described(self.source)

    def test_every_field_has_a_name_of_its_own_and_a_title(self) -> None:
        names = [field.name for field in self.source.fields]
        assert len(set(names)) == len(names), f"fields have the same name: {sorted(names)}"
        for field in self.source.fields:
            assert field.name, "a field has no name"
            assert_words(field.title, languages(self.source.title), f"the title of field {field.name}")

    def test_its_instructions_are_in_every_language_of_its_title(self) -> None:
        for number, instruction in enumerate(self.source.instructions, 1):
            assert_words(instruction, languages(self.source.title), f"instruction {number}")

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
        for request in odd_requests(self.source.methods, source.confidential()):
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
