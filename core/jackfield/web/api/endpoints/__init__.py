"""ROOM web/api/endpoints"""
