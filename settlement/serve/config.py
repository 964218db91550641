"""What the supervisor tells its children, and the two words that they say to each other.

A child reads its configuration as one JSON line on stdin, where secrets are seen by nobody, and
then watches stdin: when it ends, the supervisor is gone and the child stops. A child says one line
on stdout when it is at work.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from settlement.gateway import Gateway, HubDoor
from settlement.import_job import ImportOffice
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.telemetry.otlp import TracesWanted
from settlement.web.app import DemoToken, DemoWorld
from settlement.web.tls import TlsFiles

AT_WORK = b'{"event":"at_work"}\n'
BEAT = b"."
"""What a child says every second after that, where somebody listens."""
BEAT_SECONDS = 1.0

GATEWAY_FACTORY = "settlement.serve.start:start_gateway"
INSTALLER = "settlement.serve.operations:prepare"


class WorkerConfig(Struct, frozen=True, kw_only=True):
    """Of one child. `place` names it for good (gateway-0, background), also after a restart."""

    place: str
    index: int
    workers: int
    host: str
    port: int
    app_dsn: str
    redis_url: str
    data_dir: str
    run_dir: str
    demo: bool
    journals: int | None
    limits: Limits = DEFAULT_LIMITS
    channels_file: str = ""
    """which merchants collect over payment channels; empty where none does"""
    tls: TlsFiles | None = None
    """what the gateways speak TLS with; None for plain HTTP"""
    owner_dsn: str = ""
    """the schema owner's login: told to the importer and to the console, to nobody else"""
    console_socket: str = ""
    """where the console's process listens; empty where there is none"""
    traces: TracesWanted | None = None
    """where gateways send traces of some requests; None where nobody asked for any"""
    gateway_factory: str = GATEWAY_FACTORY
    """`module:name` of an async function from this config to a `RunningGateway`"""

    @property
    def url(self) -> str:
        """Where this machine reaches the server."""
        return url_of(self.host, self.port, secure=self.tls is not None)


def url_of(host: str, port: int, *, secure: bool = False) -> str:
    """The address of a server that listens so; one that listens everywhere is on this machine."""
    everywhere = ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound
    shown = "127.0.0.1" if host in everywhere else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"{'https' if secure else 'http'}://{shown}:{port}"


class RunningGateway(Gateway, Protocol):
    """The core of one process, as it is started and stopped."""

    demo_world: DemoWorld | None
    """the page for /demo/world.json; None without --demo"""
    demo_token: DemoToken | None
    """the page for /demo/token; None without --demo"""
    import_office: ImportOffice | None
    """where files for import are received"""
    hub_door: HubDoor | None
    """where other regions ask; None where this one speaks to no other"""

    async def stop(self, drain_seconds: float) -> None:
        """Stop admitting, drain, leave the rest in doubt."""
        ...


def decode_config(line: bytes) -> WorkerConfig:
    """The configuration in the first line of stdin."""
    return msgspec.json.decode(line, type=WorkerConfig)


def resolve(name: str) -> Any:
    """The object named `module:attribute`; imports the module."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
