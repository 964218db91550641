"""A city's first load: an NDJSON file into a database with nobody in it, through the pool."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from asyncpg import Connection, Record

from settlement.intake.order import Order
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of
from settlement.person import person_record
from settlement.person_keys import name_hash
from settlement.serve import person_import
from settlement.serve.imports import Imported, import_file
from settlement.serve.person_chunks import DECODE_IDENTITY
from settlement.storage.install import Region, ensure_schema
from tests.services import FreshDatabase
from tests.world import APP_ROLE, AT, KEYS, REGION, connected
from tools.many_persons import person

KEYRING = Keyring((KEYS,))


def written(directory: Path, people: list[dict[str, object]]) -> Path:
    """A file of persons."""
    path = directory / "persons.ndjson"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in people), "utf-8")
    return path


async def bring(database: FreshDatabase, path: Path) -> Imported:
    """Import a file."""
    keys = path.parent / "keys.json"
    keys.write_bytes(msgspec.json.encode([KEYS]))
    order = Order(
        path=path, format="ndjson", ends_on=date(2026, 12, 1), reason="测试",
        actor="测试操作员",
    )  # fmt: skip
    return await import_file(
        "persons", order, owner_dsn=database.owner_dsn, keys=keys, room=path.parent, at=AT
    )


async def test_everybody_of_a_first_load_is_there_once_and_found_by_every_key(
    database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_import, "SMALL_FILE_BYTES", 0)
    monkeypatch.setattr(person_import, "CHUNK_ROWS", 7)
    second = {"insutype": "510", "psn_type": "11"}
    people = [one for n in range(1, 51) for one in (person(n), {**person(n), **second})]
    bad = [*people, {**person(51), "gend": "x"}, {**person(1), "psn_name": "测试另一人"}]
    async with connected(database.owner_dsn) as connection:
        await ensure_schema(connection, Region(code=REGION), app_role=APP_ROLE, at=AT)
        refused = await bring(database, written(tmp_path, bad))
        assert not refused.written
        assert {(f.row, f.column) for f in refused.faults} == {
            (101, "gend"), (102, "psn_no"), (102, "certno"), (102, "card_no"),
        }  # fmt: skip
        assert await connection.fetchval("select count(*) from settlement.person") == 0
        imported = await bring(database, written(tmp_path, people))
        assert (imported.written, imported.counts.new, imported.faults) == (True, 50, [])
        for n in range(1, 51):
            await assert_kept(connection, person(n))
        counts = await connection.fetchrow(
            "select (select count(*) from settlement.person), (select count(*) from"
            " settlement.lookup), (select count(*) from ledger.balance), (select count(distinct"
            " p.account) from settlement.person p join ledger.balance b using (lane, account))"
        )
        assert tuple(counts or ()) == (50, 150, 50, 50)
        again = await bring(database, written(tmp_path, [*people, person(51)]))
        assert (again.counts.new, again.counts.changed, again.counts.unchanged) == (1, 0, 50)


async def test_import_whose_processes_die_ends_and_writes_nothing(
    database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a piece is larger than the pipe to them, so that its writer is stuck."""
    closers: list[threading.Thread] = []

    class Watched(ProcessPoolExecutor):
        """A pool that says who closes the pipe to its processes."""

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            reader = vars(self)["_call_queue"]._reader
            close = reader.close

            def watched() -> None:
                closers.append(threading.current_thread())
                close()

            reader.close = watched

    monkeypatch.setattr(person_import, "ProcessPoolExecutor", Watched)
    monkeypatch.setattr(person_import, "SMALL_FILE_BYTES", 0)
    path = written(tmp_path, [person(n) for n in range(1_000, 2_000)])
    async with connected(database.owner_dsn) as connection:
        await ensure_schema(connection, Region(code=REGION), app_role=APP_ROLE, at=AT)
        order = Order(
            path=path, format="ndjson", ends_on=date(2026, 12, 1), reason="测试", actor="测试操作员"
        )
        with pytest.raises(BrokenProcessPool):
            await import_file(
                "persons", order, owner_dsn=database.owner_dsn, keys=tmp_path / "missing.json",
                room=tmp_path, at=AT,
            )  # fmt: skip
        number = person(1_000)["psn_no"]
        found = await connection.fetchval(
            "select count(*) from settlement.person p where p.psn_no = $1", number
        )
        assert found == 0
    if sys.version_info >= (3, 11, 5):
        assert closers, "nobody closed the pipe: this Python does not let its pools go"
        assert threading.current_thread() not in closers


async def assert_kept(connection: Connection[Record], told: dict[str, object]) -> None:
    """A person is in the lane of their number, readable, and found by certificate and card."""
    number = str(told["psn_no"])
    lane = lane_of(number, 64)
    row = await connection.fetchrow(
        "select p.identity, p.enrolments, p.key_version, p.account, p.family"
        " from settlement.person p"
        " where p.lane = $1 and p.psn_no = $2", lane, number,
    )  # fmt: skip
    assert row is not None
    sealed, enrolments, version, account, family = row
    record = person_record(
        lane, number, account=account, home_region="", enrolments=enrolments, family=family
    )
    identity = DECODE_IDENTITY(KEYRING.open(sealed, record, version))
    assert (identity.name, identity.certificate_no) == (told["psn_name"], told["certno"])
    assert [one[0] for one in json.loads(enrolments)] == [told["insutype"], "510"]
    named = await connection.fetch(
        "select l.psn_no from settlement.lookup l where l.kind = 4 and substr(l.key, 1, 16) = $1",
        name_hash(KEYRING, str(told["psn_name"])),
    )
    assert number in {row["psn_no"] for row in named}
    for kind, column in ((LookupKind.CERTIFICATE, "certno"), (LookupKind.CARD, "card_no")):
        key = KEYRING.lookup_key(kind, str(told[column]))
        holder = await connection.fetchval(
            "select l.psn_no from settlement.lookup l where l.kind = $1 and l.key = $2", kind, key
        )
        assert holder == number
