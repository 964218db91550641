"""Backups: making them, marking what the books are, and restoring to a second.

Ties what settlement/embedded knows of servers to what settlement/storage knows of books; what to
do is decided by settlement/backups, which is pure.
"""

KEEP = 7
"""Base backups that are kept unless told otherwise."""
