"""ROOM journal/sqlite/queue"""
