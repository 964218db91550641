"""What every ledger promises, in memory and in PostgreSQL alike."""

from __future__ import annotations

import pytest

from ledger.account import ALL_GUARDED, Balance
from ledger.entry import EntryKind
from ledger.ports import Appended, Ledger, Refused
from ledger.rules import Outcome
from tests.contract.ledger.world import (
    BOOKED_AT,
    DAY,
    FUND,
    HOSPITAL,
    HOSPITAL_CASH,
    HOSPITAL_DEPOSITS,
    PHARMACY,
    book,
    entry,
    fill,
    person,
)


async def test_a_booked_entry_is_found_again(ledger: Ledger) -> None:
    sale = entry(9, (FUND, PHARMACY, 500), (FUND, HOSPITAL, 20), commitment=b"c" * 32)
    booked = await book(ledger, sale)
    assert isinstance(booked, Appended)
    assert booked.block_no == 1
    assert await ledger.entry(lane=0, entry_id=9) == sale
    assert await ledger.entry(lane=1, entry_id=9) is None


async def test_balances_are_sums_of_transfers(ledger: Ledger) -> None:
    await fill(ledger, 0, 1_000)
    await book(ledger, entry(2, (person(0), PHARMACY, 300), (FUND, PHARMACY, 50)))
    assert await ledger.balance(PHARMACY) == Balance(credits_fen=350)
    assert await ledger.balance(FUND) == Balance(debits_fen=1_050)
    paid = Balance(debits_fen=300, credits_fen=1_000)
    assert await ledger.guarded_balance(lane=0, account=person(0)) == paid
    assert await ledger.balance(ALL_GUARDED) == paid
    assert await ledger.guarded_balance(lane=1, account=person(0)) is None


async def test_blocks_are_numbered_by_journal_and_chained(ledger: Ledger) -> None:
    first = await book(ledger, entry(1, (FUND, PHARMACY, 1), lane=0))
    second = await book(ledger, entry(2, (FUND, PHARMACY, 1), lane=0))
    other = await book(ledger, entry(1, (FUND, PHARMACY, 1), lane=1))
    assert isinstance(first, Appended)
    assert isinstance(second, Appended)
    assert isinstance(other, Appended)
    assert (first.block_no, second.block_no, other.block_no) == (1, 2, 1)
    assert len({first.block_hash, second.block_hash, other.block_hash}) == 3


async def test_one_refused_entry_keeps_the_whole_batch_out(ledger: Ledger) -> None:
    refused = await book(
        ledger, entry(1, (FUND, PHARMACY, 1)), entry(2, (FUND, 77, 1)), entry(3, (78, FUND, 1))
    )
    assert refused == Refused(
        refusals=((1, Outcome.CREDIT_ACCOUNT_NOT_FOUND), (2, Outcome.DEBIT_ACCOUNT_NOT_FOUND))
    )
    assert await ledger.entry(lane=0, entry_id=1) is None
    assert await ledger.balance(PHARMACY) == Balance()


async def test_a_guarded_account_never_goes_below_zero(ledger: Ledger) -> None:
    await fill(ledger, 0, 100)
    assert await book(
        ledger, entry(2, (person(0), PHARMACY, 60)), entry(3, (person(0), PHARMACY, 41))
    ) == Refused(refusals=((1, Outcome.EXCEEDS_BALANCE),))
    assert isinstance(await book(ledger, entry(2, (person(0), PHARMACY, 100))), Appended)


async def test_money_that_comes_later_in_a_batch_cannot_be_spent_before(ledger: Ledger) -> None:
    spend = entry(2, (person(0), PHARMACY, 60))
    earn = entry(3, (FUND, person(0), 100))
    assert await book(ledger, spend, earn) == Refused(refusals=((0, Outcome.EXCEEDS_BALANCE),))
    assert isinstance(await book(ledger, earn, spend), Appended)


async def test_the_same_entry_again_exists_and_another_one_differs(ledger: Ledger) -> None:
    await book(ledger, entry(5, (FUND, PHARMACY, 10)))
    again = await book(ledger, entry(5, (FUND, PHARMACY, 10)))
    other = await book(ledger, entry(5, (FUND, PHARMACY, 11)))
    twice = await book(ledger, entry(6, (FUND, PHARMACY, 1)), entry(6, (FUND, PHARMACY, 1)))
    assert again == Refused(refusals=((0, Outcome.EXISTS),))
    assert other == Refused(refusals=((0, Outcome.EXISTS_WITH_DIFFERENT_TRANSFERS),))
    assert twice == Refused(refusals=((1, Outcome.EXISTS),))


async def test_a_pending_entry_holds_and_a_post_of_less_gives_the_rest_back(ledger: Ledger) -> None:
    await fill(ledger, 0, 100)
    await book(ledger, entry(2, (person(0), PHARMACY, 80), kind=EntryKind.PENDING))
    held = await ledger.guarded_balance(lane=0, account=person(0))
    assert held == Balance(credits_fen=100, debits_pending_fen=80)
    too_much = await book(ledger, entry(3, (person(0), PHARMACY, 21)))
    assert too_much == Refused(refusals=((0, Outcome.EXCEEDS_BALANCE),))
    post = entry(4, (person(0), PHARMACY, 30), kind=EntryKind.POST, pending_id=2)
    assert isinstance(await book(ledger, post), Appended)
    posted = await ledger.guarded_balance(lane=0, account=person(0))
    assert posted == Balance(credits_fen=100, debits_fen=30)
    assert await ledger.balance(PHARMACY) == Balance(credits_fen=30)


async def test_a_void_gives_everything_back_once(ledger: Ledger) -> None:
    await fill(ledger, 0, 100)
    await book(ledger, entry(2, (person(0), PHARMACY, 80), kind=EntryKind.PENDING))
    void = entry(3, (person(0), PHARMACY, 80), kind=EntryKind.VOID, pending_id=2)
    assert isinstance(await book(ledger, void), Appended)
    assert await ledger.guarded_balance(lane=0, account=person(0)) == Balance(credits_fen=100)
    again = entry(4, (person(0), PHARMACY, 80), kind=EntryKind.POST, pending_id=2)
    refused = await book(ledger, again)
    assert refused == Refused(refusals=((0, Outcome.PENDING_ALREADY_VOIDED),))


async def test_a_hold_can_be_resolved_in_its_own_batch_but_not_before_it(ledger: Ledger) -> None:
    await fill(ledger, 0, 100)
    hold = entry(2, (person(0), PHARMACY, 80), kind=EntryKind.PENDING)
    post = entry(3, (person(0), PHARMACY, 80), kind=EntryKind.POST, pending_id=2)
    refused = await book(ledger, post, hold)
    assert refused == Refused(refusals=((0, Outcome.PENDING_NOT_FOUND),))
    assert isinstance(await book(ledger, hold, post), Appended)


async def test_a_transfer_stays_in_one_book(ledger: Ledger) -> None:
    refused = await book(ledger, entry(1, (HOSPITAL_CASH, PHARMACY, 1)))
    assert refused == Refused(refusals=((0, Outcome.OWNERS_DIFFER),))
    assert isinstance(await book(ledger, entry(1, (HOSPITAL_CASH, HOSPITAL_DEPOSITS, 1))), Appended)


async def test_a_personal_account_of_another_lane_is_not_found(ledger: Ledger) -> None:
    refused = await book(ledger, entry(1, (person(1), PHARMACY, 1), lane=0))
    assert refused == Refused(refusals=((0, Outcome.DEBIT_ACCOUNT_NOT_FOUND),))


async def test_each_owner_has_a_balanced_trial_balance(ledger: Ledger) -> None:
    await fill(ledger, 0, 100)
    await book(ledger, entry(2, (person(0), PHARMACY, 80), kind=EntryKind.PENDING))
    await book(ledger, entry(3, (HOSPITAL_CASH, HOSPITAL_DEPOSITS, 5)))
    agency, hospital = await ledger.trial_balance("agency"), await ledger.trial_balance("hospital")
    assert agency.is_balanced
    assert hospital.is_balanced
    assert [row.account for row in agency.rows] == [ALL_GUARDED, FUND, PHARMACY]
    assert [row.account for row in hospital.rows] == [HOSPITAL_CASH, HOSPITAL_DEPOSITS]
    assert (await ledger.trial_balance("nobody")).rows == ()


async def test_a_closed_day_takes_nothing_more_and_leaves_a_boundary(ledger: Ledger) -> None:
    await book(ledger, entry(1, (FUND, PHARMACY, 1)))
    assert await ledger.close_day(business_day=DAY, closed_at=BOOKED_AT) is Outcome.OK
    assert await ledger.close_day(business_day=DAY, closed_at=BOOKED_AT) is Outcome.DAY_CLOSED
    refused = await book(ledger, entry(2, (FUND, PHARMACY, 1)), entry(3, (FUND, PHARMACY, 1)))
    assert refused == Refused(refusals=((0, Outcome.DAY_CLOSED), (1, Outcome.DAY_CLOSED)))
    after = await book(ledger, entry(2, (FUND, PHARMACY, 1)), day=DAY.replace(day=3))
    assert isinstance(after, Appended)
    assert after.block_no == 3


async def test_a_journal_that_is_not_there_takes_nothing(ledger: Ledger) -> None:
    refused = await ledger.append(
        journal=9, business_day=DAY, booked_at=BOOKED_AT, entries=[entry(1, (FUND, PHARMACY, 1))]
    )
    assert refused == Refused(refusals=((0, Outcome.JOURNAL_NOT_OPEN),))


async def test_an_empty_batch_is_a_mistake(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await ledger.append(journal=1, business_day=DAY, booked_at=BOOKED_AT, entries=[])


async def test_opening_an_account_twice_changes_nothing(ledger: Ledger) -> None:
    await fill(ledger, 0, 100)
    assert not await ledger.open_guarded(lane=0, account=person(0))
    assert await ledger.guarded_balance(lane=0, account=person(0)) == Balance(credits_fen=100)
