"""ROOM journal/sqlite/recovery"""
