"""The journal that is one SQLite file: the default back end."""

from jackfield.journal.sqlite.journal import SqliteJournal

__all__ = ["SqliteJournal"]
