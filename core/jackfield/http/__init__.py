"""The HTTP client that actions get: pooled, guarded against private addresses, and recorded.

Requests of an action go in; answers, and a record of both without secrets, come out. This room knows no journal and no
pipeline.
"""
