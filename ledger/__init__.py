"""A double-entry ledger: lanes, journals, a hash chain and proofs. It knows no medicine.

ledger/README.md has its words, an example that runs, and the order in which to read it.
"""
