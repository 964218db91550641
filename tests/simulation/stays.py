"""A stay with its deposits, and what patient, ward and channels may do to it, in any order.

The use cases decide as they do in a service; their entries go into a ledger in memory. After every
step what was paid in is used, gone back, or left, and the books say the same (`check`).

    python -m tests.simulation.stays --seed S        # one stay again, told step by step
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from typing import Any

from msgspec import structs

from settlement import keys
from settlement.chart import ChannelAccount, InstitutionAccount
from settlement.claim import AccountUse, CareKind
from settlement.clock import Moment, local_time
from settlement.commands import (
    AdmitStay,
    Asked,
    Cancel,
    Command,
    DischargeStay,
    SettleStay,
    UploadStayLines,
)
from settlement.decision import Answer
from settlement.deposit import DECLARED, Deposit, fold_deposits
from settlement.desk import USE_CASES
from settlement.institution import InstitutionKind
from settlement.payments.pay_commands import Counter, HoldDeposit, HoldStay, Report, TakeBack
from settlement.payments.payment import ChannelName, Custody
from settlement.payments.payment_states import ENDED, Happening, Learnt, PaymentKind, State
from settlement.refusal import Refusal
from settlement.rows import KeptLine, RowKind, SettlementRow
from settlement.stay import StayState, fold_stay
from settlement.translate import scans
from tests.simulation.books import BASE, Books, at_once
from tests.simulation.counter import FINGERPRINT, a_till, some_lines
from tests.unit.usecases.builders import (
    CREDENTIAL,
    LANE,
    ON,
    PERSON_NO,
    PHARMACY,
    a_view,
    a_world,
)

HOSPITAL = structs.replace(
    PHARMACY, kind=InstitutionKind.HOSPITAL, care_types=frozenset({"21"}), deductible_level="2",
    hospital_level="21",
)  # fmt: skip
BEGINS_AT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
STEPS = 30
MAY_BE_REFUSED = {
    "ALREADY_CANCELLED", "ALREADY_DISCHARGED", "CANCEL_BY_REFUND", "CLAIM_ALREADY_SETTLED",
    "LATER_SETTLEMENT_STANDS", "NOT_DISCHARGED", "REFUND_NOT_SETTLED", "REFUND_TOO_MUCH",
    "STAY_HAS_NO_LINES", "STAY_SETTLED", "TOTAL_MISMATCH", "UNDERTAKING_OPEN",
}  # fmt: skip
OWED = {
    Custody.OWN: ChannelAccount.DEPOSITS, Custody.AGENCY: ChannelAccount.AGENCY_DEPOSITS,
}  # fmt: skip
OPEN = {State.WAITING, State.COLLECTING, State.CONFIRMING, State.CHANGING, State.UNDOING}


class StayStory:
    """See the module. `told` is the story so far."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.told: list[str] = []
        self.now = BEGINS_AT
        self._numbers = count(1)
        self.view = a_view("310", balance_fen=50_000, used_fen=0)
        self.world = structs.replace(a_world(), institutions={HOSPITAL.code: HOSPITAL})
        self.books = Books(50_000)
        self.orders: list[str] = []
        """order numbers of deposits, and of stays that were settled and paid in one call"""
        self.custody = {name: self.rng.choice(list(Custody)) for name in ChannelName}

    def run(self) -> None:
        """The whole stay."""
        self._admit()
        acts: tuple[Callable[[], object], ...] = (
            self._pay_in, self._pay_in, self._pay_in, self._charge, self._discharge,
            self._settle, partial(self._settle, mid_stay=True), self._settle_and_pay,
            self._cancel, self._take_back, self._take_back, self._hear, self._hear, self._hear,
        )  # fmt: skip
        for _ in range(STEPS):
            self.now += timedelta(seconds=self.rng.uniform(1, 500))
            self.rng.choice(acts)()
            self.check()
        for _ in range(STEPS):
            self._hear(surely=True)
            self.check()
        self.check_end()

    # What people do.

    def _admit(self) -> None:
        moment = self._moment()
        self._decide(
            AdmitStay(
                asked=self._asked("2401"), scheme="310", care_type="21",
                begun_at=moment.local - timedelta(hours=1), inpatient_no="Z1",
                credential=CREDENTIAL, kept={},
            )
        )  # fmt: skip
        [self.stay_no] = self.view.visits
        self._charge()

    def _charge(self) -> None:
        lines = tuple(
            structs.replace(line, line_no=str(next(self._numbers)), institution_item_code="WARD")
            for line in some_lines(self.rng)
        )
        kept = tuple(KeptLine(occurred_at="2026-11-20 09:00:00", extra={}) for _ in lines)
        self._decide(
            UploadStayLines(
                asked=self._asked("2301"), mdtrt_id=self.stay_no, lines=lines,
                originals=tuple("" for _ in lines), kept_lines=kept, same_visit=True,
            )
        )  # fmt: skip

    def _discharge(self) -> None:
        self._decide(
            DischargeStay(
                asked=self._asked("2402"), mdtrt_id=self.stay_no, scheme="310",
                ended_at=self._moment().local, kept={},
            )
        )  # fmt: skip

    def _pay_in(self) -> None:
        rng = self.rng
        tender = rng.choice(("scan", "scan", "cash", "card_present"))
        name = rng.choice(list(ChannelName))
        order_no = self._order_no()
        self._decide(
            HoldDeposit(
                asked=self._asked(scans.SCAN, order_no), counter=_counter(order_no, tender),
                till=a_till(name, self.custody[name]) if tender == "scan" else None,
                mdtrt_id=self.stay_no, amount_fen=rng.choice((1, 10_000, 50_000, 300_000)),
                visit_ids=(self.stay_no,),
            )
        )  # fmt: skip

    def _settle(self, *, mid_stay: bool = False) -> None:
        self._decide(SettleStay(**self._settlement("2304", mid_stay=mid_stay)))

    def _settle_and_pay(self) -> None:
        order_no, name = self._order_no(), self.rng.choice(list(ChannelName))
        said = self._settlement(scans.SCAN, order_no, mid_stay=self.rng.random() < 0.5)
        self._decide(
            HoldStay(
                **said, counter=_counter(order_no, "scan"), till=a_till(name, self.custody[name])
            )
        )

    def _settlement(
        self, infno: str, msgid: str = "", *, mid_stay: bool
    ) -> dict[str, Any]:
        state = fold_stay(self.view.visits[self.stay_no])
        return {
            "asked": self._asked(infno, msgid), "mdtrt_id": self.stay_no, "scheme": "310",
            "account_use": self.rng.choice((AccountUse.OWN, AccountUse.NONE)),
            "total_fen": state.totals().total_fen, "declared_split": (None, None, None, None),
            "mid_stay": mid_stay, "credential": CREDENTIAL, "invoice_no": "", "kept": {},
            "quote": False, "visit_ids": (self.stay_no,),
        }  # fmt: skip

    def _cancel(self) -> None:
        standing = self._standing()
        if not standing:
            return
        row = self.rng.choice(standing)
        self._decide(
            Cancel(
                asked=self._asked("2305"), setl_ids=(row.setl_id,), setl_id=row.setl_id,
                mdtrt_id=self.stay_no, kind=CareKind.INPATIENT,
            )
        )  # fmt: skip

    def _take_back(self) -> None:
        """A refund of some order, all of it or an amount."""
        if not self.orders:
            return
        order_no = self.rng.choice(self.orders)
        facts = self.view.payments.values()
        paid = next((f for f in facts if f.row.order_no == order_no and f.row.parent is None), None)
        declared = any(d.head.order_no == order_no for d in self._deposits())
        if paid is None and not declared:
            return
        refund_no = f"R{next(self._numbers)}"
        settles = paid is not None and paid.row.setl_id is not None
        amount_fen = None if settles or self.rng.random() < 0.3 else self.rng.randint(1, 400_000)
        self._decide(
            TakeBack(
                asked=self._asked(scans.REFUND, refund_no), refund_no=refund_no, operator="0001",
                pay_nos=() if paid is None else (paid.row.pay_no,),
                pay_no=0 if paid is None else paid.row.pay_no,
                visit_ids=(self.stay_no,) if paid is None else (), order_no=order_no, lines=(),
                amount_fen=amount_fen,
            )
        )  # fmt: skip

    # What channels say.

    def _hear(self, *, surely: bool = False) -> None:
        """Of something that is under way."""
        open_ones = [f for f in self.view.payments.values() if f.standing.state not in ENDED]
        if not open_ones:
            return
        fact = self.rng.choice(open_ones)
        attempt = fact.standing.attempts[-1].number
        if fact.row.kind is PaymentKind.COLLECT:
            said = (Happening.PAID, Happening.REFUSED, Happening.GIVEN_UP)
            definite = (Happening.UNDONE, Happening.PAID)
            happening = self.rng.choice(
                definite if fact.standing.state is State.UNDOING else said
            )
            if happening is Happening.PAID and fact.standing.state is State.UNDOING:
                happening = Happening.UNDONE if surely else Happening.PAID
        else:
            happening = Happening.RETURNED if surely else self.rng.choice(
                (Happening.RETURNED, Happening.RETURN_REFUSED, Happening.UNCLEAR)
            )  # fmt: skip
        learnt = Learnt(reference=f"c{attempt}", amount_fen=fact.standing.attempts[-1].amount_fen)
        self._decide(
            Report(
                asked=self._asked(scans.SCAN, fact.row.order_no), pay_nos=(fact.row.pay_no,),
                pay_no=fact.row.pay_no, happening=happening, attempt=attempt, learnt=learnt,
                asked_after=len(fact.events),
            )
        )  # fmt: skip

    # What a service does.

    def _decide(self, command: Command) -> None:
        moment = self._moment()
        decision = USE_CASES[type(command)](command, self.view, self.world, moment)
        reply = decision.reply
        said = reply.code if isinstance(reply, Refusal) else "done"
        what = getattr(command, "happening", None) or getattr(command, "amount_fen", "")
        self.told.append(f"{self.now:%H:%M:%S} {type(command).__name__} {what}: {said}")
        assert isinstance(reply, Answer) or said in MAY_BE_REFUSED, reply
        if decision.effects is None:
            return
        for step in decision.effects.steps:
            for event in step.events:
                here = self.view.visits.get(event.mdtrt_id)
                assert here is None or event.event_no > len(here.events)
        self.books.book(decision.effects, moment)
        self.view.apply(decision.effects)
        if isinstance(command, HoldDeposit | HoldStay):
            self.orders.append(command.counter.order_no)

    def _moment(self) -> Moment:
        return Moment(self.now, local_time(self.now), ON)

    def _order_no(self) -> str:
        return f"D{next(self._numbers)}"

    def _asked(self, infno: str, msgid: str = "") -> Asked:
        number = msgid or f"M{next(self._numbers)}"
        return Asked(
            infno=infno, institution=HOSPITAL, msgid=number, operator="0001", lane=LANE,
            person_no=PERSON_NO, message_key=keys.message_key(HOSPITAL.code, infno, number, 0),
            fingerprint=FINGERPRINT,
        )  # fmt: skip

    # What is always true.

    def check(self) -> None:
        """What came in is used, gone back, or left; and the books say so."""
        deposits = self._deposits()
        for one in deposits:
            assert min(one.applied_fen, one.returned_fen, one.left_fen) >= 0, one
        for custody, account in OWED.items():
            left = sum(one.left_fen for one in deposits if one.head.custody is custody)
            assert -self.books.debit_fen(account) == left, (custody, left)
        used = sum(fen for s in self._state().segments for _, fen in s.head.applied)
        assert used == sum(one.applied_fen for one in deposits)
        is_open = any(
            f.row.kind is PaymentKind.COLLECT and f.standing.state in OPEN
            for f in self.view.payments.values()
        )
        assert (self.view.persons[PERSON_NO].undertaking is not None) == is_open
        assert (self.books.pending_fen > 0) == is_open
        assert self._earned_fen() == sum(row.total_fen for row in self._standing())

    def check_end(self) -> None:
        """Once nothing is under way any more."""
        assert self.books.pending_fen == 0
        assert self.books.debit_fen(ChannelAccount.COLLECTING) == 0
        assert not self._state().held
        if self._state().final is not None:
            assert all(one.left_fen == 0 for one in self._deposits())
        for account in (ChannelAccount.TO_RETURN, ChannelAccount.AGENCY_TO_RETURN):
            assert self.books.debit_fen(account) == 0
        assert self._handled_fen() == self.books_cash_fen()
        assert self.books.ledger.first_bad() is None

    def books_cash_fen(self) -> int:
        """What the books say that the hospital took itself."""
        return self._debit(InstitutionAccount.SELF_COLLECTED)

    def _handled_fen(self) -> int:
        """What went over the counter: deposits less what was handed back, and rests of bills."""
        mine = [one for one in self._deposits() if one.head.tender in DECLARED]
        at_the_counter = sum(one.head.amount_fen - one.returned_fen for one in mine)
        used = {s.setl_id: sum(fen for _, fen in s.head.applied) for s in self._state().segments}
        paid = [row for row in self._standing() if row.infno != scans.SCAN]
        return at_the_counter + sum(row.cash_fen - used[row.setl_id] for row in paid)

    def _earned_fen(self) -> int:
        return -self._debit(InstitutionAccount.REVENUE)

    def _debit(self, account: InstitutionAccount) -> int:
        found = at_once(self.books.ledger.balance(BASE + account))
        return found.debits_fen - found.credits_fen

    def _deposits(self) -> list[Deposit]:
        return fold_deposits(self.view.visits[self.stay_no])

    def _state(self) -> StayState:
        return fold_stay(self.view.visits[self.stay_no])

    def _standing(self) -> list[SettlementRow]:
        return [
            fact.row for fact in self.view.settlements.values()
            if fact.row.kind is RowKind.SETTLE and fact.undone_by is None
        ]  # fmt: skip


def _counter(order_no: str, tender: str) -> Counter:
    return Counter(
        order_no=order_no, terminal_id="", operator="0001", tender=tender, tender_note="",
        second_code=False,
    )  # fmt: skip


def play(seed: int) -> StayStory:
    """One stay; what fails names its seed."""
    story = StayStory(seed)
    try:
        story.run()
    except Exception as exc:
        again = f"python -m tests.simulation.stays --seed {seed}"
        raise AssertionError(f"{exc!r}; see {again}") from exc
    return story


def main() -> None:
    """Tell one stay again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    story = StayStory(parser.parse_args().seed)
    try:
        story.run()
    finally:
        sys.stdout.write("\n".join(story.told) + "\n")


if __name__ == "__main__":
    main()
