"""The parent process: starts the services, installs the schema, keeps the children alive.

It serves nothing itself. It holds the port's number, so that a busy port is told clearly and a
restarted child gets the same one. When it is killed the children notice and stop; PostgreSQL lives
on and is adopted by the next start.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from ledger.postgres.shape import Shape
from settlement.demo.channels import channels_folder, read_world
from settlement.demo.console_users import DemoUser, make_demo_users
from settlement.embedded.directory import SOCKET_PATH_BYTES_MAX
from settlement.embedded.errors import explained
from settlement.embedded.services import Services, start_services
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.serve.config import GATEWAY_FACTORY, INSTALLER, WorkerConfig, resolve, url_of
from settlement.serve.keeper import Child
from settlement.telemetry import logs, otlp
from settlement.web.app import listen
from settlement.web.tls import TlsError, TlsFiles, load_context

logger = logging.getLogger("settlement.serve")

CHANNELS_VARIABLE = "SETTLEMENT_CHANNELS"
CHANNELS_NAME = "channels.toml"
KILL_SECONDS = 3.0
"""After the drain limit, how long a child may still take to end by itself."""


class ServeSettings(Struct, frozen=True, kw_only=True):
    """What `settlement serve` was told."""

    host: str
    port: int
    workers: int
    data_dir: Path
    demo: bool = False
    demo_persons: int = 100_000
    demo_first: int = 1
    """of the people of a demonstration that is made now: how many, and the first one's number"""
    journals: int | None = None
    shape: Shape | None = None
    limits: Limits = DEFAULT_LIMITS
    tls: TlsFiles | None = None
    """None: plain HTTP"""
    gateway_factory: str = GATEWAY_FACTORY
    installer: str = INSTALLER
    """`module:name` of an async function (services, settings) that makes schema and data ready"""


class ServeError(Exception):
    """The server cannot start. The text says why and what to do."""


def run(
    settings: ServeSettings, environment: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Serve until stopped. `say` gets the one line that tells that requests are accepted.

    Raises ServeError, ServiceError, ChildError or LimitsError when the server cannot start or stay.
    """
    logs.configure("supervisor")
    settings.limits.check()
    asyncio.run(Supervisor(settings, environment, say).run())


class Supervisor:
    """One server: services, gateway processes, a background process, an importer, a console."""

    def __init__(
        self, settings: ServeSettings, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._say = say
        self._settings = settings
        self._environment = environment
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._gateways: list[Child] = []
        self._background: Child | None = None
        self._simulators: Child | None = None
        self._importer: Child | None = None
        self._console: Child | None = None
        self._demo_users: list[DemoUser] = []
        try:
            self._traces = otlp.wanted(environment)
        except otlp.TracesError as exc:
            raise ServeError(str(exc)) from exc

    async def run(self) -> None:
        """Start everything, say so, watch it, stop it. Raises ServeError, ServiceError."""
        self._hear_signals()
        self._try_tls()
        with reserve_port(self._settings.host, self._settings.port) as reserved:
            port: int = reserved.getsockname()[1]
            services = await start_services(self._settings.data_dir, self._environment)
            try:
                await resolve(self._settings.installer)(services, self._settings)
                if self._settings.demo and self._settings.installer == INSTALLER:
                    self._demo_users = await make_demo_users(services.owner_dsn)
                await self._start_children(services, port)
                self._announce(port)
                await self._watch(services)
            finally:
                await self._stop_children()
                await services.stop()

    def _try_tls(self) -> None:
        """Before anything is started: each gateway loads the same files later."""
        tls = self._settings.tls
        if tls is None:
            return
        if self._settings.demo:
            raise ServeError("--demo speaks plain HTTP with its simulators: leave TLS out of it.")
        try:
            load_context(tls)
        except TlsError as exc:
            raise ServeError(str(exc)) from exc

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
            for child in self._children():
                child.terminate()
        self._stop.set()

    def _children(self) -> list[Child]:
        others = (self._background, self._importer, self._console, self._simulators)
        return [*self._gateways, *(child for child in others if child is not None)]

    async def _start_children(self, services: Services, port: int) -> None:
        settings = self._settings
        run_dir = _fresh_run_directory(settings.data_dir)
        base = WorkerConfig(
            place="",
            index=0,
            workers=settings.workers,
            host=settings.host,
            port=port,
            app_dsn=services.app_dsn,
            redis_url=services.redis_url,
            data_dir=str(settings.data_dir),
            run_dir=str(run_dir),
            demo=settings.demo,
            journals=settings.journals,
            limits=settings.limits,
            channels_file=str(self._channels_file() or ""),
            traces=self._traces,
            tls=settings.tls,
            gateway_factory=settings.gateway_factory,
            console_socket=str(_console_socket(run_dir)),
        )
        if settings.demo:
            await self._start_simulators(base)
        self._gateways = [
            Child(
                "settlement.serve.worker",
                msgspec.structs.replace(base, place=f"gateway-{index}", index=index),
                start_seconds=settings.limits.start_seconds_max,
                silent_seconds_max=settings.limits.silent_seconds_max,
            )
            for index in range(settings.workers)
        ]
        self._background = Child(
            "settlement.serve.background",
            msgspec.structs.replace(base, place="background", index=settings.workers),
            start_seconds=settings.limits.start_seconds_max,
        )
        self._importer = Child(
            "settlement.serve.importer",
            msgspec.structs.replace(base, place="importer", owner_dsn=services.owner_dsn),
            start_seconds=settings.limits.start_seconds_max,
        )
        self._console = Child(
            "settlement.serve.console",
            msgspec.structs.replace(base, place="console", owner_dsn=services.owner_dsn),
            start_seconds=settings.limits.start_seconds_max,
        )
        starting = (*self._gateways, self._background, self._importer, self._console)
        await asyncio.gather(*(child.start() for child in starting))

    def _channels_file(self) -> Path | None:
        """Which merchants collect: the simulated ones, those of the environment, or those whose
        file lies in the data directory."""
        settings = self._settings
        if settings.demo:
            return channels_folder(settings.data_dir) / CHANNELS_NAME
        named = self._environment.get(CHANNELS_VARIABLE)
        if named:
            return Path(named)
        own = settings.data_dir / CHANNELS_NAME
        return own if own.exists() else None

    async def _start_simulators(self, base: WorkerConfig) -> None:
        """Before the gateways, which read what the simulators write."""
        self._simulators = Child(
            "settlement.demo.channels",
            msgspec.structs.replace(base, place="simulators", index=base.workers + 1),
            start_seconds=self._settings.limits.start_seconds_max,
        )
        await self._simulators.start()

    def _announce(self, port: int) -> None:
        ready = {
            "event": "ready",
            "url": url_of(self._settings.host, port, secure=self._settings.tls is not None),
            "workers": self._settings.workers,
            "pid": os.getpid(),
        }
        if self._settings.demo:
            ready["simulators"] = read_world(channels_folder(self._settings.data_dir)).urls
            ready["console_users"] = [structs.asdict(one) for one in self._demo_users]
        self._say(json.dumps(ready))

    async def _watch(self, services: Services) -> None:
        """Until told to stop: keep children and services alive."""
        keepers = [asyncio.create_task(child.keep()) for child in self._children()]
        tasks: list[asyncio.Task[None]] = [*keepers, asyncio.create_task(services.watch())]
        asked = asyncio.create_task(self._stop.wait())
        await asyncio.wait({asked, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
        for task in (asked, *tasks):
            task.cancel()
        await asyncio.gather(asked, *tasks, return_exceptions=True)
        for task in ended:
            # A loop that never ends has ended: what it raised is why the server stops.
            task.result()

    async def _stop_children(self) -> None:
        """Gateways first, so that nothing is asked of us any more; then the others."""
        limit = self._settings.limits.drain_seconds_max + KILL_SECONDS
        await asyncio.gather(*(child.stop(limit, self._hurry) for child in self._gateways))
        others = (self._background, self._importer, self._console, self._simulators)
        await asyncio.gather(
            *(child.stop(limit, self._hurry) for child in others if child is not None)
        )


def reserve_port(host: str, port: int) -> socket.socket:
    """A bound socket that never listens: the port is ours, and a chosen 0 becomes a number.

    Raises ServeError where somebody else has it.
    """
    try:
        if port:
            # Without SO_REUSEPORT another server on this port is noticed, also one of ours.
            socket.create_server((host, port), family=_family(host)).close()
        return listen(host, port)
    except OSError as exc:
        reason = {
            errno.EADDRINUSE: f"port {port} of {host} is in use by another program",
            errno.EACCES: f"port {port} may not be used by this user",
            errno.EADDRNOTAVAIL: f"{host} is no address of this machine",
        }.get(exc.errno or 0, f"{host}:{port} cannot be used: {exc}")
        raise ServeError(f"{reason}. Choose another --host or --port.") from exc


def _console_socket(run_dir: Path) -> Path:
    """Where the console listens: beside the numbers, or where that path is too long for a socket in
    a directory of its own that nobody else may enter."""
    beside = run_dir / "console.sock"
    if len(os.fsencode(beside)) < SOCKET_PATH_BYTES_MAX:
        return beside
    return Path(tempfile.mkdtemp(prefix="settlement-")) / "console.sock"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _fresh_run_directory(data_dir: Path) -> Path:
    """Where the processes show their numbers; those of an earlier server are of no use."""
    run_dir = data_dir.expanduser().resolve() / "metrics"
    with explained(f"preparing {run_dir}"):
        run_dir.mkdir(parents=True, exist_ok=True)
        for file in run_dir.glob("metrics-*"):
            file.unlink()
    return run_dir
