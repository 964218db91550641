"""A month of a large city matched three ways, closed and sealed; what finance people look at while
it is loaded; and what all of that leaves of the rate at which others settle.

`make drill-month SETTLEMENTS=1530000 BILL_ROWS=1000000` loads a month of settlements, of payments
and of institutions' files into a database of its own (loadtest/drills/month_city.py), lets the
product close the days, as it does night by night, and starts a server on it. Then, one after the
other: sales in a closed loop, in turns with and without a close beside them; each step of the
month, alone; every kind of page over HTTP; and a bill of BILL_ROWS rows of each channel. Prints
tables and leaves them as JSON: seconds by the clock, seconds of a processor, of this process and
its database backend together, and the greatest memory of both. Exit status 1 where sums do not fit,
a difference was missed, false or wrongly classed, or a sale was lost. Figures that miss their goal
are marked and fail nothing: who else uses the machine is not known.

Loaded rows have no chain and no sealed texts, so nothing here runs `settlement verify`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from loadtest import attach
from loadtest.books import compare_books
from loadtest.drills import bill_import, matching_month, month_city, month_pages
from loadtest.drills.backend import Backend
from loadtest.drills.month import Month, month_before
from loadtest.drills.month_city import KEY, City
from loadtest.drills.month_meanwhile import PARTS, Meanwhile
from loadtest.drills.month_pages import Browser, Page, PageError
from loadtest.drills.steps import Clock, Step
from loadtest.report import median_of, paired_ratio
from loadtest.server import Server
from loadtest.stage import Stage
from loadtest.workload import Scenario
from settlement.books.channel_matching import NO_DIFFERENCE, Class, Joined
from settlement.books.institution_matching import INSTITUTION
from settlement.books.sealing import Span, roots_of
from settlement.clock import CHINA, local_time, system_clock
from settlement.console.today import Today
from settlement.embedded.services import start_services
from settlement.finance import balances, institutions, month_check, months
from settlement.finance.books import Books, open_books
from settlement.finance.desk import act_on_month
from settlement.finance.matching import match
from settlement.finance.office import Office, open_office
from settlement.finance.payout_books import open_books as open_payouts
from settlement.finance.payout_stating import state
from settlement.serve.acts import connected
from settlement.storage import channel_rows, day_totals, differences, seals
from settlement.storage.closing import first_open_day
from settlement.storage.connect import connect_plain
from settlement.storage.differences import Filter
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.lease import PlainConnection, connection_for
from settlement.storage.seal_key import SealKeys
from settlement.who import Who

Place = TypeVar("Place")
OUT = Path("build/drill-month.json")
ONE, OTHER = Who(actor="drill-1", reason="drill"), Who(actor="drill-2", reason="drill")
WORKERS = 2
CONNECTIONS = 256
RATIO = 0.9
IMPORT_SECONDS = 15
SECONDS, MIB = 60, 1024
UNTIL_CLOSED_SECONDS = 120
FUND = "1330101"
OF_THE_MONTH = frozenset({
    "list our side", "match", "match institutions", "list differences", "begin", "check", "close",
    "close (confirmed)", "seal",
})  # fmt: skip
"""Steps of the figure: what people wait for at the end of a month."""
MORNINGS = "list our side"
"""One of them, done for all days at once; a server does it day by day."""


class Beside(Struct, frozen=True, kw_only=True):
    """Sales a second, alone and beside a part of a close, in turns."""

    part: str
    alone: list[float]
    beside: list[float]

    @property
    def ratio(self) -> float:
        """What was left, at the median of the turns."""
        return paired_ratio(self.beside, self.alone) or 0.0


class Came(Struct, kw_only=True):
    """What a run came to."""

    city: City
    month: str
    load_average: float
    """of the machine, when it began"""
    steps: list[Step] = []
    settling: list[Beside] = []
    pages: list[Page] = []
    bills: list[bill_import.Result] = []
    wrong: list[str] = []


class Run:
    """One run on one data directory."""

    def __init__(self, data_dir: Path, month: Month, city: City) -> None:
        self._data_dir = data_dir
        self._month = month
        self._city = city
        self._of_channels = matching_month.Injected(differences={}, together=Counter())
        self._of_institutions: Mapping[month_city.InstitutionPlace, Class] = {}
        self.came = Came(
            city=city, month=f"{month.first:%Y-%m}", load_average=os.getloadavg()[0]
        )

    async def load(self) -> None:
        """The month, and its nights."""
        services = await start_services(self._data_dir, os.environ)
        try:
            connection = await connect_plain(services.owner_dsn, name="drill")
            clock = Clock(self.came.steps, Backend(connection.get_server_pid()))
            async with clock.step("(make the world)"):
                await month_city.install(connection, services, self._month)
            async with clock.step("(load payments and bills)"):
                self._of_channels = await month_city.load_payments(
                    connection, self._month, self._city
                )
            async with clock.step("(load settlements)"):
                await month_city.load_settlements(connection, self._month, self._city)
            office = await self._office(connection, services.app_dsn)
            await month_city.nights(clock, office, self._month)
            async with clock.step("(load files of institutions)"):
                self._of_institutions = await month_city.load_institution_files(
                    connection, self._month, self._city
                )
            await connection.close()
        finally:
            await services.stop()

    async def wait_for_days(self) -> None:
        """Until the server has closed the days since the month: it does so when it starts."""
        async with connected(self._data_dir, "drill") as (_, connection):
            async with asyncio.timeout(UNTIL_CLOSED_SECONDS):
                while not await _is_caught_up(connection):  # noqa: ASYNC110 - the server does it
                    await asyncio.sleep(0.5)

    def settle(self, server: Server, *, seconds: float, rounds: int) -> None:
        """Sales in turns with and without each part of a close."""
        before = asyncio.run(attach.read_booked(self._data_dir))
        stage = Stage(
            server, connections=CONNECTIONS, window_seconds=seconds,
            persons=month_city.PERSONS, seed=1,
        )  # fmt: skip
        stage.reply_bytes()
        stage.window(Scenario.ONESHOT)
        for part in PARTS:
            alone, beside = [], []
            for _ in range(rounds):
                alone.append(stage.window(Scenario.ONESHOT).units_per_second)
                with Meanwhile(self._data_dir, self._month, part) as meanwhile:
                    beside.append(stage.window(Scenario.ONESHOT).units_per_second)
                if meanwhile.broken:
                    self.came.wrong.append(f"{part} ended by itself")
            self.came.settling.append(Beside(part=part, alone=alone, beside=beside))
        after = asyncio.run(attach.read_booked(self._data_dir))
        self.came.wrong += compare_books(stage.population.codes, stage.book, before, after)

    async def work(self) -> None:
        """Each step of the month, with a server that nobody asks."""
        async with connected(self._data_dir, "drill") as (database, connection):
            clock = Clock(self.came.steps, Backend(connection.get_server_pid()))
            await month_city.forget_listing(connection, self._month.first, self._month.last)
            await self._reconcile(clock, connection, database.owner_dsn)
            office = await self._office(connection, database.app_dsn)
            await self._close(clock, office)
            await self._check_again(clock, office)
            await self._look(clock, office)
            async with clock.step("payouts of the month stated") as told:
                keyring = load_keyring(key_file(self._data_dir / "secrets", os.environ))
                said = await state(
                    await open_payouts(connection, keyring), self._month.first, ONE
                )
                told.append(said.text.splitlines()[-1][:70])
            await connection.execute(matching_month.QUERIES["month_is_kept"])

    def look_around(self, server: Server) -> None:
        """Every kind of page."""
        browser = Browser(server.address)
        name, password = server.console_users[month_pages.SEEN_BY]
        try:
            browser.sign_in(name, password)
            self.came.pages += month_pages.look_around(browser, self._month)
            self.came.pages += month_pages.case_pages(
                browser, asyncio.run(_a_case(self._data_dir))
            )
        except PageError as exc:
            self.came.wrong.append(f"page: {exc}")

    async def take_bills(self, folder: Path) -> None:
        """A bill of many rows of each channel."""
        async with connected(self._data_dir, "drill") as (database, _):
            for channel in bill_import.WRITERS:
                rows = self._city.bill_rows
                taken = await bill_import.taken(folder, channel, rows, 1, database.owner_dsn)
                self.came.bills.append(taken)
                if not taken.ok:
                    self.came.wrong.append(f"the bill of {channel} is not what was written")

    async def _office(self, connection: PlainConnection, dsn: str) -> Office:
        keys = SealKeys(signing=KEY, since=datetime(2026, 1, 1, tzinfo=UTC))
        return await open_office(connection, dsn, self._data_dir, keys=keys)

    async def _reconcile(self, clock: Clock, connection: PlainConnection, dsn: str) -> None:
        books = await open_books(connection, dsn=dsn)
        first, last = self._month.first, self._month.last
        async with connection_for(dsn, "drill-beside") as second:
            async with clock.step("list our side"):
                await channel_rows.list_days(
                    connection, first, last, books.moment.at, beside=[second]
                )
            async with clock.step("match") as told:
                matched = await match(books, first, last, beside=[second])
                merged, split = (matched.groups.get(one, 0) for one in Joined)
                told.append(
                    f"{matched.total('theirs').rows} rows, {matched.new} differences, merged "
                    f"{merged}, split {split}"
                )
            async with clock.step("match institutions") as told:
                third = await institutions.match(books, first, last, beside=[second])
                told.append(f"{third.total('theirs').rows} rows, {third.new} differences")
        if not (matched.is_explained and third.is_explained):
            self.came.wrong.append("sums do not explain each other")
        if not self._of_channels.is_told(matched):
            self.came.wrong.append(
                f"joined {matched.groups} and {matched.undecided} in several ways, "
                f"not {dict(self._of_channels.together)}"
            )
        async with clock.step("list differences") as told:
            told.append(f"{len(await differences.listed(connection, Filter(), 200))} shown")
        await self._compare(books)

    async def _compare(self, books: Books) -> None:
        """What was found with what was put in."""
        found = await matching_month.differences_found(books)
        self._tell("channels", self._of_channels.differences, found)
        listed = await differences.listed(books.connection, Filter(all_states=True), 10_000_000)
        self._tell("institutions", self._of_institutions, {
            (one.name.order_no, one.name.nth): one.last.facts.found
            for one in listed
            if one.name.channel == INSTITUTION and one.last.facts.found not in NO_DIFFERENCE
        })  # fmt: skip

    def _tell(
        self, whose: str, expected: Mapping[Place, Class], found: Mapping[Place, Class]
    ) -> None:
        missed, false = expected.keys() - found.keys(), found.keys() - expected.keys()
        wrongly = [one for one in expected.keys() & found.keys() if expected[one] is not found[one]]
        if missed or false or wrongly:
            self.came.wrong.append(
                f"{whose}: {len(missed)} missed, {len(false)} false, {len(wrongly)} wrongly "
                f"classed, as {sorted(map(str, [*missed, *false, *wrongly]))[:3]}"
            )

    async def _close(self, clock: Clock, office: Office) -> None:
        acts = (
            ("begin", ONE, False), ("check", ONE, False), ("close", ONE, False),
            ("close", OTHER, True), ("seal", ONE, False),
        )  # fmt: skip
        for act, who, confirm in acts:
            async with clock.step(f"{act} (confirmed)" if confirm else act) as told:
                if act == "check":
                    said = await month_check.show(office, self._month.first)
                else:
                    said = await act_on_month(
                        office, self._month.first, act, who, confirm=confirm
                    )
                told.append(said.text.splitlines()[-1][:60])
            if act == "begin":
                found = await months.find(office, self._month.first)
                await months.keep_verified(office, found, ONE, 0)
            elif act != "check" and said.status:
                self.came.wrong.append(said.text)

    async def _check_again(self, clock: Clock, office: Office) -> None:
        last = self._month.last
        span = Span(begins_on=last, ends_on=last)
        async with clock.step("seals of a day made again") as told:
            rows = await day_totals.read_day(office.connection, last)
            sealed = [one.root for one in await seals.seals_of(office.connection, span)]
            unlike = await day_totals.wrong_day(office.connection, last, rows)
            told.append(f"{len(sealed)} institutions")
        if roots_of(rows.leaves) != sealed or unlike is not None:
            self.came.wrong.append("what is kept of a day is not what is booked")

    async def _look(self, clock: Clock, office: Office) -> None:
        """What people ask for beside pages, or first on a day."""

        @asynccontextmanager
        async def reading() -> AsyncIterator[PlainConnection]:
            yield office.connection

        first, last = self._month.first, self._month.last
        evening = datetime.combine(last, time(22), tzinfo=CHINA)
        today = Today(reading, Path("/nowhere"))
        async with clock.step("today, the first look of an evening"):
            await today.figures(evening, institution=None, base=None)
        for name, begin, entries in (
            ("statement of a fund", first, False), ("a fund's day, every entry", last, True),
        ):  # fmt: skip
            async with clock.step(name) as told:
                with tempfile.TemporaryDirectory() as folder:
                    said = await balances.statement(
                        office, FUND, begin, last, Path(folder) / "fund.csv", entries=entries
                    )
                told.append(said.text.rsplit("：", 1)[-1])
        noon = datetime(first.year, first.month, 15, 12)
        async with clock.step("balance of a fund at an instant"):
            await balances.balance(office, FUND, noon, as_json=True)


async def _is_caught_up(connection: PlainConnection) -> bool:
    """Whether all days but yesterday are closed, which may still be open shortly after midnight."""
    day = await first_open_day(connection)
    return day is None or day >= local_time(system_clock()).date() - timedelta(days=1)


async def _a_case(data_dir: Path) -> int:
    """A settlement of the server's own, with all that belongs to it."""
    async with connected(data_dir, "drill") as (_, connection):
        found: int | None = await connection.fetchval(month_city.QUERIES["city_case"])
    if found is None:
        raise PageError("nothing was settled")
    return found


def table(came: Came) -> str:
    """For people."""
    of_month = [one for one in came.steps if one.name in OF_THE_MONTH]
    seconds = sum(one.seconds for one in of_month)
    mib = max((one.process_mib + one.backend_mib for one in of_month), default=0)
    lines = [f"{'step':36} {'seconds':>8} {'processor':>9} {'MiB':>5} {'backend':>7}"]
    lines += [
        f"{one.name:36} {one.seconds:8.2f} {one.processor_seconds:9.2f} {one.process_mib:5} "
        f"{one.backend_mib:7}  {one.what}"
        for one in came.steps
    ]
    lines.append(
        f"{'matched three ways and closed':36} {seconds:8.2f} "
        f"{sum(one.processor_seconds for one in of_month):9.2f} {mib:5}  "
        f"{_mark(seconds <= SECONDS and mib <= MIB)} ({SECONDS} s, {MIB} MiB)"
    )
    morning = sum(one.seconds for one in of_month if one.name == MORNINGS)
    lines.append(f"{'without what mornings do':36} {seconds - morning:8.2f}  {MORNINGS}")
    lines += [
        f"settling beside {one.part:20} {one.ratio:8.3f}  of {median_of(one.alone):.0f} a second  "
        f"{_mark(one.ratio >= RATIO)} ({RATIO})"
        for one in came.settling
    ]
    lines += [
        f"page: {one.name:30} {one.milliseconds:8} ms  at most {one.slowest}, {one.kilobytes} kB"
        f"{'  SLOW' if one.is_slow else ''}"
        for one in came.pages
    ]
    lines += [
        f"bill of {one.channel:28} {one.seconds:8.2f}  {one.rows} rows, "
        f"{one.peak_bytes >> 20} MiB  {_mark(one.seconds <= IMPORT_SECONDS)} ({IMPORT_SECONDS} s)"
        for one in came.bills
    ]
    return "\n".join([*lines, *(f"WRONG: {one}" for one in came.wrong)])


def _mark(good: bool) -> str:
    return "ok" if good else "MISSED"


def run(city: City, *, seconds: float, rounds: int) -> Came:
    """Make a database for it and drop it after."""
    with tempfile.TemporaryDirectory(prefix="month-close-") as name:
        folder = Path(name)
        # The servers are another user where root runs this, and must get to their files.
        os.chmod(folder, 0o711)  # noqa: S103 - may be passed, not listed
        one = Run(folder / "data", month_before(local_time(system_clock()).date()), city)
        asyncio.run(one.load())
        with Server(
            folder / "data", workers=WORKERS, environment=os.environ,
            log_path=folder / "server.log",
        ) as server:  # fmt: skip
            asyncio.run(one.wait_for_days())
            if rounds:
                one.settle(server, seconds=seconds, rounds=rounds)
            asyncio.run(one.work())
            one.look_around(server)
            if city.bill_rows:
                asyncio.run(one.take_bills(folder))
        return one.came


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where anything did not fit."""
    parser = argparse.ArgumentParser(description="Match, close and look at a month.")
    parser.add_argument("--settlements", type=int, default=1_530_000)
    parser.add_argument("--bill-rows", type=int, default=1_000_000)
    parser.add_argument("--institutions", type=int, default=2_000)
    parser.add_argument("--differences", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="a window of sales")
    parser.add_argument("--rounds", type=int, default=3, help="of windows; 0: nobody settles")
    parsed = parser.parse_args(arguments)
    city = City(
        settlements=parsed.settlements, bill_rows=parsed.bill_rows,
        institutions=parsed.institutions, differences=parsed.differences,
    )  # fmt: skip
    came = run(city, seconds=parsed.seconds, rounds=parsed.rounds)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    sys.stdout.write(f"{table(came)}\n{OUT}\n")
    return 1 if came.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
