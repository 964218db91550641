"""The messages by family: one typed class per node, with the wire's own field names."""
