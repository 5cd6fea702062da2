"""Limits of one rendering: how much work it may do, and how long a value it may make.

An operator, a filter or a loop asks here before it makes something. Nothing here knows Jinja's syntax or a path.
"""
