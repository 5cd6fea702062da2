"""What a plugin is made of: sources, actions, notifiers, and the options models that describe their settings.

Plugins import these names from `jackfield`; the host finds components here and validates their options. This room knows
no project folder, no journal and no pipeline.
"""
