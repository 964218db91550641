"""What clearing accounts come to, how soon they were cleared, and what a fee books."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from ledger.entry import Transfer
from settlement import chart
from settlement.books.channel_fees import Bearer, FeeRules, fee_transfers
from settlement.books.channel_matching import Class, Kind
from settlement.books.clearing_accounts import Held, Kept, Open, Sums, account, by_age, together
from settlement.books.difference_states import State
from settlement.chart import channel_accounts, institution_accounts
from settlement.payments.payment import Custody

DAY = date(2026, 11, 16)
BASE = 10_000_070
OWNERS = {
    one.number: one.owner
    for one in (
        *institution_accounts("P1", "测试药店", BASE), *channel_accounts("P1", "测试药店", BASE),
        *chart.agency_accounts(),
    )
}  # fmt: skip
BOTH = [(custody, bearer) for custody in Custody for bearer in Bearer]


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def held(ours_fen: int, theirs_fen: int, *, found: int = 1, changed: int = 1) -> Held:
    """A difference of the day, found and changed so many days later."""
    return Held(
        number=1, channel="wechat", institution="P1", day=DAY, found=Class.AMOUNT,
        state=State.OPEN, kind=Kind.PAYMENT, shown_no="1", ours_fen=ours_fen,
        theirs_fen=theirs_fen, booked_fen=0, found_on=after(found), changed_on=after(changed),
    )  # fmt: skip


def of(paid_fen: int, *, unbilled_fen: int = 0, unfunded_fen: int = 0) -> Kept:
    """A day as it was kept on the next morning."""
    cleared_fen = paid_fen - unbilled_fen - unfunded_fen
    sums = Sums(
        rows=1, paid_fen=paid_fen, unbilled_fen=unbilled_fen, unbilled_volume_fen=unbilled_fen,
        unfunded_fen=unfunded_fen, unfunded_volume_fen=unfunded_fen,
    )  # fmt: skip
    return Kept(sums=sums, old_fen=(paid_fen, paid_fen, 0), in_time_fen=(cleared_fen,) * 3)


_ENDED = replace(held(300, 0), booked_fen=-300)
CASES = [
    # what was kept, what differs                   balance confirmed received remainder open  share
    (of(1_000), [],                                   1_000,  1_000,  1_000,      0,     0, 10_000),
    (of(1_000, unbilled_fen=400), [],                 1_000,    600,    600,    400,   400,  6_000),
    (of(1_000, unfunded_fen=400), [],                 1_000,  1_000,    600,    400,   400,  6_000),
    (of(1_000), [held(300, 0)],                       1_000,    700,    700,    300,   300,  7_000),
    (of(1_000), [held(0, 1_000)],                     1_000,  2_000,  2_000, -1_000, 1_000,  5_000),
    (of(1_000), [held(1_000, 1_001)],                 1_000,  1_001,  1_001,     -1,     1,  9_990),
    (of(1_000), [held(300, 0), held(0, 300)],         1_000,  1_000,  1_000,      0,   600,  5_384),
    (of(1_000), [_ENDED],                               700,    700,    700,      0,     0, 10_000),
    (Kept(), [held(0, 77)],                               0,     77,     77,    -77,    77,      0),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_an_account_comes_to(case: tuple[Kept, list[Held], int]) -> None:
    kept, some, *expected = case
    one = account(kept, some, after(9))
    assert expected == [
        one.balance_fen, one.confirmed_fen, one.received_fen, one.remainder_fen, one.open_fen,
        one.cleared_bp,
    ]  # fmt: skip


def test_nothing_moved_has_no_share() -> None:
    one = account(Kept(), [], after(9))
    assert (one.cleared_bp, one.in_time_bp) == (None, (None, None, None))


@pytest.mark.parametrize(
    ("some", "within"),
    [
        ([], (10_000, 10_000)),
        ([held(200, 0)], (8_000, 8_000)),
        ([replace(held(200, 0, changed=2), booked_fen=-200)], (8_000, 10_000)),
        ([replace(held(200, 0, found=5, changed=5), booked_fen=-200)], (10_000, 10_000)),
        ([held(200, 200)], (10_000, 10_000)),
        ([held(0, 1_000)], (5_000, 5_000)),
    ],
)
def test_what_differs_is_cleared_when_its_difference_comes_to_nothing(
    some: list[Held], within: tuple[int, int]
) -> None:
    assert account(of(1_000), some, after(9)).in_time_bp == (*within, None)


def test_a_day_counts_for_a_time_once_that_is_over() -> None:
    """What differs on a day that is too young is left out as the day is."""
    young = Kept(sums=of(1_000).sums)
    assert account(young, [held(200, 0)], after(1)).in_time_bp == (None, None, None)


def test_open_amounts_are_told_by_age() -> None:
    some = [Open(channel="wechat", day=after(-days), fen=1 << n)
            for n, days in enumerate((0, 1, 2, 3, 4, 30, 31, 400))]  # fmt: skip
    assert by_age(some, DAY) == {"wechat": (1, 2, 4 + 8, 16 + 32, 64 + 128)}
    assert by_age([], DAY) == {}


def test_together_is_the_sum() -> None:
    both = together([of(1_000), of(500, unbilled_fen=100)])
    assert both.sums.volume_fen == 1_500
    assert both.in_time_fen == (1_400,) * 3


@pytest.mark.parametrize(("custody", "bearer"), BOTH)
def test_a_fee_balances_in_each_book_and_is_taken_from_the_clearing_account(
    custody: Custody, bearer: Bearer
) -> None:
    moves = _fee(custody, bearer, 60)
    assert all(OWNERS[one.debit] == OWNERS[one.credit] for one in moves)
    moved = _moved(moves)
    own = custody is Custody.OWN
    side = chart.ChannelAccount.CLEARING if own else chart.ChannelAccount.AGENCY_CLEARING
    assert moved[chart.channel_account(BASE, side, "alipay")] == -60
    fees = {
        Bearer.INSTITUTION: chart.channel_account(BASE, chart.ChannelAccount.FEES),
        Bearer.AGENCY: chart.CHANNEL_FEES,
    }
    assert {one: moved[number] for one, number in fees.items()} == {
        one: 60 if one is bearer else 0 for one in Bearer
    }


@pytest.mark.parametrize(("custody", "bearer"), BOTH)
def test_a_fee_that_is_given_back_is_the_exact_negative(
    custody: Custody, bearer: Bearer
) -> None:
    taken = _moved((*_fee(custody, bearer, 60), *_fee(custody, bearer, -60)))
    assert not any(taken.values())


def test_a_fee_of_nobody_knows_whom_waits_in_suspense() -> None:
    (move,) = fee_transfers(
        base=None, custody="", channel="wechat", borne_by=Bearer.AGENCY, fee_fen=7
    )
    assert move == Transfer(chart.SUSPENSE_UNKNOWN, chart.CLEARING_UNKNOWN, 7)


def test_a_region_says_who_bears_fees() -> None:
    rules = FeeRules()
    assert rules.bearer("own") is Bearer.INSTITUTION
    assert rules.bearer("agency") is rules.bearer("") is Bearer.AGENCY
    assert FeeRules(own=Bearer.AGENCY).bearer("own") is Bearer.AGENCY


def _fee(custody: Custody, bearer: Bearer, fee_fen: int) -> tuple[Transfer, ...]:
    return fee_transfers(
        base=BASE, custody=custody, channel="alipay", borne_by=bearer, fee_fen=fee_fen
    )


def _moved(moves: tuple[Transfer, ...]) -> Counter[int]:
    moved: Counter[int] = Counter()
    for one in moves:
        moved[one.debit] += one.amount_fen
        moved[one.credit] -= one.amount_fen
    return moved
