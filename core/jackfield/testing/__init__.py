"""What the tests of a plugin import: contracts that every component has to keep, and a way to run an action.

Nothing here needs a host or a journal.
"""

from jackfield.testing.contracts import ActionContract, NotifierContract, SourceContract
from jackfield.testing.single import THIS_MACHINE, run_action, run_notifier

__all__ = [
    "THIS_MACHINE",
    "ActionContract",
    "NotifierContract",
    "SourceContract",
    "run_action",
    "run_notifier",
]
