"""Templates in options: JSONPath selects values of an event, Jinja renders them.

A template is compiled when a pipeline is loaded and rendered for each event, within limits of work and size. Text goes
in, a callable template comes out. This room knows no plugin, no file and no pipeline.
"""
