"""A double-entry ledger: lanes, journals, a hash chain and proofs. It knows no medicine."""
