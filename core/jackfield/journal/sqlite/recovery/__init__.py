"""Recovery from damage: checks the file's integrity, and salvages what can be read.

A damaged file goes in; a new journal and a report of what is lost come out. It reads pages without SQLite.
"""
