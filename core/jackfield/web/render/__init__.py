"""Rendering of pages: Jinja templates in the visitor's language, and the views that several pages share.

Values go in, HTML comes out. It knows no route and no host.
"""
