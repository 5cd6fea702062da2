"""ROOM cli/accounts"""
