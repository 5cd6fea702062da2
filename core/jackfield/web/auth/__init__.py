"""ROOM web/auth"""
