"""A month of a large city reconciled with a channel's bills, closed and sealed; and what finance
people look at while it is loaded.

`make drill-month SETTLEMENTS=1530000 BILL_ROWS=1000000` loads a month of
settlements and of payments into a database of its own (loadtest/sql), lets the product list them
by institution and close the days, as it does night by night, and then measures each step of the
month: matching, the list of differences, the check, the report that two people sign, the seals and
those of a day made again; and what pages show. Prints a table and leaves it as JSON: seconds by the
clock, seconds of a processor, of this process and its database backend together, whoever else uses
the machine, and the greatest memory of both. Exit status 1 where sums do not fit.

Loaded rows have no chain and no sealed texts, so nothing here runs `settlement verify`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.postgres.queries import load
from ledger.postgres.shape import Shape
from loadtest.drills import matching_month
from loadtest.drills.backend import Backend
from settlement.console.today import Today
from settlement.embedded.services import Services, start_services
from settlement.finance import balances, month_check, months
from settlement.finance.books import open_books
from settlement.finance.days import close_days
from settlement.finance.desk import act_on_month
from settlement.finance.matching import match
from settlement.finance.office import Office, open_office
from settlement.monthly_statement import Level, StatementAsked
from settlement.seal_keys import Algorithm, SigningKey
from settlement.sealing import Span, roots_of
from settlement.storage import channel_rows, day_totals, differences, seals
from settlement.storage.connect import connect_plain
from settlement.storage.differences import Filter
from settlement.storage.install import Region, ensure_schema
from settlement.storage.lease import PlainConnection, connection_for
from settlement.storage.seal_key import SealKeys
from settlement.storage.statement_sheets import read_groups
from settlement.storage.statements import list_behind
from settlement.who import Who

OUT = Path("build/drill-month.json")
QUERIES = load(Path(__file__).parents[1] / "sql" / "close.sql")
FIRST, DAYS, LANES = matching_month.FIRST, matching_month.DAYS, matching_month.LANES
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = datetime(2026, 12, 9, 2, 0, tzinfo=UTC)
NUMBER = 2611 * 10**15 + 10**10
"""Behind the numbers of the loaded payments."""
KEY = SigningKey(algorithm=Algorithm.ED25519, private="11" * 32)
ONE, OTHER = Who(actor="drill-1", reason="drill"), Who(actor="drill-2", reason="drill")


OF_THE_MONTH = frozenset({
    "list our side", "match", "list differences", "begin", "check", "close", "close (confirmed)",
    "seal",
})  # fmt: skip
"""Steps of the figure: what people wait for at the end of a month."""


class Size(Struct, frozen=True, kw_only=True):
    """How large a city."""

    settlements: int
    bill_rows: int
    institutions: int
    differences: int


class Step(Struct, frozen=True, kw_only=True):
    """What a step took."""

    name: str
    seconds: float
    processor_seconds: float
    process_mib: int
    backend_mib: int
    """the greatest memory of each, without the buffers that all share"""
    what: str


class Came(Struct, kw_only=True):
    """What a run came to."""

    size: Size
    steps: list[Step] = []
    wrong: list[str] = []


class Clock:
    """Measures steps on one connection."""

    def __init__(self, came: Came, backend: Backend) -> None:
        self._came = came
        self._backend = backend

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[list[str]]:
        """One step; what it came to is put into the list."""
        told: list[str] = []
        self._backend.forget()
        async with self._backend.watched():
            began, used = time.perf_counter(), self._backend.processor_seconds()
            yield told
            took = time.perf_counter() - began
            used = self._backend.processor_seconds() - used
        self._came.steps.append(
            Step(
                name=name, seconds=round(took, 3), processor_seconds=round(used, 2),
                process_mib=self._backend.own_peak_kib // 1024,
                backend_mib=self._backend.peak_kib // 1024, what=" ".join(told),
            )
        )  # fmt: skip


async def load_settlements(connection: PlainConnection, size: Size) -> None:
    """Settlements of the month, day by day."""
    await connection.execute(QUERIES["city_institutions"], size.institutions)
    await connection.execute(QUERIES["city_funds"])
    persons = max(size.settlements // 5, 1)
    back = size.settlements // 40 // 1000 * 1000 + 1001
    for n in range(DAYS):
        first, last = size.settlements * n // DAYS + 1, size.settlements * (n + 1) // DAYS
        await connection.execute(
            QUERIES["city_day"], FIRST + timedelta(days=n), first, last, persons,
            size.institutions, LANES, back, NUMBER,
        )  # fmt: skip
    await connection.execute(QUERIES["city_is_loaded"])


async def drill(
    connection: PlainConnection, services: Services, size: Size
) -> Came:
    """The whole of it, on an empty database."""
    region = Region(code="441900", lanes=LANES, shape=Shape.ONE_MACHINE, journals=2)
    await ensure_schema(connection, region, app_role=matching_month.APP_ROLE, at=NOW)
    came = Came(size=size)
    clock = Clock(came, Backend(connection.get_server_pid()))
    if size.bill_rows:
        async with clock.step("(load payments and bills)"):
            files = await matching_month.load_month(connection, size.bill_rows)
            await matching_month.inject(connection, files, size.differences)
            await connection.execute(matching_month.QUERIES["month_is_loaded"])
    async with clock.step("(load settlements)"):
        await load_settlements(connection, size)
    office = await open_office(
        connection, services.app_dsn, Path("/nowhere"),
        keys=SealKeys(signing=KEY, since=datetime(2026, 1, 1, tzinfo=UTC)), clock=lambda: NOW,
    )  # fmt: skip
    await _nights(clock, office)
    if size.bill_rows:
        await _reconcile(clock, connection, services.owner_dsn, came)
    await _close(clock, office, came)
    await _check_again(clock, office, came)
    await _look(clock, office)
    return came


async def _nights(clock: Clock, office: Office) -> None:
    """What the server does night by night."""
    async with clock.step("(list statements)"):
        while await list_behind(office.connection, blocks_min=1):
            pass
    async with clock.step("(close thirty days)") as told:
        longest = 0.0
        for n in range(DAYS):
            began = time.perf_counter()
            await close_days(
                office.connection, office.home, through=FIRST + timedelta(days=n), at=NOW, key=KEY
            )
            longest = max(longest, time.perf_counter() - began)
        told.append(f"the longest {longest:.2f} s")


async def _reconcile(
    clock: Clock, connection: PlainConnection, dsn: str, came: Came
) -> None:
    books = await open_books(connection, clock=lambda: NOW)
    async with connection_for(dsn, "drill-beside") as second:
        async with clock.step("list our side"):
            await channel_rows.list_days(connection, FIRST, LAST, NOW, beside=[second])
        async with clock.step("match") as told:
            matched = await match(books, FIRST, LAST, beside=[second])
            told.append(f"{matched.total('theirs').rows} rows, {matched.new} differences")
    if not matched.is_explained:
        came.wrong.append("sums do not explain each other")
    async with clock.step("list differences") as told:
        told.append(f"{len(await differences.listed(connection, Filter(), 200))} shown")


async def _close(clock: Clock, office: Office, came: Came) -> None:
    acts = (
        ("begin", ONE, False), ("check", ONE, False), ("close", ONE, False), ("close", OTHER, True),
        ("seal", ONE, False),
    )  # fmt: skip
    for act, who, confirm in acts:
        async with clock.step(f"{act} (confirmed)" if confirm else act) as told:
            if act == "check":
                said = await month_check.show(office, FIRST)
            else:
                said = await act_on_month(office, FIRST, act, who, confirm=confirm)
            told.append(said.text.splitlines()[-1][:60])
        if act == "begin":
            found = await months.find(office, FIRST)
            await months.keep_verified(office, found, ONE, 0)
        elif act != "check" and said.status:
            came.wrong.append(said.text)


async def _check_again(clock: Clock, office: Office, came: Came) -> None:
    span = Span(begins_on=LAST, ends_on=LAST)
    async with clock.step("seals of a day made again") as told:
        rows = await day_totals.read_day(office.connection, LAST)
        sealed = [one.root for one in await seals.seals_of(office.connection, span)]
        unlike = await day_totals.wrong_day(office.connection, LAST, rows)
        told.append(f"{len(sealed)} institutions")
    if roots_of(rows.leaves) != sealed or unlike is not None:
        came.wrong.append("what is kept of a day is not what is booked")


async def _look(clock: Clock, office: Office) -> None:
    """What people ask for."""

    @asynccontextmanager
    async def reading() -> AsyncIterator[PlainConnection]:
        yield office.connection

    today, evening = Today(reading, Path("/nowhere")), datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
    for name, at in (("first", evening), ("next", evening + timedelta(minutes=1))):
        async with clock.step(f"page: today, {name} look"):
            await today.figures(at, institution=None, base=None)
    for name, code in (("largest", "H99999900000"), ("one", "H99999900007")):
        asked = StatementAsked(scope=None, institution=code, month=FIRST)
        async with clock.step(f"page: month of the {name} institution") as told:
            groups = await read_groups(office.connection, asked)
            told += [f"{one.row_count} rows" for one in groups if one.level is Level.ALL]
    for name, first, entries in (
        ("statement of a fund", FIRST, False), ("statement of a fund's day, entries", LAST, True),
    ):  # fmt: skip
        async with clock.step(name) as told:
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "fund.csv"
                said = await balances.statement(
                    office, "1330101", first, LAST, out, entries=entries
                )
            told.append(said.text.rsplit("：", 1)[-1])
    async with clock.step("balance of a fund at an instant"):
        await balances.balance(office, "1330101", datetime(2026, 11, 15, 12), as_json=True)


async def run(size: Size) -> Came:
    """Start a database for it and stop it after."""
    with tempfile.TemporaryDirectory(prefix="month-close-") as folder:
        # The servers are another user where root runs this, and must get to their files.
        os.chmod(folder, 0o711)  # noqa: S103 - may be passed, not listed
        services = await start_services(Path(folder), os.environ)
        try:
            connection = await connect_plain(services.owner_dsn, name="drill")
            try:
                return await drill(connection, services, size)
            finally:
                await connection.close()
        finally:
            await services.stop()


def table(came: Came) -> str:
    """For people."""
    head = f"{'step':40} {'seconds':>8} {'processor':>9} {'MiB':>5} {'backend':>7}"
    rows = [
        f"{one.name:40} {one.seconds:8.2f} {one.processor_seconds:9.2f} {one.process_mib:5} "
        f"{one.backend_mib:7}  {one.what}"
        for one in came.steps
    ]
    of_month = [one for one in came.steps if one.name in OF_THE_MONTH]
    rows.append(
        f"{'reconciled and closed':40} {sum(one.seconds for one in of_month):8.2f} "
        f"{sum(one.processor_seconds for one in of_month):9.2f}"
    )
    return "\n".join([head, *rows, *came.wrong])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where anything did not fit."""
    parser = argparse.ArgumentParser(description="Reconcile and close a month.")
    parser.add_argument("--settlements", type=int, default=1_530_000)
    parser.add_argument("--bill-rows", type=int, default=1_000_000, help="0: nothing is matched")
    parser.add_argument("--institutions", type=int, default=2_000)
    parser.add_argument("--differences", type=int, default=2_000)
    parsed = parser.parse_args(arguments)
    came = asyncio.run(run(Size(**vars(parsed))))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    sys.stdout.write(f"{table(came)}\n{OUT}\n")
    return 1 if came.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
