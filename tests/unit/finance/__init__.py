"""What finance staff do: the pure parts."""
