"""The API under `/api/v1`: what the pages do, as JSON.

Each endpoint is a typed function; its signature is what the OpenAPI document says. It knows no page.
"""
