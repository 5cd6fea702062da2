"""ROOM components"""
