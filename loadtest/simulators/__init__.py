"""A HIS and a POS as their makers might write them, on `settlement.client`, with their own books.

They are run over lines that fail by seed. Whatever fails, in the end what they believe was settled
must be what the server says, to the fen: `audit.differences`.
"""
