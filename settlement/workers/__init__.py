"""Background loops: what they do (one module each), which there are, and how they are run."""
