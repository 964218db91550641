"""What the service does, one module a use case; pure decisions on facts that were read."""
