"""Checks: `check`, `doctor`, health, and tests of pipelines.

A project or a running host goes in; problems with file, line and key, and health issues come out. Checks change
nothing.
"""
