"""Drills: long runs over lines that fail, after which every book must say the same.

A drill starts a server of its own, does not spare it, and is passed or not; how fast it was comes
second (loadtest/bench.py measures that).
"""
