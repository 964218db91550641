"""Directories and servers of their own for tests that kill, copy and forbid."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from settlement.embedded.directory import HOMES_VARIABLE, MARKER, DataDirectory, open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.identity import ServiceUser, choose_user
from settlement.embedded.postgres import find_orphans, find_postmaster
from settlement.embedded.postgres_settings import SHARED_BUFFERS_VARIABLE
from settlement.embedded.processes import wait_until
from settlement.embedded.redis import find_redis
from settlement.embedded.services import start_services
from tests.services import run_apart, temporary_directory

STOP_SECONDS = 90.0


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory that every user may enter."""
    with temporary_directory() as path:
        yield path


@pytest.fixture
def environment(base: Path) -> dict[str, str]:
    """No variable of the machine's; what would go to /var/lib goes below `base`."""
    return {HOMES_VARIABLE: str(base / "homes"), SHARED_BUFFERS_VARIABLE: "64MB"}


@pytest.fixture
def path(base: Path, environment: dict[str, str]) -> Iterator[Path]:
    """A data directory that does not exist yet; servers that a test left there are stopped."""
    data = base / "data"
    yield data
    if (data / MARKER).exists():
        run_apart(lambda: _stop_everything(data, environment))


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    """A data directory that was started and stopped once; copying it is faster than initdb."""
    with temporary_directory() as base:
        services = run_apart(
            lambda: start_services(base / "data", {SHARED_BUFFERS_VARIABLE: "64MB"})
        )
        run_apart(services.stop)
        yield base / "data"


@pytest.fixture
def directory(template: Path, path: Path, environment: dict[str, str]) -> Iterator[DataDirectory]:
    """A locked data directory with a stopped server's data."""
    subprocess.run(["cp", "-a", str(template), str(path)], check=True)
    opened = open_directory(path, environment)
    opened.lock()
    yield opened
    opened.unlock()


@pytest.fixture
def empty_directory(path: Path, environment: dict[str, str]) -> Iterator[DataDirectory]:
    """A locked data directory in which no server was made yet."""
    opened = open_directory(path, environment)
    opened.lock()
    yield opened
    opened.unlock()


@pytest.fixture
def user(environment: dict[str, str]) -> ServiceUser:
    """Who the servers run as here."""
    return choose_user(environment)


@pytest.fixture
def as_root() -> None:
    """Skip a test that only root can do."""
    if os.geteuid() != 0:
        pytest.skip("only root hands servers over to another user")


async def _stop_everything(data: Path, environment: dict[str, str]) -> None:
    try:
        opened = open_directory(data, environment, create=False)
    except ServiceError:
        return
    postmaster = find_postmaster(opened)
    if postmaster is not None:
        postmaster.send(signal.SIGQUIT)
        assert await postmaster.wait_end(STOP_SECONDS)
    redis = find_redis(opened)
    if redis is not None:
        redis.send(signal.SIGKILL)
        assert await redis.wait_end(STOP_SECONDS)
    assert await wait_until(lambda: not find_orphans(opened), STOP_SECONDS)
