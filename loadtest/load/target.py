"""The server that a load goes to: one of our own on fresh data, or one that is already running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from loadtest.load import guards
from loadtest.load.guards import LoadRefusedError
from loadtest.load.run import Target
from loadtest.processes import read_processes
from loadtest.server import Server, ServerError, verify_data
from loadtest.world import World, fetch_world

ELSEWHERE = (
    "SETTLEMENT_DATABASE_URL", "SETTLEMENT_APP_DATABASE_URL", "SETTLEMENT_REDIS_URL",
    "SETTLEMENT_REGION",
)  # fmt: skip
"""A load fills its own database, never the site's, whatever the environment names."""


@contextmanager
def started(
    data_dir: Path, *, workers: int, persons: int, environment: Mapping[str, str], log: Path
) -> Iterator[Target]:
    """Our own. Raises LoadRefusedError where it does not start."""
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
