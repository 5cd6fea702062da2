"""Queries and statements by table: each function takes a connection and reads or writes rows.

Values of `journal.records` go in, values of `journal.views` come out. This room knows no thread and no queue.
"""
