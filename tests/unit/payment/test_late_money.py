"""What is reported late, twice or out of order, and what is taken back of a sale: each case that
once went wrong, decided by itself (all of them together are in tests/simulation)."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from msgspec import structs

from settlement.claim import AccountUse, ClaimLine
from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Answer
from settlement.desk import USE_CASES
from settlement.payments.pay_commands import HoldSale, TakeBack
from settlement.payments.payment import ChannelName, Custody, OrderKey, Outcome, Verdict
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Happening, Learnt, PaymentKind
from settlement.refusal import Refusal
from settlement.serve.channel_reports import undone
from settlement.usecases.paying import PayAnswer
from tests.kit.till import ScriptedChannel
from tests.simulation.books import Books
from tests.simulation.counter import a_report, a_scan, a_till, asked
from tests.unit.usecases.builders import ITEMS, ON, PERSON_NO, a_moment, a_view, a_world

ORDER = "T1"
TILL = a_till(ChannelName.WECHAT, Custody.OWN)
OPENING_FEN = 2_000
CAME = Learnt(reference="w1", amount_fen=None)


class Sale:
    """One order of one person: lines of 800 fen and of 900 yuan, 20 yuan in the account."""

    def __init__(self, *, second_code: bool = True) -> None:
        self.view = a_view("310", balance_fen=OPENING_FEN, used_fen=0)
        self.world = a_world()
        self.books = Books(OPENING_FEN)
        self.seconds = 0
        order = a_scan(Random(1), 1, ORDER, TILL)
        claim = structs.replace(
            order.claim, lines=LINES, total_fen=90_800, account_use=AccountUse.OWN
        )
        self.order: HoldSale = structs.replace(
            order, claim=claim, kept_lines=order.kept_lines[:1] * 2,
            counter=structs.replace(order.counter, second_code=second_code),
        )  # fmt: skip
        assert isinstance(self.decide(self.order), PayAnswer)

    def decide(self, command: Command) -> Answer | Refusal:
        """Decide a command, a second after the last one, and write what comes of it."""
        self.seconds += 1
        at = a_moment()
        later = timedelta(seconds=self.seconds)
        moment = Moment(at.at + later, at.local + later, ON)
        decision = USE_CASES[type(command)](command, self.view, self.world, moment)
        if decision.effects is not None:
            self.books.book(decision.effects, moment)
            self.view.apply(decision.effects)
        return decision.reply

    @property
    def fact(self) -> PaymentFact:
        """The payment."""
        facts = self.view.payments.values()
        return next(fact for fact in facts if fact.row.kind is PaymentKind.COLLECT)

    @property
    def state(self) -> str:
        """What stands of it."""
        return self.fact.standing.state.value

    @property
    def returned_fen(self) -> list[int]:
        """What goes back, return by return."""
        facts = self.view.payments.values()
        return [f.row.amount_fen for f in facts if f.row.kind is PaymentKind.RETURN]

    def happens(
        self, happening: Happening, *, attempt: int = 1, learnt: Learnt = CAME,
        asked_after: int | None = None,
    ) -> PayAnswer:  # fmt: skip
        """Reported by one who asked the channel just before, unless told otherwise."""
        known = len(self.fact.events) if asked_after is None else asked_after
        reply = self.decide(a_report(self.fact, happening, attempt, learnt, known))
        assert isinstance(reply, PayAnswer)
        return reply

    def closed(self) -> None:
        """Given up and undone."""
        self.happens(Happening.GIVEN_UP)
        self.happens(Happening.UNDONE)
        assert self.state == "closed"

    def take_back(self, *lines: tuple[str, int]) -> Answer | Refusal:
        """A refund under a number of its own."""
        number = f"R{self.seconds}"
        base = asked(ORDER, PERSON_NO)
        key = self.seconds.to_bytes(16, "big")
        return self.decide(
            TakeBack(
                asked=structs.replace(base, infno="REFUND", msgid=number, message_key=key),
                pay_nos=(self.fact.row.pay_no,), pay_no=self.fact.row.pay_no, refund_no=number,
                operator="0001", lines=lines, amount_fen=None,
            )
        )  # fmt: skip


async def test_channel_hears_that_the_money_came_of_what_it_undoes() -> None:
    channel, heard = ScriptedChannel(ChannelName.WECHAT, lambda: a_moment().at), []

    async def undo(order: OrderKey) -> Outcome:
        heard.append(order.money_came)
        return Outcome(verdict=Verdict.UNKNOWN)

    channel.undo = undo  # type: ignore[method-assign]
    sale = Sale()
    for happening in (Happening.GIVEN_UP, Happening.PAID):
        sale.happens(happening)
        attempt = sale.fact.standing.attempt
        assert attempt is not None
        await undone(channel, attempt, sale.fact)
    assert heard == [False, True]


def a_line(line_no: str, amount_fen: int) -> ClaimLine:
    """One piece of something that fund and account pay as far as they go."""
    return ClaimLine(
        line_no=line_no, item_code=ITEMS[0].code, institution_item_code="SHOP",
        quantity_e4=10_000, price_e6=amount_fen * 10_000, amount_fen=amount_fen, occurred_on=ON,
    )  # fmt: skip


LINES = (a_line("1", 800), a_line("2", 90_000))


@pytest.mark.parametrize("happening", [Happening.PAID, Happening.MISPAID])
def test_old_news_of_money_that_was_undone_gives_nothing_back(happening: Happening) -> None:
    sale = Sale()
    sale.closed()
    for asked_after in (0, 1):  # a notification; the answer to the payment itself
        assert sale.happens(happening, asked_after=asked_after).ask_again
    assert sale.returned_fen == []


def test_money_that_the_channel_has_after_the_end_goes_back_once() -> None:
    sale = Sale()
    sale.closed()
    for _ in range(2):
        assert not sale.happens(Happening.PAID).ask_again
    assert sale.happens(Happening.PAID, asked_after=0).ask_again is False
    assert sale.returned_fen == [sale.fact.row.amount_fen]


def test_what_is_given_back_where_the_undo_was_refused_is_what_came() -> None:
    sale = Sale()
    wrong = sale.happens(Happening.MISPAID, learnt=Learnt(reference="w1", amount_fen=77))
    assert wrong.alarm.startswith("77 fen instead of")
    sale.happens(Happening.NOT_UNDONE, learnt=Learnt(code="TOO_LATE"))
    assert sale.state == "closed"
    assert sale.returned_fen == [77]


def test_what_was_given_back_is_not_given_back_again_when_it_is_told_again() -> None:
    sale = Sale()
    sale.happens(Happening.GIVEN_UP)
    sale.happens(Happening.PAID)
    sale.happens(Happening.NOT_UNDONE, learnt=Learnt(code="TOO_LATE"))
    sale.happens(Happening.PAID, asked_after=0)
    sale.happens(Happening.PAID)
    assert sale.returned_fen == [sale.fact.row.amount_fen]


def test_undo_that_was_asked_before_the_money_came_is_asked_again() -> None:
    sale = Sale()
    sale.happens(Happening.GIVEN_UP)
    known = len(sale.fact.events)
    sale.happens(Happening.PAID, asked_after=0)
    sale.happens(Happening.UNDONE, asked_after=known)
    assert sale.state == "undoing"
    sale.happens(Happening.UNDONE)
    assert sale.state == "closed"


def test_money_of_a_code_that_had_failed_goes_back_once_whatever_follows() -> None:
    sale = Sale()
    sale.happens(Happening.REFUSED)
    sale.happens(Happening.PAID, asked_after=0)
    assert sale.state == "waiting"
    assert sale.returned_fen == [sale.fact.row.amount_fen]
    sale.decide(sale.order)
    sale.happens(Happening.PAID, asked_after=0)
    sale.happens(Happening.PAID, attempt=2)
    assert sale.state == "settled"
    assert len(sale.returned_fen) == 1


def test_cashier_who_gives_up_what_is_paid_already_alarms_nobody() -> None:
    sale = Sale()
    sale.happens(Happening.PAID)
    assert sale.happens(Happening.GIVEN_UP).alarm == ""


def test_what_the_account_alone_pays_of_what_is_left_can_be_taken_back() -> None:
    sale = Sale()
    sale.happens(Happening.PAID)
    first = sale.take_back(("2", 10_000))
    assert isinstance(first, PayAnswer)
    assert sale.returned_fen == [sale.fact.row.amount_fen]
    assert 0 < OPENING_FEN - sale.view.persons[PERSON_NO].balance_fen < 800
    assert isinstance(sale.take_back(("1", 10_000)), PayAnswer)
    assert sale.view.persons[PERSON_NO].balance_fen == OPENING_FEN == sale.books.spendable_fen
    over = sale.take_back()
    assert isinstance(over, Refusal)
    assert over.code == "REFUND_TOO_MUCH"


@pytest.mark.parametrize(
    "lines",
    [
        (("1", 10_000), ("1", 10_000)),
        (("1", 0),),
        (("1", -10_000),),
        (("1", 10_001),),
        (("3", 10_000),),
    ],
)
def test_lines_that_do_not_come_back_like_that_are_refused(
    lines: tuple[tuple[str, int], ...]
) -> None:
    sale = Sale()
    sale.happens(Happening.PAID)
    refused = sale.take_back(*lines)
    assert isinstance(refused, Refusal)
    assert refused.code == "REFUND_LINE_UNKNOWN"


def test_settlement_is_looked_for_only_once_it_is_booked() -> None:
    sale = Sale()
    number = sale.fact.row.setl_id
    assert number is not None and sale.fact.settlements == ()
    sale.happens(Happening.CONFIRM)
    assert sale.fact.settlements == ()
    sale.happens(Happening.PAID)
    assert sale.fact.settlements == (number,)


def test_what_stands_follows_each_step_however_often_it_was_asked_before() -> None:
    sale = Sale()
    fact = sale.fact
    assert fact.standing is fact.standing
    before = fact.standing.state
    sale.closed()
    assert (before, sale.fact.standing.state) == ("collecting", "closed")
    del sale.fact.events[1:]
    assert sale.fact.standing.state == "collecting"
