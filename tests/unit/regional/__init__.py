"""Clearing and comparing between regions."""
