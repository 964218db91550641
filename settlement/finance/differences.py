"""What people do with a difference: take it, look at it, propose a correction, confirm it, note.

An act is one transaction under the lock of the difference's lane. Of two people at once the second
is told what the first did. Whoever proposed a correction does not confirm it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ledger.entry import Transfer
from ledger.money import yuan_text
from settlement.books.channel_matching import CLASS_ZH, Class, Kind
from settlement.books.difference_corrections import CODES, allowed, transfers
from settlement.books.difference_states import (
    ACT_ZH,
    CORRECTION_ZH,
    STATE_ZH,
    Act,
    Correction,
    Name,
    State,
    Step,
    next_step,
)
from settlement.books.institution_matching import CLASS_ZH as INSTITUTION_CLASS_ZH
from settlement.books.institution_matching import INSTITUTION
from settlement.clock import local_time
from settlement.finance.books import (
    Books,
    account_names,
    book,
    correction_commitment,
)
from settlement.institution import Institution
from settlement.numbers import lane_in
from settlement.payments.payment import Custody
from settlement.said import Said
from settlement.storage import differences as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.differences import PaymentStanding
from settlement.storage.lease import PlainConnection
from settlement.who import Who

PROPOSABLE = {
    "make-up": Correction.MAKE_UP, "refund": Correction.REFUND, "void": Correction.VOID,
    "write-off": Correction.WRITE_OFF, "note": Correction.NOTE,
}  # fmt: skip
KIND_ZH = {Kind.PAYMENT: "收款", Kind.REFUND: "退款"}
SETTLED_ZH = {Kind.PAYMENT: "结算", Kind.REFUND: "撤销"}


class Found(Struct, frozen=True, kw_only=True):
    """A difference with all that became of it."""

    number: int
    name: Name
    steps: Sequence[Step]

    @property
    def last(self) -> Step:
        """What stands."""
        return self.steps[-1]


class Preview(Struct, frozen=True, kw_only=True):
    """A correction that may be proposed, and what it would book."""

    correction: Correction
    lines: tuple[str, ...]
    """the entry, as people read it; none where nothing is booked"""


def kind_zh(name: Name) -> str:
    """What moved, or was settled."""
    return (SETTLED_ZH if name.channel == INSTITUTION else KIND_ZH)[name.kind]


def class_zh(name: Name, found: Class) -> str:
    """A class, as those who work on it call it."""
    return (INSTITUTION_CLASS_ZH if name.channel == INSTITUTION else CLASS_ZH)[found]


async def find(connection: PlainConnection, number: int) -> Found | Said:
    """The difference of a number."""
    found = await store.steps_of(connection, lane_in(number), number)
    if found is None:
        return Said(1, f"没有差异 {number} | there is no difference {number}")
    return Found(number=number, name=found[0], steps=found[1])


def previews(found: Found, institution: Institution | None) -> list[Preview]:
    """What may be proposed, the most likely first; what stands proposed, where something is."""
    base = None if institution is None else institution.account_base
    proposed = found.last.state is State.PROPOSED
    choices = (found.last.correction,) if proposed else allowed(found.name, found.last)
    return [
        Preview(
            correction=one,
            lines=_entry_lines(transfers(found.name, found.last, one, base), institution),
        )
        for one in choices
    ]  # fmt: skip


async def assign(
    books: Books, number: int, owner: str, who: Who, *, taken_from: str = "",
    seen: int | None = None,
) -> Said:  # fmt: skip
    """Somebody looks after it from now on; one that has an owner is taken from that one alone."""
    async with books.connection.transaction():
        found = await _locked(books, number, seen)
        if isinstance(found, Said):
            return found
        if found.last.owner != taken_from:
            return Said(
                1,
                f"{number} 由 {found.last.owner or '无人'} 负责（{_told(found.last)}），未分派 | "
                f"it belongs to {found.last.owner or 'nobody'}",
            )
        step = _next(books, found, Act.ASSIGN, who)
        if isinstance(step, Said):
            return step
        return await _kept(
            books, found, replace(step, owner=owner), f"{number} 由 {owner} 负责 | assigned"
        )


async def note(books: Books, number: int, who: Who, *, seen: int | None = None) -> Said:
    """Something is said about it; nothing else changes."""
    async with books.connection.transaction():
        found = await _locked(books, number, seen)
        if isinstance(found, Said):
            return found
        step = _next(books, found, Act.NOTE, who)
        if isinstance(step, Said):
            return step
        return await _kept(books, found, step, f"{number} 已备注 | noted")


async def propose(
    books: Books, number: int, correction: Correction, who: Who, *, seen: int | None = None
) -> Said:
    """One person proposes how to correct it; nothing is booked yet."""
    async with books.connection.transaction():
        found = await _locked(books, number, seen)
        if isinstance(found, Said):
            return found
        step = _next(books, found, Act.PROPOSE, who)
        if isinstance(step, Said):
            return step
        no = await _not_correctable(books, found, correction)
        if no is not None:
            return no
        moved = 0 if correction is Correction.NOTE else found.last.due_fen
        proposed = replace(
            step, correction=correction, proposer=who.actor, amount_fen=moved,
            owner=found.last.owner or who.actor,
        )  # fmt: skip
        return await _kept(
            books, found, proposed,
            f"由 {who.actor} 提出 {number} {CORRECTION_ZH[correction]} {yuan_text(moved)} 元，"
            "尚待另一人以 --confirm 确认 | proposed, not booked",
        )  # fmt: skip


async def reject(books: Books, number: int, who: Who, *, seen: int | None = None) -> Said:
    """What was proposed is not done; whoever proposed it may take it back as well."""
    async with books.connection.transaction():
        found = await _locked(books, number, seen)
        if isinstance(found, Said):
            return found
        step = _next(books, found, Act.REJECT, who)
        if isinstance(step, Said):
            return step
        return await _kept(books, found, step, f"{number} 的更正已退回 | sent back")


async def confirm(books: Books, number: int, who: Who, *, seen: int | None = None) -> Said:
    """Another person says so too: it is booked."""
    async with books.connection.transaction():
        found = await _locked(books, number, seen)
        if isinstance(found, Said):
            return found
        step = _next(books, found, Act.CONFIRM, who)
        if isinstance(step, Said):
            return step
        last = found.last
        if who.is_also(last.proposer):
            return Said(
                1,
                f"须由 {who.actor} 以外的人确认 | somebody other than {who.actor} must confirm",
            )
        no = await _not_correctable(books, found, last.correction)
        if no is not None:
            return no
        return await _booked(books, found, step, who)


async def _booked(books: Books, found: Found, step: Step, who: Who) -> Said:
    last, name = found.last, found.name
    base = books.base_of(last.facts.institution)
    moves = transfers(name, last, last.correction, base)
    entry_id = books.number(name.lane) if moves else None
    step = replace(
        step, correction=last.correction, proposer=last.proposer, amount_fen=last.amount_fen,
        booked_fen=last.booked_fen + last.amount_fen, entry_id=entry_id,
    )  # fmt: skip
    if entry_id is not None:
        await book(
            books, name.lane, entry_id, CODES[last.correction], moves,
            correction_commitment(found.number, name, step),
        )
    booked = "无需记账" if entry_id is None else f"记账 {entry_id}"
    return await _kept(
        books, found, step,
        f"{found.number} 已{CORRECTION_ZH[last.correction]} {yuan_text(last.amount_fen)} 元，"
        f"{booked}：{last.proposer} 提出，{who.actor} 确认 | corrected",
    )  # fmt: skip


async def _locked(books: Books, number: int, seen: int | None) -> Found | Said:
    """The difference, which nobody else changes until the transaction ends; or what was done to it
    since somebody looked at it."""
    lane = lane_in(number)
    if lane in books.journal_of:
        await store.lock_lane(books.connection, lane)
    found = await find(books.connection, number)
    if isinstance(found, Said) or seen is None or found.last.step_no == seen:
        return found
    return Said(
        1,
        f"{number} 已有变化：{_told(found.last)}，请先查看 | somebody acted on it meanwhile: look "
        "again",
    )


async def _not_correctable(
    books: Books, found: Found, correction: Correction
) -> Said | None:
    """Why a correction cannot be made."""
    choices = allowed(found.name, found.last)
    if correction not in choices:
        may = "、".join(CORRECTION_ZH[one] for one in choices)
        named = class_zh(found.name, found.last.facts.found)
        return Said(
            1,
            f"{found.number}（{named}）不能{CORRECTION_ZH[correction]}，"
            f"可以：{may} | it cannot be corrected so",
        )
    pay_no = found.last.facts.pay_no
    if correction is Correction.NOTE or pay_no is None:
        return None
    standing = await store.payment_standing(books.connection, found.name.lane, pay_no)
    if _voids_a_deposit(found, correction, standing):
        return Said(
            1,
            f"{pay_no} 可能是代收的住院预交金，不能撤记，请转待处理 | it may be a deposit that the "
            "agency holds: write it off",
        )
    if standing.is_under_way:
        return Said(
            1,
            f"{pay_no} 尚未完结，系统仍在查询渠道，完结后再更正 | the payment is not at its end: "
            "its channel is still being asked",
        )
    return None


def _voids_a_deposit(found: Found, correction: Correction, standing: PaymentStanding) -> bool:
    """What an agency collected for a stay is not always owed to the institution."""
    is_payment = found.name.kind is Kind.PAYMENT and correction is Correction.VOID
    return is_payment and standing.of_visit and found.last.facts.custody == Custody.AGENCY


def _next(books: Books, found: Found, act: Act, who: Who) -> Step | Said:
    step = next_step(found.last, act, books.moment.at, actor=who.actor, reason=who.reason)
    if step is not None:
        return step
    return Said(
        1,
        f"{found.number} 现为「{STATE_ZH[found.last.state]}」（{_told(found.last)}），"
        f"不能{ACT_ZH[act]} | it is {found.last.state.name.lower()}: "
        f"{act.name.lower().replace('_', ' ')} is not possible",
    )


def _told(step: Step) -> str:
    """Who did the last thing, when."""
    return f"{step.actor or '系统'} 于 {local_time(step.at):%Y-%m-%d %H:%M} {ACT_ZH[step.act]}"


async def _kept(books: Books, found: Found, step: Step, text: str) -> Said:
    if not await store.keep_step(books.connection, found.name.lane, found.number, step):
        return Said(1, f"{found.number} 已有变化，请先查看 | somebody acted on it meanwhile")
    await keep_audit(
        books.connection,
        Audited(
            at=step.at, actor=step.actor, action=f"difference-{step.act.name.lower()}",
            subject=f"difference {found.number}/{step.step_no}", note=step.reason,
        ),
    )  # fmt: skip
    return Said(0, text)


def _entry_lines(
    moves: Sequence[Transfer], institution: Institution | None
) -> tuple[str, ...]:
    names = account_names(institution)
    return tuple(
        f"借 {names.get(one.debit, one.debit)} / 贷 {names.get(one.credit, one.credit)} "
        f"{yuan_text(one.amount_fen)} 元"
        for one in moves
    )
