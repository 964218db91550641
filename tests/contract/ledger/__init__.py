"""The port `Ledger`: in memory and in PostgreSQL."""
