"""The agency's systems: they sign and send files over HTTP, and ask what became of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from settlement.clock import Clock
from settlement.import_job import ImportKey
from settlement.intake.order import KINDS
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.serve.config import WorkerConfig
from settlement.serve.import_desk import ImportDesk
from settlement.serve.importer import Importer
from settlement.storage.import_jobs import keep_key
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.web.imports import EMPTY_SHA256, signature
from tests.kit.served import HttpAnswer
from tests.kit.town import Town
from tests.kit.townhall import Townhall
from tests.kit.waiting import until

KEY = ImportKey(
    access_key="import-test", operator="测试经办甲", kinds=frozenset(KINDS), secret="s" * 64,
    suspended=False,
)  # fmt: skip
OTHER_KEY = msgspec.structs.replace(KEY, access_key="import-other", operator="测试经办乙")
PATIENCE_SECONDS = 120.0

Answer = tuple[int, dict[str, Any]]


class AgencySystem:
    """A program of the agency, with a key."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, clock: Clock, key: ImportKey = KEY
    ) -> None:
        self.session, self.url, self.clock, self.key = session, url, clock, key

    def headers(self, method: str, target: str, digest: str, **changes: str) -> dict[str, str]:
        """A signed request's headers, some of them changed."""
        timestamp = changes.pop("timestamp", str(int(self.clock().timestamp())))
        signed = signature(
            self.key.secret, method=method, target=target, timestamp=timestamp, digest=digest
        )
        return {
            "x-import-key": self.key.access_key, "x-import-timestamp": timestamp,
            "x-import-sha256": digest, "x-import-signature": signed,
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }  # fmt: skip

    async def send(
        self, kind: str, body: bytes, *, content_type: str = "application/x-ndjson",
        headers: Mapping[str, str] | None = None, content_encoding: str = "",
        expect100: bool = False, **options: object,
    ) -> Answer:  # fmt: skip
        """Post a file; perhaps its body waits to be asked for, or is said to be compressed."""
        told = urlencode({"reason": "测试〔2026〕9号", **options})
        target = f"/imports/{kind}?{told}"
        signed = self.headers("POST", target, sha256(body).hexdigest(), **(headers or {}))
        told_of = {"Content-Type": content_type}
        if content_encoding:
            told_of["Content-Encoding"] = content_encoding
        came = await self.post(target, body, {**signed, **told_of}, expect100=expect100)
        return came.status, json.loads(came.body)

    async def post(
        self, target: str, body: bytes, headers: Mapping[str, str], *, expect100: bool = False
    ) -> HttpAnswer:
        """One request as it is."""
        url = URL(self.url + target, encoded=True)
        async with self.session.post(
            url, data=body, headers=headers, expect100=expect100
        ) as response:  # fmt: skip
            return HttpAnswer(
                status=response.status, headers=response.headers, body=await response.read()
            )

    async def ask(self, job: str) -> Answer:
        """What became of a job."""
        target = f"/imports/{job}"
        headers = self.headers("GET", target, EMPTY_SHA256)
        async with self.session.get(self.url + target, headers=headers) as response:
            return response.status, await response.json()

    async def over(self, job: str) -> dict[str, Any]:
        """The job once it is over."""

        async def ended() -> dict[str, Any] | None:
            status, told = await self.ask(job)
            assert status == 200, told
            return told if told["state"] not in ("waiting", "running") else None

        return await until(ended, seconds=PATIENCE_SECONDS)

    async def bring(self, kind: str, body: bytes, **options: Any) -> dict[str, Any]:
        """Send a file and wait for its end."""
        status, told = await self.send(kind, body, **options)
        assert status == 202, told
        return await self.over(told["job"])

    def as_other(self, key: ImportKey = OTHER_KEY) -> AgencySystem:
        """A colleague."""
        return AgencySystem(self.session, self.url, self.clock, key)


def ndjson(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Rows as a file."""
    return b"".join(json.dumps(row, default=str).encode() + b"\n" for row in rows)


async def issue_keys(town: Townhall) -> None:
    """Two people of the agency may import everything."""
    for key in (KEY, OTHER_KEY):
        await keep_key(
            town.owner, town.keyring, key, at=town.clock(), actor="测试操作员", reason="测试"
        )


@asynccontextmanager
async def an_import_desk(
    town: Town, directory: Path, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[AgencySystem]:
    """The town's service behind HTTP, and the agency's key; nobody imports yet."""
    secrets = directory / "secrets"
    secrets.mkdir()
    (secrets / "keys.json").write_bytes(msgspec.json.encode([town.key_material]))
    desk = ImportDesk(
        dsn=town.app_dsn, keyring=town.keyring, data_dir=directory, limits=limits,
        clock=town.clock,
    )  # fmt: skip
    settings = WebSettings(limits=limits, import_office=desk, clock=town.clock)
    web = WebServer(town.service, Board(directory, "test"), settings)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    await web.start(listener)
    async with aiohttp.ClientSession() as session:
        yield AgencySystem(session, url, town.clock)
    await web.stop(1.0)
    desk.close()


@asynccontextmanager
async def an_importer(town: Town, directory: Path) -> AsyncIterator[None]:
    """Who runs the jobs."""
    stopping = asyncio.Event()
    config = WorkerConfig(
        place="importer", index=0, workers=1, host="", port=0, app_dsn=town.app_dsn,
        redis_url="", data_dir=str(directory), run_dir="", demo=False, journals=None,
        owner_dsn=town.owner_dsn,
    )  # fmt: skip
    running = asyncio.ensure_future(Importer(config, stopping).run())
    try:
        yield
    finally:
        stopping.set()
        await running
