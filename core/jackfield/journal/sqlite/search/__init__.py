"""ROOM journal/sqlite/search"""
