"""One running process: it wires journal, pipelines, runner and notices over a project folder.

A project folder goes in; a running host, kept up to date with the files, comes out. It knows no web server.
"""
