"""ROOM pipelines/editing"""
