"""ROOM templates/paths"""
