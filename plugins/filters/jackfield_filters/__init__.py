"""Jackfield plugin: template filters for phones, money, dates, hashes and transliteration."""
