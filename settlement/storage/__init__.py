"""The settlement schema in PostgreSQL: the only place that knows SQL of ours and the driver."""
