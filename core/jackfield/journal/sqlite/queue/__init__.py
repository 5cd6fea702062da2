"""The queue: which run starts when, who carries it out, and what becomes of it.

The dispatcher takes startable runs out of the file and hands them to a handler. It knows no pipeline's definition.
"""
