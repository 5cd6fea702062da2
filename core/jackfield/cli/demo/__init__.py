"""ROOM cli/demo"""
