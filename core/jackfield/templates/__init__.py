"""ROOM templates"""
