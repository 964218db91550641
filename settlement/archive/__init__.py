"""Archiving closed years: the files that they go into, and the command (ADR 0062)."""
