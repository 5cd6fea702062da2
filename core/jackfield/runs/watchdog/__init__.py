"""The watchdog: interrupts an action that blocks the event loop, and ends a process that hangs.

It watches from a thread of its own and knows only whose code is on a stack.
"""
