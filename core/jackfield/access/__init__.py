"""ROOM access"""
