"""Closing, seals and proofs."""
