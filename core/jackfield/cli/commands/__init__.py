"""ROOM cli/commands"""
