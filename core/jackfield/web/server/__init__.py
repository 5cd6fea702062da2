"""ROOM web/server"""
