"""ROOM components/plugins"""
