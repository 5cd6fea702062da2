"""The project folder: its settings, secrets and keys, and the TOML files that people write.

Files go in; values with the line and key of each mistake come out, and edits go back with comments and order kept. This
room knows no pipeline and no journal.
"""
