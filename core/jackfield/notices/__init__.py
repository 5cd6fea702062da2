"""ROOM notices"""
