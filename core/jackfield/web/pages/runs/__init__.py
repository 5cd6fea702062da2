"""ROOM web/pages/runs"""
