"""The server: the socket, HTTP as uvicorn reads it, limits of connections, and the end in good order.

A project goes in and is served until the process is told to end. Nothing in `web` may import it.
"""
