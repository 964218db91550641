"""Reimbursements as the console lists them: over all lanes, without opening any papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.payout import NONE, Amounts
from settlement.books.reimbursement import AFTER, Act, Standing, State, standing
from settlement.storage.queries import CONSOLE_MONEY
from settlement.storage.reimbursements import step_of

STAYING = frozenset(
    act for act in Act
    if all(after is state for (state, one), after in AFTER.items() if one is act)
)  # fmt: skip
"""Acts that leave a reimbursement in its state."""
LEADS_TO: Mapping[Act, State] = {
    act: after for (_, act), after in AFTER.items() if act not in STAYING
}
"""Where the others lead, wherever they come from."""


class Listed(Struct, frozen=True, kw_only=True):
    """A reimbursement in the list."""

    number: int
    recorded_at: datetime
    person_no: str
    institution: str
    invoice_no: str
    total_fen: int
    now: Standing

    @property
    def owed(self) -> Amounts:
        """What is owed to the person for it."""
        if self.now.settled is None or self.now.state is State.CANCELLED:
            return NONE
        return self.now.settled.amounts


class Waiting(Struct, frozen=True, kw_only=True):
    """A reimbursement that something is waited for, or that came lately, without its papers."""

    lane: int
    number: int
    recorded_at: datetime
    state: State


async def waiting(
    connection: Connection[Record], scope: str | None, since: datetime
) -> list[Waiting]:
    """All of them, the newest first."""
    rows = await connection.fetch(CONSOLE_MONEY["reimbursements_waiting"], scope, since)
    return [
        Waiting(
            lane=row["lane"], number=row["reimbursement_no"], recorded_at=row["recorded_at"],
            state=LEADS_TO[Act(row["act"])],
        )
        for row in rows
    ]  # fmt: skip


def counts(found: Sequence[Waiting]) -> dict[State, int]:
    """How many are in which state, in the order of states."""
    told = Counter(one.state for one in found)
    return {state: told[state] for state in State if told[state]}


async def listed(connection: Connection[Record], some: Sequence[Waiting]) -> list[Listed]:
    """Some of those that were found, with their papers and steps."""
    rows = await connection.fetch(
        CONSOLE_MONEY["reimbursements_listed"], sorted({one.lane for one in some}),
        [one.number for one in some],
    )  # fmt: skip
    return await _with_steps(connection, rows)


async def of_person(
    connection: Connection[Record], scope: str | None, lane: int, person_no: str, *, limit: int
) -> list[Listed]:
    """One person's, the newest first."""
    rows = await connection.fetch(
        CONSOLE_MONEY["reimbursements_listed_of_person"], scope, lane, person_no, limit
    )
    return await _with_steps(connection, rows)


async def may_see(
    connection: Connection[Record], scope: str | None, lane: int, number: int
) -> bool:
    """Whether there is one of this number within the scope."""
    return bool(
        await connection.fetchval(CONSOLE_MONEY["reimbursement_in_scope"], scope, lane, number)
    )


async def _with_steps(connection: Connection[Record], rows: Sequence[Record]) -> list[Listed]:
    steps = await connection.fetch(
        CONSOLE_MONEY["reimbursements_listed_steps"], sorted({row["lane"] for row in rows}),
        [row["reimbursement_no"] for row in rows],
    )  # fmt: skip
    by_number = {
        number: standing(step_of(row) for row in some)
        for number, some in groupby(steps, lambda row: row["reimbursement_no"])
    }
    return [
        Listed(
            number=row["reimbursement_no"], recorded_at=row["recorded_at"],
            person_no=row["psn_no"], institution=row["institution"],
            invoice_no=row["invoice_no"], total_fen=row["total_fen"],
            now=by_number[row["reimbursement_no"]],
        )
        for row in rows
    ]  # fmt: skip
