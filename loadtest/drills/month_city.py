"""A month of a large city put into a database of its own, as a server would have left it.

A demonstration's people and institutions first, on the month's first day, so that a server can be
started on it afterwards and settle; then the month's payments, bills and settlements
(loadtest/sql), which have no chain and no sealed texts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from ledger.postgres.queries import load
from ledger.postgres.shape import Shape
from loadtest.drills import matching_month
from loadtest.drills.month import Month
from loadtest.drills.steps import Clock
from settlement.books.channel_matching import Class
from settlement.books.seal_keys import Algorithm, SigningKey
from settlement.demo.loader import SEED, Size, load_world
from settlement.embedded.services import Services
from settlement.finance.days import close_days
from settlement.finance.office import Office
from settlement.keyring import Keyring
from settlement.lanes import lane_of
from settlement.storage.install import LANES, Region, ensure_schema
from settlement.storage.keyfile import key_file, load_keyring, make_key_file
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import MATCHING_SCATTER
from settlement.storage.statements import list_behind

QUERIES = load(Path(__file__).parents[1] / "sql" / "close.sql")
CITY = "441900"
PERSONS = 20_000
"""Who is settled for while the month is closed."""
MERCHANTS = 130
"""Who have bills of their own."""
BLOCK = 10_000
"""Behind the numbers of the loaded payments."""
FILES_BLOCK = 20_000
KEY = SigningKey(algorithm=Algorithm.ED25519, private="11" * 32)
LARGEST, ONE = "H99999900000", "H99999900007"
InstitutionPlace = tuple[str, int]
"""Number of the settlement, and which of its differences."""


class City(Struct, frozen=True, kw_only=True):
    """How large a city."""

    settlements: int
    bill_rows: int
    institutions: int
    differences: int
    """of channels; of institutions about as many"""


async def install(connection: PlainConnection, services: Services, month: Month) -> Keyring:
    """The database, and the world of a demonstration on the first day of the month."""
    path = key_file(services.directory().secrets, os.environ)
    make_key_file(path)
    keyring = load_keyring(path)
    region = Region(code=CITY, demo_seed=SEED, lanes=LANES, shape=Shape.ONE_MACHINE)
    await ensure_schema(
        connection, region, app_role=services.app_role, at=datetime.now(UTC)
    )
    midnight = datetime(month.first.year, month.first.month, 1, tzinfo=UTC) - timedelta(hours=8)
    await load_world(
        connection, keyring, region=CITY, lanes=LANES, at=midnight, size=Size(persons=PERSONS)
    )
    return keyring


async def load_payments(
    connection: PlainConnection, month: Month, city: City
) -> matching_month.Injected:
    """Payments over channels with their bills; what is to be found."""
    files = await matching_month.load_month(connection, month, city.bill_rows)
    injected = await matching_month.inject(connection, month, files, city.differences)
    await connection.execute(
        QUERIES["city_merchants"], month.first, month.last, MERCHANTS, 5_000_000, LANES
    )
    await connection.execute(matching_month.QUERIES["month_is_loaded"])
    return injected


async def load_settlements(connection: PlainConnection, month: Month, city: City) -> None:
    """Settlements of the month, day by day."""
    await connection.execute(QUERIES["city_institutions"], city.institutions)
    await connection.execute(QUERIES["city_funds"])
    persons = max(city.settlements // 5, 1)
    back = city.settlements // 40 // 1000 * 1000 + 1001
    for n in range(month.days):
        first, last = month.share(city.settlements, n)
        await connection.execute(
            QUERIES["city_day"], month.day(n), first, last, persons, city.institutions, LANES,
            back, month.numbers_from(BLOCK),
        )  # fmt: skip
    await connection.execute(QUERIES["city_is_loaded"])


async def nights(clock: Clock, office: Office, month: Month) -> None:
    """What the server does night by night."""
    async with clock.step("(list statements)"):
        while await list_behind(office.connection, blocks_min=1):
            pass
    async with clock.step("(close its days)") as told:
        longest = 0.0
        for n in range(month.days):
            began = time.perf_counter()
            await close_days(
                office.connection, office.home, through=month.day(n), at=office.clock(), key=KEY
            )
            longest = max(longest, time.perf_counter() - began)
        told.append(f"the longest {longest:.2f} s")


async def load_institution_files(
    connection: PlainConnection, month: Month, city: City
) -> Mapping[InstitutionPlace, Class]:
    """A file of each institution about the month; what is to be found."""
    codes = [f"H999999{n:05d}" for n in range(city.institutions)]
    every = max(city.settlements // max(city.differences, 1), 2)
    async with connection.transaction():
        await connection.execute(MATCHING_SCATTER["plan_for_many_rows"])
        rows = await connection.fetch(
            QUERIES["city_institution_files"], month.first, month.last,
            [month.numbers_from(FILES_BLOCK) + n for n in range(city.institutions)], codes,
            [lane_of(code, LANES) for code in codes], every,
        )  # fmt: skip
    await connection.execute(QUERIES["city_is_loaded"])
    return {(row["setl_id"], row["nth"]): Class(row["found"]) for row in rows}


async def forget_listing(connection: PlainConnection, first: date, last: date) -> None:
    """Our side of the channels as nobody has listed it yet."""
    await connection.execute(QUERIES["city_unlisted"], first, last)
