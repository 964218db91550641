"""The process tree: ready line, restart of a dead child, graceful and violent ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from settlement.serve.supervisor import ServeError, ServeSettings, reserve_port
from settlement.storage.keyfile import key_file, make_key_file
from settlement.web.app import listen
from tests.integration.web.client import Client, signed
from tests.services import embedded_environment, temporary_directory

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, sys
from pathlib import Path
from settlement.serve.supervisor import ServeSettings, run
run(
    ServeSettings(
        host="127.0.0.1", port=0, workers=2, data_dir=Path(sys.argv[1]), demo=False,
        gateway_factory="tests.integration.web.echo_gateway:start_gateway",
        installer="tests.integration.web.test_supervisor:install_nothing",
    ),
    os.environ,
    lambda line: print(line, flush=True),
)
"""


async def install_nothing(_services: object, settings: ServeSettings) -> None:
    """Echo gateways need no schema; the background process needs its key."""
    path = key_file(settings.data_dir / "secrets", os.environ)
    path.parent.mkdir(parents=True, exist_ok=True)
    make_key_file(path)


class Running:
    """A started server."""

    def __init__(self, process: Process, ready: dict[str, object]) -> None:
        self.process = process
        self.ready = ready
        self.port = int(str(ready["url"]).rsplit(":", 1)[1])

    def children(self) -> dict[str, int]:
        """Process ids by module."""
        found: dict[str, int] = {}
        for pid in child_pids(self.process.pid):
            module = command_line(pid)[2:3]
            if module and module[0].startswith("settlement.serve."):
                found[f"{module[0]}:{pid}"] = pid
        return found

    def gateways(self) -> list[int]:
        return [pid for name, pid in self.children().items() if "worker" in name]


@asynccontextmanager
async def started() -> AsyncIterator[Running]:
    with temporary_directory() as base:
        environment = embedded_environment()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(base / "data"),
            stdout=PIPE, cwd=ROOT, env=environment,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(180):
                line = await process.stdout.readline()
            yield Running(process, json.loads(line))
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            await process.wait()
            await stop_leftovers(base / "data")


def shows_two_starts(server: Running) -> bool:
    """Whether /metrics says that a gateway was started again."""
    page = fetch(f"{server.ready['url']}/metrics")
    starts = re.findall(r'^settlement_process_starts_total{process="gateway-.*} (.+)$', page, re.M)
    return sorted(starts) == ["1.0", "2.0"]


async def test_server_life() -> None:
    """One start for the whole life, because a start costs seconds."""
    async with started() as server:
        assert server.ready["event"] == "ready"
        assert server.ready["workers"] == 2
        first = server.gateways()
        assert len(first) == 2
        assert len(server.children()) == 5

        client = await Client.to(server.port)
        assert (await client.post(b"hello")).status == 200
        page = await asyncio.to_thread(fetch, f"{server.ready['url']}/metrics")
        assert "settlement_processes 4.0" in page

        os.kill(first[0], signal.SIGKILL)
        await until(lambda: len(server.gateways()) == 2 and first[0] not in server.gateways())
        await until(lambda: shows_two_starts(server))

        # A graceful end finishes what is in flight: the echo's stop releases it.
        busy = await Client.to(server.port)
        busy.send(b"hello", "/hsa/hgs/2102", signed())
        assert (await busy.read()).status == 200
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(90):
            assert await server.process.wait() == 0
        assert server.gateways() == []


async def test_children_stop_when_the_supervisor_is_killed() -> None:
    async with started() as server:
        children = list(server.children().values())
        server.process.kill()
        await server.process.wait()
        await until(lambda: all(parent(pid) is None for pid in children))


def test_busy_port_is_told_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port} of 127.0.0.1 is in use"):
            reserve_port("127.0.0.1", port)


def test_foreign_address_is_told_clearly() -> None:
    with pytest.raises(ServeError, match=r"192\.0\.2\.1 is no address of this machine"):
        reserve_port("192.0.2.1", 18080)


def test_two_servers_cannot_share_a_port_although_processes_of_one_can() -> None:
    with reserve_port("127.0.0.1", 0) as reserved:
        port = reserved.getsockname()[1]
        with listen("127.0.0.1", port) as gateway:
            gateway.listen()
            with pytest.raises(ServeError, match="in use"):
                reserve_port("127.0.0.1", port)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    async with asyncio.timeout(90):
        while not condition():
            await asyncio.to_thread(os.sched_yield)


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310 - our own server
        return str(reply.read().decode())


def child_pids(pid: int) -> list[int]:
    everybody = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [each for each in everybody if parent(each) == pid]


def parent(pid: int) -> int | None:
    """The parent of a living process."""
    try:
        state, above = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(above)


def command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []


async def stop_leftovers(data_dir: Path) -> None:
    """PostgreSQL outlives a killed supervisor; a new owner adopts and stops it."""
    from settlement.embedded.services import start_services

    services = await start_services(data_dir, embedded_environment())
    await services.stop()
