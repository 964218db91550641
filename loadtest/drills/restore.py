"""A city loses its database and is restored to a second.

`make drill-restore`: institutions sell and cancel over HTTP while a base backup is made; they go
on, a second is noted under load, they go on, the books are marked, they go on for a moment that no
mark covers; then every process is killed with SIGKILL and the data directory is removed. What is
left is the store of backups and a kept copy of the secrets. It is restored to the noted second and
verified. What was acknowledged by then must be there, what was sent later must not, and what is
missing must be named by the restore: number by number up to the mark, and as unknown after it. The
client's own book decides. In the end all that the archive has is restored, which must lack nothing
that was marked. Exit status 1 where anything is otherwise. Figures are left as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.postgres.queries import load
from loadtest import institution_inputs as inputs
from loadtest.institution_client import ClientError, Input, InstitutionClient, open_clients
from loadtest.institution_inputs import Bought, Patient
from loadtest.population.persons import EMPLOYEE
from loadtest.server import Server, program
from loadtest.world import World, WorldItem, fetch_world
from settlement.clock import local_time
from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.postgres import find_orphans, find_postmaster
from settlement.embedded.processes import ServerProcess, wait_until
from settlement.embedded.redis import find_redis
from settlement.embedded.services import open_database
from settlement.storage.connect import connect_plain

OUT = Path("build/drill-restore.json")
QUERIES = load(Path(__file__).parents[1] / "sql" / "restore.sql")
SELLERS = 16
PERSONS = 2_000
CANCEL_EVERY = 10
QUANTITIES = 20
BASKET = 3
PRICE_MAX = Decimal(60)
GONE_SECONDS = 60.0
MEGABYTE = 10**6


class Told(Struct, frozen=True, kw_only=True):
    """A settlement or cancel that was acknowledged, by the client's clock."""

    number: int
    sent_at: float
    answered_at: float


class Came(Struct, kw_only=True):
    """What a run came to."""

    acknowledged: int = 0
    unanswered: int = 0
    by_the_second: int = 0
    after_the_second: int = 0
    named_missing: int = 0
    after_the_mark: int = 0
    lost_at_the_end: int = 0
    """acknowledged and in no archive: only what came since the mark began may be"""
    base_seconds: float = 0.0
    base_mb: float = 0.0
    wal_mb: float = 0.0
    mark_seconds: float = 0.0
    restore_seconds: float = 0.0
    recovering_seconds: float = 0.0
    restored_mb: float = 0.0
    wrong: list[str] = []


class Book:
    """What the client was told."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.unanswered = 0
        self.is_over = False


async def sell(
    client: InstitutionClient, patients: Sequence[Patient], items: Sequence[WorldItem], book: Book
) -> None:
    """Sell, and cancel some of it, until it is over; a lost server is not asked again. Nobody buys
    the same twice in a second, which would be one sale: each round buys another quantity, and
    after all quantities other items, however few the people and fast the server."""
    for turn in range(10**9):
        if book.is_over:
            return
        round_no, place = divmod(turn, len(patients))
        patient, quantity = patients[place], Decimal(1 + round_no % QUANTITIES)
        first = round_no // QUANTITIES % (len(items) - BASKET + 1)
        basket = [Bought(item=one, quantity=quantity) for one in items[first : first + BASKET]]
        content = inputs.purchase(patient, basket, at=client.now())
        paid = await _settled(client, "2102", content, book)
        if paid is not None and turn % CANCEL_EVERY == 0:
            await _settled(client, "2103", _undoing(paid), book)


async def _settled(
    client: InstitutionClient, infno: str, content: Input, book: Book
) -> dict[str, object] | None:
    sent_at = time.time()
    try:
        reply = await client.ask(infno, content)
    except ClientError:
        book.unanswered += 1
        book.is_over = True
        return None
    if not reply.is_done:
        raise RuntimeError(f"{infno}: {reply.err_code} {reply.err_msg}")
    info = reply.node("setlinfo")
    told = Told(number=int(str(info["setl_id"])), sent_at=sent_at, answered_at=time.time())
    book.told.append(told)
    return info


@asynccontextmanager
async def selling(
    url: str, world: World, book: Book, *, sellers: int = SELLERS
) -> AsyncIterator[None]:
    """Load, as long as the block runs; whoever still waits at its end loses the server."""
    people = [Patient(person=one) for one in world.persons if one.insutype == EMPLOYEE]
    items = [one for one in world.catalogue if 0 < one.price <= PRICE_MAX]
    pharmacies = world.of_kind("pharmacy")
    async with open_clients(url, world.region) as clients, asyncio.TaskGroup() as group:
        for n in range(sellers):
            client = clients.of(pharmacies[n % len(pharmacies)])
            group.create_task(sell(client, people[n::sellers], items, book))
        yield
        book.is_over = True


async def play(
    folder: Path, server: Server, seconds: float, persons: int, came: Came
) -> tuple[Book, datetime]:
    """Everything up to the loss; the book, and the second to restore to."""
    world = await asyncio.to_thread(fetch_world, server.url, persons=persons)
    await _operate(server, "enable", "--to", str(folder / "store"))
    book = Book()
    async with selling(server.url, world, book):
        began = time.perf_counter()
        await _operate(server, "base")
        came.base_seconds = time.perf_counter() - began
        await asyncio.sleep(seconds)
        second = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        await asyncio.sleep(seconds + 1)
        marked = len(book.told)
        came.mark_seconds = await _marked(server)
        await asyncio.sleep(seconds / 4)
        await _destroy(server)
        came.after_the_mark = len(book.told) - marked
    came.acknowledged, came.unanswered = len(book.told), book.unanswered
    return book, second


async def _marked(server: Server) -> float:
    """Mark the books; seconds it took."""
    began = time.perf_counter()
    await _operate(server, "mark")
    return time.perf_counter() - began


async def _operate(server: Server, *arguments: str) -> None:
    await asyncio.to_thread(server.operate, ["backup", *arguments])


async def _destroy(server: Server) -> None:
    """SIGKILL for all of it, and no file is left but the secrets' copy."""
    directory = open_directory(server.data_dir, os.environ, create=False)
    shutil.copytree(directory.secrets, server.data_dir.parent / "kept-secrets")
    servers = (find_postmaster(directory), find_redis(directory))
    doomed = [*_family(server.pid), *(one for one in servers if one is not None)]
    for one in doomed:
        one.send(signal.SIGKILL)
    if not await wait_until(lambda: _is_gone(directory, doomed), GONE_SECONDS):
        raise RuntimeError("processes of the killed server do not end")
    if directory.home != directory.root:
        shutil.rmtree(directory.home)
    shutil.rmtree(directory.root)


def _family(pid: int) -> list[ServerProcess]:
    """The supervisor, and the processes that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [ServerProcess(one) for one in (pid, *map(int, children))]


def _is_gone(directory: DataDirectory, doomed: Sequence[ServerProcess]) -> bool:
    return not any(one.is_alive() for one in doomed) and not find_orphans(directory)


def restore(
    folder: Path, name: str, to: datetime | None, environment: Mapping[str, str],
    store: str = "store",
) -> dict[str, object]:  # fmt: skip
    """What `settlement restore --json` said. Raises RuntimeError where it did not."""
    command = [
        *program(), "restore", "--from", str(folder / store), "--data-dir", str(folder / name),
        "--secrets", str(folder / "kept-secrets"), "--json",
    ]  # fmt: skip
    if to is not None:
        command += ["--to-time", local_time(to).isoformat(sep=" ")]
    done = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, env=environment, check=False
    )
    if not done.stdout:
        raise RuntimeError(done.stderr.decode("utf-8", "replace"))
    return msgspec.json.decode(done.stdout, type=dict[str, object])


async def numbers_in(data_dir: Path, environment: Mapping[str, str]) -> set[int]:
    """What a restored database has settled."""
    async with open_database(data_dir, environment) as database:
        connection = await connect_plain(database.owner_dsn, name="drill")
        try:
            rows = await connection.fetch(QUERIES["settled_numbers"])
        finally:
            await connection.close()
    return {row["setl_id"] for row in rows}


def judge(
    book: Sequence[Told], unanswered: int, second: float, present: set[int], named: set[int],
    beyond: int,
) -> list[str]:  # fmt: skip
    """What is not as it must be. `beyond` settlements at the end of the book were answered after
    the last mark: nobody can name those."""
    early = {one.number for one in book if one.answered_at <= second}
    late = {one.number for one in book if one.sent_at > second}
    known = {one.number for one in book}
    marked = {one.number for one in book[: len(book) - beyond]}
    findings = (
        (early - present, "acknowledged by that second and not restored"),
        (late & present, "sent after that second and restored"),
        (marked - present - named, "missing and not named"),
        (named & present, "named as missing and there"),
    )
    wrong = [f"{len(found)} {what}" for found, what in findings if found]
    strangers = len(named - known)
    if strangers > unanswered:
        wrong.append(f"{strangers} named that nobody was told, and {unanswered} lost their answer")
    return wrong


def check(
    folder: Path, book: Book, second: datetime, came: Came, environment: Mapping[str, str]
) -> None:
    """Restore to the second, and to the end, and hold both against the book."""
    said = restore(folder, "restored", second, environment)
    present = asyncio.run(numbers_in(folder / "restored", environment))
    listed = msgspec.convert(said["missing_settlements"], list[str])
    named = {int(number) for number in listed}
    instant = second.timestamp()
    came.wrong += judge(book.told, book.unanswered, instant, present, named, came.after_the_mark)
    came.by_the_second = sum(one.number in present for one in book.told)
    came.after_the_second = len(book.told) - came.by_the_second
    came.named_missing = len(named)
    came.restore_seconds = msgspec.convert(said["seconds"], float)
    came.recovering_seconds = msgspec.convert(said["seconds_recovering"], float)
    came.restored_mb = msgspec.convert(said["size_bytes"], int) / MEGABYTE
    if said["verified"] is not True or said["altered"] or said["unlisted"]:
        came.wrong.append(f"the restored books are not right: {said}")


def check_end(folder: Path, book: Book, came: Came, environment: Mapping[str, str]) -> None:
    """All that the archive has: nothing that was marked is lost."""
    said = restore(folder, "restored-end", None, environment)
    present = asyncio.run(numbers_in(folder / "restored-end", environment))
    lost = [one for one in book.told if one.number not in present]
    came.lost_at_the_end = len(lost)
    if len(lost) > came.after_the_mark or said["missing_settlements"] or not said["verified"]:
        came.wrong.append(f"restored to the end, {len(lost)} are lost: {said}")


def lose(
    folder: Path, seconds: float, persons: int, came: Came, *, workers: int = 2
) -> tuple[Book, datetime]:
    """A server with load, backed up and destroyed; what is left is in the folder."""
    server = Server(
        folder / "data", workers=workers, environment=os.environ,
        options=("--demo-persons", str(persons)), log_path=folder / "log",
    )  # fmt: skip
    with server:
        book, second = asyncio.run(play(folder, server, seconds, persons, came))
    came.base_mb = _megabytes(folder / "store" / "base")
    came.wal_mb = _megabytes(folder / "store" / "wal")
    return book, second


def run(seconds: float) -> Came:
    """The whole of it, in a directory of its own."""
    came = Came()
    with tempfile.TemporaryDirectory(prefix="drill-restore-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded servers' user passes through
        book, second = lose(folder, seconds, PERSONS, came)
        check(folder, book, second, came, os.environ)
        check_end(folder, book, came, os.environ)
    return came


def _undoing(paid: dict[str, object]) -> Input:
    return inputs.cancel(
        setl_id=str(paid["setl_id"]), mdtrt_id=str(paid["mdtrt_id"]), psn_no=str(paid["psn_no"])
    )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEGABYTE


def table(came: Came) -> str:
    """For people."""
    rows = (
        ("acknowledged", f"{came.acknowledged}, unanswered {came.unanswered}"),
        ("there after the restore", f"{came.by_the_second}"),
        ("missing", f"{came.after_the_second}, {came.after_the_mark} of all after the mark began"),
        ("named as missing", f"{came.named_missing}"),
        ("lost with the archive's end", f"{came.lost_at_the_end}"),
        ("base backup", f"{came.base_seconds:.1f} s, {came.base_mb:.1f} MB"),
        ("WAL in the archive", f"{came.wal_mb:.1f} MB"),
        ("mark", f"{came.mark_seconds:.1f} s"),
        ("restore", f"{came.restore_seconds:.1f} s, of which replaying "
                    f"{came.recovering_seconds:.1f} s; {came.restored_mb:.0f} MB"),
    )  # fmt: skip
    return "\n".join([*(f"{name:30} {what}" for name, what in rows), *came.wrong])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where anything is not as it must be."""
    parser = argparse.ArgumentParser(description="Lose a database and restore it to a second.")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load in each part")
    parsed = parser.parse_args(arguments)
    came = run(parsed.seconds)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    sys.stdout.write(f"{table(came)}\n{OUT}\n")
    return 1 if came.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
