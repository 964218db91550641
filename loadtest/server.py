"""Starts, asks and stops the program under test the way any user would: by its command line."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import FrameType, TracebackType
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from settlement.embedded.directory import HOME_POINTER

STOP_SECONDS_MAX = 60


class ServerError(Exception):
    """The program under test did not start or did not answer as its contract says."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What `settlement verify --json` prints, and how long it took."""

    ok: bool
    journals: int
    entries: int
    first_bad: str | None = None
    seconds: float = 0.0


def program() -> list[str]:
    """The settlement command beside this interpreter; its module where it is not installed."""
    script = Path(sys.executable).parent / "settlement"
    return [str(script)] if script.exists() else [sys.executable, "-m", "settlement.cli"]


def end_in_good_order() -> None:
    """From now on SIGTERM ends this program as Ctrl-C does: what it started and what it wrote does
    not outlive it."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def remove_data(data_dir: Path) -> None:
    """Remove a stopped server's data, and its servers' home where that had to be elsewhere."""
    pointer = data_dir / HOME_POINTER
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip())
    shutil.rmtree(data_dir, ignore_errors=True)


class Server:
    """`settlement serve --demo` on a data directory; a context manager that stops it."""

    def __init__(
        self,
        data_dir: Path,
        *,
        workers: int,
        environment: Mapping[str, str],
        journals: int | None = None,
        port: int = 0,
        options: Sequence[str] = (),
        log_path: Path | None = None,
        command: Sequence[str] | None = None,
        demo: bool = True,
    ) -> None:
        """`options` come after ours; the log goes to the terminal where it has no file. `command`
        is a program that serves in place of ours. Without `demo` it finds its world in the
        database."""
        self.data_dir = data_dir
        self._log_path = log_path
        self._environment = environment
        self._command = [*(command or program()), "serve", "--host", "127.0.0.1"]
        self._command += ["--port", str(port), "--workers", str(workers)]
        self._command += ["--data-dir", str(data_dir), *["--demo"] * demo]
        if journals is not None:
            self._command += ["--journals", str(journals)]
        self._command += options
        self.url = ""
        self.simulators: dict[str, str] = {}
        """addresses of the simulated payment channels, by name"""
        self.console_users: dict[str, tuple[str, str]] = {}
        """name and password of a demonstration's users, by role"""

    def __enter__(self) -> Server:
        end_in_good_order()
        with nullcontext(None) if self._log_path is None else self._log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command, stdout=subprocess.PIPE, stderr=log, env=self._environment
            )
        stdout = self._process.stdout
        line = stdout.readline() if stdout is not None else b""
        if not line:
            raise ServerError("the server ended before it was ready; its error is printed above")
        ready = json.loads(line)
        if ready.get("event") != "ready":
            raise ServerError(f"expected the ready line, got {line!r}")
        self.url = str(ready["url"]).rstrip("/")
        self.simulators = ready.get("simulators", {})
        self.console_users = {
            one["role"]: (one["name"], one["password"]) for one in ready.get("console_users", ())
        }
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def kill(self) -> None:
        """kill -9 of the supervisor. Entered again, the server starts again."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def is_running(self) -> bool:
        """Whether it was entered and its supervisor has not ended."""
        return hasattr(self, "_process") and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        return self._process.pid

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def operate(self, arguments: Sequence[str]) -> str:
        """What a `settlement` command on the data directory prints. Raises ServerError."""
        done = subprocess.run(  # noqa: S603 - our own command line
            [*program(), *arguments, "--data-dir", str(self.data_dir)],
            capture_output=True, env=self._environment, check=False,
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise ServerError(f"settlement {arguments[0]}: {said}")
        return done.stdout.decode()

    def verify(self, *, hurried: bool = False) -> Verdict:
        """Run `settlement verify` on the data directory. Raises ServerError when it prints none."""
        return verify_data(self.data_dir, environment=self._environment, hurried=hurried)


def verify_data(
    data_dir: Path, *, environment: Mapping[str, str] | None = None, hurried: bool = True
) -> Verdict:
    """What `settlement verify` says of a data directory. Raises ServerError when it prints none."""
    command = [*program(), "verify", "--data-dir", str(data_dir), "--json"]
    command += ["--hurry"] * hurried
    begin = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own command line
        command, capture_output=True, env=environment, check=False
    )
    seconds = time.perf_counter() - begin
    return read_verdict(done.stdout, done.returncode, done.stderr, seconds)


def read_verdict(stdout: bytes, status: int, stderr: bytes, seconds: float) -> Verdict:
    """The verdict from what the command printed; a status of its own counts as not verified."""
    try:
        printed = msgspec.json.decode(stdout, type=dict[str, object])
    except msgspec.DecodeError as error:
        tail = stderr[-500:].decode("utf-8", "replace")
        raise ServerError(f"verify printed no JSON (exit status {status}): {tail}") from error
    first_bad = printed.get("first_bad")
    return Verdict(
        ok=printed.get("ok") is True and status == 0,
        journals=_whole(printed.get("journals")),
        entries=_whole(printed.get("entries")),
        first_bad=None if first_bad is None else str(first_bad),
        seconds=seconds,
    )


class VerifyingAllTheTime:
    """Runs verify again and again beside the load, until left."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._repeat)
        self.verdicts: list[Verdict] = []
        self.error: ServerError | None = None

    def __enter__(self) -> VerifyingAllTheTime:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def _repeat(self) -> None:
        try:
            while not self._leave.is_set():
                self.verdicts.append(self._server.verify())
        except ServerError as error:
            self.error = error


def _whole(value: object) -> int:
    """Journals may be given as a number or as a list of them."""
    if isinstance(value, list):
        return len(value)
    return value if isinstance(value, int) else 0
