"""Paying institutions."""
