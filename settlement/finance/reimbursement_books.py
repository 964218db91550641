"""What acts on reimbursements share: whose they are, what stands, and how an act is kept.

An act is one transaction under the lock of the person's lane, so that two people never act on the
same state; what it books is booked under the journal's head, as every batch is (ADR 0044).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine

import msgspec
from msgspec import Struct, structs

from ledger.entry import Transfer
from settlement.books.payout import NONE, Amounts
from settlement.books.reimbursement import (
    ACT_ZH,
    AFTER,
    STATE_ZH,
    Act,
    Filed,
    Papers,
    Standing,
    State,
    Step,
    commitment,
    paper_record,
    standing,
)
from settlement.chart import EntryCode
from settlement.committed import committed_part, open_committed, seal_committed
from settlement.finance.payout_books import (
    Booking,
    PayoutBooks,
    SomebodyElseError,
    book,
    in_lane,
)
from settlement.finance.reimbursement_telling import tell
from settlement.keyring import Keyring, UndecipherableError
from settlement.lanes import lane_of
from settlement.numbers import lane_in
from settlement.refusal import Refusal
from settlement.refusals import text
from settlement.said import Said
from settlement.storage import reimbursements as store
from settlement.storage.errors import StorageError
from settlement.storage.reimbursements import Kept, Sealed, Turn
from settlement.who import Who
from settlement.world import World

LOCK_CLASS = 0x5E7744
"""The first half of the keys of the lanes' locks."""


class Found(Struct, frozen=True, kw_only=True):
    """A reimbursement as it stands."""

    kept: Kept
    now: Standing

    @property
    def filed(self) -> Filed:
        """Its newest papers, as far as they stand in clear."""
        return self.kept.filed


OnOne = Callable[[Found], Coroutine[None, None, Said]]


async def on_one(books: PayoutBooks, number: int, act: OnOne) -> Said:
    """An act on one reimbursement: all of it or nothing, and nobody else meanwhile."""

    async def once() -> Said:
        found = await load(books, lane_in(number), [number])
        if not found:
            return Said(1, f"没有报销 {number} | there is no reimbursement {number}")
        return await act(found[0])

    return await under_lock(books, lane_in(number), once)


async def under_lock(
    books: PayoutBooks, lane: int, act: Callable[[], Coroutine[None, None, Said]]
) -> Said:
    """An act on reimbursements of a lane."""
    return await in_lane(books, lane, act, lock_class=LOCK_CLASS)


async def load(books: PayoutBooks, lane: int, numbers: list[int]) -> list[Found]:
    """Reimbursements of one lane as they stand."""
    return [
        Found(kept=kept, now=standing(kept.steps))
        for kept in await store.kept_of(books.connection, lane, numbers)
    ]


def refused(found: Found, act: Act) -> str | None:
    """Why a reimbursement does not take an act, or None."""
    now = found.now
    if (now.state, act) in AFTER:
        return None
    last = "" if now.last is None else f"（{now.last.actor} {ACT_ZH[now.last.act]}）"
    return (
        f"{found.filed.number} 现为「{STATE_ZH[now.state]}」{last}，不能{ACT_ZH[act]} | it is "
        f"{now.state.value}"
    )


def step_of(books: PayoutBooks, found: Found, act: Act, who: Who) -> Step:
    """The next step, about nothing yet."""
    return Step(
        step_no=len(found.kept.steps) + 1, act=act, at=books.moment.at,
        booked_on=books.moment.business_day, paper_no=found.filed.paper_no, amounts=NONE,
        cash_fen=0, actor=who.actor, proposer="", reference="", reason=who.reason,
    )  # fmt: skip


def owed_of(found: Found) -> Amounts:
    """What is owed to the person for papers that are booked and stand."""
    settled, cancelled = found.now.settled, found.now.state is State.CANCELLED
    return NONE if settled is None or cancelled else settled.amounts


async def keep(books: PayoutBooks, filed: Filed, step: Step) -> None:
    """Keep a step, and owe the person the message that there is of it. SomebodyElseError where
    somebody was first."""
    if not await store.keep_step(books.connection, filed, step):
        raise SomebodyElseError
    await tell(books, filed, step)


async def book_step(
    books: PayoutBooks, filed: Filed, step: Step, code: EntryCode, transfers: tuple[Transfer, ...]
) -> Step:
    """Book what a step moves, and keep it."""
    step = structs.replace(step, entry_id=books.number(filed.lane))
    await keep(books, filed, step)
    booking = Booking(
        entry_id=step.entry_id or 0, code=code, transfers=transfers,
        commitment=commitment(filed, step),
    )  # fmt: skip
    await book(books, filed.lane, (), [booking])
    return step


async def take_invoice(books: PayoutBooks, filed: Filed) -> Refusal | None:
    """Nobody else may bring this invoice from now on; refused where somebody has."""
    turn = await _turn(books, filed)
    if turn is not None and turn.taken:
        return Refusal(
            code="REIMBURSEMENT_INVOICE_TAKEN", field="invoice_no",
            params={"value": filed.invoice_no, "number": str(turn.number)},
        )  # fmt: skip
    number = 1 if turn is None else turn.turn + 1
    await _keep_turn(books, filed, Turn(turn=number, taken=True, number=filed.number))
    return None


async def free_invoice(books: PayoutBooks, filed: Filed) -> None:
    """The invoice may be brought again."""
    turn = await _turn(books, filed)
    if turn is None or not turn.taken or turn.number != filed.number:
        raise StorageError(f"invoice of {filed.number} belongs to another reimbursement")
    await _keep_turn(
        books, filed, Turn(turn=turn.turn + 1, taken=False, number=filed.number)
    )


async def _turn(books: PayoutBooks, filed: Filed) -> Turn | None:
    return await store.invoice_turn(
        books.connection, _invoice_lane(books, filed), filed.institution, filed.invoice_no
    )


async def _keep_turn(books: PayoutBooks, filed: Filed, turn: Turn) -> None:
    kept = await store.keep_turn(
        books.connection, _invoice_lane(books, filed), filed.institution, filed.invoice_no, turn,
        books.moment.at,
    )  # fmt: skip
    if not kept:
        raise SomebodyElseError


def _invoice_lane(books: PayoutBooks, filed: Filed) -> int:
    return lane_of(f"{filed.institution}/{filed.invoice_no}", books.lanes)


def seal_papers(books: PayoutBooks, papers: Papers, lane: int, number: int, no: int) -> Sealed:
    """Papers as they are kept."""
    record = paper_record(lane, number, no)
    return Sealed(payload=seal_committed(msgspec.json.encode(papers), books.keyring, record))


def open_papers(books: PayoutBooks, found: Found) -> Papers:
    """The newest papers. StorageError where they do not open."""
    return papers_of(books.keyring, found.kept)


def papers_of(keyring: Keyring, kept: Kept) -> Papers:
    """The newest papers of what is kept. StorageError where they do not open."""
    filed, sealed = kept.filed, kept.sealed
    try:
        plain = open_committed(
            sealed.payload, keyring, paper_record(filed.lane, filed.number, filed.paper_no)
        )
    except UndecipherableError as exc:
        raise StorageError(f"papers {filed.paper_no} of {filed.number}: {exc}") from exc
    return msgspec.json.decode(plain, type=Papers)


def filed_of(
    papers: Papers, sealed: Sealed, who: Who, *, lane: int, number: int, paper_no: int,
    matter_no: int,
) -> Filed:  # fmt: skip
    """What stands in clear of papers."""
    claim = papers.claim
    return Filed(
        lane=lane, number=number, person_no=claim.person_no, matter_no=matter_no,
        paper_no=paper_no, institution=claim.institution_code, invoice_no=papers.invoice_no,
        total_fen=claim.total_fen, begins_on=papers.begins_on, ends_on=papers.ends_on,
        entered_by=who.actor, digest=committed_part(sealed.payload),
    )  # fmt: skip


def said_of(refusal: Refusal, world: World) -> Said:
    """A refusal for whoever typed the command."""
    return Said(1, f"{text(refusal, world.profile).message} | {refusal.code}")
