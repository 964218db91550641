"""What becomes of a return, money on its way back to the payer (退回, 退款): how reports about it
count, how a refused one is tried again, and what is booked once the payer has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ledger.entry import Entry, EntryKind
from settlement import chart
from settlement.clock import Moment
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.numbers import NumberSource
from settlement.payments.pay_commands import Report
from settlement.payments.payment_rows import PaymentFact, payment_commitment
from settlement.payments.payment_states import (
    NEW_NUMBER_AFTER_REFUSAL,
    Attempt,
    Event,
    Happening,
    PaymentKind,
    State,
    anew,
)
from settlement.postings import given_back_by_hand_transfers, given_back_transfers


class Books(Protocol):
    """What a report needs beside the payment itself: a world has it, and so has whoever carries out
    an operator's command (settlement/serve/by_hand.py)."""

    @property
    def keyring(self) -> Keyring:
        """Seals what is kept."""

    @property
    def institutions(self) -> Mapping[str, Institution]:
        """By code."""

    @property
    def next_number(self) -> NumberSource:
        """The next number of a lane, on a business day."""


def as_it_counts(command: Report, fact: PaymentFact) -> Happening | None:
    """The happening as it concerns a return; None where it says nothing new. An earlier number was
    refused for good: only that it went out after all would be news. A channel that names another
    amount than was asked is asked again: what it said is no answer."""
    if command.happening is not Happening.RETURNED:
        present = fact.standing.attempt
        is_present = present is None or command.attempt == present.number
        return command.happening if is_present else None
    return Happening.UNCLEAR if _names_another_amount(command, fact) else Happening.RETURNED


def contradiction(command: Report, fact: PaymentFact) -> str:
    """Why it is an alarm that a refund went out: its number had been refused, or something else had
    given the money back, or it is said to be of another amount. Empty where it is none."""
    standing = fact.standing
    if fact.row.kind is PaymentKind.COLLECT or command.happening is not Happening.RETURNED:
        return ""
    if _names_another_amount(command, fact):
        return f"{command.learnt.amount_fen} fen given back instead of {fact.row.amount_fen}"
    if standing.state is State.RETURNED:
        ended = fact.events[standing.since_event - 1]
        once = (ended.happening, ended.attempt) == (Happening.RETURNED, command.attempt)
        by = f"{ended.happening.name} of attempt {ended.attempt}"
        return "" if once else f"RETURNED by attempt {command.attempt} after {by}"
    is_present = standing.attempt is None or command.attempt == standing.attempt.number
    return "" if is_present else f"RETURNED by attempt {command.attempt}, which was refused"


def _names_another_amount(command: Report, fact: PaymentFact) -> bool:
    return command.learnt.amount_fen not in (None, fact.row.amount_fen)


def tried_anew(
    happening: Happening, fact: PaymentFact, books: Books, moment: Moment
) -> Attempt | None:
    """The attempt that begins when a refund is tried again where its number is of no use any more;
    None where the same number is sent again."""
    refused = fact.standing.attempt
    if happening is not Happening.RETRIED or refused is None:
        return None
    if refused.channel not in NEW_NUMBER_AFTER_REFUSAL:
        return None
    number = books.next_number(fact.row.lane, moment.business_day)
    return anew(refused, order_no=str(number), at=moment.at)


def given_back_entry(fact: PaymentFact, event: Event, books: Books, moment: Moment) -> Entry:
    """The payer has it back: from the channel, or from people."""
    row, attempt = fact.row, fact.standing.attempts[-1]
    base = books.institutions[row.institution].account_base
    if event.happening is Happening.GIVEN_BACK:
        code = chart.EntryCode.GIVEN_BACK_BY_HAND
        transfers = given_back_by_hand_transfers(
            custody=attempt.custody, amount_fen=row.amount_fen, institution_base=base
        )
    else:
        code = chart.EntryCode.GIVEN_BACK
        transfers = given_back_transfers(
            channel=attempt.channel, custody=attempt.custody, amount_fen=row.amount_fen,
            institution_base=base,
        )  # fmt: skip
    return Entry(
        lane=row.lane, entry_id=books.next_number(row.lane, moment.business_day),
        kind=EntryKind.SINGLE, code=code, transfers=transfers, commitment=payment_commitment(row),
    )  # fmt: skip
