"""ROOM web/pages/editor"""
