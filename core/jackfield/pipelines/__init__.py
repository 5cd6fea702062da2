"""ROOM pipelines"""
