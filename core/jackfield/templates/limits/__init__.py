"""ROOM templates/limits"""
