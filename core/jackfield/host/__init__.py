"""ROOM host"""
