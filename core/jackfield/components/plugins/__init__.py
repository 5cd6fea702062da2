"""Plugins: the hooks that they implement, and the registry that finds and examines them.

Installed entry points go in; components by name come out. A broken plugin stays alone with its error.
"""
