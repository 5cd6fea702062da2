"""`python -m bench`: Jackfield and a naive relay, round by round in turn."""

from __future__ import annotations

import argparse
from statistics import median

from bench.processes import jackfield, relay
from bench.rounds import play

_SUBJECTS = {"jackfield": jackfield, "relay": relay}


def main() -> None:
    arguments = _arguments()
    for number in range(arguments.rounds):
        for name in arguments.only or _SUBJECTS:
            print(name, play(_SUBJECTS[name], events=arguments.events, senders=arguments.senders), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="how many events a round has (20,000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--senders", type=int, default=100)
    parser.add_argument("--only", nargs="*")
    return parser.parse_args()


if __name__ == "__main__":
    main()
