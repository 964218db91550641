"""`settlement outbox`: what we owe others and have not delivered, since when; sending it again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from settlement.clock import local_time, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.outbox import Came, Kind
from settlement.said import UNUSABLE, Said
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.connect import connect_plain
from settlement.storage.lease import PlainConnection
from settlement.storage.outbox import (
    Logged,
    Undelivered,
    log_of,
    receivers_shown,
    resend,
    set_receiver,
    undelivered,
)

SHOWN_MAX = 1_000
CAME_ZH = {
    Came.DELIVERED: "已送达",
    Came.REFUSED: "对方未接收",
    Came.STRANGE: "应答不可信",
    Came.SILENT: "无应答",
    Came.NOBODY: "无法发送",
}
Work = Callable[[PlainConnection], Awaitable[Said]]


def outbox(data_dir: Path, *, as_json: bool) -> Said:
    """What is owed, the oldest first."""

    async def work(connection: PlainConnection) -> Said:
        found = await undelivered(connection, limit=SHOWN_MAX)
        return Said(0, outbox_json(found) if as_json else outbox_table(found))

    return _run(data_dir, work, as_owner=False)


def log(data_dir: Path, case_no: int, *, as_json: bool) -> Said:
    """Every attempt to tell of a case; 1 where there was none."""

    async def work(connection: PlainConnection) -> Said:
        found = await log_of(connection, case_no)
        if not found:
            return Said(1, f"没有发送记录 {case_no} | nothing was sent of {case_no}")
        return Said(0, log_json(case_no, found) if as_json else log_table(found))

    return _run(data_dir, work, as_owner=False)


def send_again(
    data_dir: Path, case_no: int, notice_no: int | None, *, reason: str, actor: str
) -> Said:
    """Have the notices of a case sent at once, delivered ones too; 1 where it has none."""

    async def work(connection: PlainConnection) -> Said:
        async with connection.transaction():
            numbers = await resend(connection, case_no, notice_no, at=system_clock())
            if not numbers:
                return Said(1, f"没有这条通知 {case_no} | there is no such notice of {case_no}")
            done = Audited(
                at=system_clock(), actor=actor, action="resend-notice",
                subject=f"outbox {case_no}", note=reason,
            )  # fmt: skip
            await keep_audit(connection, done)
        told = "、".join(str(number) for number in sorted(numbers))
        return Said(0, f"将立即重发 {case_no}：{told} | to be sent again at once")

    return _run(data_dir, work, as_owner=True)


def receivers(data_dir: Path, *, as_json: bool) -> Said:
    """Where everybody is told."""

    async def work(connection: PlainConnection) -> Said:
        rows = await receivers_shown(connection)
        shown = [
            {
                "institution": row["institution"], "kind": row["kind"], "url": row["url"],
                "access_key": row["access_key"], "since": local_time(row["since"]),
            }
            for row in rows
        ]  # fmt: skip
        if as_json:
            return Said(0, msgspec.json.encode({"receivers": shown}).decode())
        lines = [
            f"{one['institution']}  {one['kind']}  {one['url']}  {one['access_key']}"
            for one in shown
        ]
        return Said(0, "\n".join(lines) or "没有登记回调地址 nobody is told anything")

    return _run(data_dir, work, as_owner=False)


def receiver(
    data_dir: Path, institution: str, kind: Kind, place: tuple[str, str] | None, *, reason: str,
    actor: str,
) -> Said:  # fmt: skip
    """Where an institution is told, or nowhere any more; 1 where that cannot be."""
    if place is not None and not _is_address(place[0]):
        return Said(UNUSABLE, f"settlement: {place[0]} is no http or https address without a query")

    async def work(connection: PlainConnection) -> Said:
        done = await set_receiver(
            connection, institution, kind, place, reason=reason, actor=actor, at=system_clock()
        )
        if done:
            return Said(0, f"{institution} {kind.value}: {'-' if place is None else place[0]}")
        missing = "receiver" if place is None else "credential with this access key"
        return Said(1, f"{institution} has no {missing}")

    return _run(data_dir, work, as_owner=True)


def outbox_json(found: Sequence[Undelivered]) -> str:
    """For machines; numbers of ours are text."""
    return msgspec.json.encode({"notices": [_shown(one) for one in found]}).decode()


def outbox_table(found: Sequence[Undelivered]) -> str:
    """For people, a notice a line."""
    if not found:
        return "没有未送达的通知 everything owed was delivered"
    lines = ["未送达通知 case, notice, owed since, to, topic, attempts, next try, last result"]
    for one in found:
        came = CAME_ZH[Came(one.came)] if one.came else "尚未发送"
        lines.append(
            f"{one.case_no}  {one.notice_no}  {local_time(one.told_at):%Y-%m-%d %H:%M:%S}"
            f"  {one.institution}  {one.topic}  {one.attempts}"
            f"  {local_time(one.due_at):%Y-%m-%d %H:%M:%S}  {came} {one.said}".rstrip()
        )
    return "\n".join(lines)


def log_json(case_no: int, found: Sequence[Logged]) -> str:
    """For machines."""
    attempts = [
        {
            "notice_no": one.notice_no, "attempt_no": one.attempt_no,
            "began_at": local_time(one.attempt.began_at), "took_ms": one.attempt.took_ms,
            "http_status": one.attempt.status, "came": one.attempt.came.value,
            "said": one.attempt.said,
        }
        for one in found
    ]  # fmt: skip
    return msgspec.json.encode({"case_no": str(case_no), "attempts": attempts}).decode()


def log_table(found: Sequence[Logged]) -> str:
    """For people, an attempt a line."""
    return "\n".join(
        f"{one.notice_no}.{one.attempt_no}  {local_time(one.attempt.began_at):%Y-%m-%d %H:%M:%S}"
        f"  {one.attempt.took_ms} ms  HTTP {one.attempt.status or '-'}"
        f"  {CAME_ZH[one.attempt.came]}  {one.attempt.said}".rstrip()
        for one in found
    )


def _shown(one: Undelivered) -> dict[str, object]:
    return {
        "case_no": str(one.case_no),
        "notice_no": one.notice_no,
        "kind": one.kind.value,
        "topic": one.topic,
        "institution": one.institution,
        "since": local_time(one.told_at),
        "next_try": local_time(one.due_at),
        "attempts": one.attempts,
        "last_tried": None if one.tried_at is None else local_time(one.tried_at),
        "http_status": one.status,
        "came": one.came,
        "said": one.said,
    }


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (
        parts.query or parts.fragment or parts.username
    )


def _run(data_dir: Path, work: Work, *, as_owner: bool) -> Said:
    try:
        return asyncio.run(_with_connection(data_dir, work, as_owner=as_owner))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_connection(data_dir: Path, work: Work, *, as_owner: bool) -> Said:
    async with open_database(data_dir, os.environ) as database:
        dsn = database.owner_dsn if as_owner else database.app_dsn
        connection = await connect_plain(dsn, name="settlement-operator")
        try:
            return await work(connection)
        finally:
            await connection.close()
