"""ROOM http"""
