"""Every door of the service behind one web server, and who knocks: requests made from what the
server says of itself (/openapi.json) and sent as bytes, so that they may be what no library sends.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from loadtest.population import make_credential
from protocol.nhsa import signing
from settlement.clock import system_clock
from settlement.import_job import ImportKey
from settlement.limits import DEFAULT_LIMITS
from settlement.serve.import_desk import ImportDesk
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.web.imports import signature
from settlement.web.openapi import openapi_document
from tests.kit.town import Town

WAIT_SECONDS = 60.0
SEED = 1
"""Of the credentials that the loader gives to institutions."""
PARTS = {"order_no": "O1", "setl_id": "1", "mdtrt_id": "1", "job": "1"}
"""What stands for a part of an address."""
Headers = dict[str, str]


class Knock(Struct, frozen=True, kw_only=True):
    """A request as it goes out; headers may be any bytes."""

    method: str
    path: str | bytes
    headers: Mapping[str, str | bytes] = {}
    body: bytes = b""

    @property
    def wire(self) -> bytes:
        """The bytes."""
        head = [f"{self.method} ".encode() + _raw(self.path) + b" HTTP/1.1", b"Host: doors.test"]
        head += [name.encode() + b": " + _raw(value) for name, value in self.headers.items()]
        body = b"" if self.method == "GET" else self.body
        if self.method != "GET":
            head.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([*head, b"Connection: close", b"", body])


class Opened(Struct, frozen=True, kw_only=True):
    """What came back; status 0 where the connection was closed without a word."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """err_code, where it is a refusal in JSON."""
        try:
            told = json.loads(self.body)
        except ValueError:
            return ""
        return str(told.get("err_code", "")) if isinstance(told, dict) else ""


class Doors:
    """A server's doors, seen from outside."""

    def __init__(self, town: Town, port: int) -> None:
        self.town = town
        self.port = port

    async def knock(self, knock: Knock) -> Opened:
        """One request on a connection of its own."""
        async with asyncio.timeout(WAIT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(knock.wire)
            came = await reader.read()
            writer.close()
        head, _, body = came.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = re.match(r"HTTP/1\.[01] (\d{3})", first)
        pairs = (line.partition(": ") for line in lines)
        return Opened(
            status=int(status[1]) if status else 0,
            headers={name.lower(): value for name, _, value in pairs}, body=body,
        )  # fmt: skip


@asynccontextmanager
async def the_doors(
    town: Town, directory: Path, console_socket: Path | None = None
) -> AsyncIterator[Doors]:
    """The town's service with everything that a gateway opens."""
    desk = ImportDesk(
        dsn=town.app_dsn, keyring=town.keyring, data_dir=directory, limits=DEFAULT_LIMITS,
        clock=town.clock,
    )  # fmt: skip
    settings = WebSettings(import_office=desk, clock=town.clock, console_socket=console_socket)
    web = WebServer(town.service, Board(directory, "test"), settings)
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    await web.start(listener)
    try:
        yield Doors(town, port)
    finally:
        await web.stop(1.0)
        desk.close()


def addresses(scheme: str) -> list[tuple[str, str]]:
    """Method and path of every address that /openapi.json says is signed so: `tif` (or `csb`,
    which the same take), `import` or `app`."""
    document: dict[str, Any] = json.loads(openapi_document())
    return [
        (method.upper(), _filled(path))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if any(scheme in one for one in operation.get("security", document["security"]))
    ]


def tif(
    access_key: str, secret: str, *, late_seconds: int = 0, nonce: str | None = None
) -> Headers:
    """A signed request's headers, the one dialect."""
    timestamp = str(int(system_clock().timestamp()) - late_seconds)
    nonce = secrets.token_hex(8) if nonce is None else nonce
    return {
        "x-tif-paasid": access_key, "x-tif-timestamp": timestamp, "x-tif-nonce": nonce,
        "x-tif-signature": signing.tif_signature(timestamp, secret, nonce),
    }  # fmt: skip


def csb(access_key: str, secret: str, *, late_seconds: int = 0) -> Headers:
    """The other one."""
    headers = {
        "_api_access_key": access_key, "_api_name": "hsa",
        "_api_timestamp": str(int(system_clock().timestamp() * 1000) - late_seconds * 1000),
        "_api_version": "1.0.0",
    }  # fmt: skip
    return headers | {"_api_signature": signing.csb_signature(headers, secret)}


def importing(
    key: ImportKey, at: float, method: str, target: str, body: bytes = b""
) -> Headers:
    """A signed import's headers."""
    timestamp, digest = str(int(at)), sha256(body).hexdigest()
    signed = signature(key.secret, method=method, target=target, timestamp=timestamp, digest=digest)
    return {
        "x-import-key": key.access_key, "x-import-timestamp": timestamp,
        "x-import-sha256": digest, "x-import-signature": signed,
        "Content-Type": "application/x-ndjson",
    }  # fmt: skip


def secret_of(institution: str) -> str:
    """What an institution of the town signs with."""
    return make_credential(institution, seed=SEED).secret


def _filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda part: PARTS.get(part[1], "1"), path)


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
