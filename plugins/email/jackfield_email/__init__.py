"""Jackfield plugin: e-mail as a notice and as an action."""
