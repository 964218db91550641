"""Reimbursements as kept: papers and steps in the person's lane, invoices in their own. Nothing
here decides; papers stay sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.payout import Amounts
from settlement.books.reimbursement import Act, Filed, Step
from settlement.committed import committed_part
from settlement.outbox import SMS_GATEWAY, Kind
from settlement.payments.mobile_rows import OutboxRow
from settlement.people.matter_rows import MatterRow
from settlement.people.matter_states import MatterKind
from settlement.storage.queries import CONSOLE, REIMBURSEMENTS


class Sealed(Struct, frozen=True, kw_only=True):
    """Papers as kept."""

    payload: bytes
    """as settlement/committed.py makes it"""


class Kept(Struct, frozen=True, kw_only=True):
    """Everything that is kept of a reimbursement, of its papers the newest."""

    filed: Filed
    sealed: Sealed
    steps: tuple[Step, ...]


class Turn(Struct, frozen=True, kw_only=True):
    """Whose an invoice is, or was last."""

    turn: int
    taken: bool
    number: int


class Twice(Struct, frozen=True, kw_only=True):
    """An invoice that was reimbursed and settled."""

    institution: str
    invoice_no: str
    number: int
    setl_id: int


async def keep_head(connection: Connection[Record], filed: Filed, at: datetime) -> None:
    """A reimbursement that was accepted."""
    await connection.execute(
        REIMBURSEMENTS["keep_reimbursement"], filed.lane, filed.number, filed.matter_no, at,
        filed.person_no,
    )  # fmt: skip


async def keep_paper(
    connection: Connection[Record], filed: Filed, sealed: Sealed, at: datetime
) -> bool:
    """Papers as they were entered; False where somebody was first."""
    made = await connection.fetchval(
        REIMBURSEMENTS["keep_paper"], filed.lane, filed.number, filed.paper_no, at,
        filed.total_fen, filed.begins_on, filed.ends_on, filed.institution, filed.invoice_no,
        filed.entered_by, sealed.payload,
    )  # fmt: skip
    return made is not None


async def keep_step(connection: Connection[Record], filed: Filed, step: Step) -> bool:
    """One act; False where somebody was first."""
    made = await connection.fetchval(
        REIMBURSEMENTS["keep_reimbursement_step"], filed.lane, filed.number, step.step_no,
        int(step.act), step.at, step.booked_on, step.paper_no, step.amounts.fund_fen,
        step.amounts.account_fen, step.cash_fen, step.actor, step.proposer, step.reference,
        step.reason, step.entry_id,
    )  # fmt: skip
    return made is not None


async def kept_of(
    connection: Connection[Record], lane: int, numbers: Sequence[int]
) -> list[Kept]:
    """Those of these numbers that there are, in order."""
    rows = await connection.fetch(REIMBURSEMENTS["reimbursement_papers"], lane, list(numbers))
    steps = await connection.fetch(REIMBURSEMENTS["reimbursement_steps"], lane, list(numbers))
    by_number = {
        number: tuple(step_of(row) for row in some)
        for number, some in groupby(steps, lambda row: row["reimbursement_no"])
    }
    return [
        Kept(
            filed=_filed(lane, row),
            sealed=Sealed(payload=row["payload"]),
            steps=by_number.get(row["reimbursement_no"], ()),
        )
        for row in rows
    ]


async def numbers_of(
    connection: Connection[Record], lane: int, since: datetime
) -> list[int]:
    """Reimbursements of a lane that something is waited for, and what came since."""
    rows = await connection.fetch(REIMBURSEMENTS["reimbursements_of"], lane, since)
    return [row["reimbursement_no"] for row in rows]


async def numbers_of_person(
    connection: Connection[Record], lane: int, person_no: str
) -> list[int]:
    """All of a person's, in order."""
    rows = await connection.fetch(REIMBURSEMENTS["reimbursements_of_person"], lane, person_no)
    return [row["reimbursement_no"] for row in rows]


async def of_matter(connection: Connection[Record], lane: int, matter_no: int) -> int | None:
    """The reimbursement that came of papers told in advance; None for none yet."""
    found: int | None = await connection.fetchval(
        REIMBURSEMENTS["reimbursement_of_matter"], lane, matter_no
    )
    return found


async def matter_of(
    connection: Connection[Record], lane: int, matter_no: int
) -> MatterRow | None:
    """What was told in advance; None where it is gone."""
    row = await connection.fetchrow(REIMBURSEMENTS["matter_of_reimbursement"], lane, matter_no)
    if row is None:
        return None
    return MatterRow(
        lane=row["lane"], matter_no=row["matter_no"], opened_at=row["opened_at"],
        kind=MatterKind(row["kind"]), psn_no=row["psn_no"], agent_no=row["agent_no"],
        payload=row["payload"],
    )  # fmt: skip


async def has_gateway(connection: Connection[Record]) -> bool:
    """Whether persons are told by messages."""
    found: bool = await connection.fetchval(
        REIMBURSEMENTS["message_gateway"], SMS_GATEWAY, Kind.SMS.value
    )
    return found


async def owe_message(connection: Connection[Record], row: OutboxRow) -> None:
    """A message is owed from this commit on."""
    await connection.execute(
        REIMBURSEMENTS["owe_message"], row.lane, row.case_no, row.notice_no, row.told_at,
        row.kind, row.topic, row.institution, row.payload,
    )  # fmt: skip


async def invoice_turn(
    connection: Connection[Record], lane: int, institution: str, invoice_no: str
) -> Turn | None:
    """Whose an invoice is; None where nobody ever brought it."""
    row = await connection.fetchrow(
        REIMBURSEMENTS["reimbursement_invoice"], lane, institution, invoice_no
    )
    if row is None:
        return None
    return Turn(turn=row["turn"], taken=row["taken"], number=row["reimbursement_no"])


async def keep_turn(
    connection: Connection[Record], lane: int, institution: str, invoice_no: str, turn: Turn,
    at: datetime,
) -> bool:  # fmt: skip
    """Take an invoice, or free it; False where somebody was first."""
    made = await connection.fetchval(
        REIMBURSEMENTS["keep_reimbursement_invoice"], lane, institution, invoice_no, turn.turn,
        turn.taken, turn.number, at,
    )  # fmt: skip
    return made is not None


async def settled_by_invoice(
    connection: Connection[Record], institution: str, invoice_no: str
) -> int | None:
    """A settlement of an institution that has this invoice number and stands, whoever it is of."""
    places = await connection.fetch(
        CONSOLE["console_settlements_by_invoice"], institution, invoice_no
    )
    if not places:
        return None
    rows = await connection.fetch(
        CONSOLE["console_settlements"], institution, [row["lane"] for row in places],
        [row["number"] for row in places],
    )  # fmt: skip
    standing = [
        row["setl_id"] for row in rows
        if row["undoes_setl_id"] is None and row["undone_by"] is None
    ]  # fmt: skip
    return min(standing, default=None)


async def reimbursed_twice(connection: Connection[Record], since: datetime) -> list[Twice]:
    """Invoices brought since a moment that were settled as well."""
    return [
        Twice(
            institution=row["institution"], invoice_no=row["invoice_no"],
            number=row["reimbursement_no"], setl_id=row["setl_id"],
        )
        for row in await connection.fetch(REIMBURSEMENTS["reimbursed_twice"], since)
    ]  # fmt: skip


def _filed(lane: int, row: Record) -> Filed:
    return Filed(
        lane=lane, number=row["reimbursement_no"], person_no=row["psn_no"],
        matter_no=row["matter_no"], paper_no=row["paper_no"], institution=row["institution"],
        invoice_no=row["invoice_no"], total_fen=row["total_fen"], begins_on=row["begins_on"],
        ends_on=row["ends_on"], entered_by=row["actor"], digest=committed_part(row["payload"]),
    )  # fmt: skip


def step_of(row: Record) -> Step:
    """A step as kept."""
    return Step(
        step_no=row["step_no"], act=Act(row["act"]), at=row["recorded_at"],
        booked_on=row["booked_on"], paper_no=row["paper_no"],
        amounts=Amounts(row["fund_fen"], row["account_fen"]), cash_fen=row["cash_fen"],
        actor=row["actor"], proposer=row["proposer"], reference=row["reference"],
        reason=row["reason"], entry_id=row["entry_id"],
    )  # fmt: skip
