"""ROOM checks"""
