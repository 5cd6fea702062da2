"""Answers: what a destination said, and whether that is success, worth another attempt, or a failure.

An answer goes in; an outcome and the values that the step takes out of it come out.
"""
