"""The editor of a pipeline: the form, its buttons, trying a step, and the values to insert."""
