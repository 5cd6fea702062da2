"""Jackfield plugin: actions that form data, choose, and end runs that are not wanted."""
