"""A month's allotment to every personal account of a city, taken in, confirmed and booked; and the
same file once more.

`python -m loadtest.drills.allotting --accounts 2000000`: makes so many people in a database of its
own, with their accounts, writes a file with a row for each, and has two people propose and confirm
it. Prints one JSON object: seconds of each step by the clock and of a processor (this process and
the server's backends together), the greatest memory, and what the file came to. Exit status 1 where
the accounts do not have what the file said, or where the same file booked anything again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.postgres.queries import load
from loadtest.population.persons import person_no_of
from loadtest.processes import cpu_seconds_by_kind, read_processes
from settlement.books.money_in import Subject
from settlement.demo.loader import SEED, Size, load_world
from settlement.embedded.services import Services, start_services
from settlement.finance import money_booking, money_files
from settlement.finance.money_books import open_books
from settlement.finance.money_files import Sent
from settlement.storage import money as store
from settlement.storage.connect import connect_plain
from settlement.storage.install import LANES, Region, ensure_schema
from settlement.storage.keyfile import key_file, load_keyring, make_key_file
from settlement.storage.lease import PlainConnection
from settlement.who import Who

QUERIES = load(Path(__file__).parents[1] / "sql" / "close.sql")
CITY = "441900"
MONTH = date(2026, 10, 1)
ZHANG, LIN = Who(actor="zhang", reason="十月划拨"), Who(actor="lin", reason="复核")
GOAL_SECONDS = 120


class Came(Struct, frozen=True, kw_only=True):
    """What a run came to."""

    accounts: int
    load_average: float
    """of the machine, when it began"""
    taken_in_seconds: float
    confirmed_seconds: float
    seconds: float
    """both"""
    processor_seconds: float
    again_seconds: float
    peak_mib: int
    """of this process"""
    allotted_fen: int
    is_right: bool

    @property
    def is_fast(self) -> bool:
        """Whether it took no longer than people should wait."""
        return self.seconds <= GOAL_SECONDS


def amount_fen(ordinal: int) -> int:
    """What a person is allotted."""
    return 1_000 + ordinal * 7_919 % 40_000


def write_file(path: Path, persons: Sequence[str]) -> int:
    """The file; what it comes to, fen."""
    whole = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("psn_no,amount,source,fund_pay_type,reference\r\n")
        for ordinal, psn_no in enumerate(persons):
            fen = amount_fen(ordinal)
            whole += fen
            file.write(f"{psn_no},{fen // 100}.{fen % 100:02d},contribution,,\r\n")
    return whole


async def drill(
    services: Services, connection: PlainConnection, folder: Path, accounts: int
) -> Came:
    """The whole of it, on an empty database."""
    persons = await _people(services, connection, accounts)
    path = folder / "october.csv"
    whole = write_file(path, persons)
    before = await _held(connection)
    load = os.getloadavg()[0]
    used = _processor_seconds(services)
    books = await open_books(connection, services.owner_dsn)
    sent = Sent(path=path, subject=Subject.ACCOUNTS, month=MONTH)
    proposing = await _timed(lambda: money_files.propose(books, sent, ZHANG))
    (file,) = await store.files(connection, Subject.ACCOUNTS)
    confirming = await _timed(
        lambda: money_booking.confirm(books, Subject.ACCOUNTS, file.file_no, LIN)
    )
    used = _processor_seconds(services) - used
    after = await _held(connection)
    again = await _timed(lambda: money_files.propose(books, sent, ZHANG))
    return Came(
        accounts=len(persons), load_average=round(load, 2),
        taken_in_seconds=round(proposing, 1), confirmed_seconds=round(confirming, 1),
        seconds=round(proposing + confirming, 1), processor_seconds=round(used, 1),
        again_seconds=round(again, 1),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        allotted_fen=after - before,
        is_right=after - before == whole == file.in_fen and await _held(connection) == after,
    )  # fmt: skip


async def _people(
    services: Services, connection: PlainConnection, accounts: int
) -> list[str]:
    """As many people as have so many accounts: some schemes give none."""
    path = key_file(services.directory().secrets, os.environ)
    make_key_file(path)
    region = Region(code=CITY, demo_seed=SEED)
    at = datetime.now(UTC)
    await ensure_schema(connection, region, app_role=services.app_role, at=at)
    size = Size(persons=accounts, institutions=1, items=1)
    await load_world(
        connection, load_keyring(path), region=CITY, lanes=LANES, at=at, size=size
    )
    return [person_no_of(ordinal, CITY) for ordinal in range(1, accounts + 1)]


async def _held(connection: PlainConnection) -> int:
    """What all personal accounts have."""
    fen: int = await connection.fetchval(QUERIES["city_accounts_hold"])
    return fen


async def _timed(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    said = await act()
    sys.stderr.write(f"{said}\n")
    return time.perf_counter() - began


def _processor_seconds(services: Services) -> float:
    """Of this process, and of the database on its data directory with all its backends."""
    directory = services.directory()
    kinds = cpu_seconds_by_kind(
        read_processes(), server_pid=os.getpid(),
        places=(str(directory.root), str(directory.home)),
    )  # fmt: skip
    return kinds.get("postgres", 0.0) + time.process_time()


async def run(accounts: int) -> Came:
    """Start a database for it and stop it after."""
    with tempfile.TemporaryDirectory(prefix="allotting-") as name:
        folder = Path(name)
        # The servers are another user where root runs this, and must get to their files.
        os.chmod(folder, 0o711)  # noqa: S103 - may be passed, not listed
        services = await start_services(folder / "data", os.environ)
        try:
            connection = await connect_plain(services.owner_dsn, name="drill")
            try:
                return await drill(services, connection, folder, accounts)
            finally:
                await connection.close()
        finally:
            await services.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where the accounts do not have what the file said."""
    parser = argparse.ArgumentParser(description="Allot a month to every account of a city.")
    parser.add_argument("--accounts", type=int, default=2_000_000)
    came = asyncio.run(run(parser.parse_args(arguments).accounts))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(came)).decode() + "\n")
    return 0 if came.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
