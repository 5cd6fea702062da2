"""ROOM journal/sqlite/file"""
