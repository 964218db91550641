"""Every value that verification guards is changed, one after the other, and each must be found.

    python -m tests.tamper_run                  all scenes, up to three rows of each table
    python -m tests.tamper_run --scene money    one of them
    python -m tests.tamper_run --rows 1         the first row of each table

Scenes (tests/kit/scenes.py) are played in towns of their own. Then somebody who owns the database
drops its checks and changes each column of some rows of each table by as little as its type allows:
a byte, a letter, one. `settlement verify` must find each and say what it is; a row that is deleted,
too. Tables and columns are those of the catalogue: what is not guarded is listed with its reason
in tests/kit/unguarded.py, and what is neither found nor listed is a failure; so is a table that no
scene fills.
Exit status 1 for a failure. Figures are left in build/drill-tamper.json.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
from asyncpg import Pool, Record
from msgspec import Struct

from ledger.postgres.shape import Shape
from settlement.storage.connect import verify_pool
from settlement.storage.verify import verify
from tests.kit.scenes import SCENES
from tests.kit.tampering import Column, Flips
from tests.kit.town import Town, a_town
from tests.kit.unguarded import (
    BY_HAND,
    DELETED_UNSEEN,
    PARTLY,
    UNGUARDED,
    is_partly,
    is_tried,
)
from tests.services import fresh_database, run_apart, running_services

OUT = Path("build/drill-tamper.json")
ROWS = 3
LATER = timedelta(hours=1)
"""Nothing is under way any more between relatives."""


class Tried(Struct, frozen=True, kw_only=True):
    """One thing that was done, and what verification said of it."""

    scene: str
    where: str
    """a column, or a table of which a row was deleted"""
    row: str
    said: str
    """empty where it was not found"""


class Came(Struct, kw_only=True):
    """What a run came to."""

    seconds: float = 0.0
    tried: list[Tried] = []
    filled: set[str] = set()
    """tables that had rows"""
    columns: list[str] = []

    @property
    def missed(self) -> list[Tried]:
        """What was not found and should have been."""
        return [one for one in self.tried if not one.said and not is_partly(one.where)]

    @property
    def partly(self) -> dict[str, tuple[int, int]]:
        """Of tables that are guarded in part: how much was found, and how much was tried."""
        told: dict[str, tuple[int, int]] = {}
        for one in self.tried:
            name = next((name for name in PARTLY if f"{one.where}.".startswith(f"{name}.")), None)
            if name is not None:
                found, tried = told.get(name, (0, 0))
                told[name] = (found + bool(one.said), tried + 1)
        return told


class Scene:
    """A town in which something was played, and that is tampered with now."""

    def __init__(self, name: str, town: Town, pool: Pool[Record], came: Came) -> None:
        self._name = name
        self._town = town
        self._pool = pool
        self._came = came
        self._flips = Flips(town.owner)

    async def tamper(self, rows: int, chosen: Callable[[str], bool]) -> None:
        """Change every guarded value of some rows of every table that is chosen."""
        before = await self._said()
        assert not before, before
        await self._flips.drop_rules()
        columns = await self._flips.columns()
        self._came.columns = [one.full for one in columns]
        for table in dict.fromkeys(one.table for one in columns):
            places = await self._flips.rows(table, rows)
            if places:
                self._came.filled.add(table)
            guarded = [one for one in columns if one.table == table and is_tried(one.full)]
            for place in places:
                at = place
                for column in guarded:
                    if chosen(column.full):
                        at = await self._flip(column, at)
                if guarded and table not in DELETED_UNSEEN and chosen(table):
                    await self._delete(table, at)

    async def _flip(self, column: Column, at: str) -> str:
        flip = await self._flips.flip(column, at)
        if flip is None:
            return at
        self._note(column.full, flip.row, await self._said())
        return await self._flips.put_back(flip)

    async def _delete(self, table: str, at: str) -> None:
        row = await self._flips.take_out(table, at)
        self._note(table, row.told, await self._said())
        await self._flips.put_in(row)

    async def _said(self) -> str:
        year = self._town.clock.local.year
        try:
            report = await verify(
                self._pool, year=year, keyring=self._town.keyring, hurried=True,
                at=self._town.clock() + LATER,
            )  # fmt: skip
        except Exception as exc:
            return f"verify failed: {type(exc).__name__}: {exc}"
        return "" if report.first_bad is None else report.first_bad.what

    def _note(self, where: str, row: str, said: str) -> None:
        self._came.tried.append(Tried(scene=self._name, where=where, row=row[:200], said=said))


async def play(
    name: str, town: Town, directory: Path, came: Came, rows: int, chosen: Callable[[str], bool]
) -> None:
    """Play a scene, and tamper with what it left."""
    await SCENES[name](town, directory)
    async with verify_pool(town.owner_dsn) as pool:
        await Scene(name, town, pool, came).tamper(rows, chosen)


def unfilled(came: Came) -> list[str]:
    """Guarded tables that no scene fills: nothing is known of them."""
    tables = {full.rpartition(".")[0] for full in came.columns if is_tried(full)}
    return sorted(tables - came.filled - BY_HAND.keys())


def stale(came: Came) -> list[str]:
    """What is listed as not guarded and is not in the catalogue any more."""
    known = {*came.columns, *(full.rpartition(".")[0] for full in came.columns)}
    return sorted({*UNGUARDED, *PARTLY, *BY_HAND, *DELETED_UNSEEN} - known)


def run(names: Sequence[str], rows: int, chosen: Callable[[str], bool] = lambda _: True) -> Came:
    """All of it, on servers of its own."""
    came, began = Came(), time.perf_counter()
    with running_services() as services, tempfile.TemporaryDirectory() as folder:
        for name in names:
            with fresh_database(services) as database:

                async def one(name: str = name) -> None:
                    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
                        await play(name, town, Path(folder), came, rows, chosen)

                run_apart(one)
            print(f"{name}: {len(came.tried)} tried, {len(came.missed)} missed", flush=True)
    came.seconds = time.perf_counter() - began
    return came


def failures(came: Came, *, all_scenes: bool) -> Mapping[str, list[str]]:
    """What is not as it must be, by what it is."""
    crashed = [one for one in came.tried if one.said.startswith("verify failed")]
    return {
        "not found": [f"{one.where} ({one.scene}): {one.row}" for one in came.missed],
        "verify failed instead of telling": [f"{one.where}: {one.said}" for one in crashed],
        "guarded, and no scene has any": unfilled(came) if all_scenes else [],
        "listed as not guarded, and not in the catalogue": stale(came),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where something was not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.tamper_run", description=__doc__)
    parser.add_argument("--scene", choices=sorted(SCENES), action="append", default=[])
    parser.add_argument("--rows", type=int, default=ROWS)
    parsed = parser.parse_args(arguments)
    came = run(parsed.scene or list(SCENES), parsed.rows)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    wrong = failures(came, all_scenes=not parsed.scene)
    for what, found in wrong.items():
        for line in found:
            print(f"{what}: {line}")
    for name, (found_of, tried) in sorted(came.partly.items()):
        print(f"in part: {name}: {found_of} of {tried} found ({PARTLY[name]})")
    print(f"{len(came.tried)} changes, {len(came.missed)} not found, {came.seconds:.0f} s; {OUT}")
    return 1 if any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
