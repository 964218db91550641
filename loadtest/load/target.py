"""The server that a load goes to: one of our own on fresh data, or one that is already running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from loadtest.drills.two_regions import OURS, THEIRS, TwoRegions, two_regions
from loadtest.load import guards
from loadtest.load.guards import LoadRefusedError
from loadtest.load.run import Neighbour, Target
from loadtest.processes import read_processes
from loadtest.server import Server, ServerError, verify_data
from loadtest.world import World, fetch_world

ELSEWHERE = (
    "SETTLEMENT_DATABASE_URL", "SETTLEMENT_APP_DATABASE_URL", "SETTLEMENT_REDIS_URL",
    "SETTLEMENT_REGION",
)  # fmt: skip
"""A load fills its own database, never the site's, whatever the environment names."""


PERSONS_THERE = 5_000
"""Insured in the other region: each of them comes several times a month."""
WORKERS_THERE = 1


@contextmanager
def started(
    data_dir: Path, *, workers: int, persons: int, environment: Mapping[str, str], log: Path
) -> Iterator[Target]:
    """Our own, alone. Raises LoadRefusedError where it does not start."""
    plain = {name: value for name, value in environment.items() if name not in ELSEWHERE}
    server = Server(
        data_dir, workers=workers, environment=plain, log_path=log,
        options=("--demo-persons", str(persons)),
    )  # fmt: skip
    try:
        server.__enter__()
    except ServerError as exc:
        tail = log.read_text(errors="replace")[-500:] if log.exists() else ""
        raise LoadRefusedError(f"the server did not start: {tail or exc}") from exc
    try:
        yield Target(
            url=server.url, data_dir=data_dir, pid=server.pid, simulators=server.simulators,
            verify=lambda: server.verify(hurried=True),
        )  # fmt: skip
    finally:
        server.__exit__(None, None, None)


@contextmanager
def started_with_neighbour(
    folder: Path, data_dir: Path, *, workers: int, persons: int, environment: Mapping[str, str],
    persons_there: int = PERSONS_THERE,
) -> Iterator[Target]:  # fmt: skip
    """Our own, a region whose people come here, and a hub between the two; `folder` has logs and
    what is not ours. Raises LoadRefusedError where one does not start."""
    plain = {name: value for name, value in environment.items() if name not in ELSEWHERE}
    with ExitStack() as stack:
        try:
            regions = stack.enter_context(
                two_regions(
                    folder, plain, workers=workers, persons=persons, keep_book=False,
                    data_dir=data_dir, workers_there=WORKERS_THERE, persons_there=persons_there,
                )
            )  # fmt: skip
        except ServerError as exc:
            raise LoadRefusedError(f"the servers did not start (logs in {folder}): {exc}") from exc
        yield _of_two(regions, persons_there)


def _of_two(regions: TwoRegions, persons_there: int) -> Target:
    ours, theirs = regions.servers[OURS], regions.servers[THEIRS]
    return Target(
        url=ours.url, data_dir=ours.data_dir, pid=ours.pid, simulators=ours.simulators,
        verify=lambda: ours.verify(hurried=True),
        neighbour=Neighbour(
            url=theirs.url, data_dir=theirs.data_dir, pid=theirs.pid, hub=regions.hub,
            hub_pid=regions.hub_pid, persons=persons_there,
            verify=lambda: theirs.verify(hurried=True),
        ),
    )  # fmt: skip


def running(url: str, data_dir: Path | None, *, is_mine: bool) -> Target:
    """One that somebody started with --demo. Raises LoadRefusedError."""
    guards.check_target(url, is_mine=is_mine)
    if data_dir is None:
        raise LoadRefusedError(
            "a load is only worth something if the ledger can be read in the end: name the data "
            "directory of the target with --data-dir, and run this on its machine."
        )
    try:
        world = fetch_world(url, persons=1)
    except OSError as exc:
        raise LoadRefusedError(f"{url} shows no /demo/world.json (serve --demo): {exc}") from exc
    return Target(
        url=url.rstrip("/"), data_dir=data_dir, pid=_supervisor(data_dir), is_mine=is_mine,
        simulators=simulators_of(world), verify=lambda: verify_data(data_dir),
    )  # fmt: skip


def simulators_of(world: World) -> dict[str, str]:
    """Addresses of the simulated channels, from what their merchants need to know."""
    found = {}
    for name, told in world.channels.items():
        for value in told.values():
            if isinstance(value, str) and value.startswith("http://"):
                parts = urlsplit(value)
                found[name] = f"http://{parts.netloc}"
                break
    return found


def _supervisor(data_dir: Path) -> int:
    """Who serves this directory; 0 where that cannot be told."""
    wanted = f"--data-dir {data_dir} "
    return next(
        (
            one.pid
            for one in read_processes()
            if " serve " in f"{one.command} " and wanted in f"{one.command} "
        ),
        0,
    )
