"""Two regions and a hub between them, each a program of its own: what drills of the wire run on.

The regions are those of the demonstration: ours, and a city of another province with a policy of
its own. Their databases are embedded whatever the environment names, for the drill looks into them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from loadtest import attach
from loadtest.drills.hub_director import HubDirector
from loadtest.hub_members import Member, Operator, join, write_hub_file
from loadtest.processes import TICKS_PER_SECOND, cpu_seconds_by_kind, read_processes
from loadtest.server import Server, ServerError
from settlement.demo import neighbour
from settlement.region.hub_config import VARIABLE as HUB_VARIABLE
from settlement.serve import operations

OURS, THEIRS = operations.REGION, neighbour.REGION
REGIONS = (OURS, THEIRS)
STOP_SECONDS_MAX = 10.0
PAY_PHARMACIES = frozenset({OURS})
"""By the policy of the other one a pharmacy is paid nothing."""
_ELSEWHERE = ("SETTLEMENT_DATABASE_URL", "SETTLEMENT_REDIS_URL", "SETTLEMENT_REGION")


class TwoRegions(Struct, frozen=True, kw_only=True):
    """What runs."""

    servers: Mapping[str, Server]
    hub: HubDirector
    hub_pid: int

    def other(self, region: str) -> str:
        """The one that is not this."""
        return next(one for one in self.servers if one != region)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor seconds so far by kind of process and region, and the hub's."""
        processes = read_processes()
        ticks = sum(one.cpu_ticks for one in processes if one.pid == self.hub_pid)
        seconds = {"hub": ticks / TICKS_PER_SECOND}
        for region, server in self.servers.items():
            spent = cpu_seconds_by_kind(
                processes, server_pid=server.pid, places=attach.places_of(server.data_dir)
            )
            seconds |= {f"{kind} {region}": value for kind, value in spent.items() if value}
        return seconds


@contextmanager
def two_regions(
    folder: Path, environment: Mapping[str, str], *, workers: int, persons: int, keep_book: bool,
    data_dir: Path | None = None, workers_there: int = 0, persons_there: int = 0,
) -> Iterator[TwoRegions]:  # fmt: skip
    """Both servers and the hub, joined, until left. `keep_book`: the hub's book is a file too.
    `data_dir` of ours, where it is not in the folder; the other region is as large as ours unless
    said otherwise. Raises ServerError."""
    hub_folder = folder / "hub"
    hub_folder.mkdir(parents=True)
    plain = {name: value for name, value in environment.items() if name not in _ELSEWHERE}
    with ExitStack() as stack:
        hub = stack.enter_context(_hub(hub_folder, plain, keep_book=keep_book))
        plain[HUB_VARIABLE] = str(write_hub_file(hub_folder, hub.director.url))
        changes = {name: value for name, value in neighbour.server_environment().items() if value}
        ours = Server(
            data_dir or folder / OURS, workers=workers, environment=plain,
            options=("--demo-persons", str(persons)), log_path=folder / f"{OURS}.log",
        )  # fmt: skip
        theirs = Server(
            folder / THEIRS, workers=workers_there or workers, environment={**plain, **changes},
            options=neighbour.server_options(persons_there or persons),
            log_path=folder / f"{THEIRS}.log",
        )  # fmt: skip
        _start(stack, (ours, theirs))
        servers = dict(zip(REGIONS, (ours, theirs), strict=True))
        asyncio.run(join(hub_folder, [_member(one, servers[one]) for one in REGIONS]))
        for region, server in servers.items():
            hub.director.reach(region, server.url)
        yield TwoRegions(servers=servers, hub=hub.director, hub_pid=hub.pid)


class _Hub(Struct, frozen=True):
    director: HubDirector
    pid: int


@contextmanager
def _hub(folder: Path, environment: Mapping[str, str], *, keep_book: bool) -> Iterator[_Hub]:
    command = [
        sys.executable, "-m", "loadtest.simulators.hub_server", "--port", "0",
        "--authority", str(folder),
    ]  # fmt: skip
    if keep_book:
        command += ["--book", str(folder / "book.jsonl")]
    process = subprocess.Popen(  # noqa: S603 - our own command line
        command, stdout=subprocess.PIPE, env=environment, text=True
    )
    try:
        url = process.stdout.readline().strip() if process.stdout is not None else ""
        if not url:
            raise ServerError("the hub did not start; its error is printed above")
        yield _Hub(HubDirector(url), process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _start(stack: ExitStack, servers: Sequence[Server]) -> None:
    """All at the same time; those that started are stopped even where another one does not."""
    with ThreadPoolExecutor(len(servers)) as pool:
        starting = [pool.submit(one.__enter__) for one in servers]
    for server, started in zip(servers, starting, strict=True):
        if started.exception() is None:
            stack.push(server)
    for started in starting:
        started.result()


def _member(region: str, server: Server) -> Member:
    return Member(
        region=region, url=server.url, data_dir=server.data_dir, operator=_operator(server)
    )


def _operator(server: Server) -> Operator:
    async def command(arguments: Sequence[str]) -> str:
        return await asyncio.to_thread(server.operate, arguments)

    return command

