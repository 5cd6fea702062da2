"""ROOM runs"""
