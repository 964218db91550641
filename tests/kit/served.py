"""A town behind a real server: `settlement serve` in a process of its own, asked over HTTP.

The server is started without a demonstration world; the town moves into its database and the
gateways learn of it as they learn of any change. The clock is the machine's.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

import aiohttp
import asyncpg
from msgspec import Struct

from loadtest.population import make_credential
from protocol.nhsa.signing import tif_signature
from settlement.clock import system_clock
from settlement.embedded.processes import command_line
from settlement.embedded.services import open_database
from settlement.gateway import Caller, NotYours, Unavailable
from settlement.storage import reference
from settlement.storage.keyfile import key_file, load_keyring
from tests.kit.clock import MachineClock
from tests.kit.mobile import keep_credential
from tests.kit.overheard import personal_in, written_down
from tests.kit.population import CLASS_A, some
from tests.kit.townhall import Townhall
from tests.kit.waiting import in_a_row
from tests.services import embedded_environment, temporary_directory

ROOT = Path(__file__).resolve().parent.parent.parent
STOP_SECONDS = 90.0
ANSWER_SECONDS = 60.0
LOOKS_PER_WORKER = 8
MIN_SECRET = 16
_CORE = re.compile(r"^Max core file size\s+(\S+\s+\S+)", re.MULTILINE)
SEED = 1
"""Of the credentials that the loader gives to institutions."""


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpGateway:
    """The server as counters see it: signs, posts, and raises as a service in this process does.

    A connection that breaks leaves the outcome unknown: Unavailable, same_msgid.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def answer(self, infno: str | None, body: bytes, caller: Caller) -> bytes:
        """The whole reply; see `settlement.gateway.Gateway`."""
        try:
            path = f"/hsa/hgs/{infno}" if infno else "/hsa/hgs"
            came = await self.post(path, body, signed(caller))
        except aiohttp.ClientError as exc:
            raise Unavailable("same_msgid") from exc
        if came.status == 503:
            raise Unavailable(json.loads(came.body)["retry"], int(came.headers["Retry-After"]))
        if came.status == 401:
            told = json.loads(came.body)
            raise NotYours(told["err_code"], told["message"])
        assert came.status == 200, came.body
        return came.body

    async def post(
        self, path: str, body: bytes | AsyncIterator[bytes], headers: Mapping[str, str]
    ) -> HttpAnswer:
        """One request as it is."""
        async with self._session.post(self.url + path, data=body, headers=headers) as response:
            return HttpAnswer(
                status=response.status, headers=response.headers, body=await response.read()
            )

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """A page, or what is asked with a signature."""
        async with self._session.get(self.url + path, headers=headers) as response:
            return HttpAnswer(
                status=response.status, headers=response.headers, body=await response.read()
            )


def signed(caller: Caller, *, nonce: str | None = None, late_seconds: int = 0) -> dict[str, str]:
    """x-tif headers of an institution."""
    secret = make_credential(caller.institution_code, seed=SEED).secret
    timestamp = str(int(system_clock().timestamp()) - late_seconds)
    nonce = nonce or secrets.token_hex(8)
    return {
        "x-tif-paasid": caller.access_key,
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": tif_signature(timestamp, secret, nonce),
        "Content-Type": "application/json",
    }


class ServedTown(Townhall):
    """A town and the server process that answers in it."""

    process: subprocess.Popen[str]
    gateway: HttpGateway
    data: Path

    def secrets(self) -> list[str]:
        """What nobody may find in a log: what institutions sign with, keys, passwords."""
        kept = sorted((self.data / "secrets").glob("*"))
        texts = [one.read_text("utf-8", "replace").strip() for one in kept if one.is_file()]
        codes = [one.code for one in self.place.institutions]
        signed_with = [make_credential(code, seed=SEED).secret for code in codes]
        return [*signed_with, *(text for text in texts if len(text) >= MIN_SECRET)]

    def worker_pids(self) -> list[int]:
        """The gateway processes under the server."""
        return [pid for pid in self.child_pids() if "settlement.serve.worker" in command_line(pid)]

    def child_pids(self) -> list[int]:
        """All processes of ours under the server."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [
            pid
            for pid in map(int, children.split())
            if any(each.startswith("settlement.") for each in command_line(pid))
        ]

    def dump_limits(self) -> dict[int, str]:
        """What the kernel says of core dumps of each process: soft and hard limit."""
        limits = {
            pid: Path(f"/proc/{pid}/limits").read_text()
            for pid in (self.process.pid, *self.child_pids())
        }
        return {pid: " ".join(_CORE.findall(text)) for pid, text in limits.items()}

    async def catch_up(self) -> None:
        """Wait until every gateway has loaded the reference data that is written by now: a
        credential is written after it, and all of it comes into force at once."""
        key = f"marker-{secrets.token_hex(6)}"
        await keep_credential(self, self.pharmacy.code, key)
        caller = Caller(institution_code=self.pharmacy.code, access_key=key)

        async def knows() -> bool:
            came = await self.gateway.post("/hsa/hgs/1101", b"{}", signed(caller))
            return b"ACCESS_KEY_UNKNOWN" not in came.body

        await in_a_row(knows, LOOKS_PER_WORKER * len(self.worker_pids()))

    async def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        try:
            return (await self.gateway.get("/readyz")).status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def a_served_town(
    environment: Mapping[str, str] | None = None,
    *,
    disk: Path | None = None,
    workers: int = 2,
    employees: int = 0,
) -> AsyncIterator[ServedTown]:
    """A server with a town in it; its books are checked when it is left without a failure.

    Without an `environment` its servers are embedded, so that a test may kill them. Its data is on
    `disk`, where a test has one.
    """
    environment = {**(environment or embedded_environment()), "PYTHONPATH": str(ROOT)}
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    # A connection a request: with SO_REUSEPORT every request may meet any process.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    with (
        nullcontext(disk) if disk else temporary_directory() as base,
        temporary_directory() as aside,
        written_down(aside / "said") as said,
        a_server(base / "data", workers, environment, said) as process,
    ):
        url = await asyncio.to_thread(ready_url, process)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            open_database(base / "data", environment) as database,
        ):
            owner = await asyncpg.connect(database.owner_dsn)
            installed = await reference.installation(owner)
            assert installed is not None
            town = ServedTown(
                database.owner_dsn,
                load_keyring(key_file(base / "data" / "secrets", {})),
                MachineClock(),
                lanes=installed.lanes,
                employees=employees,
            )
            town.process, town.owner, town.data = process, owner, base / "data"
            town.gateway = HttpGateway(session, url)
            await town.populate()
            town.open_counters(town.gateway)
            await _until_known(town, workers)
            yield town
            await town.assert_books_are_right()
            await town.owner.close()
            shown = (aside / "said").read_text("utf-8", "replace")
            if process.poll() is None:
                shown += (await town.gateway.get("/metrics")).body.decode()
            assert personal_in(shown, town.secrets()) == []


async def _until_known(town: ServedTown, workers: int) -> None:
    """Every gateway has loaded the town."""

    async def knows() -> bool:
        try:
            await town.pharmacy.send(town.pharmacy.quote(town.borrowed(), some(CLASS_A)))
        except NotYours:
            return False
        return True

    await in_a_row(knows, LOOKS_PER_WORKER * workers)


@contextmanager
def a_server(
    data: Path, workers: int, environment: Mapping[str, str], said: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """`settlement serve` on a data directory, stopped at the end. What its processes log goes to
    `said`, where there is one."""
    arguments = ["serve", "--port", "0", "--workers", str(workers), "--data-dir", str(data)]
    process = subprocess.Popen(
        [sys.executable, "-m", "settlement.cli", *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=said, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def ready_url(process: subprocess.Popen[str]) -> str:
    """Where a server that was started answers."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the server ended with status {process.wait(STOP_SECONDS)}"
    return str(json.loads(line)["url"])
