"""Every parser of bytes from outside, tried on broken input."""
