"""ROOM web/render"""
