"""ROOM i18n"""
