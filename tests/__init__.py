"""Folders are tiers, cheapest first: see TIERS in tests/conftest.py and CONTRIBUTING.md."""
