"""The table that a run ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final, TypeAlias

from bench.rounds import WARM_UP, Result

Results: TypeAlias = Mapping[str, Sequence[Result]]
"""The rounds of each subject, by its name."""

_Figure: TypeAlias = Callable[[Result], float]
_LATENCIES: Final[Mapping[str, _Figure]] = {
    "accept p50, ms": lambda result: result.accept.p50,
    "accept p99, ms": lambda result: result.accept.p99,
    "end to end p50, ms": lambda result: result.delivery.p50,
    "end to end p99, ms": lambda result: result.delivery.p99,
}
_FIGURES: Final[Mapping[str, _Figure]] = {
    "events per second": lambda result: result.per_second,
    "CPU per event, ms": lambda result: result.cpu_ms,
    **_LATENCIES,
    f"memory after {WARM_UP:,} events, MB": lambda result: result.memory_before,
    "memory after all events, MB": lambda result: result.memory_after,
    "memory peak, MB": lambda result: result.memory_peak,
}


def print_load(results: Results) -> None:
    """Print the rounds under full load: medians, and the ratio of each round."""
    _print_table("full load", results, _FIGURES)
    first, second = results.values()
    ratios = [one.per_second / other.per_second for one, other in zip(first, second, strict=True)]
    print("ratio of events per second, round by round:", " ".join(f"{ratio:.2f}" for ratio in ratios))


def print_steady(results: Results, rate: float) -> None:
    """Print what calls at a steady rate waited."""
    _print_table(f"steady {rate:.0f} per second", results, _LATENCIES)


def print_ids(results: Results) -> bool:
    """Print what became of all ids; tell whether every accepted event was delivered exactly once."""
    flawless = True
    for name, rounds in results.items():
        accepted, refused, lost, repeated = (
            sum(getattr(result, field) for result in rounds) for field in ("accepted", "refused", "lost", "repeated")
        )
        print(f"{name}: {accepted:,} accepted, {refused:,} refused, {lost:,} lost, {repeated:,} delivered repeatedly")
        flawless = flawless and not lost and not repeated
    return flawless


def _print_table(title: str, results: Results, figures: Mapping[str, _Figure]) -> None:
    print(f"\n{title:32}", *(f"{name:>12}" for name in results), f"{'ratio':>8}")
    for label, figure in figures.items():
        first, second = (median(map(figure, rounds)) for rounds in results.values())
        print(f"{label:32} {first:12,.2f} {second:12,.2f} {first / second:8.2f}")
