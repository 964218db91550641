"""A release takes the place of another while institutions sell, and nobody is refused.

`make drill-upgrade`: a database and a Redis, an old server on them, institutions that sell and
cancel through a front. The new server is started beside the old one; both answer for a while; then
the old one is taken out of the front, finishes what it has, and is stopped. That is the order in
which an operator behind HAProxy exchanges servers; a Kubernetes of deploy/helm stops one of several
before it starts the one that follows. Nothing may go without an answer or be refused, each server
must have answered, and in the end the client's book is held against the ledger and `settlement
verify` is run.

What the old release is, is said: the tree of a commit (`--old REF`), or this very tree started once
more. Both have the same schema; a release that changes it is not what this drill shows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from msgspec import Struct

from loadtest.drills.restore import SELLERS, Book, numbers_in, selling
from loadtest.server import Server, program
from loadtest.world import fetch_world
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import REDIS_VARIABLE, Services, start_services
from settlement.storage.keyfile import KEY_FILE_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
OUT = Path("build/drill-upgrade.json")
PERSONS = 2_000
FORWARD_SECONDS = 60.0
_WHERE = "import settlement; print(settlement.__file__)"
_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class Came(Struct, kw_only=True):
    """What a run came to."""

    old: str
    """which tree the old server was of"""
    answered_by: dict[str, int] = {}
    acknowledged: int = 0
    old_alone_seconds: float = 0.0
    both_seconds: float = 0.0
    draining_seconds: float = 0.0
    slowest_ms: int = 0
    wrong: list[str] = []


class Front:
    """Sends each request to one of its servers, in turn, and knows what is in flight."""

    def __init__(self) -> None:
        self.answered: dict[str, int] = {}
        self.failed: list[str] = []
        self.slowest_seconds = 0.0
        self._servers: dict[str, str] = {}
        self.in_flight: dict[str, int] = {}
        self._turn = 0
        self._idle = asyncio.Condition()

    def take_in(self, name: str, url: str) -> None:
        """From now on it is asked as well."""
        self._servers[name] = url
        self.answered.setdefault(name, 0)
        self.in_flight.setdefault(name, 0)

    async def take_out(self, name: str) -> None:
        """It is asked no more; returns when all that it was asked is answered."""
        del self._servers[name]
        async with self._idle:
            await self._idle.wait_for(lambda: self.in_flight[name] == 0)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The front's address."""
        connector = TCPConnector(force_close=True, limit=0)
        timeout = ClientTimeout(total=FORWARD_SECONDS)
        async with ClientSession(connector=connector, timeout=timeout) as self._session:
            runner = web.ServerRunner(web.Server(self._forward))
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            try:
                yield f"http://{host}:{port}"
            finally:
                await runner.cleanup()

    async def _forward(self, request: web.BaseRequest) -> web.StreamResponse:
        names = sorted(self._servers)
        self._turn += 1
        name = names[self._turn % len(names)]
        url, body = self._servers[name], await request.read()
        headers = {key: value for key, value in request.headers.items()
                   if key.lower() not in _HOP}  # fmt: skip
        self.in_flight[name] += 1
        began = time.perf_counter()
        try:
            async with self._session.request(
                request.method, f"{url}{request.path_qs}", data=body, headers=headers
            ) as came:
                told = await came.read()
            if came.status != 200:
                self.failed.append(f"{name}: HTTP {came.status}")
            self.answered[name] += 1
            kind = {"Content-Type": came.headers["Content-Type"]}
            return web.Response(status=came.status, body=told, headers=kind)
        except (ClientError, TimeoutError) as exc:
            self.failed.append(f"{name}: {exc!r}")
            return web.Response(status=502)
        finally:
            self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - began)
            await self.over(name)

    async def over(self, name: str) -> None:
        """One of those in flight is answered, or nobody waits for it any more."""
        self.in_flight[name] -= 1
        async with self._idle:
            self._idle.notify_all()


def old_tree(reference: str, folder: Path) -> str:
    """Put the tree of a commit into a folder; which commit it is. Raises RuntimeError."""
    git = ["git", "-C", str(ROOT)]
    try:
        commit = _run([*git, "rev-parse", "--short=12", f"{reference}^{{commit}}"]).decode().strip()
        folder.mkdir()
        _run(["tar", "-x", "-C", str(folder)], given=_run([*git, "archive", commit]))
    except (OSError, subprocess.CalledProcessError) as exc:
        raise RuntimeError(f"there is no tree of {reference}: {exc}") from exc
    where = _run([sys.executable, "-c", _WHERE], environment=os.environ | _of_tree(folder))
    if not Path(where.decode().strip()).is_relative_to(folder):
        raise RuntimeError(f"the old server would run {where.decode().strip()}, not {reference}")
    return commit


def _run(
    command: list[str], *, given: bytes = b"", environment: Mapping[str, str] = os.environ
) -> bytes:
    return subprocess.run(  # noqa: S603 - our own command line
        command, input=given, env=environment, check=True, capture_output=True
    ).stdout


async def upgrade(
    folder: Path, *, old: Path | None, seconds: float, persons: int, came: Came,
    environment: Mapping[str, str], sellers: int = SELLERS,
) -> None:  # fmt: skip
    """The whole drill; what is not as it must be is in `came.wrong`. `old` is a tree, or this."""
    services = await start_services(folder / "services", environment)
    try:
        given = _given(services, folder, environment)
        before = Server(
            folder / "old", workers=1, environment=given | _of_tree(old),
            command=program() if old is None else [sys.executable, "-m", "settlement.cli"],
            options=["--demo-persons", str(persons)], log_path=folder / "old.log",
        )  # fmt: skip
        after = Server(
            folder / "new", workers=1, environment=given, demo=False, log_path=folder / "new.log"
        )
        front, book = Front(), Book()
        async with front.open() as url:
            await asyncio.to_thread(before.__enter__)
            try:
                front.take_in("old", before.url)
                world = await asyncio.to_thread(fetch_world, before.url, persons=persons)
                async with selling(url, world, book, sellers=sellers):
                    await _exchange(front, before, after, seconds, came)
                    await asyncio.sleep(seconds)
            finally:
                await asyncio.to_thread(_leave, before)
        try:
            judge(front, book, came, await numbers_in(folder / "new", given))
            verdict = await asyncio.to_thread(after.verify)
            if not verdict.ok:
                came.wrong.append(f"verify: {verdict.first_bad}")
        finally:
            await asyncio.to_thread(_leave, after)
    finally:
        await services.stop()


async def _exchange(
    front: Front, before: Server, after: Server, seconds: float, came: Came
) -> None:
    """Old alone, both, new alone."""
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(after.__enter__)
    came.old_alone_seconds = round(time.perf_counter() - began, 3)
    front.take_in("new", after.url)
    await asyncio.sleep(seconds)
    came.both_seconds = round(seconds, 3)
    began = time.perf_counter()
    await front.take_out("old")
    await asyncio.to_thread(_leave, before)
    came.draining_seconds = round(time.perf_counter() - began, 3)


def judge(front: Front, book: Book, came: Came, present: set[int]) -> None:
    """Write down what came, and what is not as it must be."""
    told = {one.number for one in book.told}
    came.answered_by, came.acknowledged = dict(front.answered), len(book.told)
    came.slowest_ms = round(front.slowest_seconds * 1000)
    if front.failed or book.unanswered:
        first = front.failed[0] if front.failed else "no answer"
        came.wrong.append(f"{len(front.failed)} failed, {book.unanswered} unanswered: {first}")
    came.wrong += [f"the {name} server answered nothing"
                   for name in ("old", "new") if not front.answered.get(name)]  # fmt: skip
    for found, what in (
        (told - present, "acknowledged and not in the ledger"),
        (present - told, "in the ledger and never acknowledged"),
    ):
        if found:
            came.wrong.append(f"{len(found)} {what}")


def _given(
    services: Services, folder: Path, environment: Mapping[str, str]
) -> dict[str, str]:
    """What both servers share: the database, Redis and the keys."""
    return {
        **environment, OWNER_VARIABLE: services.owner_dsn, APP_VARIABLE: services.app_dsn,
        REDIS_VARIABLE: services.redis_url, KEY_FILE_VARIABLE: str(folder / "keys.json"),
    }  # fmt: skip


def _of_tree(tree: Path | None) -> dict[str, str]:
    """Modules come from there, also in the processes that it starts."""
    return {} if tree is None else {"PYTHONPATH": str(tree), "PYTHONSAFEPATH": "1"}


def _leave(server: Server) -> None:
    """Stop it where it runs; a second time does nothing."""
    if server.is_running:
        server.__exit__(None, None, None)


def main() -> int:
    """Run the drill and print what it came to; 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each part (%(default)s)")
    parser.add_argument("--persons", type=int, default=PERSONS, help="(%(default)s)")
    parser.add_argument(
        "--old", default="", metavar="REF", help="a commit; this very tree without it"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="drill-upgrade-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        came, tree = Came(old="this tree, started once more"), None
        if given.old:
            tree = folder / "tree"
            came.old = f"commit {old_tree(given.old, tree)}"
        asyncio.run(
            upgrade(
                folder, old=tree, seconds=given.seconds, persons=given.persons, came=came,
                environment=os.environ,
            )
        )  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_bytes(msgspec.json.format(msgspec.json.encode(came)))
    print(msgspec.json.format(msgspec.json.encode(came)).decode())
    return 1 if came.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
