"""A booking of two thousand rows is killed in the middle; confirmed again it goes on, and every row
is booked exactly once."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
from pathlib import Path

import asyncpg
from asyncpg import Connection, Record

from settlement.books.money_in import State, Subject
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import Services
from settlement.storage import money as store
from tests.kit.command import settlement
from tests.kit.money import Treasury
from tests.kit.served import ROOT
from tests.kit.town import a_town
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

WHO = ("--actor", "测试会计甲", "--reason", "测试")
OTHER = ("--actor", "测试复核乙", "--reason", "测试")
ROWS_EACH = 400


async def booked(owner: Connection[Record]) -> int:
    """How many entries there are."""
    count: int = await owner.fetchval("select count(*) from ledger.entry e where e.code = 82")
    return count


async def test_a_killed_booking_goes_on_and_books_each_row_once(
    services: Services, database: FreshDatabase, tmp_path: Path
) -> None:
    environment = {
        **chosen_environment(services, database), OWNER_VARIABLE: database.owner_dsn,
        APP_VARIABLE: database.app_dsn,
    }  # fmt: skip
    data = ("--data-dir", str(tmp_path / "data"))
    async with a_town(database) as town:
        people = [town.someone() for _ in range(12)]
        before = [await town.balance_fen(one) for one in people]
        path = tmp_path / "allot.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["psn_no", "amount", "source", "reference"])
            for number in range(ROWS_EACH):
                for one in people:
                    writer.writerow([one.number, "0.01", "contribution", str(number)])
        run = await asyncio.to_thread(
            settlement, ["allot", "propose", str(path), "--month", "2026-11", *WHO, *data],
            environment,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        own = (await store.files(town.owner, Subject.ACCOUNTS))[0]
        confirm = ["allot", "confirm", str(own.file_no), *OTHER, *data]
        # A head that somebody holds stops the booking in its middle, wherever that is.
        holder = await asyncpg.connect(database.owner_dsn)
        [last] = await holder.fetch(
            "select l.journal from ledger.lane l join settlement.money_row r on r.lane = l.lane"
            " order by l.journal desc limit 1"
        )
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute(
            "select j.journal from ledger.journal j where j.journal = $1 for update",
            last["journal"],
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "settlement.cli", *confirm,
            env={**environment, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

        async def some() -> int:
            return await booked(town.owner)

        await until(some)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await transaction.rollback()
        await holder.close()
        [half] = await store.files(town.owner, Subject.ACCOUNTS)
        assert half.state is State.CONFIRMED
        again = await asyncio.to_thread(settlement, confirm, environment)
        assert again.returncode == 0, again.stdout + again.stderr
        for one, was in zip(people, before, strict=True):
            assert await town.balance_fen(one) == was + ROWS_EACH
        third = await asyncio.to_thread(settlement, confirm, environment)
        assert third.returncode == 0 and "nothing" in third.stdout
        for one, was in zip(people, before, strict=True):
            assert await town.balance_fen(one) == was + ROWS_EACH
        shown = await Treasury(town=town, directory=tmp_path).show(half)
        assert f"{12 * ROWS_EACH} / {12 * ROWS_EACH}" in shown.text
        assert (await town.verified()).ok
