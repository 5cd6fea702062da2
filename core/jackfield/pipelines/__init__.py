"""Pipelines: read from their files, validated, compiled, and kept live in a running host.

A TOML file goes in; a definition that can be run, or the list of its problems, comes out. This room runs nothing.
"""
