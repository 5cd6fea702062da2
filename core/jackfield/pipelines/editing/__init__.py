"""Changes of a pipeline's file: drafts, moving a key to the secrets, restoring an earlier version.

A draft goes in and becomes the file, unless somebody else has changed that meanwhile. It knows no form and no page.
"""
