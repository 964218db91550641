"""A sealed year leaves the database for files: nothing is lost, nothing is missed, and whatever
somebody does to the files or to what is written down of them is named."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from msgspec import structs

from ledger.postgres.shape import Shape
from settlement.archive.checking import see_archive
from settlement.archive.desk import Desk, archive_year, objections_to
from settlement.archiving import ArchiveError, ArchiveSeen
from settlement.doctor.findings import Code, Examination
from settlement.doctor.patient import Patient
from settlement.doctor.server import examine_partitions
from settlement.finance.days import close_days
from settlement.finance.desk import act_on_month
from settlement.numbers import numbers_of
from settlement.serve.personal_desk import confirm, propose
from settlement.storage import archive as store
from settlement.storage.connect import connect_settle_path
from settlement.storage.errors import StorageError
from settlement.storage.queries import SHAPED
from settlement.storage.seals import Home
from settlement.workers.partitions import PartitionKeeper
from tests.kit import scenes
from tests.kit.closing import CHEN, LIN, SIGNING, an_office
from tests.kit.erasing import OTHER, WHO, a_desk
from tests.kit.population import CLASS_A, some
from tests.kit.tampering import found, tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

YEAR = 2026
LATER = datetime(2032, 1, 2, 4, tzinfo=UTC)
"""Five full years after the year."""
ANOTHER_READER = """
import json, sys, duckdb
rows = duckdb.read_parquet(sys.argv[1]).order("setl_id")
asked = "setl_id, fund_fen, psn_no, setl_time::varchar, payload is null"
print(json.dumps(rows.project(asked).fetchall()))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town that began in November 2026, and whose year is sealed."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.sealed(town, Path())
        await seal_december(town)
        yield town


async def seal_december(town: Town) -> None:
    town.clock.move_to(datetime(2027, 1, 2, 9, 0))
    office = await an_office(town)
    await close_days(
        town.owner, office.home, through=date(2026, 12, 31), at=town.clock(), key=SIGNING
    )
    await town.list_statements()
    for act, who, confirms in (
        ("begin", CHEN, False), ("verify", CHEN, False), ("close", CHEN, False),
        ("close", LIN, True), ("seal", CHEN, False),
    ):  # fmt: skip
        said = await act_on_month(office, date(2026, 12, 1), act, who, confirm=confirms)
        assert said.status == 0, said.text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(town: Town) -> AsyncIterator[Desk]:
    """An operator's desk five years later."""
    connection = await asyncpg.connect(town.owner_dsn)
    home = Home(region=town.place.region, lanes=town.lanes)
    yield Desk(
        connection=connection, keyring=town.keyring, home=home, years=5, kept_years=30,
        clock=lambda: LATER,
    )  # fmt: skip
    await connection.close()


async def details_of(town: Town) -> int:
    return await store.details_of(town.owner, YEAR)


async def test_application_makes_partitions_and_drops_none(town: Town) -> None:
    application = await asyncpg.connect(town.app_dsn)
    try:
        assert await application.fetchval("select settlement.keep_partitions(2060, 2061)") == 2
        assert await application.fetchval("select settlement.keep_partitions(2060, 2061)") == 0
        for forbidden in (
            "select settlement.drop_year(2061)", "select settlement.freeze_year(2061)",
            "drop table settlement.settlement_detail_2061",
            "insert into settlement.settlement_detail_2061 values (1, 1, 1, '', '')",
        ):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute(forbidden)
        for first, last in ((1999, 2000), (2091, 2092), (2026, 2040)):
            with pytest.raises(asyncpg.PostgresError, match="no partitions for the years"):
                await application.execute("select settlement.keep_partitions($1, $2)", first, last)
    finally:
        await application.close()


async def test_number_of_a_year_without_partition_is_written_nowhere(town: Town) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await town.owner.execute(
            "insert into settlement.settlement_detail (setl_id, lane, key_version, salt, payload)"
            " values (5001000000000000001, 0, 1, '', '')"
        )


async def test_partitions_are_made_while_the_year_is_still_to_come(town: Town) -> None:
    """Each year by the loop, as the application, before anything of it could be written."""
    application = await asyncpg.connect(town.app_dsn)
    try:
        for year in (2041, 2042, 2043):
            keeper = PartitionKeeper(clock=lambda year=year: datetime(year, 1, 1, tzinfo=UTC))
            await keeper.step(application)
            for ahead in (year, year + 1, year + 2):
                name = f"settlement.settlement_detail_{ahead}"
                assert await application.fetchval("select to_regclass($1)", name) is not None
            assert await keeper.step(application) == 0
    finally:
        await application.close()


async def test_doctor_names_the_month_in_which_partitions_end(town: Town) -> None:
    last = await town.owner.fetchval(
        "select max(right(i.inhrelid::regclass::text, 4)::integer) from pg_inherits i"
        " where i.inhparent = 'settlement.settlement_detail'::regclass"
    )
    for day, count in ((date(last, 11, 1), 0), (date(last, 12, 15), 1)):
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        patient = Patient(
            data_dir=Path(), environment={}, examination=Examination(), clock=lambda at=at: at
        )
        await examine_partitions(patient, town.owner)
        found = [one for one in patient.examination.findings if one.code is Code.PARTITIONS_END]
        assert len(found) == count
    assert found[0].facts["ends_on"] == f"{last + 1}-01-01"


FREQUENT = {
    "autovacuum_vacuum_insert_threshold=20000", "autovacuum_vacuum_insert_scale_factor=0",
}  # fmt: skip


async def test_append_only_tables_are_frozen_by_their_first_vacuum(town: Town) -> None:
    """Else the vacuum against wraparound reads all of them at once, years later."""
    large = [
        "ledger.block", "ledger.entry", "settlement.settlement", "settlement.message",
        "settlement.visit", "settlement.visit_event", "settlement.upload",
        "settlement.statement_row", "settlement.settlement_detail_2026",
    ]  # fmt: skip
    for name in large:
        options = await town.owner.fetchval(
            "select c.reloptions from pg_class c where c.oid = $1::text::regclass", name
        )
        assert "autovacuum_freeze_min_age=0" in options, name
        assert set(options) >= FREQUENT, name


async def test_no_table_is_vacuumed_less_often_the_larger_it_is(town: Town) -> None:
    """Its pages would be in the log twice (ADR 0079). Imported tables grow by whole files."""
    rows = await town.owner.fetch(
        "select c.oid::regclass::text as name, c.reloptions from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('ledger', 'settlement')"
        " and array_to_string(c.reloptions, ',') like '%vacuum_insert_threshold%'"
    )
    slower = {row["name"] for row in rows if not set(row["reloptions"]) >= FREQUENT}
    assert len(rows) > 15
    assert slower == {"settlement.channel_row", "settlement.money_row"}


async def test_settle_path_looks_a_detail_up_in_one_partition(town: Town) -> None:
    """However many there are: the plan for any number leaves out all others when it runs."""
    row = await town.owner.fetchrow("select t.lane, t.setl_id from settlement.settlement t")
    assert row is not None
    session = await connect_settle_path(town.app_dsn, seconds=30.0, shape=Shape.ONE_MACHINE)
    try:
        await session.execute(f"prepare look as {SHAPED[Shape.ONE_MACHINE]['read_settlements']}")
        plan = await session.fetch(
            "explain (analyze, costs off, timing off) execute look"
            f" (array[{row['lane']}]::smallint[], array[{row['setl_id']}])"
        )
    finally:
        await session.close()
    scans = [line for (line,) in plan if " on settlement_detail_20" in line]
    used = [line for line in scans if "never executed" not in line]
    assert len(scans) >= 3
    assert len(used) == 1
    assert "settlement_detail_2026" in used[0]


@pytest.mark.parametrize(
    ("clock", "table", "statement", "said"),
    [
        (datetime(2031, 12, 31, 4, tzinfo=UTC), "settlement.month_step", "select", "2032-01-01"),
        (LATER, "settlement.month_step", "delete from settlement.month_step where act = 5"
         " and month = '2026-12-01'", "2026-12"),
        (LATER, "settlement.listing", "delete from settlement.listing", "对账"),
        (LATER, "settlement.remote_due", "insert into settlement.remote_due (case_no, due_at, lane)"
         " values (2612000100000000001, '2032-01-01', 1)", "remote"),
        (LATER, "settlement.cancel_approval", "insert into settlement.cancel_approval"
         " (setl_id, approved_at, lane, actor, reason)"
         " values (2612000100000000001, '2032-01-01', 1, 'x', 'x')", "退费备案"),
    ],
)  # fmt: skip
async def test_year_that_may_still_be_needed_stays(
    town: Town, desk: Desk, tmp_path: Path, clock: datetime, table: str, statement: str, said: str
) -> None:
    then = structs.replace(desk, clock=lambda: clock)
    async with tampered(town, table, statement):
        refused = await archive_year(then, YEAR, tmp_path, **WHO)
    assert refused.status == 1
    assert said in refused.text
    assert files_of(tmp_path) == {}
    assert await details_of(town) == 2


async def test_what_is_to_be_erased_is_not_carried_away(
    town: Town, desk: Desk, tmp_path: Path
) -> None:
    said = await archive_year(structs.replace(desk, kept_years=5), YEAR, tmp_path, **WHO)
    assert said.status == 1
    assert "personal expire" in said.text
    async with tampered(
        town, "settlement.erasure",
        "insert into settlement.erasure (recorded_at, before_at, step_no, lane, act, psn_no, actor,"
        " reason, result) select t.setl_time, t.setl_time, 1, t.lane, 2, t.psn_no, 'x', 'x', ''"
        " from settlement.settlement t limit 1",
    ):  # fmt: skip
        said = await archive_year(desk, YEAR, tmp_path, **WHO)
    assert said.status == 1
    assert "未完成" in said.text


async def test_year_without_a_partition_is_no_year(desk: Desk, tmp_path: Path) -> None:
    said = await archive_year(desk, 2021, tmp_path, **WHO)
    assert said.status == 1


async def test_changed_detail_is_not_archived(town: Town, desk: Desk, tmp_path: Path) -> None:
    async with tampered(
        town, "settlement.settlement_detail",
        "update settlement.settlement_detail set salt = 'x'::bytea || substr(salt, 2)",
    ):  # fmt: skip
        with pytest.raises(ArchiveError, match="明细已被改动"):
            await archive_year(desk, YEAR, tmp_path, **WHO)
    assert await details_of(town) == 2


async def test_nobody_erases_a_detail_that_is_being_written(town: Town, desk: Desk) -> None:
    async with desk.connection.transaction():
        assert await store.freeze(desk.connection, YEAR)
        await town.owner.execute("set lock_timeout = '50ms'")
        try:
            with pytest.raises(asyncpg.LockNotAvailableError):
                await town.owner.execute("delete from settlement.settlement_detail where lane = 1")
        finally:
            await town.owner.execute("reset lock_timeout")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archived(
    town: Town, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Path]:
    """Where the year is, once one of its details was erased and the rest archived: at the second
    try, because somebody read all the time at the first, which left files."""
    folder = tmp_path_factory.mktemp("archive")
    number = await town.owner.fetchval(
        "select t.psn_no from settlement.settlement t order by t.setl_time limit 1"
    )
    async with a_desk(town, tmp_path_factory.mktemp("personal")) as personal:
        assert (await propose(personal, number, **WHO)).status == 0
        assert (await confirm(personal, number, **OTHER)).status == 0
    async with somebody_reads(town):
        with pytest.raises(StorageError, match="nothing was changed"):
            await archive_year(structs.replace(desk, drop_tries=2), YEAR, folder, **WHO)
    assert await details_of(town) == 1
    assert await store.archived_years(desk.connection) == []
    written = files_of(folder)
    async with tampered(
        town, "settlement.settlement_detail", "delete from settlement.settlement_detail"
    ):
        with pytest.raises(ArchiveError, match="move the folder away"):
            await archive_year(desk, YEAR, folder, **WHO)
    assert f"{YEAR}/manifest.json" in written
    said, *sold = await asyncio.gather(
        archive_year(desk, YEAR, folder, **WHO),
        *(town.pharmacy.sell(town.someone(), some(CLASS_A)) for _ in range(12)),
    )
    assert said.status == 0, said.text
    assert all(one.infcode == 0 for one in sold), "whoever settles meanwhile notices nothing"
    assert files_of(folder) == written
    yield folder / str(YEAR)


def one_of(folder: Path, name: str) -> Path:
    """A file whose name begins so."""
    return next(folder.glob(f"{name}*"))


def private(folder: Path) -> bool:
    """Whether nobody else may read anything in a folder."""
    return all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))


def files_of(folder: Path) -> dict[str, int]:
    """The files of a folder, and when each was written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


@asynccontextmanager
async def somebody_reads(town: Town) -> AsyncIterator[None]:
    """A transaction that has read details and does not end."""
    reader = await asyncpg.connect(town.owner_dsn)
    try:
        async with reader.transaction():
            await reader.fetch("select d.setl_id from settlement.settlement_detail d")
            yield
    finally:
        await reader.close()


async def seen(town: Town, desk: Desk, folder: Path) -> ArchiveSeen:
    [known] = await store.archived_years(desk.connection)
    return await see_archive(desk.connection, folder, known, town.lanes, town.keyring)


async def test_details_left_and_everything_verifies(
    town: Town, desk: Desk, archived: Path
) -> None:
    assert await details_of(town) == 0
    partition = "settlement.settlement_detail_2026"
    assert await town.owner.fetchval("select to_regclass($1)", partition) is None
    assert await found(town) == ""
    told = await seen(town, desk, archived)
    assert (told.wrong, told.details, told.unopened) == (None, 1, 0)
    assert (await archive_year(desk, YEAR, archived.parent, **WHO)).status == 1


async def test_any_reader_of_parquet_reads_it(town: Town, archived: Path) -> None:
    # In a program of its own: at its end the library complains about itself.
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANOTHER_READER, str(archived / "*.parquet"), stdout=PIPE, stderr=PIPE
    )
    told, complaints = await reader.communicate()
    assert reader.returncode == 0, complaints.decode()
    read = json.loads(told)
    ours = await town.owner.fetch(
        "select t.setl_id, t.fund_fen, t.psn_no from settlement.settlement t"
        " where t.setl_id < $1 order by t.setl_id",
        numbers_of(YEAR)[1],
    )
    assert [row[:3] for row in read] == [list(row) for row in ours]
    assert sorted(row[4] for row in read) == [False, True], "one of them was erased"
    assert private(archived)


async def test_key_that_is_gone_leaves_details_unopened(
    town: Town, desk: Desk, archived: Path
) -> None:
    [known] = await store.archived_years(desk.connection)
    told = await see_archive(desk.connection, archived, known, town.lanes, None)
    assert (told.wrong, told.unopened) == (None, 1)


@pytest.mark.parametrize("name", ["manifest.json", "settlements"])
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
async def test_harmed_file_is_named(
    town: Town, desk: Desk, archived: Path, name: str, harm: str
) -> None:
    path = one_of(archived, name)
    before = path.read_bytes()
    try:
        if harm == "flip":
            middle = len(before) // 2
            path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        elif harm == "cut":
            path.write_bytes(before[:-1])
        else:
            path.unlink()
        told = await seen(town, desk, archived)
        assert told.wrong is not None
        assert path.name in told.wrong
    finally:
        path.write_bytes(before)
    assert (await seen(town, desk, archived)).wrong is None


@pytest.mark.parametrize(
    "change",
    [
        "year = 2025", "settlements = settlements + 1", "details = 0", "key_versions = '{7}'",
        "manifest = sha256('x')", "actor = 'x'", "reason = 'x'",
        "archived_at = archived_at + interval '1 second'",
    ],
)  # fmt: skip
async def test_what_is_written_down_is_held_to_the_audit(
    town: Town, archived: Path, change: str
) -> None:
    table = "settlement.archived_year"
    async with tampered(town, table, f"update {table} set {change}"):  # noqa: S608 - names of ours
        assert await found(town) != ""


async def test_details_are_missed_where_nobody_says_that_they_were_archived(
    town: Town, archived: Path
) -> None:
    table = "settlement.archived_year"
    async with tampered(town, table, "delete from settlement.archived_year"):
        assert "detail is missing" in await found(town)


async def test_settlement_that_is_changed_in_both_places_is_found(
    town: Town, desk: Desk, archived: Path
) -> None:
    async with tampered(
        town, "settlement.settlement", "update settlement.settlement set operator = 'x'"
    ):
        assert "settlement row was changed" in await found(town)
        told = await seen(town, desk, archived)
        assert told.wrong is not None


async def test_nothing_objects_any_more(desk: Desk, archived: Path) -> None:
    assert await objections_to(desk, YEAR) == []
