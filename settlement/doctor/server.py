"""The database: its clock, version, settings and connections, and what each role may do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from pathlib import Path

import msgspec

from settlement.clock import CHINA
from settlement.doctor import sntp
from settlement.doctor.findings import Code
from settlement.doctor.patient import Patient
from settlement.embedded.external import LASTING, VERSION_MIN
from settlement.numbers import month_of
from settlement.storage import census, reference
from settlement.storage import doctor as asked
from settlement.storage.connections import connections_at_most, connections_held
from settlement.storage.install import SCHEMA_VERSION
from settlement.storage.lease import PlainConnection

RIGHTS_FILE = Path(__file__).parent / "rights.json"
SHOWN_MAX = 5
REGION_VARIABLE = "SETTLEMENT_REGION"
_WRITING = {"insert", "update", "delete", "truncate", "usage"}
_UPPER = re.compile(r" TO \('?([^')]+)'?\)$")


async def examine_clock(patient: Patient, connection: PlainConnection | None) -> None:
    """Our clock against the database's, and against a source of time where one is named."""
    if connection is not None:
        before = patient.clock()
        theirs = await asked.clock(connection)
        after = patient.clock()
        _apart(patient, "数据库 the database", theirs - (before + (after - before) / 2))
    if not patient.time_source:
        patient.examination.left_out("时间源 source of time", "未指定 none was named (--ntp)")
        return
    try:
        apart = await sntp.offset(patient.time_source, patient.clock)
    except sntp.SilentError as exc:
        patient.examination.found(
            Code.TIME_SOURCE_SILENT, source=patient.time_source, reason=str(exc)
        )
        return
    _apart(patient, patient.time_source, apart)


def _apart(patient: Patient, source: str, apart: timedelta) -> None:
    milliseconds = round(apart / timedelta(milliseconds=1))
    if abs(apart) >= patient.thresholds.clock_far_apart:
        patient.examination.found(Code.CLOCK_FAR_APART, source=source, apart_ms=milliseconds)
    elif abs(apart) >= patient.thresholds.clock_apart:
        patient.examination.found(Code.CLOCK_APART, source=source, apart_ms=milliseconds)
    patient.examination.saw("时钟 clock", f"{source}: {milliseconds} ms")


async def examine_server(patient: Patient, owner: PlainConnection) -> None:
    """Version and settings. What is off here was on at the start, or somebody forced it."""
    found, examination = await asked.server(owner), patient.examination
    if found.version_num < VERSION_MIN:
        examination.found(Code.DATABASE_OLD, version=found.version)
    if found.encoding != "UTF8":
        examination.found(Code.DATABASE_ENCODING, encoding=found.encoding)
    for name in ("fsync", "full_page_writes"):
        if getattr(found, name) != "on":
            examination.found(Code.DURABILITY_OFF, setting=name)
    for code, is_wrong in (
        (Code.CHECKSUMS_OFF, found.data_checksums != "on"),
        (Code.WAL_MINIMAL, found.wal_level == "minimal"),
        (Code.AUTOVACUUM_OFF, found.autovacuum != "on"),
    ):
        if is_wrong:
            examination.found(code)
    if found.is_superuser:
        examination.found(Code.OWNER_SUPERUSER, role=found.role)
    pending = await asked.settings_pending(owner)
    if pending:
        examination.found(Code.SETTING_NEEDS_RESTART, settings=", ".join(pending))
    examination.saw(
        "数据库 database",
        f"PostgreSQL {found.version}, {found.encoding}, fsync {found.fsync}, full_page_writes "
        f"{found.full_page_writes}, checksums {found.data_checksums}, wal_level {found.wal_level}",
    )


async def examine_application(patient: Patient, application: PlainConnection) -> str:
    """The application's role, and whether its commits last; its name."""
    found, examination = await asked.application(application), patient.examination
    if found.is_superuser or found.is_owner:
        examination.found(Code.APP_TOO_STRONG, role=found.role)
    if found.synchronous_commit not in LASTING:
        examination.found(
            Code.COMMITS_NOT_DURABLE, role=found.role, value=found.synchronous_commit
        )
    now = await asked.clock(application)
    waiting = await asked.commits_waiting(application, now - patient.thresholds.commit_wait)
    if waiting.count and waiting.since is not None:
        examination.found(
            Code.COMMITS_WAIT, count=waiting.count,
            seconds=int((now - waiting.since).total_seconds()),
        )  # fmt: skip
    examination.saw(
        "应用角色 role", f"{found.role}, synchronous_commit {found.synchronous_commit}"
    )
    return found.role


async def examine_schema(patient: Patient, owner: PlainConnection) -> bool:
    """Whether our schema is there and of this release; nothing of it can be looked at otherwise."""
    found, examination = await reference.installation(owner), patient.examination
    if found is None:
        examination.found(Code.SCHEMA_MISSING)
        return False
    named = patient.environment.get(REGION_VARIABLE)
    if named and named != found.region:
        examination.found(Code.REGION_OTHER, found=found.region, expected=named)
    examination.saw("库结构 schema", f"{found.schema_version}, 统筹区 region {found.region}")
    if found.schema_version != SCHEMA_VERSION:
        examination.found(
            Code.SCHEMA_OTHER, found=found.schema_version, expected=SCHEMA_VERSION
        )
        return False
    return True


async def examine_connections(patient: Patient, owner: PlainConnection) -> None:
    """Whether there are enough for the processes that this deployment is to have."""
    used, examination = await census.database_use(owner), patient.examination
    journals = len(set((await reference.lanes(owner)).values()))
    held = connections_held(workers=patient.workers, journals=journals)
    needed = connections_at_most(workers=patient.workers, journals=journals)
    if needed > used.connections_max:
        is_short = held > used.connections_max
        examination.found(
            Code.CONNECTIONS_SHORT if is_short else Code.CONNECTIONS_TIGHT,
            allowed=used.connections_max, workers=patient.workers, journals=journals,
            needed=held if is_short else needed,
        )  # fmt: skip
    percent = patient.thresholds.connections_used_percent
    if used.connections * 100 > used.connections_max * percent:
        examination.found(
            Code.CONNECTIONS_USED, used=used.connections, allowed=used.connections_max
        )
    examination.saw(
        "连接 connections", f"{used.connections}/{used.connections_max}, 至多 at most {needed}"
    )


async def examine_rights(patient: Patient, owner: PlainConnection, role: str) -> None:
    """What the application's role may do, against what a new database gives it; and who else may
    change what is ours."""
    held, examination = await asked.rights(owner), patient.examination
    expected = expected_rights()
    own = {right_text(one) for one in held if one.grantee == role}
    for code, which in (
        (Code.RIGHTS_LACKING, expected - own), (Code.RIGHTS_EXCESS, own - expected),
    ):  # fmt: skip
        if which:
            examination.found(code, count=len(which), which=_shown(which), role=role)
    others = {
        f"{one.grantee}: {right_text(one)}"
        for one in held
        if one.grantee != role and one.privilege in _WRITING
    }
    if others:
        examination.found(Code.RIGHTS_OF_OTHERS, which=_shown(others))
    examination.saw("权限 rights", f"{role}: {len(own)}/{len(expected)}")


def expected_rights() -> set[str]:
    """What the application's role has in a new database."""
    return set(msgspec.json.decode(RIGHTS_FILE.read_bytes(), type=list[str]))


def right_text(right: asked.Right) -> str:
    """A privilege as people read it: `update(due_at) on settlement.outbox_due`."""
    column = f"({right.column_name})" if right.column_name else ""
    return f"{right.privilege}{column} on {right.relation}"


async def examine_partitions(patient: Patient, owner: PlainConnection) -> None:
    """Whether partitions by time are made ahead, where there are any."""
    ends: dict[str, datetime] = {}
    found = await asked.partitions(owner)
    for one in found:
        upper = _UPPER.search(one.bounds or "")
        end = _moment(upper[1]) if upper else None
        if end is not None:
            ends[one.parent] = max(end, ends.get(one.parent, end))
    for table, end in ends.items():
        if end - patient.clock() < patient.thresholds.partition_left:
            patient.examination.found(
                Code.PARTITIONS_END, table=table, ends_on=end.date().isoformat()
            )
    tables = {one.parent for one in found}
    if not tables:
        patient.examination.left_out("分区 partitions", "没有分区表 no table has any")
        return
    patient.examination.saw("分区 partitions", ", ".join(sorted(tables)))


def _moment(text: str) -> datetime | None:
    """A bound that is a time, a date or the first number of a month; None for one of another kind,
    as MAXVALUE."""
    if text.isdigit():
        return datetime.combine(month_of(int(text)), time(), CHINA)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=CHINA)


def _shown(which: Iterable[str]) -> str:
    names = sorted(which)
    more = f" … +{len(names) - SHOWN_MAX}" if len(names) > SHOWN_MAX else ""
    return ", ".join(names[:SHOWN_MAX]) + more
