"""What acts on money in need of the database. They run beside a server as the schema's owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ledger.postgres.pace import Pace
from settlement.books.fund_payers import FundPayer
from settlement.clock import Clock, system_clock
from settlement.finance.progress import Tell, silent
from settlement.intake.faults import FileError
from settlement.policy.errors import PolicyError
from settlement.policy.region import AccountRules
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.serve.imports import LEASE
from settlement.serve.person_import import RESTS
from settlement.storage import money as store
from settlement.storage.bookkeeping import Bookkeeping, open_bookkeeping
from settlement.storage.funds import open_fund_accounts
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.storage.person_import import commit_without_waiting
from settlement.storage.policies import load_policy_set

NAME = "settlement-operator"
WORKERS = 2
"""Connections that write at once."""


class MoneyBooks(Bookkeeping, frozen=True, kw_only=True):
    """See the module."""

    owner_dsn: str
    funds: Mapping[int, str]
    """the funds that there are, by code"""
    payers: Mapping[int, FundPayer] = {}
    """who owes what funds pay, by code; all others are the agency's own"""
    accounts: AccountRules
    tell: Tell = silent


async def share_out(
    books: MoneyBooks, shares: Sequence[Sequence[int]],
    work: Callable[[PlainConnection, int, Pace], Coroutine[None, None, None]],
    own_blocks: Callable[[], int] = lambda: 0,
) -> None:  # fmt: skip
    """Work on lanes over connections of their own, one a share, each at a pace that lets those who
    settle come first; `own_blocks` says how many the work itself has appended. Their commits reach
    the disk a moment later: whatever is committed after them, as the step that says it is done,
    takes them along, and where the machine fails before, what is missing is done again."""

    whole, done = sum(map(len, shares)), 0

    def told() -> None:
        nonlocal done
        done += 1
        books.tell(done, whole)

    async def through(share: Sequence[int]) -> None:
        async with connection_for(books.owner_dsn, NAME) as connection:
            await commit_without_waiting(connection)
            pace = Pace(rests=RESTS, own_blocks=own_blocks)
            for lane in share:
                await work(connection, lane, pace)
                told()
                await pace.rest(connection)

    async with asyncio.TaskGroup() as group:
        for share in shares:
            if share:
                group.create_task(through(share))


def by_lane(lanes: Iterable[int]) -> list[list[int]]:
    """Lanes for so many connections."""
    ordered = sorted(lanes)
    return [ordered[first::WORKERS] for first in range(WORKERS)]


def by_journal(books: MoneyBooks) -> list[list[int]]:
    """All lanes for so many connections, those of a journal together where there are journals
    enough, so that two never wait for one head. Else they take turns at it: one reads its rows and
    makes its entry while the other writes."""
    journals = sorted(set(books.journal_of.values()))
    if len(journals) < WORKERS:
        return by_lane(books.journal_of)
    place = {journal: number % WORKERS for number, journal in enumerate(journals)}
    return [
        [lane for lane, journal in sorted(books.journal_of.items()) if place[journal] == share]
        for share in range(WORKERS)
    ]


async def open_books(
    connection: PlainConnection, owner_dsn: str, *, clock: Clock = system_clock,
    tell: Tell = silent,
) -> MoneyBooks:  # fmt: skip
    """Read what all acts need, and open the accounts that money comes into. StorageError where the
    database is not prepared."""
    opened = await open_bookkeeping(connection, clock=clock)
    policies = await load_policy_set(connection)
    await open_fund_accounts(connection, policies, opened.region)
    profile = policies.region(opened.region)
    funds = await store.fund_names(connection)
    payers = policies.fund_payers(opened.region)
    owed = {code: one.fund_name for code, one in payers.items()}
    await store.open_accounts(connection, funds, owed)
    return opened.of(
        MoneyBooks, owner_dsn=owner_dsn, funds=funds, payers=payers, tell=tell,
        accounts=AccountRules() if profile is None else profile.accounts,
    )  # fmt: skip


def run(
    data_dir: Path, act: Callable[[MoneyBooks], Coroutine[None, None, Said]], *, alone: bool
) -> Said:
    """Open the books of a data directory for one act; `alone` where it takes files in or books."""

    async def once(books: MoneyBooks) -> Said:
        if alone and not await take_lease(books.connection, LEASE):
            return Said(1, "另一导入正在进行 | another import is running: try again later")
        return await act(books)

    return run_act(_books(data_dir), once, FileError, PolicyError, OSError)


@asynccontextmanager
async def _books(data_dir: Path) -> AsyncIterator[MoneyBooks]:
    async with connected(data_dir, NAME) as (database, connection):
        yield await open_books(connection, database.owner_dsn)
