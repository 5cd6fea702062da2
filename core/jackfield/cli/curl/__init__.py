"""ROOM cli/curl"""
