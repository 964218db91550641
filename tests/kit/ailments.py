"""What can be wrong with a deployment: a scene for each finding of `settlement doctor`, made on the
real server, the real file or the real disk, and taken back afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import asyncpg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import json
from redis.asyncio import Redis

from loadtest.simulators.unionpay_keys import make_signing_key, merchant_name
from settlement.backup.store import open_store
from settlement.clock import system_clock
from settlement.doctor import server as server_page
from settlement.doctor import sntp
from settlement.doctor.findings import Code
from settlement.doctor.thresholds import Thresholds
from settlement.embedded.archiving import PLACE_FILE, Place
from settlement.embedded.external import replace_user
from settlement.embedded.services import REDIS_VARIABLE
from settlement.region.hub_config import VARIABLE as HUB_VARIABLE
from settlement.storage.connect import SIDE_NAME
from settlement.storage.hub import keep_identity
from settlement.storage.keyfile import KEY_FILE_VARIABLE, make_key_file
from settlement.wal_names import name_of
from settlement.web.tls import CERTIFICATE_VARIABLE
from tests.kit.disk import small_disk
from tests.kit.hub import AUTHORITY, keys_of, papers_of
from tests.kit.patient import Deployment, Look, execute
from tests.kit.waiting import until
from tests.services import replace_database

Scene = Callable[[Deployment, Look], AbstractAsyncContextManager[None]]
SCENES: dict[Code, Scene] = {}
NOWHERE = "postgresql://owner:x@127.0.0.1:1/nowhere"
WRITE = "select pg_logical_emit_message(true, 'test', 'x')"


def scene(code: Code) -> Callable[[Callable[[Deployment, Look], AsyncIterator[None]]], None]:
    """Of this finding."""

    def keep(play: Callable[[Deployment, Look], AsyncIterator[None]]) -> None:
        SCENES[code] = asynccontextmanager(play)

    return keep


def statement(code: Code, do: str, undo: str) -> None:
    """A scene that is a statement of the superuser."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        async with deployment.undone(do, undo):
            yield


def setting(code: Code, name: str, value: str) -> None:
    """A scene that is a setting of the database."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        async with deployment.setting(name, value):
            yield


def mode(code: Code, path: str, bits: int) -> None:
    """A scene that is a permission of something in the data directory."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        file = deployment.data_dir / path
        before = file.stat().st_mode
        file.chmod(bits)
        try:
            yield
        finally:
            file.chmod(before)


def looked(code: Code, **changes: object) -> None:
    """A scene that is how one looks."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        for name, value in changes.items():
            setattr(look, name, value)
        yield


def variable(code: Code, given: Callable[[Deployment], dict[str, str]]) -> None:
    """A scene that is variables of the environment."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        look.environment |= given(deployment)
        yield


def written(code: Code, name: str, text: str) -> None:
    """A scene that is a file in the data directory."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        file = deployment.data_dir / name
        file.write_text(text)
        file.chmod(0o600)
        try:
            yield
        finally:
            file.unlink()


def redis_setting(code: Code, name: str, value: str) -> None:
    """A scene that is a setting of Redis."""

    @scene(code)
    async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
        client = Redis.from_url(deployment.services.redis_url, decode_responses=True)
        before = (await client.config_get(name))[name]
        await client.config_set(name, value)
        try:
            yield
        finally:
            await client.config_set(name, before)
            await client.aclose()


mode(Code.DATA_DIR_OPEN, ".", 0o777)
mode(Code.SECRETS_OPEN, "secrets", 0o755)
mode(Code.PRIVATE_FILE_OPEN, "secrets/keys.json", 0o644)
written(Code.CHANNELS_UNUSABLE, "channels.toml", "[[merchant]]\nchannel = 'cowries'\n")
written(Code.HUB_UNUSABLE, "hub.toml", "address = 'nowhere'\n")
looked(Code.CLOCK_APART, ahead=timedelta(seconds=3))
looked(Code.CLOCK_FAR_APART, ahead=timedelta(seconds=-90))
looked(Code.CONNECTIONS_SHORT, workers=1_000)
looked(Code.CONNECTIONS_TIGHT, workers=6)
looked(Code.CONNECTIONS_USED, thresholds=Thresholds(connections_used_percent=0))
looked(Code.BACKUP_OLD, thresholds=Thresholds(base_age=timedelta(0)))
looked(Code.BACKUP_MARK_OLD, thresholds=Thresholds(mark_age=timedelta(0)))
looked(Code.DATA_DIR_MISSING, data_dir=Path("/nonexistent/settlement"))
variable(Code.KEY_FILE_MISSING, lambda d: {KEY_FILE_VARIABLE: str(d.base / "no-such-file")})
variable(Code.TLS_UNUSABLE, lambda d: {CERTIFICATE_VARIABLE: "/nonexistent/tls.pem"})
variable(Code.REGION_OTHER, lambda d: {server_page.REGION_VARIABLE: "110000"})
variable(Code.DATABASE_UNREACHABLE, lambda d: d.as_site(owner=NOWHERE))
variable(Code.OWNER_SUPERUSER, lambda d: d.as_site(owner=d.superuser_dsn))
variable(Code.APP_TOO_STRONG, lambda d: d.as_site(app=d.services.owner_dsn))
variable(
    Code.APP_LOGIN_FAILED,
    lambda d: d.as_site(app=replace_user(d.services.app_dsn, "settlement_app", "wrong")),
)
variable(Code.REDIS_UNREACHABLE, lambda d: {REDIS_VARIABLE: "redis://127.0.0.1:1/0"})
setting(Code.DURABILITY_OFF, "full_page_writes", "off")
setting(Code.AUTOVACUUM_OFF, "autovacuum", "off")
redis_setting(Code.REDIS_EVICTION, "maxmemory-policy", "allkeys-lru")
redis_setting(Code.REDIS_UNBOUNDED, "maxmemory", "0")
redis_setting(Code.REDIS_PERSISTS, "save", "3600 1")
statement(
    Code.COMMITS_NOT_DURABLE, "alter role settlement_app set synchronous_commit = 'off'",
    "alter role settlement_app set synchronous_commit = 'on'",
)
statement(
    Code.SCHEMA_OTHER, "update settlement.installation set schema_version = schema_version - 1",
    "update settlement.installation set schema_version = schema_version + 1",
)
statement(
    Code.RIGHTS_LACKING, "revoke insert on settlement.settlement from settlement_app",
    "grant insert on settlement.settlement to settlement_app",
)
statement(
    Code.RIGHTS_EXCESS, "grant update (amount_fen) on ledger.transfer to settlement_app",
    "revoke update (amount_fen) on ledger.transfer from settlement_app",
)
statement(
    Code.RIGHTS_OF_OTHERS, "grant delete on settlement.audit to public",
    "revoke delete on settlement.audit from public",
)
statement(
    Code.PARTITIONS_END,
    "create table settlement.by_month (at timestamptz) partition by range (at); "
    "create table settlement.by_month_1 partition of settlement.by_month"
    " for values from ('2026-01-01+08') to ('2026-02-01+08')",
    "drop table settlement.by_month",
)
statement(
    Code.DIFFERENCES_OPEN,
    "insert into settlement.region_difference (found_at, day, lane, side, reversal, region,"
    " case_no, class) values ('2026-11-01+08', '2026-11-01', 1, 1, false, '430100', 'test', 'x')",
    "delete from settlement.region_difference where case_no = 'test'",
)
_PAYMENT = (
    "insert into settlement.payment (pay_no, amount_fen, opened_at, lane, kind, psn_no,"
    " institution, order_no, plan) values (1, 100, '2026-11-01+08', 1, 1, 'p', 'i', 'o', '');"
    "insert into settlement.payment_due (pay_no, due_at, lane, channel)"
    " values (1, '{due}', 1, 'wechat')"
)
_NO_PAYMENT = "delete from settlement.payment_due; delete from settlement.payment"
statement(Code.PEOPLE_AWAITED, _PAYMENT.format(due="9999-01-01+00"), _NO_PAYMENT)
statement(Code.IN_DOUBT_LONG, _PAYMENT.format(due="2026-11-01+08"), _NO_PAYMENT)
statement(
    Code.NOTICES_OVERDUE,
    "insert into settlement.outbox (case_no, notice_no, told_at, lane, kind, topic, institution,"
    " payload) values (1, 1, '2026-11-01+08', 1, 'mobile', 't', 'i', '');"
    "insert into settlement.outbox_due (case_no, notice_no, due_at, lane)"
    " values (1, 1, '2026-11-01+08', 1)",
    "delete from settlement.outbox_due; delete from settlement.outbox",
)


@scene(Code.PRIVATE_FILE_OWNER)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    file = deployment.data_dir / "secrets" / "mobile-sm2.key"
    before = file.stat()
    os.chown(file, 54321, 54321)
    yield
    os.chown(file, before.st_uid, before.st_gid)


@asynccontextmanager
async def _store_on_a_disk(deployment: Deployment, size: str) -> AsyncIterator[None]:
    place = deployment.data_dir / PLACE_FILE
    before = place.read_text()
    with small_disk(deployment.base / f"disk-{size}", size=size) as disk:
        place.write_text(json.encode(Place(store=str(disk.path))).decode())
        try:
            yield
        finally:
            place.write_text(before)


@scene(Code.DISK_FULL)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    async with _store_on_a_disk(deployment, "200m"):
        yield


@scene(Code.DISK_LOW)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    async with _store_on_a_disk(deployment, "480m"):
        yield


@scene(Code.BACKUP_UNUSABLE)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    place = deployment.data_dir / PLACE_FILE
    before = place.read_text()
    place.write_text(json.encode(Place(store=str(deployment.base / "unmounted"))).decode())
    yield
    place.write_text(before)


@scene(Code.BACKUP_NONE)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    place = deployment.data_dir / PLACE_FILE
    aside = place.rename(place.with_name("aside.json"))
    yield
    aside.rename(place)


@scene(Code.BACKUP_GAP)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    store = open_store(deployment.base / "store")
    first = store.wal / f"{name_of(store.manifests()[0].begin)}.gz"
    aside = first.rename(first.with_suffix(".lost"))
    yield
    aside.rename(first)


@scene(Code.ARCHIVE_FAILING)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    wal = deployment.base / "store" / "wal"
    aside = wal.rename(wal.with_name("wal-aside"))
    wal.mkdir()
    wal.chmod(0o700)
    await deployment.run(WRITE, "select pg_switch_wal()")
    failed = "select last_failed_wal from pg_stat_archiver"
    await until(lambda: deployment.value(failed))
    yield
    shutil.rmtree(wal)
    aside.rename(wal)


@scene(Code.KEY_FILE_UNUSABLE)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    path = deployment.base / "spoilt.json"
    path.write_text("[")
    look.environment[KEY_FILE_VARIABLE] = str(path)
    yield
    path.unlink()


@scene(Code.KEY_FILE_WRONG)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    path = deployment.base / "another.json"
    make_key_file(path)
    look.environment[KEY_FILE_VARIABLE] = str(path)
    yield
    path.unlink()


@scene(Code.KEY_OLD)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    path = deployment.data_dir / "secrets" / "keys.json"
    before = path.stat()
    os.utime(path, (0, 0))
    yield
    os.utime(path, (before.st_atime, before.st_mtime))


@scene(Code.CERTIFICATE_ENDED)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    folder = deployment.base / "channels"
    folder.mkdir()
    made = make_signing_key(merchant_name("9" * 15), at=system_clock() - timedelta(days=9_000))
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = made.certificate.public_bytes(Encoding.PEM)
    (folder / "merchant.pem").write_bytes(key + certificate)
    (folder / "unionpay.pem").write_bytes(certificate)
    (folder / "channels.toml").write_text(
        '[[merchant]]\nchannel = "unionpay"\n[merchant.settings]\n'
        f'mer_id = "{"9" * 15}"\nbase_url = "http://127.0.0.1:1"\n'
        'file_url = "http://127.0.0.1:1/file"\nkey_file = "merchant.pem"\n'
        'trusted_file = "unionpay.pem"\n'
    )
    look.environment["SETTLEMENT_CHANNELS"] = str(folder / "channels.toml")
    yield
    shutil.rmtree(folder)


@asynccontextmanager
async def _hub(deployment: Deployment, look: Look) -> AsyncIterator[asyncpg.Connection]:
    """A hub, and a connection to put keys and certificates with; they are gone afterwards."""
    path = deployment.base / "hub.toml"
    path.write_text(f'address = "https://hub.example.org"\nroot = "{AUTHORITY.root.hex()}"\n')
    look.environment[HUB_VARIABLE] = str(path)
    connection = await asyncpg.connect(deployment.superuser_dsn)
    try:
        yield connection
    finally:
        await connection.execute("delete from settlement.hub_certificate")
        await connection.execute("delete from settlement.hub_identity")
        await connection.close()


@scene(Code.CERTIFICATE_ENDS_SOON)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    papers = papers_of("430100", begins_at=system_clock() - timedelta(days=3), days=10)
    told = papers.certificate
    async with _hub(deployment, look) as connection:
        await connection.execute(
            "insert into settlement.hub_certificate (serial, region, not_before, not_after,"
            " content) values ($1, $2, $3, $4, $5)", told.serial, told.region, told.not_before,
            told.not_after, papers.content,
        )  # fmt: skip
        yield


@scene(Code.HUB_KEYS_UNCERTIFIED)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    async with _hub(deployment, look) as connection:
        await keep_identity(
            connection, deployment.keyring, keys_of("441900 1"), at=system_clock(),
            actor="测试操作员", reason="测试",
        )  # fmt: skip
        yield


@scene(Code.TIME_SOURCE_SILENT)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        look.time_source = f"127.0.0.1:{held.getsockname()[1]}"
    yield


@scene(Code.DATABASE_OLD)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    """As a release sees it that needs more than this server is; nothing older runs here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_page, "VERSION_MIN", 990_000)
        yield


@asynccontextmanager
async def _another_database(
    deployment: Deployment, look: Look, how: str
) -> AsyncIterator[None]:
    await deployment.run(f"create database another owner settlement_owner template template0 {how}")
    owner, app = deployment.services.owner_dsn, deployment.services.app_dsn
    look.environment = deployment.as_site(
        owner=replace_database(owner, "another"), app=replace_database(app, "another")
    )
    try:
        yield
    finally:
        await deployment.run("drop database another with (force)")


@scene(Code.DATABASE_ENCODING)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    async with _another_database(deployment, look, "encoding 'LATIN1' locale 'C'"):
        yield


@scene(Code.SCHEMA_MISSING)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    async with _another_database(deployment, look, ""):
        yield


@scene(Code.COMMITS_WAIT)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    look.thresholds = Thresholds(commit_wait=timedelta(0))
    waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
    async with (
        asyncio.TaskGroup() as group,
        deployment.setting("synchronous_standby_names", "nobody"),
    ):
        group.create_task(execute(deployment.services.app_dsn, WRITE))
        await until(lambda: deployment.value(waiting))
        yield


@scene(Code.SETTING_NEEDS_RESTART)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    pending = "select count(*) from pg_settings where pending_restart"
    await deployment.run("alter system set max_connections = 77", "select pg_reload_conf()")
    await until(lambda: deployment.value(pending))
    yield
    await deployment.run("alter system reset max_connections", "select pg_reload_conf()")

    async def gone() -> bool:
        return await deployment.value(pending) == 0

    await until(gone)


@scene(Code.LOOPS_STOPPED)
async def _(deployment: Deployment, look: Look) -> AsyncIterator[None]:
    connection = await asyncpg.connect(
        deployment.services.app_dsn, server_settings={"application_name": SIDE_NAME}
    )
    yield
    await connection.close()


class TimeServer(asyncio.DatagramProtocol):
    """Tells a time that is ahead of this machine's by so much."""

    def __init__(self, ahead: timedelta, *, stratum: int = 1) -> None:
        self._ahead = ahead
        self._stratum = stratum

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Answer as RFC 4330 says."""
        stamp = sntp.stamp(system_clock() + self._ahead)
        head = bytes([0x24, self._stratum]).ljust(24, b"\0")
        self._transport.sendto(head + data[40:48] + stamp + stamp, address)


@asynccontextmanager
async def time_server(ahead: timedelta, *, stratum: int = 1) -> AsyncIterator[str]:
    """A time server's address."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: TimeServer(ahead, stratum=stratum), local_addr=("127.0.0.1", 0)
    )
    host, port = transport.get_extra_info("sockname")
    yield f"{host}:{port}"
    transport.close()
