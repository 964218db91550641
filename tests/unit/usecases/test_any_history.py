"""What holds after any sequence of sales, cancels, reversals and resends of one person, where the
region cancels latest first and where it cancels in any order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from settlement.claim import AccountUse, ClaimLine
from settlement.commands import Purchase
from settlement.policy.region import CancelOrder
from settlement.refusal import Refusal
from settlement.rows import RowKind, SettlementRow
from settlement.usecases.booking import increments_of
from settlement.usecases.cancel import cancel, reverse
from settlement.usecases.sale import purchase
from tests.unit.usecases.builders import (
    CAP_FEN,
    ON,
    PERSON_NO,
    POOL,
    a_cancel,
    a_moment,
    a_purchase,
    a_reversal,
    a_view,
    a_world,
    booked,
    claim_lines,
    row_of,
    schemes,
    uses,
)

OPENING_FEN = 500_000


class OnePerson(RuleBasedStateMachine):
    """A person's year at one counter. `standing` are the settlements that count, oldest first."""

    order = CancelOrder.LATEST_FIRST

    @initialize(scheme=schemes)
    def begin(self, scheme: str) -> None:
        self.scheme = scheme
        self.opening = OPENING_FEN if scheme == "310" else 0
        self.view = a_view(scheme, balance_fen=self.opening, used_fen=0)
        self.world = a_world(cancel_order=self.order)
        self.sales: list[Purchase] = []
        self.rows: list[SettlementRow] = []
        self.standing: list[tuple[Purchase, SettlementRow]] = []

    @rule(lines=claim_lines(), use=uses)
    def sell(self, lines: tuple[ClaimLine, ...], use: AccountUse) -> None:
        sale = a_purchase(self.scheme, lines, use, len(self.sales))
        row = row_of(booked(purchase(sale, self.view, self.world, a_moment()), self.view))
        self.sales.append(sale)
        self.rows.append(row)
        self.standing.append((sale, row))

    @precondition(lambda self: self.standing)
    @rule()
    def cancel_the_latest(self) -> None:
        _, row = self.standing.pop()
        decision = cancel(a_cancel(row), self.view, self.world, a_moment())
        self.rows.append(row_of(booked(decision, self.view)))

    @precondition(lambda self: self.standing)
    @rule()
    def reverse_the_latest(self) -> None:
        sale, _ = self.standing.pop()
        decision = reverse(a_reversal(sale), self.view, self.world, a_moment())
        self.rows.append(row_of(booked(decision, self.view)))

    @precondition(lambda self: len(self.standing) > 1)
    @rule(place=st.integers(0, 100))
    def cancel_an_earlier_one(self, place: int) -> None:
        _, row = self.standing[place % (len(self.standing) - 1)]
        reply = cancel(a_cancel(row), self.view, self.world, a_moment()).reply
        assert isinstance(reply, Refusal)
        assert reply.code == "LATER_SETTLEMENT_STANDS"
        assert reply.params["setl_id"] == str(self.standing[-1][1].setl_id)

    @precondition(lambda self: self.rows)
    @rule(place=st.integers(0, 100))
    def cancel_what_is_gone(self, place: int) -> None:
        row = self.rows[place % len(self.rows)]
        if row in [standing for _, standing in self.standing]:
            return
        reply = cancel(a_cancel(row), self.view, self.world, a_moment()).reply
        assert isinstance(reply, Refusal)
        expected = "ALREADY_CANCELLED" if row.kind is RowKind.SETTLE else "CANCEL_OF_CANCEL"
        assert reply.code == expected

    @precondition(lambda self: self.sales)
    @rule(place=st.integers(0, 100))
    def resend(self, place: int) -> None:
        sale = self.sales[place % len(self.sales)]
        assert purchase(sale, self.view, self.world, a_moment()).effects is None

    @invariant()
    def account_is_opening_less_what_stands(self) -> None:
        person = self.view.persons[PERSON_NO]
        spent = sum(row.account_fen for _, row in self.standing)
        assert person.balance_fen == self.opening - spent >= 0
        assert person.balance_fen == self.opening - sum(row.account_fen for row in self.rows)

    @invariant()
    def accumulator_is_the_sum_of_what_stands(self) -> None:
        name = POOL[self.scheme]
        year = self.view.persons[PERSON_NO].year(ON.year)
        counted = sum(increments_of(row).get(name, 0) for _, row in self.standing)
        assert year.values.get(name, 0) == counted <= CAP_FEN[self.scheme]
        assert year.latest == (self.standing[-1][1].setl_id if self.standing else None)

    @invariant()
    def rows_are_linked_newest_first(self) -> None:
        numbers = [row.setl_id for row in self.rows]
        assert [row.prior_row for row in self.rows] == [None, *numbers][: len(numbers)]


class OnePersonInAnyOrder(OnePerson):
    """The same where a region lets any settlement of the year go first."""

    order = CancelOrder.FREE

    @precondition(lambda self: len(self.standing) > 1)
    @rule(place=st.integers(0, 100), reversed_instead=st.booleans())
    def cancel_an_earlier_one(self, place: int, reversed_instead: bool = False) -> None:
        sale, row = self.standing.pop(place % (len(self.standing) - 1))
        undo = (
            reverse(a_reversal(sale), self.view, self.world, a_moment())
            if reversed_instead
            else cancel(a_cancel(row), self.view, self.world, a_moment())
        )
        self.rows.append(row_of(booked(undo, self.view)))

    @invariant()
    def gaps_are_no_more_than_what_was_undone_early(self) -> None:
        year = self.view.persons[PERSON_NO].year(ON.year)
        assert not year.gaps.keys() & {row.setl_id for _, row in self.standing}
        assert self.standing or not year.gaps


TestOnePerson = OnePerson.TestCase
TestOnePerson.settings = settings(max_examples=40, stateful_step_count=20)
TestOnePersonInAnyOrder = OnePersonInAnyOrder.TestCase
TestOnePersonInAnyOrder.settings = TestOnePerson.settings
