"""Which deployment is looked at, by whom, and what is found on the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from settlement.clock import Clock, system_clock
from settlement.doctor.findings import Examination
from settlement.doctor.thresholds import USUAL, Thresholds
from settlement.keyring import Keyring


class Patient(Struct, kw_only=True):
    """A deployment."""

    data_dir: Path
    environment: Mapping[str, str]
    workers: int = 2
    """gateway processes that it is to have"""
    time_source: str = ""
    """HOST or HOST:PORT that speaks SNTP; empty for none"""
    thresholds: Thresholds = USUAL
    clock: Clock = system_clock
    examination: Examination
    keyring: Keyring | None = None
    """once the key file was read"""
