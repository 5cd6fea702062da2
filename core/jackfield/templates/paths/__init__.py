"""JSONPath: a path is compiled when a template is loaded, and selects values of a JSON document.

jsonpath-ng reads a path's syntax; the look-up here counts its work. Nothing here knows templates.
"""
