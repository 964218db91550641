"""A demonstration server as a process of its own: `settlement serve --demo`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct, field

from loadtest.server import program
from settlement.demo.console_users import DemoUser
from settlement.demo.scene import StoryError

LOG_TAIL_BYTES = 2_000
STOP_SECONDS_MAX = 40.0


class Ready(Struct, frozen=True, kw_only=True):
    """What the server says when it is ready."""

    url: str
    users: list[DemoUser] = field(default_factory=list, name="console_users")


class Served(Struct, frozen=True):
    """A server that accepts requests."""

    process: Process
    ready: Ready

    @property
    def url(self) -> str:
        """Where it is reached."""
        return self.ready.url


@asynccontextmanager
async def demo_server(
    data_dir: Path, host: str, port: int, *, workers: int, log_path: Path,
    options: Sequence[str] = (), environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Served]:  # fmt: skip
    """The server, in a session of its own: Ctrl-C reaches it through us, once. Raises StoryError.

    `environment` stands above ours. A port that somebody else has is exchanged for any free one.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    command = [*program(), "serve", "--demo", "--workers", str(workers), "--host", host]
    command += ["--port", str(_free_port(host, port)), "--data-dir", str(data_dir), *options]
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=log, start_new_session=True,
            env=changed_environment(environment or {}),
        )  # fmt: skip
    try:
        yield Served(process, await _ready(process, log_path))
    finally:
        await _stop(process)


def changed_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Our environment with these changes; what is changed to nothing is taken away."""
    changed = {**os.environ, **changes}
    return {name: value for name, value in changed.items() if changes.get(name) != ""}


async def _ready(process: Process, log_path: Path) -> Ready:
    line = b"" if process.stdout is None else await process.stdout.readline()
    if not line:
        raise StoryError(f"the server did not start. {_log_end(log_path)}")
    return msgspec.json.decode(line, type=Ready)


def _log_end(log_path: Path) -> str:
    tail = log_path.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
    return f"The end of {log_path}:\n{tail}"


async def _stop(process: Process) -> None:
    """Ask, ask again, kill: whatever happens, no server stays behind."""
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(number)
        # Another Ctrl-C meanwhile means: hurry.
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS_MAX)


def _free_port(host: str, port: int) -> int:
    """The port, or any free one where somebody else has it."""
    try:
        with socket.create_server((host, port)):
            return port
    except OSError:
        return 0
