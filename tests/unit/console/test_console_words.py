"""How money, times and amounts are written, and that no closed set lacks a word."""

from __future__ import annotations

from datetime import timedelta

import pytest

from settlement.chart import EntryCode
from settlement.console import words
from settlement.console.rights import GRANTED, Right, Role
from settlement.console.routes import ROUTES
from settlement.payments.payment_states import Happening, State

CARRIED = {
    EntryCode.ACCOUNT_CONTRIBUTION, EntryCode.PAYABLE_CARRIED, EntryCode.SETTLEMENT_CARRIED,
    EntryCode.REGION_CLEARED, EntryCode.REGION_PREPAID,
    EntryCode.FUND_INCOME, EntryCode.ACCOUNTS_MOVED,
}  # fmt: skip
"""No page shows entries of these yet."""


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456_789, "1,234,567.89"),
     (-100_000, "-1,000.00")],
)  # fmt: skip
def test_yuan_have_thousands_and_two_decimals(fen: int, text: str) -> None:
    assert words.yuan(fen) == text


def test_quantities_and_prices_say_no_more_than_they_know() -> None:
    assert [words.quantity(q) for q in (10_000, 12_500, 1)] == ["1", "1.25", "0.0001"]
    assert [words.price(p) for p in (12_900_000, 12_345_678, 1_234_000_000)] == [
        "12.90", "12.345678", "1,234.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [(-3, "0 秒", "0 s"), (59, "59 秒", "59 s"), (61, "1 分钟", "1 min"),
     (3_660, "1 小时 1 分", "1 h 1 min"), (90_000, "1 天 1 小时", "1 d 1 h")],
)  # fmt: skip
def test_spans_name_their_two_largest_units(seconds: int, zh: str, en: str) -> None:
    length = timedelta(seconds=seconds)
    assert (words.span(length, "zh"), words.span(length, "en")) == (zh, en)


def test_closed_sets_have_words_for_all_they_hold() -> None:
    assert set(words.STATES) == set(State)
    assert set(words.HAPPENINGS) == set(Happening)
    assert set(words.ROLES) == set(Role)
    assert set(words.ENTRY_CODES) == set(EntryCode) - CARRIED


def test_every_right_is_granted_and_used_by_an_address() -> None:
    assert set(GRANTED) == set(Right) - {Right.ANYBODY}
    assert {route.right for route in ROUTES} == set(Right)
    assert all(Role.AUDITOR not in GRANTED[right] for right in (
        Right.RETRY, Right.PROPOSE, Right.CONFIRM, Right.RESEND, Right.SWITCH, Right.USERS,
    ))  # fmt: skip
