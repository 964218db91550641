"""Paying institutions, as kept: steps, sums, adjustments and bank accounts in the lane of the
institution's code. Nothing here decides; what an account says stays sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TypeVar

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.payout import Act, Adjustment, Amounts, Kind, Period, Step
from settlement.numbers import lane_in
from settlement.rows import RowKind
from settlement.storage.queries import PAYOUTS

T = TypeVar("T")
_MONTH = 10**15
CASES_AT_ONCE = 5_000
"""Settlements that adjustments are about and that are looked up together."""


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """What a period owes for one clearing type, scheme and person type."""

    institution: str
    clearing_type: str
    """empty: the unpaid balance of the cut-over"""
    scheme: str
    category: str
    settled: int
    cancelled: int
    reversed: int
    total_fen: int
    fund_fen: int
    account_fen: int


class Kept(Struct, frozen=True, kw_only=True):
    """Everything that is kept of a period of an institution."""

    period: Period
    steps: tuple[Step, ...]
    before: tuple[Step, ...]
    """steps of the period before"""
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]


class Balances(Struct, frozen=True, kw_only=True):
    """What the ledger has with an institution at the end of a day."""

    payable: Amounts
    deposit_fen: int
    prepaid_fen: int


class Case(Struct, frozen=True, kw_only=True, gc=False):
    """A settlement row that an adjustment names."""

    institution: str
    settles: bool
    """it is a settlement, not what cancels or reverses one"""
    undone: bool

    @property
    def stands(self) -> bool:
        """Whether it may still be adjusted."""
        return self.settles and not self.undone


class AccountStep(Struct, frozen=True, kw_only=True):
    """A step of an institution's bank account, sealed."""

    step_no: int
    confirms: int | None
    key_version: int
    payload: bytes
    actor: str
    reason: str


class FileStep(Struct, frozen=True, kw_only=True):
    """What was done with a bank statement."""

    act: int
    actor: str
    row_count: int
    sum_fen: int


class Moved(Struct, frozen=True, kw_only=True, gc=False):
    """What entries of a kind moved on one account code."""

    code: int
    account_code: str
    name: str
    debits_fen: int
    credits_fen: int


async def lanes(connection: Connection[Record]) -> list[int]:
    """Lanes that settlements lie in."""
    return [row["lane"] for row in await connection.fetch(PAYOUTS["payout_lanes"])]


async def sums_of_lane(
    connection: Connection[Record], lane: int, first_on: date, last_on: date
) -> list[Line]:
    """What the settlement rows of a lane come to, of some business days."""
    rows = await connection.fetch(
        PAYOUTS["payout_sums"], lane, _month_number(first_on) * _MONTH,
        (_month_number(last_on) + 1) * _MONTH - 1, first_on, last_on,
    )  # fmt: skip
    return [_line(row) for row in rows]


async def carried_at_cut_over(connection: Connection[Record], last_on: date) -> list[Line]:
    """Unpaid balances of the cut-over that are in no period yet."""
    return [
        Line(
            institution=row["institution"], clearing_type="", scheme="", category="", settled=0,
            cancelled=0, reversed=0, total_fen=0, fund_fen=row["funds_fen"],
            account_fen=row["accounts_fen"],
        )
        for row in await connection.fetch(PAYOUTS["payout_carried"], last_on)
    ]  # fmt: skip


async def ledger_at(connection: Connection[Record], last_on: date) -> dict[str, Balances]:
    """What the ledger has with each institution at the end of a business day."""
    return {
        row["code"]: Balances(
            payable=Amounts(row["fund_fen"], row["account_fen"]),
            deposit_fen=row["deposit_fen"], prepaid_fen=row["prepaid_fen"],
        )
        for row in await connection.fetch(PAYOUTS["payout_ledger"], last_on)
    }


async def expected_at(connection: Connection[Record], last_on: date) -> dict[str, Amounts]:
    """What it must have as payable by the periods that were stated."""
    return {
        row["institution"]: Amounts(row["fund_fen"], row["account_fen"])
        for row in await connection.fetch(PAYOUTS["payout_expected"], last_on)
    }


async def pool_fen(connection: Connection[Record]) -> int:
    """What is in the pool of deposits that were not given back."""
    found: int = await connection.fetchval(PAYOUTS["payout_pool"])
    return found


async def periods(connection: Connection[Record], limit: int) -> list[tuple[date, date]]:
    """The periods that were stated, the newest first."""
    rows = await connection.fetch(PAYOUTS["payout_periods"], limit)
    return [(row["first_on"], row["last_on"]) for row in rows]


async def keep_period(
    connection: Connection[Record], lane: int, first_on: date, last_on: date, *, at: datetime,
    actor: str, reason: str,
) -> None:  # fmt: skip
    """A period is stated, unless it was."""
    await connection.execute(
        PAYOUTS["keep_payout_period"], lane, first_on, last_on, at, actor, reason
    )


async def first_business_day(connection: Connection[Record]) -> date | None:
    """The first business day of the books."""
    found: date | None = await connection.fetchval(PAYOUTS["first_business_day"])
    return found


async def institutions_of(
    connection: Connection[Record], lane: int, first_on: date
) -> list[str]:
    """Whom a period was stated for, of one lane."""
    rows = await connection.fetch(PAYOUTS["payout_institutions"], lane, first_on)
    return [row["institution"] for row in rows]


async def kept_of(
    connection: Connection[Record], lane: int, institutions: Sequence[str], first_on: date,
    last_on: date,
) -> list[Kept]:  # fmt: skip
    """What is kept of periods of institutions of one lane."""
    where = (lane, list(institutions), first_on)
    rows = await connection.fetch(PAYOUTS["payout_steps"], *where)
    steps = _by(rows, step_of)
    ends = {row["institution"]: row["last_on"] for row in rows}
    before = _by(await connection.fetch(PAYOUTS["payout_steps_before"], *where), step_of)
    lines = _by(await connection.fetch(PAYOUTS["payout_lines"], *where), _line)
    adjustments = _by(await connection.fetch(PAYOUTS["payout_adjustments"], *where), _adjustment)
    return [
        Kept(
            period=Period(
                institution=one, first_on=first_on, last_on=ends.get(one, last_on)
            ),
            steps=steps.get(one, ()), before=before.get(one, ()), lines=lines.get(one, ()),
            adjustments=adjustments.get(one, ()),
        )
        for one in institutions
    ]


async def keep_steps(
    connection: Connection[Record], lane: int, steps: Sequence[tuple[Period, Step]]
) -> bool:
    """Keep next steps of periods of one lane, all of one act and moment; False where the number of
    one was taken."""
    if not steps:
        return True
    period, first = steps[0]
    kept = await connection.fetch(
        PAYOUTS["keep_payout_steps"], lane, period.first_on, period.last_on, first.act, first.at,
        first.booked_on, first.actor, first.reason,
        [one.institution for one, _ in steps], [step.step_no for _, step in steps],
        [step.amounts.fund_fen for _, step in steps],
        [step.amounts.account_fen for _, step in steps], [step.reference for _, step in steps],
        [step.bank_account for _, step in steps], [step.entry_id for _, step in steps],
    )  # fmt: skip
    return len(kept) == len(steps)


async def keep_lines(
    connection: Connection[Record], lane: int, first_on: date, last_on: date,
    lines: Sequence[Line],
) -> None:  # fmt: skip
    """Keep what stated periods of one lane owe."""
    await connection.execute(
        PAYOUTS["keep_payout_lines"], lane, first_on, last_on,
        [line.institution for line in lines], [line.clearing_type for line in lines],
        [line.scheme for line in lines], [line.category for line in lines],
        [line.settled for line in lines], [line.cancelled for line in lines],
        [line.reversed for line in lines], [line.total_fen for line in lines],
        [line.fund_fen for line in lines], [line.account_fen for line in lines],
    )  # fmt: skip


async def cases_of(connection: Connection[Record], numbers: Iterable[int]) -> dict[int, Case]:
    """Settlements by number, whatever lane they lie in; those that are not there are left out."""
    asked = sorted(set(numbers))
    rows = await connection.fetch(
        PAYOUTS["payout_cases"], [lane_in(number) for number in asked], asked
    )
    return {
        row["setl_id"]: Case(
            institution=row["institution"], settles=row["kind"] == RowKind.SETTLE,
            undone=row["is_undone"],
        )
        for row in rows
    }  # fmt: skip


async def foreign_case(connection: Connection[Record], lane: int) -> tuple[int, str] | None:
    """The first settlement that an adjustment of a lane is about and that is none of its
    institution, with that institution. One that was cancelled later is its own all the same."""
    after = (0, "")
    while True:
        rows = await connection.fetch(PAYOUTS["payout_cases_named"], lane, *after, CASES_AT_ONCE)
        named = [(row["setl_id"], row["institution"]) for row in rows]
        if not named:
            return None
        cases = await cases_of(connection, (number for number, _ in named))
        for number, institution in named:
            case = cases.get(number)
            if case is None or not case.settles or case.institution != institution:
                return number, institution
        after = named[-1]


async def propose_adjustments(
    connection: Connection[Record], lane: int, first_on: date, at: datetime,
    adjustments: Sequence[tuple[str, Adjustment]],
) -> bool:  # fmt: skip
    """Keep what one person proposes for institutions of one lane, in one batch."""
    first = adjustments[0][1]
    kept = await connection.fetch(
        PAYOUTS["keep_payout_adjustments"], lane, first_on, at, first.proposed_by, first.batch,
        [institution for institution, _ in adjustments], [one.number for _, one in adjustments],
        [one.kind for _, one in adjustments], [one.amount_fen for _, one in adjustments],
        [one.source for _, one in adjustments], [one.note for _, one in adjustments],
        [one.setl_id for _, one in adjustments],
    )  # fmt: skip
    return len(kept) == len(adjustments)


async def end_adjustments(
    connection: Connection[Record], lane: int, first_on: date, at: datetime, booked_on: date,
    *, actor: str, reason: str, ended: Sequence[tuple[str, Adjustment]],
) -> bool:  # fmt: skip
    """Adjustments of one lane end, all booked or all withdrawn."""
    kept = await connection.fetch(
        PAYOUTS["end_payout_adjustments"], lane, first_on, at, booked_on, ended[0][1].booked,
        actor, reason, [institution for institution, _ in ended],
        [one.number for _, one in ended], [one.entry_id for _, one in ended],
    )  # fmt: skip
    return len(kept) == len(ended)


async def batch_of(
    connection: Connection[Record], first_on: date, batch: bytes
) -> list[tuple[str, str, int]]:
    """Whom a batch of adjustments is about, who proposed it, and how many rows are open."""
    rows = await connection.fetch(PAYOUTS["payout_batch"], first_on, batch)
    return [(row["institution"], row["actor"], row["open_rows"]) for row in rows]


async def accounts_of(
    connection: Connection[Record], lane: int, institutions: Sequence[str]
) -> dict[str, tuple[AccountStep, ...]]:
    """Steps of bank accounts of institutions of one lane."""
    return _by(
        await connection.fetch(PAYOUTS["payout_accounts"], lane, list(institutions)),
        lambda row: AccountStep(
            step_no=row["step_no"], confirms=row["confirms"], key_version=row["key_version"],
            payload=row["payload"], actor=row["actor"], reason=row["reason"],
        ),
    )  # fmt: skip


async def keep_account(
    connection: Connection[Record], lane: int, institution: str, step: AccountStep, at: datetime
) -> bool:
    """Keep the next step of a bank account."""
    kept = await connection.fetchval(
        PAYOUTS["keep_payout_account"], lane, institution, step.step_no, step.confirms,
        step.key_version, step.payload, at, step.actor, step.reason,
    )  # fmt: skip
    return kept is not None


async def file_steps(connection: Connection[Record], lane: int, digest: bytes) -> list[FileStep]:
    """What was done with a bank statement."""
    return [
        FileStep(
            act=row["act"], actor=row["actor"], row_count=row["row_count"], sum_fen=row["sum_fen"]
        )
        for row in await connection.fetch(PAYOUTS["payout_file"], lane, digest)
    ]


async def keep_file(
    connection: Connection[Record], lane: int, digest: bytes, step: FileStep, *, name: str,
    at: datetime, reason: str,
) -> bool:  # fmt: skip
    """A bank statement was read, or booked; False where it was already."""
    kept = await connection.fetchval(
        PAYOUTS["keep_payout_file"], lane, digest, step.act, name, step.row_count, step.sum_fen,
        at, step.actor, reason,
    )  # fmt: skip
    return kept is not None


async def voucher_pieces(
    connection: Connection[Record], first_on: date, last_on: date
) -> list[tuple[int, date, int, int]]:
    """Journals and business days with their blocks, first and last."""
    rows = await connection.fetch(PAYOUTS["voucher_days"], first_on, last_on)
    return [
        (row["journal"], row["business_day"], row["first_block"], row["last_block"])
        for row in rows
    ]


async def moved(
    connection: Connection[Record], journal: int, first: int, last: int, day: date
) -> list[Moved]:
    """What the entries of some blocks of a day moved in the agency's book."""
    return [
        Moved(
            code=row["code"], account_code=row["account_code"], name=row["name"],
            debits_fen=row["debits"], credits_fen=row["credits"],
        )
        for row in await connection.fetch(PAYOUTS["voucher_sums"], journal, first, last, day)
    ]  # fmt: skip


def _month_number(day: date) -> int:
    return day.year % 100 * 100 + day.month


def _by(rows: Iterable[Record], made: Callable[[Record], T]) -> dict[str, tuple[T, ...]]:
    return {
        institution: tuple(made(row) for row in some)
        for institution, some in groupby(rows, lambda row: str(row["institution"]))
    }


def step_of(row: Record) -> Step:
    """A step as its row has it."""
    return Step(
        step_no=row["step_no"], act=Act(row["act"]), at=row["recorded_at"],
        booked_on=row["booked_on"], actor=row["actor"],
        amounts=Amounts(row["fund_fen"], row["account_fen"]), reference=row["reference"],
        reason=row["reason"], bank_account=row["bank_account"], entry_id=row["entry_id"],
    )  # fmt: skip


def _line(row: Record) -> Line:
    return Line(
        institution=row["institution"], clearing_type=row["clearing_type"],
        scheme=row["scheme"], category=row["category"], settled=row["settled"],
        cancelled=row["cancelled"], reversed=row["reversed"], total_fen=row["total_fen"],
        fund_fen=row["fund_fen"], account_fen=row["account_fen"],
    )  # fmt: skip


def _adjustment(row: Record) -> Adjustment:
    return Adjustment(
        number=row["adjustment_no"], kind=Kind(row["kind"]), amount_fen=row["amount_fen"],
        source=row["source"], note=row["note"], batch=row["batch"], proposed_by=row["actor"],
        setl_id=row["setl_id"], ended_by=row["ended_by"] or "", booked=bool(row["booked"]),
        entry_id=row["entry_id"],
    )  # fmt: skip
