"""The pipelines of a running host: their current versions, older ones that runs still need, and their actions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from jackfield.components.base import Action
from jackfield.errors import JackfieldError
from jackfield.http.client import HttpPool
from jackfield.journal.protocol import Journal
from jackfield.journal.records import Limits, Version
from jackfield.pipelines.definition import Pipeline, pipeline_file
from jackfield.pipelines.loader import PipelineLoader
from jackfield.problems import Problem
from jackfield.project.toml_file import TomlFile

_CLOSING: Final = 5.0
"""Seconds that an action is given to close."""


@dataclass(slots=True)
class LivePipeline:
    """One version of a pipeline with the actions that carry out its steps, and how many runs are on it."""

    pipeline: Pipeline
    actions: Mapping[str, Action[Any]]
    runs: int = 0
    retired: bool = False


@dataclass(slots=True)
class Pipelines:
    """All of them. A version lives as long as it is current or a run is on it; then its actions are closed."""

    journal: Journal
    loader: PipelineLoader
    http: HttpPool
    _current: dict[str, LivePipeline] = field(default_factory=dict)
    _older: dict[tuple[str, str], LivePipeline] = field(default_factory=dict)
    _idle: list[LivePipeline] = field(default_factory=list)

    def __iter__(self) -> Iterator[Pipeline]:
        return (live.pipeline for live in self._current.values())

    def get(self, id: str) -> Pipeline | None:
        """Return the current version of a pipeline."""
        live = self._current.get(id)
        return live.pipeline if live else None

    def limits(self, id: str) -> Limits | None:
        """Return how fast a pipeline may go; None if it is blocked or gone."""
        pipeline = self.get(id)
        return None if pipeline is None or pipeline.blocked else pipeline.limits

    async def put(self, pipelines: Sequence[Pipeline]) -> None:
        """Make these the current versions; one whose actions cannot be made is blocked.

        Raises `JournalUnavailable`; then all is as it was.
        """
        versions = [Version(pipeline.id, pipeline.version, pipeline.text) for pipeline in pipelines]
        await asyncio.gather(*map(self.journal.keep, versions))  # the journal writes all that waits at once
        for pipeline in pipelines:
            live = self._alive(pipeline)
            self._retire(self._current.get(pipeline.id))
            self._current[pipeline.id] = live
        await self.close_idle()

    async def remove(self, id: str) -> None:
        """Forget a pipeline whose file is gone; its runs stay in the journal."""
        self._retire(self._current.pop(id, None))
        await self.close_idle()

    async def version(self, id: str, version: str) -> LivePipeline:
        """Return a pipeline as it was.

        Raises `JackfieldError` if that version cannot be had or run any more, `JournalUnavailable` for the moment.
        """
        current = self._current.get(id)
        if current is not None and current.pipeline.version == version:
            return self.current(id)
        older = self._older.get((id, version)) or self._alive(await self._recalled(id, version), retired=True)
        if older.pipeline.blocked:
            raise JackfieldError(f"version {version} of pipeline {id} cannot run any more: {older.pipeline.blocked}")
        return self._older.setdefault((id, version), older)

    def current(self, id: str) -> LivePipeline:
        """Return the current version. Raises `JackfieldError` if there is none that can run."""
        live = self._current.get(id)
        if live is None:
            raise JackfieldError(f"pipeline {id} is gone: there is no pipelines/{id}.toml")
        if live.pipeline.blocked:
            raise JackfieldError(f"pipeline {id} is blocked: {live.pipeline.blocked}")
        return live

    @contextmanager
    def on(self, live: LivePipeline) -> Iterator[None]:
        """Keep a version alive while a run is on it."""
        live.runs += 1
        try:
            yield
        finally:
            live.runs -= 1
            if live.retired and not live.runs:
                self._let_go(live)

    async def close_idle(self) -> None:
        """Close the actions of versions that nothing needs any more."""
        idle, self._idle = self._idle, []
        for live in idle:
            await _close(live)

    async def close(self) -> None:
        """Close all actions. Called once, when no run is going on."""
        for live in [*self._current.values(), *self._older.values(), *self._idle]:
            await _close(live)

    def _retire(self, live: LivePipeline | None) -> None:
        if live is None:
            return
        live.retired = True
        if live.runs:
            self._older[live.pipeline.id, live.pipeline.version] = live
        else:
            self._idle.append(live)

    def _let_go(self, live: LivePipeline) -> None:
        self._older.pop((live.pipeline.id, live.pipeline.version), None)
        self._idle.append(live)

    def _alive(self, pipeline: Pipeline, *, retired: bool = False) -> LivePipeline:
        actions: dict[str, Action[Any]] = {}
        for step in () if pipeline.blocked else pipeline.steps:
            log = structlog.get_logger().bind(pipeline=pipeline.id, step=step.name)
            try:
                actions[step.name] = step.action(self.http.lend(log))
            except Exception as fault:  # noqa: BLE001 - a plugin's fault blocks this pipeline and no other
                message = f"action {step.action.name} cannot be made: {fault!r}"
                problem = Problem(pipeline_file(pipeline.id), 0, f"steps[{step.index}]", message)
                return LivePipeline(replace(pipeline, problems=(problem,)), actions, retired=retired)
        return LivePipeline(pipeline, actions, retired=retired)

    async def _recalled(self, id: str, version: str) -> Pipeline:
        kept = await self.journal.version(id, version)
        if kept is None:
            raise JackfieldError(f"version {version} of pipeline {id} is not in the journal any more")
        return self.loader.load(id, TomlFile.parse(kept.text, f"{pipeline_file(id)}@{version}"))


async def _close(live: LivePipeline) -> None:
    for name, action in live.actions.items():
        log = structlog.get_logger().bind(pipeline=live.pipeline.id, step=name)
        try:
            async with asyncio.timeout(_CLOSING):
                await action.close()
        except Exception:  # a plugin's fault must not keep the others from closing
            log.exception("an action could not be closed")
