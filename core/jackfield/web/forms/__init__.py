"""Forms made out of options models: what can be filled in, and how a submission changes a file.

A pipeline's file goes in as a form; a submission goes back as an edit. It knows no page.
"""
