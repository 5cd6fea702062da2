"""The web application: webhooks, the API, the pages and probes.

HTTP requests go in, answers come out. `server` opens the socket, `app` puts the parts together.
"""
