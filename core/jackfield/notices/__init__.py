"""Notices to the operator: alarms are raised, gathered, throttled, and delivered by notifiers.

What happens to runs and pipelines goes in; messages to people go out. This room changes no run.
"""
