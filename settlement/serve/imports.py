"""`settlement import`: persons, institutions, staff, catalogue items and openings from files.

A file is checked as a whole, then compared with what is known, then written; `--preview` stops
before that. Every import that writes is audited twice: what it is about to do, and that it is done.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from pathlib import Path

from msgspec import Struct, structs

from ledger.postgres.schema import installed_shape
from protocol.nhsa.list_layouts import LAYOUTS
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.intake import code_lists, counterparts, institutions, items, staff
from settlement.intake.faults import Fault, FileError, faults_text
from settlement.intake.order import Order, Progress
from settlement.intake.report import Counts, preview_text
from settlement.intake.source import digest_of, rows_of
from settlement.keyring import UndecipherableError
from settlement.policy.errors import PolicyError
from settlement.region.hub_config import HubConfigError, hub_file, read_hub
from settlement.said import UNUSABLE, Said
from settlement.serve.cutover import CutOver, sign
from settlement.serve.opening_import import OpeningImport
from settlement.serve.payable_import import PayableImport
from settlement.serve.person_import import PersonImport, Site, a_spool
from settlement.serve.settlement_import import SettlementImport
from settlement.serve.stay_import import StayImport
from settlement.storage import code_lists as list_store
from settlement.storage import hub as hub_store
from settlement.storage import reference
from settlement.storage import reference_import as store
from settlement.storage.errors import StorageError
from settlement.storage.funds import open_fund_accounts
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.storage.policies import load_policy_set
from settlement.world import Suspensions

LEASE = 3
"""One import at a time in the whole system; 1 and 2 are those of background loops."""
_NOTHING = "未写入任何数据 | nothing was written"


class AnotherRunsError(ServiceError):
    """Another import has the lease: this one may be tried again later."""


class Imported(Struct, frozen=True, kw_only=True):
    """What an import came to."""

    counts: Counts
    faults: list[Fault]
    written: bool
    further: str = ""
    booked: bool = True
    """False where a second person has to confirm first (期初)"""


GC_YOUNG_MAX = 50_000
"""Allocations between two looks for cycles: rows leave none, and looking takes a fifth of the time
of reading them."""
Import = Callable[["Session"], Awaitable[Imported]]


class Session(Struct, frozen=True, kw_only=True):
    """One import under its lease."""

    kind: str
    order: Order
    site: Site
    connection: PlainConnection
    digest: str
    issue_to: Path | None
    at: datetime
    progress: Progress

    async def audit(self, action: str, counts: Counts) -> None:
        """Who, when, what file, how many, why."""
        await store.audit(
            self.connection, at=self.at, actor=self.order.actor, action=action,
            subject=f"{self.order.path.name} sha256:{self.digest}",
            note=f"{self.order.reason} ({counts.short()})",
        )  # fmt: skip


def run(kind: str, data_dir: Path, order: Order, *, issue_to: Path | None = None) -> Said:
    """Import a file of one of `intake.order.KINDS`."""
    gc.freeze()
    gc.set_threshold(GC_YOUNG_MAX, 20, 100)
    try:
        return asyncio.run(_run(kind, data_dir, order, issue_to))
    except (
        FileError, ServiceError, KeyFileError, StorageError, PolicyError, UndecipherableError,
        HubConfigError, OSError,
    ) as exc:  # fmt: skip
        return Said(UNUSABLE, f"settlement: {exc}")
    except BrokenProcessPool:
        died = "导入的一个进程中断 | a process of the import died"
        return Said(UNUSABLE, f"settlement: {died}. {_NOTHING}")


async def _run(kind: str, data_dir: Path, order: Order, issue_to: Path | None) -> Said:
    async with open_database(data_dir, os.environ) as database:
        keys = key_file(data_dir / "secrets", os.environ)
        imported = await import_file(
            kind, order, owner_dsn=database.owner_dsn, keys=keys, room=data_dir,
            issue_to=issue_to, at=system_clock(),
        )  # fmt: skip
    return said(imported, order)


async def import_file(
    kind: str, order: Order, *, owner_dsn: str, keys: Path, room: Path, at: datetime,
    issue_to: Path | None = None, progress: Progress | None = None,
) -> Imported:  # fmt: skip
    """Import a file into a database, alone; a temporary file may lie in `room`. Raises FileError,
    ServiceError, StorageError; AnotherRunsError where nothing was begun."""
    digest = await asyncio.to_thread(digest_of, order.path)
    async with connection_for(owner_dsn, "settlement-import") as connection:
        if not await take_lease(connection, LEASE):
            raise AnotherRunsError("另一导入正在进行 | another import is running")
        site = await _site(connection, owner_dsn, keys, room)
        session = Session(
            kind=kind, order=order, site=site, connection=connection, digest=digest,
            issue_to=issue_to, at=at, progress=progress or Progress(),
        )  # fmt: skip
        return await _IMPORTS[kind](session)


def said(imported: Imported, order: Order) -> Said:
    """The result for a person: 0 done, 1 where something is at fault."""
    lines = [faults_text(imported.faults)] if imported.faults else []
    if imported.faults and not imported.written:
        count = len(imported.faults)
        lines.append(f"{count} 处错误 faults。{_NOTHING}")
        return Said(1, "\n".join(lines))
    lines.append(preview_text(imported.counts, whole=order.whole))
    if imported.further:
        lines.append(imported.further)
    if order.preview:
        lines.append(f"预览 preview。{_NOTHING}")
    elif not imported.booked:
        lines.append(f"待确认 to be confirmed。{_NOTHING}")
    return Said(0, "\n".join(lines))


async def _site(
    connection: PlainConnection, owner_dsn: str, keys: Path, room: Path
) -> Site:
    installed = await reference.installation(connection)
    if installed is None:
        raise ServiceError("the database is not prepared: start `settlement serve` first")
    return Site(
        owner_dsn=owner_dsn, key_file=keys, room=room, region=installed.region,
        lanes=installed.lanes, shape=await installed_shape(connection),
        journal_of_lane=await reference.lanes(connection),
    )  # fmt: skip


async def _persons(session: Session) -> Imported:
    order = session.order
    work = PersonImport(
        session.site, order, session.connection, session.progress, at=session.at
    )
    async with a_spool(session.site.room) as spool:
        await work.check(spool)
        faults = [*work.faults, *work.conflicts]
        stopped = bool(work.conflicts) or (bool(work.faults) and not order.skip_bad)
        if stopped or order.preview:
            return Imported(counts=work.counts, faults=faults, written=not stopped)
        await session.audit("import-persons", work.counts)
        await _open_agency(session)
        await work.write(spool)
    await session.audit("import-persons-done", work.counts)
    return Imported(counts=work.counts, faults=faults, written=True)


async def _items(session: Session) -> Imported:
    order = session.order
    faults: list[Fault] = []
    told = items.read_items(rows_of(order.path, order.format, items.COLUMNS, faults), faults)
    bad = len(faults)
    known = await store.items_by_code(session.connection)
    plan = items.plan(told, known, faults, whole=order.whole, ends_on=order.ends_on)
    if _stopped(order, faults, plan.counts, bad) or order.preview:
        stopped = _stopped(order, faults, plan.counts, bad)
        return Imported(counts=plan.counts, faults=faults, written=not stopped)
    async with session.connection.transaction():
        await store.keep_items(session.connection, plan.items)
        await session.audit("import-items", plan.counts)
    return Imported(counts=plan.counts, faults=faults, written=True)


async def _lists(session: Session) -> Imported:
    order, connection = session.order, session.connection
    policies = await load_policy_set(connection)
    profile = policies.region(session.site.region)
    layouts = LAYOUTS if profile is None else profile.list_layouts
    columns, faults = code_lists.columns_of(layouts), list[Fault]()
    rows = rows_of(order.path, order.format, columns, faults)
    told = code_lists.read_entries(rows, columns, layouts, faults)
    named = sorted({each.entry.list_no for each in told})
    known = await list_store.entries_of(connection, named)
    plan = code_lists.plan(told, known, whole=order.whole)
    stopped = _stopped(order, faults, plan.counts, len(faults))
    if not stopped and not order.preview:
        async with connection.transaction():
            await list_store.keep(connection, plan.entries, session.at)
            await session.audit("import-lists", plan.counts)
    return Imported(counts=plan.counts, faults=faults, written=not stopped)


async def _institutions(session: Session) -> Imported:
    order, connection = session.order, session.connection
    faults: list[Fault] = []
    columns = institutions.COLUMNS
    told = institutions.read_institutions(
        rows_of(order.path, order.format, columns, faults), session.site.region, faults
    )
    bad = len(faults)
    keyring = load_keyring(session.site.key_file)
    facts = await reference.credentials(connection, keyring, Suspensions())
    plan = institutions.plan(
        told, await reference.institutions(connection),
        {key: (fact.institution_code, fact.secret) for key, fact in facts.items()},
        faults, whole=order.whole, ends_on=order.ends_on,
    )  # fmt: skip
    stopped = _stopped(order, faults, plan.counts, bad)
    if stopped or order.preview:
        return Imported(counts=plan.counts, faults=faults, written=not stopped)
    issued = _issue(plan.without, session.issue_to)
    async with connection.transaction():
        await _open_agency(session)
        await store.keep_institutions(
            connection, keyring, plan.institutions, [*plan.credentials, *issued]
        )
        await session.audit("import-institutions", plan.counts)
    return Imported(
        counts=plan.counts, faults=faults, written=True, further=_told_of(issued, plan, session)
    )


async def _staff(session: Session) -> Imported:
    order, connection = session.order, session.connection
    faults: list[Fault] = []
    told = staff.read_staff(rows_of(order.path, order.format, staff.COLUMNS, faults), faults)
    bad = len(faults)
    plan = staff.plan(
        told, await store.staff_by_key(connection), await reference.institutions(connection),
        faults, whole=order.whole, ends_on=order.ends_on,
    )  # fmt: skip
    stopped = _stopped(order, faults, plan.counts, bad)
    if not stopped and not order.preview:
        async with connection.transaction():
            await store.keep_staff(connection, plan.terms)
            await session.audit("import-staff", plan.counts)
    return Imported(counts=plan.counts, faults=faults, written=not stopped)


async def _counterparts(session: Session) -> Imported:
    order, connection, own = session.order, session.connection, session.site.region
    faults: list[Fault] = []
    rows = rows_of(order.path, order.format, counterparts.COLUMNS, faults)
    told = counterparts.read_counterparts(rows, own, faults)
    bad = len(faults)
    settings = read_hub(hub_file(session.site.room, os.environ))
    known = counterparts.Known(
        own_region=own, root=None if settings is None else settings.root_key,
        counterparts=await reference.counterparts(connection),
        certificates={
            one.serial: one.content for one in await hub_store.read_certificates(connection)
        },
        withdrawn=frozenset(await hub_store.read_withdrawals(connection)),
    )  # fmt: skip
    plan = counterparts.plan(told, known, faults, whole=order.whole)
    stopped = _stopped(order, faults, plan.counts, bad)
    if not stopped and not order.preview:
        async with connection.transaction():
            await _open_agency(session)
            await store.keep_counterparts(connection, plan.counterparts)
            await hub_store.keep_signed(connection, plan.certificates, plan.withdrawals)
            await session.audit("import-counterparts", plan.counts)
    return Imported(counts=plan.counts, faults=faults, written=not stopped)


async def _openings(session: Session) -> Imported:
    return await _cut_over(
        session, OpeningImport(session.site, session.order, session.connection)
    )


async def _payables(session: Session) -> Imported:
    return await _cut_over(
        session, PayableImport(session.site, session.order, session.connection)
    )


async def _stays(session: Session) -> Imported:
    work = StayImport(session.site, session.order, session.connection)
    imported = await _cut_over(session, work)
    return await _numbered(
        session, work, imported, header="fixmedins_code,earlier_mdtrt_id,psn_no,mdtrt_id"
    )


async def _settlements(session: Session) -> Imported:
    work = SettlementImport(session.site, session.order, session.connection, session.at)
    imported = await _cut_over(session, work)
    return await _numbered(
        session, work, imported, header="fixmedins_code,earlier_setl_id,psn_no,setl_id"
    )


async def _numbered(
    session: Session, work: StayImport | SettlementImport, imported: Imported, *, header: str
) -> Imported:
    """The numbers that a confirmed file got here, into a file for the hospitals, if it is asked
    for."""
    if session.issue_to is None or not imported.booked:
        return imported
    numbers = await work.numbers()
    _write_private(session.issue_to, [header], [",".join(row) for row in numbers])
    told = f"编号 numbers: {len(numbers)}，见 see {session.issue_to}"
    return structs.replace(imported, further=f"{imported.further}\n{told}")


async def _cut_over(session: Session, work: CutOver) -> Imported:
    """Checked, totalled; booked once a second person confirms (serve/cutover.py)."""
    order, digest = session.order, session.digest
    await work.check()
    faults = [*work.faults, *work.conflicts]
    totals = work.totals(digest)
    stopped = bool(work.conflicts) or (bool(work.faults) and not order.skip_bad)
    told = Imported(counts=work.counts, faults=faults, written=not stopped, further=totals)
    if stopped or order.preview:
        return told
    signed = await sign(
        session.connection, order, session.kind, digest, totals, session.at
    )
    if not signed.books:
        await session.audit(f"propose-{session.kind}", work.counts)
        return structs.replace(told, further=f"{totals}\n{signed.text}", booked=False)
    await session.audit(f"import-{session.kind}", work.counts)
    await _open_agency(session)
    await work.write(session.at, digest)
    await session.audit(f"import-{session.kind}-done", work.counts)
    return structs.replace(told, faults=[*work.faults, *work.conflicts])


def _stopped(order: Order, faults: Sequence[Fault], counts: Counts, skippable: int) -> bool:
    """Whether faults forbid to write: any, or with --skip-bad those that no row alone has."""
    counts.skipped = len({fault.row for fault in faults[:skippable]})
    return len(faults) > skippable or (bool(faults) and not order.skip_bad)


async def _open_agency(session: Session) -> None:
    """The agency's own accounts, which a new database does not have yet."""
    policies = await load_policy_set(session.connection)
    await open_fund_accounts(session.connection, policies, session.site.region)
    await store.open_agency_accounts(session.connection)


def _issue(codes: Sequence[str], path: Path | None) -> list[institutions.Given]:
    """Credentials for institutions without any, into a file that nobody else can read. It is there
    before they are in force."""
    if path is None or not codes:
        return []
    issued = [
        institutions.Given(
            institution=code, access_key=f"{code}-{secrets.token_hex(4)}",
            secret=secrets.token_hex(24),
        )
        for code in codes
    ]  # fmt: skip
    lines = [f"{one.institution},{one.access_key},{one.secret}" for one in issued]
    _write_private(path, ["fixmedins_code,access_key,secret"], lines)
    return issued


def _write_private(path: Path, header: Sequence[str], lines: Sequence[str]) -> None:
    """A new file that nobody else can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{line}\n" for line in (*header, *lines))
        file.flush()
        os.fsync(file.fileno())


def _told_of(
    issued: Sequence[institutions.Given], plan: institutions.Plan, session: Session
) -> str:
    if issued:
        return f"签发密钥 credentials issued: {len(issued)}，见 see {session.issue_to}"
    if plan.without:
        return (
            f"{len(plan.without)} 家机构没有密钥，不能签到 | institutions without a credential "
            "(--issue FILE)"
        )
    return ""


_IMPORTS: dict[str, Import] = {
    "persons": _persons, "institutions": _institutions, "items": _items, "lists": _lists,
    "staff": _staff, "counterparts": _counterparts, "openings": _openings, "payables": _payables,
    "stays": _stays, "settlements": _settlements,
}  # fmt: skip
