"""When a notice is tried again, and which answers have taken it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from settlement.outbox import GAPS_SECONDS, Came, judge, next_try, notice_no

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_gaps_grow_and_never_end() -> None:
    assert list(GAPS_SECONDS) == sorted(set(GAPS_SECONDS))
    gaps = [(next_try(n, AT) - AT).total_seconds() for n in range(1, len(GAPS_SECONDS) + 1)]
    assert gaps == list(GAPS_SECONDS)
    assert next_try(10_000, AT) == AT + timedelta(seconds=GAPS_SECONDS[-1])


def test_notices_of_a_case_are_in_the_order_of_its_events() -> None:
    numbers = [notice_no(event, place) for event in range(1, 4) for place in range(2)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("status", "answer", "came"),
    [
        (200, b'{"success":true}',                   Came.DELIVERED),
        (204, b'{"success":true,"message":"x"}',     Came.DELIVERED),
        (200, b'{"success":false,"message":"no"}',   Came.REFUSED),
        (200, b"{}",                                 Came.REFUSED),
        (500, b'{"success":true}',                   Came.REFUSED),
        (302, b'{"success":true}',                   Came.REFUSED),
        (200, b'{"success":"true"}',                 Came.STRANGE),
        (200, b"success",                            Came.STRANGE),
        (200, b"",                                   Came.STRANGE),
        (200, b'{"success":true',                    Came.STRANGE),
        (200, b"\xff",                               Came.STRANGE),
    ],
)  # fmt: skip
def test_only_a_clear_yes_has_taken_it(status: int, answer: bytes, came: Came) -> None:
    assert judge(status, answer)[0] is came
