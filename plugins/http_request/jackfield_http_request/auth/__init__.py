"""Authentication: how a request shows who sends it.

The step's `auth` options go in; headers, or a second exchange for a challenge or a token, come out.
"""
