"""Somebody insured elsewhere pays everything (全额垫付), and is reimbursed at home.

Their region is asked nothing: it did not answer, or will not pay here. The bill has a number like
any other (DOMAIN 22), and is on the list of its province.
"""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from settlement import chart
from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.elsewhere.remote_rows import told_policy
from settlement.payers import payers_told
from settlement.rows import (
    Detail,
    MessageOutcome,
    SettledLine,
    SettlementRow,
    commitment,
)
from settlement.translate import answers
from settlement.usecases import booking, visit_money
from settlement.usecases.remote_drafts import Bill, Settling, beside, draft_row, transfers_of
from settlement.usecases.traces import trace_rows
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

NOBODY = "全额自费"
"""What stands for the policy: nobody computed anything."""
_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)
_SALES = frozenset({"2101", "2102"})


def decide(
    command: Settling, bill: Bill, person: PersonFacts, view: View, world: World, moment: Moment,
    on: date,
) -> Decision:  # fmt: skip
    """Book it, or show what it would come to."""
    asked = command.asked
    lines = tuple(map(SettledLine, bill.lines, bill.kept_lines))
    if command.quote:
        row = _row(command, bill, person, world, moment, _UNNUMBERED, _UNCOMMITTED, on)
        return Decision(_answer(row, lines, person, world))
    number = world.next_number(asked.lane, moment.business_day)
    detail = booking.seal_detail(
        Detail(lines=lines, kept=command.kept), world.keyring,
        booking.detail_record(asked.lane, number),
    )  # fmt: skip
    row = _row(command, bill, person, world, moment, number, detail.commitment, on)
    settles = () if bill.settles is None else (replace(bill.settles, setl_id=number),)
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, number),),
        settlement=row,
        detail=detail,
        entry=Entry(
            lane=row.lane, entry_id=number, kind=EntryKind.SINGLE,
            code=chart.EntryCode.SETTLEMENT,
            transfers=transfers_of(row, person.home_region, world), commitment=commitment(row),
        ),
        latest_of_year=number,
        events=visit_money.numbered(settles, view),
        traces=trace_rows(bill.boxes, asked.lane, number) if bill.boxes else (),
        elsewhere=beside(
            row, number, person.home_region, "", person, world, paid_in_advance=True
        ),
    )
    return Decision(_answer(row, lines, person, world), effects)


def _row(
    command: Settling, bill: Bill, person: PersonFacts, world: World, moment: Moment, number: int,
    detail_commitment: bytes, on: date,
) -> SettlementRow:  # fmt: skip
    draft = draft_row(command, bill, person, world, moment, number, detail_commitment, on)
    return replace(
        draft, policy=told_policy(person.home_region, NOBODY), cash_fen=draft.total_fen,
        personal_fen=draft.total_fen, prior_row=person.latest_row,
        prior_active=person.year(draft.year).latest,
    )  # fmt: skip


def _answer(
    row: SettlementRow, lines: tuple[SettledLine, ...], person: PersonFacts, world: World
) -> Answer:
    payers = payers_told(())
    if row.infno in _SALES:
        output = answers.purchase_reply(row, lines, person.identity, payers, world.profile)
    else:
        output = answers.visit_reply(row, person.identity, payers, world.profile)
    return Answer(output=output)
