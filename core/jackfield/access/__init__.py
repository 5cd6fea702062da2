"""Who may do what: users, API tokens, the audit log, and what a viewer may see of the journal.

A role goes in; views of runs come out, with masked values redacted for viewers. This room knows no page.
"""
