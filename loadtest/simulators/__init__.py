"""Everybody else, each with a book of its own: counters of institutions, and payment channels.

A HIS and a POS as their makers might write them, on `settlement.client`, over lines that fail by
seed. Whatever fails, in the end what they believe was settled must be what the server says, to the
fen: `audit.differences`. Channels (`channel`, `wechat`) are servers that speak the true wire and
fail as told.
"""
