"""The journal in one SQLite file: the default back end.

`journal` implements the protocol on top of the rooms below: `queue` and `search`, then `tables`, then `file`.
"""

from jackfield.journal.sqlite.journal import SqliteJournal

__all__ = ["SqliteJournal"]
