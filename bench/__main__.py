"""`python -m bench`: Jackfield and a naive relay under the same load, round by round in turn."""

from __future__ import annotations

import argparse
import sys
from statistics import median
from typing import Final

from bench.processes import Subject, jackfield, relay
from bench.report import Results, print_ids, print_load, print_steady
from bench.rounds import Result, play

_SUBJECTS: Final[dict[str, Subject]] = {"jackfield": jackfield, "relay": relay}


def main() -> None:
    """Run the rounds and print what they came to; exit with 1 if an event was lost or delivered repeatedly."""
    arguments = _arguments()
    loaded = _rounds(arguments.rounds, arguments.events, arguments.senders)
    rate = median(result.per_second for result in loaded["relay"]) / 2
    steady = _rounds(1, arguments.events // 4, arguments.senders, rate)
    print_load(loaded)
    print_steady(steady, rate)
    print()
    flawless = print_ids({name: [*loaded[name], *steady[name]] for name in _SUBJECTS})
    sys.exit(0 if flawless else 1)


def _rounds(count: int, events: int, senders: int, rate: float | None = None) -> Results:
    results: dict[str, list[Result]] = {name: [] for name in _SUBJECTS}
    for number in range(1, count + 1):
        for name, subject in _SUBJECTS.items():
            result = play(subject, events=events, senders=senders, rate=rate)
            results[name].append(result)
            print(f"round {number}: {name}, {result.per_second:,.0f} events per second", flush=True)
    return results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="how many events a round has (default: 20000)")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds each of the two gets (default: 5)")
    parser.add_argument("--senders", type=int, default=100, help="how many calls are under way at once (default: 100)")
    parser.add_argument("--quick", action="store_true", help="a first impression: 3 rounds of 4000 events")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.events, arguments.rounds = 4_000, 3
    return arguments


if __name__ == "__main__":
    main()
