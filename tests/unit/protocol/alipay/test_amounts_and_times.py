"""Yuan and Beijing time as Alipay writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.alipay.amounts import fen, yuan
from protocol.alipay.times import instant_of, text_of


@pytest.mark.parametrize(
    ("text", "amount_fen"),
    [
        ("88.88", 8_888), ("88.8", 8_880), ("88", 8_800), ("0.01", 1), ("0.00", 0),
        ("-0.30", -30), ("+12.5", 1_250), ("100000000.00", 10_000_000_000), ("1.2300", 123),
        ("007.05", 705),
    ],
)  # fmt: skip
def test_yuan_is_read_to_the_fen(text: str, amount_fen: int) -> None:
    assert fen(text) == amount_fen


@pytest.mark.parametrize(
    "text", ["", ".5", "1.", "1.234", "1e2", "1,000.00", "¥1", "１.00", "NaN", "--1", " 1", "0x1"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        fen(text)


@given(st.integers(-(10**12), 10**12))
def test_fen_come_back_from_yuan(amount_fen: int) -> None:
    assert fen(yuan(amount_fen)) == amount_fen


def test_time_is_beijing_time_without_a_zone() -> None:
    at = datetime(2026, 11, 25, 17, 30, 5, tzinfo=UTC)
    assert text_of(at) == "2026-11-26 01:30:05"
    assert instant_of("2026-11-26 01:30:05") == at
    assert instant_of("2026-11-26 01:30:05.123") > at


@pytest.mark.parametrize("text", ["", "26.11.2026", "2026-11-26T01:30:05Z", "2026-13-01 00:00:00"])
def test_what_is_no_such_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant_of(text)
