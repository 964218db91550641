"""What operators see of a running server: metrics, logs, traces. Knows names, no domain."""
