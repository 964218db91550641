"""Deliberate breaks of the product, each of which the simulation must find.

A break is a change of one function of ours while a story is played. Where none of so many seeds
finds it, a law is missing, or nothing ever goes where the break is. What only few seeds meet has
tests of its own: old news of a channel (test_payments.py), cases reversed before they come
(test_hub.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from settlement.books import difference_corrections, difference_states
from settlement.books.payout import Amounts, paid_transfers
from settlement.books.sealing import Root
from settlement.finance import payout_bank, payout_paying
from settlement.rows import MessageOutcome
from settlement.serve import resolver
from settlement.storage import bills, journal, payouts, seals, writer
from settlement.usecases import (
    booking,
    cancel,
    checks,
    family,
    mobile_ending,
    payment_effects,
    remote_report,
)
from settlement.who import Who
from settlement.workers.family import FamilyResolver

Break = Callable[[pytest.MonkeyPatch], None]


def forgets_the_keys_of_messages(patch: pytest.MonkeyPatch) -> None:
    """What settles binds no message key."""
    write = writer._messages
    patch.setattr(writer, "_messages", lambda _: write(()))


def books_the_money_of_a_cancel_twice(patch: pytest.MonkeyPatch) -> None:
    """A cancel's entry has its legs two times."""
    make = booking.undoing_entry

    def twice(*args: Any, **named: Any) -> Any:
        entry = make(*args, **named)
        return structs.replace(entry, transfers=entry.transfers * 2)

    patch.setattr(booking, "undoing_entry", twice)


def drops_the_void_of_a_payment(patch: pytest.MonkeyPatch) -> None:
    """A payment is closed and what it held stays held."""
    release = payment_effects._release

    def drop(*args: Any) -> Any:
        return structs.replace(release(*args), entry=None, pending=None)

    patch.setattr(payment_effects, "_release", drop)


def drops_the_void_of_a_case(patch: pytest.MonkeyPatch) -> None:
    """A case is over and what it held stays held."""
    over = remote_report._over

    def drop(*args: Any) -> Any:
        return structs.replace(over(*args), entries=(), pending=None)

    patch.setattr(remote_report, "_over", drop)


def skips_the_guard_of_what_is_under_way(patch: pytest.MonkeyPatch) -> None:
    """A person with an open undertaking is settled for all the same."""
    patch.setattr(family, "open_undertaking", lambda *_: None)


def answers_before_it_writes(patch: pytest.MonkeyPatch) -> None:
    """A batch is answered, and then written."""
    write = journal.JournalQueue._write

    async def early(self: Any, connection: Any, view: Any, moment: Any, pending: Any,
                    effects: Any) -> None:  # fmt: skip
        for item, reply in pending:
            item.resolve(reply)
        await write(self, connection, view, moment, pending, effects)

    patch.setattr(journal.JournalQueue, "_write", early)


def forgets_what_was_reversed_before_it_came(patch: pytest.MonkeyPatch) -> None:
    """A reversal of a message that never arrived leaves nothing behind."""
    write = writer._messages

    def forget(messages: Any) -> Any:
        return write([m for m in messages if m.outcome is not MessageOutcome.TOMBSTONE])

    patch.setattr(writer, "_messages", forget)


def never_looks_at_payments(patch: pytest.MonkeyPatch) -> None:
    """The resolver has nothing to do."""
    patch.setattr(resolver, "next_errand", lambda *_: None)


def keeps_the_year_of_what_is_undone(patch: pytest.MonkeyPatch) -> None:
    """A cancel does not give the accumulators back."""
    undo = cancel.undo

    def keep(*args: Any) -> Any:
        row, effects = undo(*args)
        return row, structs.replace(effects, increments={})

    patch.setattr(cancel, "undo", keep)


def ends_nothing_that_a_process_left(patch: pytest.MonkeyPatch) -> None:
    """Where whoever walks through a settlement with relatives dies, nobody goes on."""

    async def nothing(*_: Any) -> int:
        return 0

    patch.setattr(FamilyResolver, "step", nothing)


def hears_no_stop_switch(patch: pytest.MonkeyPatch) -> None:
    """Whoever is stopped settles on."""
    patch.setattr(checks, "stopped", lambda *_: None)


def drops_the_void_of_an_order(patch: pytest.MonkeyPatch) -> None:
    """An order of mobile payment ends and what it held stays held."""
    patch.setattr(mobile_ending, "_released", lambda effects, *_: effects)


def leaves_an_institution_out_of_a_month(patch: pytest.MonkeyPatch) -> None:
    """The last institution has no seal of a month in which it settled."""
    every = seals.roots_at_rest

    async def all_but_one(*given: Any) -> list[Root]:
        return (await every(*given))[:-1]

    patch.setattr(seals, "roots_at_rest", all_but_one)


def lets_one_person_close_a_month(patch: pytest.MonkeyPatch) -> None:
    """Whoever proposed may confirm."""
    patch.setattr(Who, "is_also", lambda *_: False)


def gives_nothing_back_to_relatives(patch: pytest.MonkeyPatch) -> None:
    """What relatives paid of a settlement that is undone stays paid."""
    patch.setattr(family, "undone_with", lambda _row, _asked, effects, _view: effects)


def owes_nothing_for_what_a_bank_sent_back(patch: pytest.MonkeyPatch) -> None:
    """An order that came back is booked as paid."""
    patch.setattr(
        payout_bank, "returned_transfers", lambda amounts, *_, **__: paid_transfers(amounts)
    )


def orders_only_what_funds_owe(patch: pytest.MonkeyPatch) -> None:
    """The part of personal accounts is told to the bank, and stays owed in the books."""
    order = payout_paying.order_transfers

    def funds_only(amounts: Amounts, base: int) -> Any:
        return order(Amounts(amounts.fund_fen), base)

    patch.setattr(payout_paying, "order_transfers", funds_only)


def states_a_month_without_a_lane(patch: pytest.MonkeyPatch) -> None:
    """What was settled for the people of the last lane is owed to nobody."""
    every = payouts.lanes

    async def all_but_one(*given: Any) -> list[int]:
        return (await every(*given))[:-1]

    patch.setattr(payouts, "lanes", all_but_one)


def lets_one_person_order_a_payout(patch: pytest.MonkeyPatch) -> None:
    """Whoever proposed an order may give it."""

    def proposed(_books: Any, one: Any, *_: Any) -> bool:
        return one.now.proposal is not None

    patch.setattr(payout_paying, "_is_proposed", proposed)


def lets_a_wrong_bill_count_beside_the_right_one(patch: pytest.MonkeyPatch) -> None:
    """A bill that comes later replaces none."""

    async def nothing(*_: Any) -> list[int]:
        return []

    patch.setattr(bills, "in_force", nothing)


def books_corrections_the_wrong_way(patch: pytest.MonkeyPatch) -> None:
    """What a channel has more is taken away, and what it has less is added."""
    move = difference_corrections._moved
    patch.setattr(
        difference_corrections, "_moved", lambda one, other, fen: move(one, other, -fen)
    )


def takes_half_of_a_pair_for_a_difference(patch: pytest.MonkeyPatch) -> None:
    """A row that another one takes back is even with what was corrected of it."""
    patch.setattr(difference_states, "_is_of_a_pair", lambda _: False)


BREAKS: tuple[Break, ...] = (
    forgets_the_keys_of_messages, books_the_money_of_a_cancel_twice,
    drops_the_void_of_a_payment, drops_the_void_of_a_case,
    skips_the_guard_of_what_is_under_way, answers_before_it_writes,
    forgets_what_was_reversed_before_it_came, never_looks_at_payments,
    keeps_the_year_of_what_is_undone, ends_nothing_that_a_process_left,
    gives_nothing_back_to_relatives, hears_no_stop_switch, drops_the_void_of_an_order,
    leaves_an_institution_out_of_a_month, lets_one_person_close_a_month,
    owes_nothing_for_what_a_bank_sent_back, orders_only_what_funds_owe,
    states_a_month_without_a_lane, lets_one_person_order_a_payout,
    lets_a_wrong_bill_count_beside_the_right_one, books_corrections_the_wrong_way,
    takes_half_of_a_pair_for_a_difference,
)  # fmt: skip
