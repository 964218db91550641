"""Processor time of the measured processes, by kind, from /proc.

A process counts when it descends from the server we started or mentions its data directory. The
time of children that ended meanwhile is in their parent's figures, so nothing is lost when
PostgreSQL ends a backend. It knows Linux, and nothing of what the processes do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
WORKER_WORD = re.compile(r"\bbackground\b")
PRIVATE_LINE = re.compile(r"^RssAnon:\s+(\d+) kB", re.MULTILINE)
SIMULATORS_WORD = "settlement.demo.channels"


class Process(Struct, frozen=True, kw_only=True):
    """One line of /proc."""

    pid: int
    parent: int
    name: str
    command: str
    cpu_ticks: int
    """user and system, its own and that of children it has waited for"""


def read_processes() -> list[Process]:
    """All processes that can be read; those that end meanwhile are left out."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [process for pid in numbers if (process := _read(pid)) is not None]


def cpu_seconds_by_kind(
    processes: Iterable[Process], *, server_pid: int, places: Sequence[str]
) -> dict[str, float]:
    """Processor seconds so far of gateway, supervisor, worker, simulators, postgres and redis
    processes."""
    return {
        kind: sum(one.cpu_ticks for one in of_kind) / TICKS_PER_SECOND
        for kind, of_kind in by_kind(processes, server_pid=server_pid, places=places).items()
    }


def by_kind(
    processes: Iterable[Process], *, server_pid: int, places: Sequence[str]
) -> dict[str, list[Process]]:
    """The server's processes, by what they do."""
    by_pid = {process.pid: process for process in processes}
    found: dict[str, list[Process]] = {}
    for process in by_pid.values():
        if _belongs(process, by_pid, server_pid=server_pid, places=places):
            found.setdefault(kind_of(process, server_pid=server_pid), []).append(process)
    return found


def private_bytes(pid: int) -> int:
    """Memory that a process has for itself; 0 where it is gone. What is shared, such as the buffers
    of PostgreSQL, would be counted once for every process."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = PRIVATE_LINE.search(text)
    return 0 if found is None else int(found[1]) * 1024


def kind_of(process: Process, *, server_pid: int) -> str:
    """What a process of ours does, from its name; a python child without a name is a gateway."""
    if process.name.startswith("postgres"):
        return "postgres"
    if process.name.startswith("redis"):
        return "redis"
    if process.pid == server_pid:
        return "supervisor"
    if SIMULATORS_WORD in process.command:
        return "simulators"
    return "worker" if WORKER_WORD.search(process.command) else "gateway"


def parse_stat(text: str) -> tuple[str, int, int]:
    """Name, parent and ticks from /proc/PID/stat; the name may hold spaces and brackets."""
    opening, closing = text.index("("), text.rindex(")")
    fields = text[closing + 2 :].split()
    return text[opening + 1 : closing], int(fields[1]), sum(int(field) for field in fields[11:15])


def _read(pid: int) -> Process | None:
    folder = Path("/proc") / str(pid)
    try:
        name, parent, ticks = parse_stat((folder / "stat").read_text())
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(pid=pid, parent=parent, name=name, command=command, cpu_ticks=ticks)


def _belongs(
    process: Process, by_pid: dict[int, Process], *, server_pid: int, places: Sequence[str]
) -> bool:
    """Whether it, or an ancestor, is the server or a server program running in its directories."""
    at: Process | None = process
    while at is not None:
        if at.pid == server_pid:
            return True
        if at.name.startswith(("postgres", "redis")) and any(one in at.command for one in places):
            return True
        at = by_pid.get(at.parent)
    return False
