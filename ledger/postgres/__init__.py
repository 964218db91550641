"""The ledger in PostgreSQL: schema, store, folds and verification."""
