"""What finance staff do, each act with its reads and writes: comparing with channels, correcting,
paying institutions, closing days and months.

Opened on a data directory by a command, or on a connection by the console. Decisions are made by
pure modules at the root of `settlement/`; statements are in `settlement/storage/`.
"""
