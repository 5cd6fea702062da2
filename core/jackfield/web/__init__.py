"""The Starlette host: where webhooks come in, and what programs may ask."""
