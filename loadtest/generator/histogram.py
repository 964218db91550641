"""Latencies in logarithmic buckets: bounded memory, under one per cent of error, mergeable.

Values are whole microseconds. Below 256 every value has a bucket of its own; above, every power of
two is cut into 128 equal buckets. It knows nothing of what was measured.
"""

from __future__ import annotations

import math

SUB_BUCKET_BITS = 7
VALUE_US_MAX = (1 << 30) - 1
"""About eighteen minutes, far beyond the longest wait of a run."""


class Histogram:
    """Counts of recorded microseconds; percentiles are upper bounds of the bucket they fall in."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = [0] * (bucket_of(VALUE_US_MAX) + 1)

    def record(self, value_us: int) -> None:
        """Count one value between 0 and VALUE_US_MAX (anything longer raises IndexError)."""
        shift = value_us.bit_length() - SUB_BUCKET_BITS - 1  # bucket_of, without the call
        bucket = value_us if shift <= 0 else (shift << SUB_BUCKET_BITS) + (value_us >> shift)
        self._counts[bucket] += 1

    @property
    def total(self) -> int:
        """How many values were recorded."""
        return sum(self._counts)

    def percentile_us(self, percent: float) -> int:
        """The smallest bound that `percent` of the values do not exceed; 0 when nothing is held."""
        rank = math.ceil(self.total * percent / 100)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if count and seen >= rank:
                return upper_bound_of(bucket)
        return 0

    def percentile_ms(self, percent: float) -> float:
        """The same in milliseconds, for people."""
        return self.percentile_us(percent) / 1000

    def add(self, other: Histogram) -> None:
        """Take in what another histogram counted."""
        self._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]


def bucket_of(value_us: int) -> int:
    """Which bucket a value of zero or more falls in."""
    shift = value_us.bit_length() - SUB_BUCKET_BITS - 1
    if shift <= 0:
        return value_us
    return (shift << SUB_BUCKET_BITS) + (value_us >> shift)


def upper_bound_of(bucket: int) -> int:
    """The largest value that falls in a bucket."""
    if bucket < 2 << SUB_BUCKET_BITS:
        return bucket
    shift = (bucket >> SUB_BUCKET_BITS) - 1
    top = bucket - (shift << SUB_BUCKET_BITS)
    return ((top + 1) << shift) - 1
