"""Care in other regions (异地就医), both ways: cases, comparison, clearing. Pure: no I/O."""
