"""The whole in one process: gateways, ledger, channels, regions, workers, the close of days, played
from a seed with virtual time and faults (ADR 0054, docs/operating/simulation.md)."""
