"""What the host counts, in Prometheus's terms."""

from __future__ import annotations

from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from jackfield.journal.records import Outcome
from jackfield.journal.views import Backlog


class Metrics:
    """The counters of one host; `page()` is what `/metrics` shows."""

    def __init__(self) -> None:
        self.arrivals: Tally[str] = Tally()
        """How many events have come in for each pipeline, duplicates included."""
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "jackfield_events_accepted", "Events written to the journal.", ["pipeline"], registry=self._registry
        )
        self._duplicates = Counter(
            "jackfield_events_duplicate", "Events that had come before.", ["pipeline"], registry=self._registry
        )
        self._refused = Counter(
            "jackfield_requests_refused", "Requests turned away.", ["pipeline", "status"], registry=self._registry
        )
        self._attempts = Histogram(
            "jackfield_attempt_seconds",
            "How long attempts of steps took.",
            ["pipeline", "step", "outcome"],
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=self._registry,
        )
        self._backlog = Gauge("jackfield_runs", "Runs that are not settled.", ["state"], registry=self._registry)
        self._failures = Gauge(
            "jackfield_failed_runs",
            "Failed runs that were neither repaired nor set aside.",
            ["pipeline"],
            registry=self._registry,
        )
        self._journal = Gauge("jackfield_journal_bytes", "Size of the journal on disk.", registry=self._registry)

    def accepted(self, pipeline: str, runs: int, duplicates: int) -> None:
        """Count what one request brought."""
        self.arrivals[pipeline] += runs + duplicates
        self._accepted.labels(pipeline).inc(runs)
        if duplicates:
            self._duplicates.labels(pipeline).inc(duplicates)

    def refused(self, pipeline: str, status: int) -> None:
        """Count a request that was turned away."""
        self._refused.labels(pipeline, status).inc()

    def attempted(self, pipeline: str, step: str, outcome: Outcome, seconds: float) -> None:
        """Count an attempt and its time."""
        self._attempts.labels(pipeline, step, outcome).observe(seconds)

    def page(self, backlog: Backlog, journal_bytes: int) -> bytes:
        """Return everything in Prometheus's text format."""
        for state, runs in backlog.states.items():
            self._backlog.labels(state).set(runs)
        self._failures.clear()
        for pipeline, runs in backlog.failures.items():
            self._failures.labels(pipeline).set(runs)
        self._journal.set(journal_bytes)
        return generate_latest(self._registry)
