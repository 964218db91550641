"""What a region asks of the platforms around it, over the network."""
