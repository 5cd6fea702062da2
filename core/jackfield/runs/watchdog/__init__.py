"""ROOM runs/watchdog"""
