"""A run's life: an event comes in, its steps are carried out, and the run can be replayed.

A webhook's request goes in at `intake`; `runner` takes runs out of the journal and carries their steps out. This room
knows no page and no command.
"""
