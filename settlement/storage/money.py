"""Money in, as kept: files with their steps, and their rows by lane. Nothing here decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct, structs

from ledger.entry import Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.literals import plain, texts
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.shape import Shape
from settlement import chart
from settlement.books.money_in import (
    Act,
    MoneyRow,
    Source,
    State,
    Step,
    Subject,
    Taken,
    commitment,
    entry_code,
    proposer,
    state_of,
    take,
    transfers,
)
from settlement.clock import Moment
from settlement.intake.money import Lane
from settlement.storage.queries import MONEY, REFERENCE, SCATTER
from settlement.storage.writer import lock_head

BLOCKS_AT_ONCE = 2_000
"""Blocks that a report reads in one statement."""
_BLOCK = 10**6
"""Numbers of a block, of which one lane's are together (settlement/numbers.py)."""
_LANE = 10**11
_SOURCES = {int(source): source for source in Source}
"""Looked up for every row of two million."""
_FILE = 10**5
_SCHEME_NAMES = {
    "310": "职工医保", "390": "居民医保", "320": "公务员补助", "330": "大额补助",
    "340": "离休", "350": "残疾军人", "510": "生育", "410": "长期护理", "392": "居民大病",
}  # fmt: skip


class MoneyFile(Struct, frozen=True, kw_only=True):
    """A file, as it was proposed, and what became of it."""

    lane: int
    file_no: int
    subject: Subject
    month: date
    digest: str
    name: str
    row_count: int
    in_fen: int
    out_fen: int
    totals: str
    steps: tuple[Step, ...] = ()

    @property
    def state(self) -> State:
        """Where it is."""
        return state_of(self.steps)

    @property
    def proposer(self) -> str:
        """Who proposed it."""
        return proposer(self.steps)


class Known(Struct, frozen=True, gc=False):
    """What is known of a person: the account, and what may be spent (None: not open yet)."""

    account: int
    spendable_fen: int | None


def numbers(file_no: int, lane: int) -> tuple[int, int]:
    """The first and the last number that entries of a file may have in a lane."""
    month, block = divmod(file_no, _FILE)
    base = month * _LANE * 10_000 + lane * _LANE + block * _BLOCK
    return base + 1, base + _BLOCK - 1


async def next_file_no(connection: Connection[Record], day: date) -> int:
    """The number of a new file: of a block that nobody else numbers in."""
    block: int = await connection.fetchval(REFERENCE["number_block"])
    return (day.year % 100 * 100 + day.month) * _FILE + block


async def open_accounts(
    connection: Connection[Record], funds: Mapping[int, str], owed_by_others: Mapping[int, str]
) -> None:
    """Accounts that money comes into, unless they are there; of some funds what payers owe."""
    accounts = (
        *chart.agency_accounts(), *chart.money_accounts(_SCHEME_NAMES),
        *chart.income_accounts(dict(funds)), *chart.payer_accounts(owed_by_others),
    )  # fmt: skip
    for one in accounts:
        await connection.execute(
            REFERENCE["open_account"], one.number, one.owner, one.code, one.name,
            one.debit_normal,
        )  # fmt: skip


async def fund_names(connection: Connection[Record]) -> dict[int, str]:
    """The funds that there are, by code."""
    rows = await connection.fetch(
        SCATTER["fund_names"], chart.fund_account(100_000), chart.fund_account(999_999)
    )
    return {account - chart.FUND_BASE: name for account, name in rows}


async def find_file(
    connection: Connection[Record], lane: int, subject: Subject, month: date, digest: str
) -> MoneyFile | None:
    """The file with this digest that is of this month."""
    row = await connection.fetchrow(MONEY["money_file"], lane, subject, month, digest)
    return None if row is None else await _with_steps(connection, lane, row)


async def files(connection: Connection[Record], subject: Subject) -> list[MoneyFile]:
    """All files of a kind, newest first."""
    rows = await connection.fetch(SCATTER["money_files"], subject)
    return [await _with_steps(connection, row["lane"], row) for row in rows]


async def _with_steps(connection: Connection[Record], lane: int, row: Record) -> MoneyFile:
    steps = await connection.fetch(MONEY["money_steps"], lane, row["file_no"])
    fields = {**dict(row), "lane": lane, "subject": Subject(row["subject"])}
    return MoneyFile(
        **fields,
        steps=tuple(
            Step(step_no=number, act=Act(act), at=at, actor=actor, reason=reason)
            for number, act, at, actor, reason in steps
        ),
    )


async def keep_file(connection: Connection[Record], file: MoneyFile) -> None:
    """A file, before its rows."""
    await connection.execute(
        MONEY["keep_money_file"], file.lane, file.file_no, file.subject, file.month, file.digest,
        file.name, file.row_count, file.in_fen, file.out_fen, file.totals,
    )  # fmt: skip


async def keep_step(
    connection: Connection[Record], file: MoneyFile, act: Act, *, at: datetime, actor: str,
    reason: str,
) -> MoneyFile:  # fmt: skip
    """The next step of a file; it as it is then."""
    step = Step(step_no=len(file.steps) + 1, act=act, at=at, actor=actor, reason=reason)
    kept = await connection.fetchval(
        MONEY["keep_money_step"], file.lane, file.file_no, step.step_no, act, at, actor, reason
    )
    if kept is None:
        raise RuntimeError(f"step {step.step_no} of file {file.file_no} is taken")
    return structs.replace(file, steps=(*file.steps, step))


async def accounts_of(
    connection: Connection[Record], lane: int, persons: Sequence[str]
) -> list[Known | None]:
    """What is known of persons of a lane, in their order."""
    rows = await connection.fetch(MONEY["accounts_for_money"], lane, texts(persons))
    return [None if account is None else Known(account, fen) for account, fen in rows]


async def said_before(
    connection: Connection[Record], lane: int, month: date, own: Lane
) -> list[tuple[int, int, int]]:
    """What other files said of the same of this month: place, file and fen."""
    rows = await connection.fetch(
        MONEY["said_before"], lane, month, texts(own.persons), plain(own.sources),
        texts(own.schemes), texts(own.funds), texts(own.references),
    )  # fmt: skip
    return [(place - 1, file_no, fen) for place, file_no, fen in rows]


async def open_balances(
    connection: Connection[Record], lane: int, accounts: Sequence[int]
) -> None:
    """Accounts that money comes into for the first time."""
    await connection.execute(MONEY["open_money_balances"], lane, plain(accounts))


async def keep_rows(
    connection: Connection[Record], file: MoneyFile, lane: int, entry_id: int, own: Lane,
    accounts: Sequence[int],
) -> None:  # fmt: skip
    """Rows that share an entry."""
    await connection.execute(
        MONEY["keep_money_rows"], lane, entry_id, file.file_no, file.month,
        plain(own.row_nos.tolist()), plain(accounts), plain(own.amounts.tolist()),
        plain(own.sources), texts(own.persons), texts(own.schemes), texts(own.funds),
        texts(own.references),
    )  # fmt: skip


async def drop_rows(connection: Connection[Record], file: MoneyFile, lane: int) -> None:
    """Rows of a file that was never proposed."""
    await connection.execute(MONEY["drop_money_rows"], lane, *numbers(file.file_no, lane))


async def unbooked(connection: Connection[Record], file: MoneyFile, lane: int) -> list[int]:
    """Entries of a file that are to be booked in a lane."""
    rows = await connection.fetch(
        MONEY["unbooked_money"], lane, *numbers(file.file_no, lane)
    )
    return [row[0] for row in rows]


async def booked_rows(connection: Connection[Record], file: MoneyFile, lane: int) -> int:
    """How many rows of a file are booked in a lane."""
    count: int = await connection.fetchval(
        MONEY["money_booked"], lane, *numbers(file.file_no, lane)
    )
    return count


async def left_of(
    connection: Connection[Record], file: MoneyFile, lane: int
) -> list[tuple[int, str, Source, int, Taken]]:
    """Rows that found too little: row, person, source, amount, and what they came to."""
    rows = await connection.fetch(MONEY["money_left"], lane, *numbers(file.file_no, lane))
    return [
        (row, person, Source(source), fen, Taken(taken_fen=taken, owed_fen=owed))
        for row, person, source, fen, taken, owed in rows
    ]


async def book(
    connection: Connection[Record], *, lane: int, entry_id: int, journal: int, shape: Shape,
    moment: Moment,
) -> int:  # fmt: skip
    """Book the rows of an entry, in one transaction under the journal's head; how many. What can be
    made before the head is taken is: another booking may have it meanwhile."""
    rows = await _rows(connection, lane, entry_id)
    persons = sorted({row.person_no for row in rows if row.person_no})
    code = entry_code(rows[0].source)

    def block(taken: Mapping[int, Taken]) -> Sequence[object]:
        moves: list[Transfer] = []
        for row in rows:
            moves += transfers(row, taken.get(row.row_no))
        entry = Entry(
            lane=lane, entry_id=entry_id, kind=EntryKind.SINGLE, code=code,
            transfers=tuple(moves), commitment=commitment(rows, taken),
        )  # fmt: skip
        arguments = append_arguments(
            journal=journal, business_day=moment.business_day, booked_at=moment.at,
            entries=[entry], resolved={},
        )  # fmt: skip
        return for_shape(arguments, shape, lane)

    made = None if any(row.source.takes for row in rows) else block({})
    touched = texts(persons)
    async with connection.transaction():
        await lock_head(connection, journal=journal, lane=lane, shape=shape)
        if persons:
            await connection.execute(MONEY["touch_persons"], lane, touched)
        if made is None:
            taken = await _taken(connection, lane, rows)
            await _keep_taken(connection, lane, entry_id, rows, taken)
            made = block(taken)
        await connection.execute(LEDGER[shape]["append_block"], *made)
    return len(rows)


async def _rows(connection: Connection[Record], lane: int, entry_id: int) -> list[MoneyRow]:
    rows = await connection.fetch(MONEY["money_rows"], lane, entry_id)
    return [
        MoneyRow(
            lane=lane, entry_id=entry_id, file_no=file_no, row_no=row_no, month=month,
            source=_SOURCES[source], person_no=person, scheme=scheme, fund=fund,
            reference=reference, account=account, amount_fen=fen,
        )
        for file_no, row_no, month, source, person, scheme, fund, reference, account, fen in rows
    ]  # fmt: skip


async def _taken(
    connection: Connection[Record], lane: int, rows: Sequence[MoneyRow]
) -> dict[int, Taken]:
    """What rows that take come to; nothing is read where none does."""
    taking = [row for row in rows if row.source.takes]
    if not taking:
        return {}
    accounts = sorted({row.account for row in taking})
    spendable = await connection.fetch(MONEY["money_spendable"], lane, plain(accounts))
    persons = sorted({row.person_no for row in taking})
    owed = await connection.fetch(MONEY["owed_by_persons"], lane, texts(persons))
    return take(rows, dict(spendable), dict(owed))


async def _keep_taken(
    connection: Connection[Record], lane: int, entry_id: int, rows: Sequence[MoneyRow],
    taken: Mapping[int, Taken],
) -> None:  # fmt: skip
    own = [row for row in rows if row.row_no in taken]
    await connection.execute(
        MONEY["keep_money_taken"], lane, entry_id, [row.row_no for row in own],
        [row.person_no for row in own], [taken[row.row_no].taken_fen for row in own],
        [taken[row.row_no].owed_fen for row in own],
    )  # fmt: skip


class Allotted(Struct, frozen=True, kw_only=True):
    """What rows of a source came to in a month."""

    source: int
    row_count: int
    amount_fen: int
    taken_fen: int
    owed_fen: int


async def allotted_of(connection: Connection[Record], month: date) -> list[Allotted]:
    """What was booked of personal accounts, by source."""
    rows = await connection.fetch(SCATTER["money_allotted"], month)
    return [Allotted(**dict(row)) for row in rows]


async def income_of(
    connection: Connection[Record], month: date
) -> list[tuple[str, str, Source, int]]:
    """What was booked as income of a month: scheme, fund, source, fen."""
    rows = await connection.fetch(SCATTER["money_income"], month)
    return [(scheme, fund, Source(source), fen) for scheme, fund, source, fen in rows]


async def expenditure_of(
    connection: Connection[Record], first: date, last: date
) -> dict[int, int]:
    """What funds spent on business days, by code: some blocks of a journal at a time."""
    found: dict[int, int] = {}
    between = chart.fund_account(0), chart.fund_account(999_999)
    for journal, begin, end in await connection.fetch(
        SCATTER["journal_blocks_of_days"], first, last
    ):
        for block in range(begin, end + 1, BLOCKS_AT_ONCE):
            through = min(block + BLOCKS_AT_ONCE - 1, end)
            for account, fen in await connection.fetch(
                SCATTER["fund_movements"], journal, block, through, first, last, *between
            ):
                code = account - chart.FUND_BASE
                found[code] = found.get(code, 0) + fen
    return found


async def account_days(
    connection: Connection[Record], lane: int, first: date, last: date
) -> list[tuple[str, int]]:
    """Persons of a lane with the sum of their daily balances, in fen times days."""
    rows = await connection.fetch(MONEY["account_days"], lane, first, last)
    return [(person, fen_days) for person, fen_days in rows]
