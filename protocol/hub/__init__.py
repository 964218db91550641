"""The wire between regions (异地就医), over a hub that stores and forwards (docs/reference/hub.md).

No public specification of it exists; this one is ours.
"""
