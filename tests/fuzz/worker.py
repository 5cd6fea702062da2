"""One process that fuzzes one target with atheris: `python -m tests.fuzz.worker TARGET LIBFUZZER-OPTIONS…`."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["jackfield", "jsonpath_ng", "jackfield_webhook", "jackfield_getcourse"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - the import is what is instrumented
    itself = f"{sys.executable} -m tests.fuzz.worker {name}"  # libFuzzer starts it again to merge inputs
    atheris.Setup([itself, *options], TARGETS[name].prepare())
    atheris.Fuzz()


if __name__ == "__main__":
    main()
