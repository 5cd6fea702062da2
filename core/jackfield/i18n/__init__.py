"""Translations of everything that people read: the words of pages, and sentences about what went wrong.

English goes in, the reader's language comes out. Each plugin brings a catalog of its own. This room knows no page.
"""
