"""Benefit rules and regional settings as data: files, their format, and what they compile to."""
