"""ROOM journal/sqlite/tables"""
