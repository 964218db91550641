"""What builds and maintains this tree. Standard library only; nothing of the product imports it."""
