"""ROOM web/pages/pipelines"""
