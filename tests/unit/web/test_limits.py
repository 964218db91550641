"""Limits fit together, and a contradiction is told in words that name both."""

from __future__ import annotations

import msgspec
import pytest

from settlement.limits import DEFAULT_LIMITS, LimitsError


def test_default_limits_fit_together() -> None:
    DEFAULT_LIMITS.check()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"batch_size_max": 4096}, "queue_length_max"),
        ({"queue_length_max": 5000}, "in_flight_max"),
        ({"request_seconds_max": 60.0}, "drain_seconds_max"),
        ({"database_write_seconds_max": 9.0}, "request_seconds_max"),
        ({"nonce_window_seconds": 300}, "tif_window_seconds"),
        ({"body_bytes_max": 0}, "head_bytes_max"),
        ({"retry_after_seconds": 0}, "above zero"),
    ],
)
def test_contradiction_names_the_other_limit(changed: dict[str, float], named: str) -> None:
    with pytest.raises(LimitsError, match=named):
        msgspec.structs.replace(DEFAULT_LIMITS, **changed).check()
