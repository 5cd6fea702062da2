"""Authentication and authorization: logins, sessions, tokens, throttling, and who may open which page.

A request goes in; the user behind it, or a refusal, comes out. It knows no page but those of the login.
"""
