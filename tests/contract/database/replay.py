"""Sends to PostgreSQL what a simulated region's database was sent, and compares the answers.

A connection of the simulation is one here; transactions begin and end where they did there. So
whatever the memory side takes for granted of our statements is asked of the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from ledger.postgres.fold import trial_balance
from settlement.keyring import LookupKind
from settlement.lanes import lane_of
from settlement.storage.connect import verify_pool
from settlement.storage.errors import translate
from settlement.storage.install import Region, ensure_schema
from settlement.storage.queries import QUERIES
from settlement.storage.verify import verify
from tests.kit.clock import TownClock
from tests.kit.townhall import Townhall
from tests.services import FreshDatabase
from tests.simulation.books import at_once
from tests.simulation.database import driver
from tests.simulation.database.driver import WRITE_BATCH, Sent
from tests.simulation.database.tables import Tables
from tests.simulation.whole import opening

IN_ORDER = frozenset({
    "read_visits", "read_payments", "read_remote_cases", "list_settlements", "list_visits",
    "read_family_moves", "read_family_shares", "read_mobile_orders",
})  # fmt: skip
"""Statements whose answer has an order that says everything."""
UNCOMPARED = frozenset({"versions", "credentials", "is_installed", "plan_anew"})
"""How often the opening told processes of changes is of no account, secrets have nonces of their
own, and the rest answers nothing."""
POLLS = frozenset({
    "payments_due", "cases_due", "open_undertakings", "open_holds", "orders_due",
    "take_lease",
})  # fmt: skip
"""Asked all the time; one of ten that find nothing is enough."""


class Twin:
    """A region in PostgreSQL, opened as the simulated one was."""

    def __init__(self, database: FreshDatabase, code: str) -> None:
        self._database = database
        self._region = opening.region(code)
        self._connections: dict[int, asyncpg.Connection[asyncpg.Record]] = {}
        self._transactions: dict[int, Any] = {}
        self.compared = 0

    async def open(self) -> None:
        """Schema and people, by the product's own installer."""
        region = self._region
        self.owner = await asyncpg.connect(self._database.owner_dsn)
        await ensure_schema(
            self.owner,
            Region(code=region.place.region, lanes=opening.LANES, journals=opening.JOURNALS),
            app_role="settlement_app", at=opening.OPENED,
        )  # fmt: skip
        clock = TownClock()
        clock._at = opening.OPENED
        town = Townhall(
            self._database.owner_dsn, region.keyring, clock, lanes=opening.LANES, employees=0,
            place=region.place,
        )  # fmt: skip
        town.owner = self.owner
        town._people = {kind: [] for kind in town._people}
        for citizen in region.people:
            town._people[next(iter(town._people))].append(citizen)
        await town.populate()
        tables = region.tables()
        for person in tables.persons.values():
            await self.owner.execute(
                "update settlement.person set identity = $3, family = $4"
                " where lane = $1 and psn_no = $2",
                person.lane, person.psn_no, person.identity, person.family,
            )  # fmt: skip

        await self._issue(tables)

    async def _issue(self, tables: Tables) -> None:
        """Tokens of people, and the credential of a wallet."""
        for (lane, number, key), (institution, expires_at) in tables.tokens.items():
            await self.owner.execute(
                QUERIES["keep_token"], lane, number, key, institution, expires_at
            )
        for (key_lane, kind, key), number in tables.lookup.items():
            if kind == LookupKind.TOKEN:
                lane = lane_of(number, opening.LANES)
                await self.owner.execute(
                    QUERIES["keep_lookup"], key_lane, kind, key, lane, number
                )
        await self.owner.execute(
            "insert into settlement.credential"
            " (access_key, institution, key_version, secret, body_keys)"
            " values ($1, $2, $3, $4, $5)",
            *tables.credentials[opening.WALLETS_KEY],
        )

    async def replay(self, sent: Sequence[Sent]) -> None:
        """All of it, in the order in which it was done."""
        for number, one in enumerate(sent):
            match one.statement:
                case driver.BEGUN:
                    connection = await self._connection(one)
                    self._transactions[one.connection] = connection.transaction()
                    await self._transactions[one.connection].start()
                case driver.COMMITTED:
                    await self._transactions.pop(one.connection).commit()
                case driver.ROLLED_BACK:
                    await self._transactions.pop(one.connection).rollback()
                case driver.COPIED:
                    connection = await self._connection(one)
                    table, schema, columns, records = one.arguments
                    await connection.copy_records_to_table(
                        table, schema_name=schema, columns=columns, records=records
                    )
                case driver.CLOSED:
                    await self._close(one.connection)
                case _:
                    await self._compare(number, one)

    async def _compare(self, number: int, one: Sent) -> None:
        name = driver.name_of(one.statement)
        idle = name in POLLS and not any(map(any, one.answer))
        if name in UNCOMPARED or (idle and number % 10):
            return
        self.compared += 1
        real = await _answer(await self._connection(one), one)
        assert _plain(name, real) == _plain(name, one.answer), (number, name, real, one.answer)

    async def same_books(self, tables: Tables) -> None:
        """Trial balances, chains and persons; and the product's own verification passes."""
        owners = ("agency", *(one.code for one in self._region.place.institutions))
        for owner in owners:
            ours = at_once(tables.ledger.trial_balance(owner))
            assert await trial_balance(self.owner, owner) == ours
        rows = await self.owner.fetch(
            "select b.journal, b.block_hash from ledger.block b order by b.journal, b.block_no"
        )
        chain = [(j, b.block_hash) for j in sorted(set(tables.journal_of.values()))
                 for b in tables.ledger.blocks(j)]  # fmt: skip
        assert [tuple(row) for row in rows] == chain
        persons = await self.owner.fetch("select p.* from settlement.person p")
        assert len(persons) == len(tables.persons)
        for row in persons:
            person = tables.persons[row["lane"], row["psn_no"]]
            assert {name: getattr(person, name) for name in row.keys()} == dict(row)  # noqa: SIM118
        async with verify_pool(self._database.owner_dsn) as pool:
            report = await verify(pool, year=2026, keyring=self._region.keyring)
        assert report.ok, report.first_bad

    async def close(self) -> None:
        """Every connection."""
        for number in list(self._connections):
            await self._close(number)
        await self.owner.close()

    async def _connection(self, one: Sent) -> asyncpg.Connection[asyncpg.Record]:
        number, database = one.connection, self._database
        if number not in self._connections:
            dsn = database.owner_dsn if one.by_owner else database.app_dsn
            self._connections[number] = await asyncpg.connect(dsn)
        return self._connections[number]

    async def _close(self, number: int) -> None:
        if number in self._transactions:
            await self._transactions.pop(number).rollback()
        connection = self._connections.pop(number, None)
        if connection is not None:
            await connection.close()


async def _answer(connection: asyncpg.Connection[asyncpg.Record], one: Sent) -> Any:
    try:
        if one.statement == WRITE_BATCH:
            await connection.execute(one.statement, *one.arguments)
            return []
        return await connection.fetch(one.statement, *one.arguments)
    except asyncpg.PostgresError as exc:
        return exc


def _plain(name: str, answer: Any) -> Any:
    """What is compared: rows, or what an exception means to us."""
    if isinstance(answer, Exception):
        return type(translate(answer)).__name__
    rows = [tuple(row.values()) if hasattr(row, "values") else tuple(row) for row in answer]
    return rows if name in IN_ORDER else sorted(rows, key=repr)
