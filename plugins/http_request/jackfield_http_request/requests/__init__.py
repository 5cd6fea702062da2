"""Requests: built from the step's options, with body, query and headers, and sent over its connection.

Options go in; a request of the client that the host lends comes out.
"""
