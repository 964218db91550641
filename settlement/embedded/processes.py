"""Processes of the servers: start them apart from us, recognise them again, wait for their end.

A server gets a session of its own, so that Ctrl-C in our terminal and our own death do not reach
it. This module knows Linux's /proc and signals; it does not know what the servers do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from settlement.embedded.errors import ServiceError
from settlement.embedded.identity import ServiceUser, server_environment

POLL_SECONDS = 0.02
PID_IMPOSSIBLE = 2**31 - 1
"""Above the kernel's largest pid (2**22), so that no process ever has it."""


class ServerProcess:
    """A running server: one that we started, or one that we found running and adopted."""

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._child = child
        self._started = _start_time(pid)

    @property
    def adopted(self) -> bool:
        """Whether somebody else started it."""
        return self._child is None

    def is_alive(self) -> bool:
        """False as soon as it has ended, also when nobody has collected its status yet."""
        if self._child is not None:
            return self._child.poll() is None
        return self._started is not None and _start_time(self.pid) == self._started

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    async def wait_end(self, deadline_seconds: float) -> bool:
        """Wait for its end; False when it outlives the deadline."""
        return await wait_until(lambda: not self.is_alive(), deadline_seconds)


async def wait_until(condition: Callable[[], bool], deadline_seconds: float) -> bool:
    """Ask a cheap question until it is true; False when the deadline passes first."""
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def spawn(command: list[str], *, user: ServiceUser, said: Path) -> ServerProcess:
    """Start a server as `user` in a session of its own; what it says first is added to `said`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(said, flags, 0o600)
    user.own(said)
    try:
        child = subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            env=server_environment(),
            umask=0o077,
            start_new_session=True,
            user=user.uid if user.switch else None,
            group=user.gid if user.switch else None,
            extra_groups=[] if user.switch else None,
        )
    except OSError as exc:
        raise ServiceError(f"{command[0]} cannot be started: {exc}.") from exc
    finally:
        os.close(descriptor)
    return ServerProcess(child.pid, child)


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty for one that has ended.

    They are readable where /proc/PID/cwd and exe are not: by the root of an ordinary container.
    """
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return raw.decode(errors="replace").rstrip("\0").split("\0") if raw else []


def processes_of(user: ServiceUser) -> list[int]:
    """All processes of one user."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return sorted(pid for pid in pids if _owner(pid) == user.uid)


def _owner(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def _start_time(pid: int) -> str | None:
    """When a process started, in ticks since boot: with the pid it names one process for good."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = status.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else started
