"""One settlement: who pays what and why, its lines, the messages, the transfers in words, the
payments that collected the rest, and what undid it."""

from __future__ import annotations

from itertools import groupby

from msgspec import Struct

from settlement.books.payout import SIGN
from settlement.console.asking import Answer
from settlement.console.people import Shown, person_shown
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.keyring import UndecipherableError
from settlement.lanes import lane_of
from settlement.ledger_words import account_words
from settlement.numbers import lane_in
from settlement.payments.payment_rows import PaymentFact
from settlement.rows import Detail
from settlement.storage import console_cases, console_reading
from settlement.storage.console_cases import CaseRow, EntryLeg
from settlement.storage.console_payouts import CaseAdjusted, adjustments_of_case
from settlement.storage.lease import PlainConnection
from settlement.storage.payment_reader import read_payments
from settlement.storage.reader import read_settlements
from settlement.usecases.explain import Explained, explain
from settlement.usecases.settled_lines import settled_lines
from settlement.view import SettlementFact, View

TITLE = Words("结算明细", "Settlement")
MISSING = Words("没有这笔结算", "There is no such settlement")


class Life(Struct, frozen=True, kw_only=True):
    """All that is shown of a settlement."""

    case: CaseRow
    related: list[CaseRow]
    """what it undoes, and what undid it"""
    fact: SettlementFact
    shown: Shown | None
    entries: list[tuple[int, list[EntryLeg]]]
    payments: list[PaymentFact]
    adjusted: list[CaseAdjusted]
    """what its institution is paid less or more for it"""


async def case(visit: Visit) -> Answer:
    """The page of one settlement."""
    number = int(visit.parts[0])
    life = None
    if lane_in(number) < visit.desk.lanes:
        async with visit.desk.reading() as connection:
            life = await _life(connection, visit, number)
    if life is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-settlement", f"settlement {number}")
    detail = _detail(visit, life)
    return visit.page(
        "case.html", TITLE, life=life, case=life.case, row=life.fact.row, detail=detail,
        explained=await _explained(visit, life), account_words=account_words, signs=SIGN,
        item_names=await _item_names(visit, life, detail),
    )  # fmt: skip


async def _life(connection: PlainConnection, visit: Visit, number: int) -> Life | None:
    found = await console_cases.cases(connection, visit.scope, [number])
    if not found:
        return None
    one = found[0]
    view = View()
    await read_settlements(connection, [number], view, visit.desk.shape)
    beside = [n for n in (one.undoes_setl_id, one.undone_by) if n is not None]
    related = await console_cases.cases(connection, visit.scope, beside)
    legs = await console_cases.entries(connection, one.lane, [number, *beside])
    pay_nos = sorted({leg.pending_id for leg in legs if leg.pending_id is not None})
    await read_payments(connection, pay_nos, view, visit.desk.shape)
    returned = [n for pay in view.payments.values() for n in pay.returns]
    await read_payments(connection, returned, view, visit.desk.shape)
    return Life(
        case=one, related=related, fact=view.settlements[number],
        shown=await person_shown(connection, visit.desk.keyring, one.lane, one.psn_no),
        entries=[(key, list(group)) for key, group in groupby(legs, lambda leg: leg.entry_id)],
        payments=list(view.payments.values()),
        adjusted=await adjustments_of_case(
            connection, lane_of(one.institution, visit.desk.lanes), number
        ),
    )  # fmt: skip


def _detail(visit: Visit, life: Life) -> Detail | None:
    """The lines, but for those of a stay, which are too many for a page; None where they were
    erased or do not open."""
    try:
        return settled_lines(life.fact, None, visit.desk.keyring)
    except UndecipherableError:
        return None


async def _item_names(visit: Visit, life: Life, detail: Detail | None) -> dict[str, str]:
    """What the items of its lines were called on its day."""
    codes = sorted({one.priced.line.item_code for one in detail.lines}) if detail else []
    if not codes:
        return {}
    async with visit.desk.reading() as connection:
        return await console_reading.item_names(connection, codes, life.fact.row.business_day)


async def _explained(visit: Visit, life: Life) -> Explained | None:
    """How every fen came about; None where its policy is not loaded."""
    try:
        return explain(life.fact, visit.desk.keyring, await visit.desk.policies())
    except LookupError:
        return None
