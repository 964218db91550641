"""What operators see of a running server: metrics and logs. Knows names and numbers, no domain."""
