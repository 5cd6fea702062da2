"""ROOM project"""
