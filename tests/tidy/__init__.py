"""House rules as tests. Each rule is a pure function from a file to findings, proven on a plant."""
