"""A morning at one counter with one person's payments, time and chance under control.

The use cases decide as they do in a service; their entries go into a ledger in memory, and what
must always be true of both is looked at after every step (`check`) and once everything has come to
its end (`check_end`). Whoever speaks to the channel (settlement/serve/paying.py, the resolver) is
played here, with what can go wrong between two steps: a report that is lost with its process, an
answer or a notification that comes late or twice, two resolvers at once.

    python -m tests.simulation.payments --seed S        # one morning again, told step by step
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random

from settlement.chart import ChannelAccount
from settlement.clock import Moment, local_time
from settlement.commands import Command
from settlement.decision import Answer
from settlement.desk import USE_CASES
from settlement.payments.pay_commands import HoldPlainSale, HoldSale, Report
from settlement.payments.payment import ChannelName, Custody, Outcome, Verdict
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import (
    ENDED,
    Ask,
    Attempt,
    Happening,
    Learnt,
    PaymentKind,
    State,
    Way,
    happened,
    learnt_of,
    next_errand,
    refund_happened,
    undo_happened,
)
from settlement.refusal import Refusal
from settlement.rows import RowKind
from settlement.usecases.booking import increments_of
from settlement.usecases.paying import PayAnswer
from settlement.usecases.payment_effects import PEOPLES_TURN
from settlement.usecases.payment_payloads import open_plan
from settlement.view import Effects
from tests.simulation.books import Books
from tests.simulation.channel import UnreliableChannel
from tests.simulation.counter import (
    a_plain_scan,
    a_refund,
    a_report,
    a_sale,
    a_scan,
    a_tap,
    a_till,
    invited,
)
from tests.unit.usecases.builders import ON, PERSON_NO, POOL, a_view, a_world

BEGINS_AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
FAULTS_FOR_SECONDS = 400.0
ENDS_AFTER_SECONDS = 40_000.0
HELD = frozenset(
    {State.WAITING, State.COLLECTING, State.CONFIRMING, State.CHANGING, State.UNDOING}
)
FEW = "REFUND_TOO_MUCH", "REFUND_LINE_UNKNOWN", "REFUND_COSTS_MORE", "REFUND_NOT_SETTLED"
MAY_BE_REFUSED = {*FEW, "UNDERTAKING_OPEN", "LATER_SETTLEMENT_STANDS"}


class Morning:
    """See the module. `told` is the story so far."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = Random(seed)
        self.told: list[str] = []
        self.now = BEGINS_AT
        self._waiting: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = count(1)
        self.opening_fen = rng.choice((0, 2_000, 100_000))
        self.view = a_view("310", balance_fen=self.opening_fen, used_fen=0)
        self.world = a_world()
        self.books = Books(self.opening_fen)
        self.channels = {
            name: UnreliableChannel(name, rng, self._hears_of) for name in list(ChannelName)
        }
        self.custody = {name: rng.choice(list(Custody)) for name in self.channels}
        self.due: dict[int, datetime | None] = {}
        self._busy: set[int] = set()
        self._careless = rng.random() < 0.2
        """two resolvers may work on the same payment"""
        self._held_fen: dict[int, int] = {}

    def run(self) -> None:
        """The whole morning."""
        for nth in range(self.rng.randint(1, 3)):
            self._plan_order(nth, self.rng.uniform(0, 60))
        self._after(FAULTS_FOR_SECONDS, self._all_is_well)
        end = BEGINS_AT + timedelta(seconds=ENDS_AFTER_SECONDS)
        while self._waiting:
            self.now, _, act = heapq.heappop(self._waiting)
            assert self.now < end, "it does not come to an end"
            act()
            self.check()
        self.check_end()

    # What people do.

    def _plan_order(self, nth: int, begins: float) -> None:
        rng = self.rng
        order_no = f"T{nth}"
        plain = rng.random() < 0.3
        seconds = [begins] + [begins + rng.uniform(0.1, 100) for _ in range(rng.randrange(3))]
        seed = rng.getrandbits(32)
        phone = rng.random() < 0.3
        """the payer is asked to pay on their phone; a code may be shown all the same"""

        def scan() -> None:
            name = rng.choice(list(self.channels))
            till = a_till(name, self.custody[name])
            same = Random(seed)
            command: HoldSale | HoldPlainSale = (
                a_plain_scan(same, order_no, till) if plain else a_scan(same, nth, order_no, till)
            )
            if phone and (self._order(order_no) is None or rng.random() < 0.8):
                command = invited(command)
            reply = self._decide(command)
            if isinstance(reply, PayAnswer) and reply.began is not None:
                assert reply.fact is not None
                self._collect(reply.fact, reply.began)

        for after in seconds:
            self._after(after, scan)
        for _ in range(rng.choice((0, 1, 2, 4, 8)) if phone else 0):
            self._after(begins + rng.uniform(0.1, 330), lambda: self._tap(order_no))
        if rng.random() < 0.3:
            self._after(begins + rng.uniform(0, 70), lambda: self._cancel(order_no))
        for number in range(rng.choice((0, 0, 1, 2, 4))):
            refund = partial(self._refund, order_no, f"R{nth}.{number}")
            self._after(begins + rng.uniform(1, 300), refund)
        if rng.random() < 0.4:
            sale = a_sale(rng, 40 + nth)
            self._after(begins + rng.uniform(0, 100), lambda: self._decide(sale))

    def _tap(self, order_no: str) -> None:
        """The payer opens the order on the phone; where it waits for them already, once more, or at
        another channel: then it is left there first, and they tap again."""
        fact = self._order(order_no)
        if fact is None:
            return
        name = self.rng.choice(list(self.channels))
        reply = self._decide(a_tap(fact, a_till(name, self.custody[name])))
        assert isinstance(reply, PayAnswer), reply
        assert reply.fact is not None
        if reply.began is not None:
            self._collect(reply.fact, reply.began)
            return
        attempt = reply.fact.standing.attempt
        if attempt is not None and attempt.channel is not name:
            self._leave(reply.fact, attempt, order_no)

    def _leave(self, fact: PaymentFact, attempt: Attempt, order_no: str) -> None:
        """Committed first; then the order is closed at once, unless the process dies before, and
        the resolver does it."""
        rng, channel = self.rng, self.channels[attempt.channel]
        reply = self._report(fact, Happening.CHANGED, attempt.number, Learnt(), 0)
        self._after(rng.uniform(0.1, 40), lambda: self._tap(order_no))
        now = reply.fact
        if now is None or reply.replayed or now.standing.state is not State.CHANGING:
            return
        if rng.random() < 0.2:
            self._tell(f"process dies before {attempt.order_no} is closed")
            return

        def arrives() -> None:
            outcome = channel.withdraw(attempt.order_no)
            self._tell(f"close {attempt.order_no}: {outcome.verdict} {outcome.code}")
            refused = outcome.verdict is Verdict.FAILED
            happening = undo_happened(outcome, now.standing)
            if refused:
                happening = Happening.NOT_UNDONE
            self._after(
                rng.choice((0.01, 0.3, 2.0)),
                lambda: self._said(now, happening, attempt.number, outcome, len(now.events)),
            )

        self._after(rng.choice((0.01, 0.1, 1.0)), arrives)

    def _order(self, order_no: str) -> PaymentFact | None:
        facts = self.view.payments.values()
        collects = (f for f in facts if f.row.kind is PaymentKind.COLLECT)
        return next((f for f in collects if f.row.order_no == order_no), None)

    def _cancel(self, order_no: str) -> None:
        fact = self._order(order_no)
        if fact is not None and fact.standing.state is not State.SETTLED:
            self._report(fact, Happening.GIVEN_UP, _number(fact), Learnt(operator="1"), 0)

    def _refund(self, order_no: str, refund_no: str) -> None:
        fact = self._order(order_no)
        if fact is None:
            return
        row = fact.row
        plan = open_plan(row.plan, self.world.keyring, row.lane, row.pay_no)
        command = a_refund(self.rng, fact, plan, refund_no)
        reply = self._decide(command)
        if isinstance(reply, Refusal) and reply.code == "REFUND_TOO_MUCH":
            whole = not command.lines and command.amount_fen is None
            assert not (whole and self._sold(fact)), "what was sold cannot be taken back"
        if isinstance(reply, PayAnswer) and reply.began is not None:
            assert reply.fact is not None
            self._go(reply.fact.row.pay_no, Ask.REFUND)
        if self.rng.random() < 0.5:
            again = self._decide(command)
            assert type(again) is type(reply)

    def _sold(self, fact: PaymentFact) -> bool:
        """Whether something of a paid order still stands."""
        now = fact.standing
        if fact.row.setl_id is None:
            return now.taken_back_fen < fact.row.amount_fen
        return not now.taken_back or now.taken_back[-1].setl_id is not None

    # What whoever speaks to the channels does.

    def _collect(self, fact: PaymentFact, attempt: Attempt) -> None:
        """The first byte leaves, or the process dies first; the answer may take long."""
        rng, channel = self.rng, self.channels[attempt.channel]
        if rng.random() < 0.1:
            self._tell(f"process dies before the first byte of {attempt.order_no}")
            return
        known = len(fact.events)

        def arrives() -> None:
            on_phone = attempt.way is Way.PHONE
            ask = channel.hand if on_phone else channel.pay
            outcome = ask(attempt.order_no, attempt.amount_fen)
            self._tell(f"pay {attempt.order_no}: {outcome.verdict} {outcome.code}")
            for _ in range(rng.randrange(3)):
                self._after(rng.uniform(1, 90), lambda: channel.confirm(attempt.order_no))
            if rng.random() < 0.1:
                return
            happening = happened(outcome, attempt)
            self._after(
                self._delay(),
                lambda: self._said(fact, happening, attempt.number, outcome, known),
            )

        self._after(self._delay(), arrives)

    def _delay(self) -> float:
        return self.rng.choice((0.01, 0.2, 0.2, 0.3, 2.0, 30.0))

    def _hears_of(self, order_no: str, outcome: Outcome) -> None:
        """A notification sets out, once or more often; each comes again until it is taken."""
        for _ in range(self.rng.choice((1, 1, 3))):
            delay = self.rng.choice((0.0, 0.1, 3.0, 60.0, 200.0))
            self._after(delay, lambda: self._notified(order_no, outcome))

    def _notified(self, order_no: str, outcome: Outcome) -> None:
        fact, attempt = next(
            (fact, one)
            for fact in self.view.payments.values()
            for one in fact.standing.attempts
            if one.order_no == order_no
        )
        if not self._said(fact, happened(outcome, attempt), attempt.number, outcome, 0):
            self._after(15, lambda: self._notified(order_no, outcome))

    def _look(self, pay_no: int) -> None:
        """The resolver looks at a payment."""
        due = self.due.get(pay_no)
        if due is None or due > self.now:
            return
        if pay_no in self._busy and not self._careless:
            return
        fact = self.view.payments[pay_no]
        standing = fact.standing
        errand = next_errand(standing, fact.events)
        assert errand is not None, f"{pay_no} is due in {standing.state}"
        assert errand.at <= self.now
        self._go(pay_no, errand.ask)

    def _go(self, pay_no: int, ask: Ask) -> None:
        """One errand: the question, and some time later the report; or the process dies."""
        rng = self.rng
        read = self.view.payments[pay_no]
        fact = PaymentFact(row=read.row, events=list(read.events))
        self._busy.add(pay_no)

        def over() -> None:
            self._busy.discard(pay_no)
            self._look(pay_no)

        if ask in (Ask.GIVE_UP, Ask.LEAVE):
            over = Happening.GIVEN_UP if ask is Ask.GIVE_UP else Happening.CHANGED
            self._report(fact, over, _number(fact), Learnt(), 0)
            self._busy.discard(pay_no)
            return

        def arrives() -> None:
            happening, outcome = self._asked(fact, ask)
            if not self._all_well and rng.random() < 0.1:
                self._tell(f"process dies with the answer to {ask}")
                self._after(10, over)
                return

            def answered() -> None:
                self._said(fact, happening, _present(fact).number, outcome, len(fact.events))
                over()

            self._after(rng.choice((0.01, 0.3, 2.0)), answered)

        self._after(rng.choice((0.01, 0.1, 1.0)), arrives)

    def _asked(self, fact: PaymentFact, ask: Ask) -> tuple[Happening, Outcome]:
        attempt = _present(fact)
        channel = self.channels[attempt.channel]
        match ask:
            case Ask.QUERY:
                outcome = channel.query(attempt.order_no)
                happening = happened(outcome, attempt)
            case Ask.UNDO:
                on_phone = attempt.way is Way.PHONE
                undo = channel.withdraw if on_phone else channel.undo
                outcome = undo(attempt.order_no)
                happening = undo_happened(outcome, fact.standing)
            case _:
                assert attempt.refunds is not None
                outcome = channel.refund(
                    attempt.refunds.order_no, attempt.order_no, attempt.amount_fen
                )
                happening = refund_happened(outcome)
        self._tell(f"{ask} {attempt.order_no}: {outcome.verdict} {outcome.code}")
        return happening, outcome

    def _said(
        self, fact: PaymentFact, happening: Happening, attempt: int, outcome: Outcome,
        asked_after: int,
    ) -> bool:  # fmt: skip
        """Report what a channel said; False where it has to say it again."""
        reply = self._report(fact, happening, attempt, learnt_of(outcome), asked_after)
        if not reply.ask_again:
            return True
        assert reply.fact is not None
        asked = next(one for one in reply.fact.standing.attempts if one.number == attempt)
        outcome = self.channels[asked.channel].query(asked.order_no)
        if outcome.verdict is Verdict.UNKNOWN:
            return False
        self._report(
            reply.fact, happened(outcome, asked), attempt, learnt_of(outcome),
            len(reply.fact.events),
        )  # fmt: skip
        return True

    def _report(
        self, fact: PaymentFact, happening: Happening, attempt: int, learnt: Learnt,
        asked_after: int,
    ) -> PayAnswer:  # fmt: skip
        reply = self._decide(a_report(fact, happening, attempt, learnt, asked_after))
        assert isinstance(reply, PayAnswer), reply
        return reply

    # What a service does.

    def _decide(self, command: Command) -> Answer | Refusal:
        moment = Moment(self.now, local_time(self.now), ON)
        decision = USE_CASES[type(command)](command, self.view, self.world, moment)
        reply = decision.reply
        said = reply.code if isinstance(reply, Refusal) else "done"
        self._tell(f"{type(command).__name__} {command.asked.msgid} {_what(command)}: {said}")
        if isinstance(reply, Refusal):
            assert said in MAY_BE_REFUSED, reply
        if isinstance(reply, PayAnswer) and reply.alarm:
            self._tell(f"ALARM {reply.alarm}")
        if decision.effects is not None:
            self._write(decision.effects, moment)
        return reply

    def _write(self, effects: Effects, moment: Moment) -> None:
        self.books.book(effects, moment)
        self.view.apply(effects)
        for row in effects.payments:
            if row.kind is PaymentKind.COLLECT and effects.entry is not None:
                self._held_fen[row.pay_no] = sum(t.amount_fen for t in effects.entry.transfers)
        for due in effects.due:
            self.due[due.pay_no] = due.due_at
            if due.due_at not in (None, PEOPLES_TURN):
                late = self.rng.uniform(0, 0.3)
                at = max(due.due_at, self.now) + timedelta(seconds=late)
                self._at(at, partial(self._look, due.pay_no))

    # What is always true.

    def check(self) -> None:
        """After every step."""
        now = [(fact.row, fact.standing.state) for fact in self.view.payments.values()]
        collects = [(row, state) for row, state in now if row.kind is PaymentKind.COLLECT]
        held = [row for row, state in collects if state in HELD]
        assert self.books.pending_fen == sum(self._held_fen[row.pay_no] for row in held)
        person = self.view.persons[PERSON_NO]
        assert person.balance_fen == self.books.spendable_fen >= 0
        open_ones = [row.pay_no for row in held if row.psn_no]
        assert person.undertaking == (open_ones[0] if open_ones else None)
        assert len(open_ones) <= 1
        for row, state in now:
            due = self.due[row.pay_no]
            assert (due is None) == (state in ENDED)
            assert (due == PEOPLES_TURN) == (state is State.REFUND_DUE)
        standing = [
            fact.row for fact in self.view.settlements.values()
            if fact.row.kind is RowKind.SETTLE and fact.undone_by is None
        ]  # fmt: skip
        counted = sum(increments_of(row).get(POOL["310"], 0) for row in standing)
        assert person.year(ON.year).values.get(POOL["310"], 0) == counted
        assert len({row.msgid for row in standing}) == len(standing)
        orders = [row.order_no for row, _ in collects]
        assert len(set(orders)) == len(orders)

    def check_end(self) -> None:
        """Once nothing happens any more."""
        facts = self.view.payments
        assert all(f.standing.state in {*ENDED, State.REFUND_DUE} for f in facts.values())
        assert self.books.pending_fen == 0
        assert self.books.debit_fen(ChannelAccount.COLLECTING) == 0
        standing = [
            fact.row for fact in self.view.settlements.values()
            if fact.row.kind is RowKind.SETTLE and fact.undone_by is None
        ]  # fmt: skip
        assert self.books.spendable_fen == self.opening_fen - sum(r.account_fen for r in standing)
        for name, channel in self.channels.items():
            books_fen = sum(
                self.books.debit_fen(account, name)
                for account in (ChannelAccount.CLEARING, ChannelAccount.AGENCY_CLEARING)
            )
            assert books_fen == channel.balance_fen, (name, books_fen, channel.balance_fen)
        owed_fen = -sum(
            self.books.debit_fen(account)
            for account in (ChannelAccount.TO_RETURN, ChannelAccount.AGENCY_TO_RETURN)
        )
        assert owed_fen == sum(self._due_back_fen(f) for f in facts.values())
        for fact in facts.values():
            if fact.row.kind is PaymentKind.COLLECT:
                self._check_payer(fact)
        assert self.books.ledger.first_bad() is None

    def _check_payer(self, fact: PaymentFact) -> None:
        """The payer paid for what was sold, once, or nothing; but for what people must return."""
        now = fact.standing
        collected_fen = sum(
            self.channels[one.channel].left_fen(one.order_no) for one in now.attempts
        )
        due_fen = sum(
            self._due_back_fen(one)
            for one in self.view.payments.values()
            if one.row.parent == fact.row.pay_no
        )
        sold_fen = fact.row.amount_fen - now.taken_back_fen if now.state is State.SETTLED else 0
        assert collected_fen == sold_fen + due_fen, (fact.row.order_no, collected_fen, sold_fen)
        if fact.row.setl_id is None or now.state is not State.SETTLED:
            assert fact.row.setl_id not in self.view.settlements
            return
        number = now.taken_back[-1].setl_id if now.taken_back else fact.row.setl_id
        stands = self.view.settlements.get(number or 0)
        assert (stands.row.cash_fen if stands is not None else 0) == sold_fen

    def _due_back_fen(self, fact: PaymentFact) -> int:
        return fact.row.amount_fen if fact.standing.state is State.REFUND_DUE else 0

    # Time.

    _all_well = False

    def _all_is_well(self) -> None:
        """From now on everybody answers; whoever must still confirm does not any more."""
        self._all_well = True
        for channel in self.channels.values():
            channel.honest = True

    def _after(self, seconds: float, act: Callable[[], object]) -> None:
        self._at(self.now + timedelta(seconds=seconds), act)

    def _at(self, at: datetime, act: Callable[[], object]) -> None:
        heapq.heappush(self._waiting, (at, next(self._numbers), act))

    def _tell(self, what: str) -> None:
        self.told.append(f"{(self.now - BEGINS_AT).total_seconds():9.2f}  {what}")


def play(seed: int) -> Morning:
    """One morning; raises AssertionError with its seed and story where something is wrong."""
    morning = Morning(seed)
    try:
        morning.run()
    except Exception as exc:
        story = "\n".join(morning.told)
        raise AssertionError(
            f"python -m tests.simulation.payments --seed {seed}\n{story}\n{exc!r}"
        ) from exc
    return morning


def _number(fact: PaymentFact) -> int:
    """Of the present attempt; 0 where none is out yet."""
    attempt = fact.standing.attempt
    return 0 if attempt is None else attempt.number


def _present(fact: PaymentFact) -> Attempt:
    attempt = fact.standing.attempt
    assert attempt is not None
    return attempt


def _what(command: Command) -> str:
    if isinstance(command, Report):
        return f"{command.happening.name} of {command.attempt}"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Tell one morning."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.payments")
    parser.add_argument("--seed", type=int, required=True)
    print("\n".join(play(parser.parse_args(arguments).seed).told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
