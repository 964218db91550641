"""An examination under way: the institution's client, its own book, and the sheet being filled.

The book holds what the institution would believe: every settlement and cancel that was answered.
Reconciliation compares it with what the server has (`checks_daily`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from secrets import randbelow

from msgspec import Struct

from protocol.nhsa.times import format_datetime
from settlement.certify.candidate import TOKENS_WANTED, Candidate
from settlement.certify.money import broken_identities
from settlement.certify.scope import refused_only
from settlement.certify.sheet import Step, StoppedError
from settlement.certify.words import came_of, came_of_passage, sent_of
from settlement.client import (
    Came,
    Done,
    Institution,
    Line,
    Message,
    Outcome,
    Refused,
    Resolution,
    Settlement,
)
from settlement.client.families import Place
from settlement.client.inputs import Named
from settlement.client.institution import SETTLING
from settlement.client.message import Input, make_message
from settlement.client.patience import Answered, judge
from settlement.client.wire import Passage
from settlement.clock import Clock, local_time

CANCELS = frozenset({"2103", "2208", "2305"})
ABSENT = object()
"""In `edited`: the field is not there."""
PLACE = Place(doctor=Named("D0001", "测试医师"), disease=Named("J18.900", "肺炎"))
Changes = Mapping[str, object]


class Booked(Struct, frozen=True, kw_only=True):
    """A settlement or cancel that was answered to us."""

    psn_no: str
    infno: str
    settled: Settlement
    clearing_type: str
    clearing_office: str
    cancels: str = ""


class Exam:
    """See the module. Checks call `done`, `refused` and `expect`; each writes a step down."""

    def __init__(
        self, candidate: Candidate, institution: Institution, *, served: frozenset[str],
        clock: Clock,
    ) -> None:  # fmt: skip
        self.candidate = candidate
        self.institution = institution
        self.served = served
        self.buyer, self.other, self.inpatient = candidate.patients[:3]
        self.is_pharmacy = candidate.kind == "pharmacy"
        self.book: dict[str, Booked] = {}
        self.answered: set[str] = set()
        """transactions that were carried out"""
        self.sent: set[str] = set()
        """transactions that were sent, whatever became of them"""
        self.excused = refused_only(
            with_tokens=len(candidate.tokens) >= TOKENS_WANTED
        )
        """transactions that need not be carried out here, with the reason"""
        self.files_fail = ""
        """why 9102 gives no files; then no further ones are waited for"""
        self.listed: set[str] = set()
        """test items that a catalogue file had (`checks_catalogue`)"""
        self.steps: list[Step] = []
        self._clock = clock
        self._serials = count(1)
        self._run = f"{self.now():%y%m%d%H%M%S}{randbelow(10**6):06d}"

    basket_size = 2

    def lines(self, number: int = basket_size) -> list[Line]:
        """A basket that no other check has: the first quantity counts up."""
        items = self.candidate.items[:number]
        first = Line(item=items[0], quantity=Decimal(1 + next(self._serials) % 3))
        return [first, *(Line(item=item) for item in items[1:])]

    def serial(self) -> str:
        """A number for visits, orders and lines (22 digits): not used before, also by another run
        that began in the same second."""
        return f"{self._run}{next(self._serials):04d}"

    def numbered(self, lines: Sequence[Line]) -> dict[str, Line]:
        """Lines by a serial that is used once."""
        return {self.serial(): line for line in lines}

    def now(self) -> datetime:
        """Local time."""
        return local_time(self._clock())

    def moment(self, **past: float) -> str:
        """A time so long ago, as the wire writes it; without arguments a second nobody else has."""
        ago = timedelta(**past) if past else timedelta(seconds=next(self._serials))
        return format_datetime(self.now() - ago)

    async def done(self, message: Message, *, says: str = "") -> Done:
        """It must be carried out. Its amounts must add up. Raises StoppedError where it is not."""
        outcome = await self.institution.send(message)
        self.note(
            message, "受理成功" + (f"，{says}" if says else ""), "accepted (infcode 0)",
            outcome, isinstance(outcome, Done),
        )  # fmt: skip
        if not isinstance(outcome, Done):
            raise StoppedError
        self.answered.add(message.infno)
        self._check_amounts(outcome)
        if not outcome.is_replay:
            self.enter(outcome)
        return outcome

    async def asked(self, infno: str, content: Input, *, says: str = "") -> Done:
        """`done` of a new message."""
        return await self.done(self.institution.message(infno, content), says=says)

    async def refused(
        self, message: Message, *codes: str, field: str | None = None
    ) -> Refused:
        """It must be refused with one of these codes, at this field. Raises StoppedError else.

        What was accepted against the rules is entered in the book all the same: it has to be
        cancelled, and counted.
        """
        outcome = await self.institution.send(message)
        where = f" @ {field}" if field else ""
        wanted = " / ".join(codes) + where
        passed = isinstance(outcome, Refused) and outcome.code in codes
        if isinstance(outcome, Refused) and field is not None:
            passed = passed and outcome.field == field
        self.note(message, f"拒绝：{wanted}", f"refused: {wanted}", outcome, passed)
        if isinstance(outcome, Done):
            self.enter(outcome)
        if not isinstance(outcome, Refused):
            raise StoppedError
        return outcome

    def is_done_or(self, outcome: Outcome, code: str) -> bool:
        """Carried out, or refused with this code."""
        return isinstance(outcome, Done) or (isinstance(outcome, Refused) and outcome.code == code)

    def note(
        self, message: Message, zh: str, en: str, outcome: Resolution, passed: bool
    ) -> None:
        """A message and what became of it."""
        self.sent.add(message.infno)
        self.expect(sent_of(message), zh, en, came_of(outcome), passed)

    def expect(self, sent: str, zh: str, en: str, came: str, passed: bool) -> None:
        """Anything that must hold."""
        self.steps.append(
            Step(sent=sent, expected_zh=zh, expected_en=en, came=came, passed=passed)
        )

    def passage(self, sent: str, status: int, code: str, came: Passage) -> None:
        """An answer outside the envelope: this HTTP status and err_code."""
        judged = judge(came)
        passed = isinstance(came, Came) and came.status == status
        passed = passed and not isinstance(judged, Answered) and judged.code == code
        self.expect(
            sent, f"拒绝：HTTP {status} {code}", f"refused: HTTP {status} {code}",
            came_of_passage(came), passed,
        )  # fmt: skip

    def edited(self, message: Message, changes: Changes) -> Message:
        """The same input with other values at some paths, as `druginfo.psn_no`, and a new msgid."""
        content = copy.deepcopy(message.input)
        for path, value in changes.items():
            *parents, last = path.split(".")
            node: object = content
            for step in parents:
                node = _child(node, step)
            _put(node, last, value)
        return self.institution.message(message.infno, content)

    def under_same_id(self, message: Message, changes: Changes) -> Message:
        """Other content under the same msgid."""
        same = {"msgid": message.msgid, "infno": message.infno}
        edited = self.edited(message, changes)
        return make_message({**edited.envelope, **same}, edited.input)

    def reversed(self, setl_id: str) -> None:
        """2601 took it back: it never was."""
        self.book.pop(setl_id, None)

    def standing(self) -> list[Booked]:
        """What is settled and not cancelled, oldest first."""
        gone = {one.cancels for one in self.book.values()}
        return [
            one for number, one in self.book.items() if not one.cancels and number not in gone
        ]

    def cancel_of(self, booked: Booked) -> Message:
        """The cancel of a settlement."""
        family = self.institution.outpatient.cancel
        if booked.infno == "2102":
            family = self.institution.pharmacy.cancel
        elif booked.infno.startswith("2304"):
            family = self.institution.inpatient.cancel
        return family(booked.settled, psn_no=booked.psn_no)

    def booked(self, done: Done) -> Booked:
        """What the book says of an answer."""
        return self.book[done.settlement.setl_id]

    def enter(self, done: Done) -> None:
        """What an answer settled or cancelled goes into the book."""
        infno = done.message.infno
        if infno not in SETTLING and infno not in CANCELS:
            return
        settled = done.settlement
        data = done.message.input.get("data")
        cancels = str(data["setl_id"]) if infno in CANCELS and isinstance(data, dict) else ""
        told = done.node("setlinfo")
        self.book[settled.setl_id] = Booked(
            psn_no=done.message.psn_no, infno=infno, settled=settled, cancels=cancels,
            clearing_type=str(told.get("clr_type")), clearing_office=str(told.get("clr_optins")),
        )  # fmt: skip

    def _check_amounts(self, done: Done) -> None:
        wrong = broken_identities(
            done.output, account_in_funds=self.candidate.fund_total_includes_account
        )
        if wrong is not None:
            self.expect(
                f"{done.message.infno} 应答金额 amounts of the answer",
                "各金额等式成立（总额＝基金＋个人＋医院，个人＝账户＋现金，明细合计一致）",
                "the identities between the amounts hold",
                "; ".join(wrong) or "成立 they hold", not wrong,
            )  # fmt: skip


def _child(node: object, step: str) -> object:
    if isinstance(node, list):
        return node[int(step)]
    if isinstance(node, dict):
        return node[step]
    raise TypeError(f"no {step} in the input")


def _put(node: object, name: str, value: object) -> None:
    if isinstance(node, list):
        node[int(name)] = value
    elif isinstance(node, dict):
        if value is ABSENT:
            del node[name]
        else:
            node[name] = value
