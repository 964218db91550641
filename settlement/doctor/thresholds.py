"""From where on something is said. Each is a round number that an operator can act on in time."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

MEGABYTE = 2**20


class Thresholds(Struct, frozen=True, kw_only=True):
    """See the fields."""

    clock_apart: timedelta = timedelta(seconds=1)
    """a warning: chrony keeps machines within milliseconds"""
    clock_far_apart: timedelta = timedelta(seconds=30)
    """a fault: half a minute at midnight books into the wrong day"""
    disk_free_bytes: int = 4 * 1024 * MEGABYTE
    """a warning below this, or below a tenth where the disk is smaller than forty times as large"""
    key_age: timedelta = timedelta(days=730)
    certificate_left: timedelta = timedelta(days=30)
    """issuers take days, and some of them weeks"""
    connections_used_percent: int = 80
    base_age: timedelta = timedelta(hours=50)
    """two nights without a base backup"""
    mark_age: timedelta = timedelta(minutes=10)
    """a mark is made each minute"""
    doubt_age: timedelta = timedelta(hours=1)
    """what waits for another side ends by itself within minutes"""
    notice_age: timedelta = timedelta(minutes=10)
    commit_wait: timedelta = timedelta(seconds=5)
    partition_left: timedelta = timedelta(days=31)


USUAL = Thresholds()
