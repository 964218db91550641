"""The operators' console under /console/: pages for the agency's finance staff and its operators.

It runs in a process of its own (ADR 0037) and sees the database only through settlement/storage.
"""
