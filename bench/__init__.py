"""The benchmark of the hot path: `python -m bench`. See README.md beside this file."""
