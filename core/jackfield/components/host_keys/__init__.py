"""The keys of a pipeline's file that belong to the host, and to no plugin.

Each table of the file is one model here. The loader validates with it; the registry keeps plugins off its keys; the
JSON Schema and the forms show its titles and descriptions.
"""
