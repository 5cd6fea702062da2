"""ROOM web/pages/admin"""
