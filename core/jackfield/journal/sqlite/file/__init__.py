"""The SQLite file: its schema, the thread that writes, the threads that read, and the lock on it.

Functions that take a connection go in; they are carried out, many to a transaction. This room knows no query.
"""
