"""What operators do from the command line: prepare, verify, suspend, approve and the like.

Each is one short session with the database; the texts they print are for people, the JSON of
`verify` and `readjudication` is for machines. The command line itself is settlement/cli.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ledger.audit import VerifyReport
from ledger.postgres.schema import change_journals, installed_shape
from ledger.postgres.shape import Shape
from settlement.archiving import NOT_INSTALLED, ArchiveSeen
from settlement.clock import local_time, moment, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.postgres_settings import MAX_CONNECTIONS_VARIABLE
from settlement.embedded.services import Services, open_database
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import NumberBlock
from settlement.payments.payment import ChannelName
from settlement.policy.errors import PolicyError
from settlement.policy.loader import parse_policies, shipped_files
from settlement.said import UNUSABLE, Said
from settlement.storage import approvals, reference
from settlement.storage.archive import archived_years, keep_partitions, sample_partitions
from settlement.storage.connect import connect_plain, verify_pool
from settlement.storage.connections import connections_held
from settlement.storage.errors import StorageError, translate
from settlement.storage.install import (
    DEFAULT_JOURNALS,
    LANES,
    InstallError,
    Region,
    ensure_schema,
)
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring, make_key_file
from settlement.storage.lease import PlainConnection, connection_for
from settlement.storage.platform_key import make_platform_key, platform_key_file
from settlement.storage.policies import keep_files, load_policy_set
from settlement.storage.queries import ADMIN, REFERENCE
from settlement.storage.reader import read_settlements
from settlement.storage.readjudication import StaleClaim, claims_to_readjudicate
from settlement.storage.switches import record_token, switch
from settlement.storage.verify import verify as verify_all
from settlement.telemetry.logs import mask_number
from settlement.usecases.explain import Recomputed
from settlement.usecases.explain import explain as explain_settlement
from settlement.view import View

if TYPE_CHECKING:
    from settlement.serve.supervisor import ServeSettings

REGION = "441900"
"""The first region; SETTLEMENT_REGION names another."""
PROFILE_VARIABLE = "SETTLEMENT_PROFILE"
"""A file: the profile of a region that has none among the shipped ones, for the first start."""
DEMO_SEED = 1


async def prepare(services: Services, settings: ServeSettings) -> None:
    """Make the database ready for gateways: keys, schema, and the demonstration world if asked."""
    path = key_file(services.directory().secrets, os.environ)
    connection = await connect_plain(services.owner_dsn, name="settlement-install")
    try:
        is_new = await reference.installation(connection) is None
        code = os.environ.get("SETTLEMENT_REGION", REGION)
        profile = _first_profile(code, os.environ.get(PROFILE_VARIABLE)) if is_new else {}
        if not path.exists() and is_new:
            make_key_file(path)
        if platform_key_file(services.directory().secrets, {}) == (
            signing := platform_key_file(services.directory().secrets, os.environ)
        ):
            make_platform_key(signing)
        keyring = load_keyring(path)
        region = Region(
            code=code,
            demo_seed=DEMO_SEED if settings.demo else None,
            journals=settings.journals,
            shape=settings.shape,
        )
        await _check_connections(connection, settings)
        installed = await ensure_schema(
            connection, region, app_role=services.app_role, at=system_clock()
        )
        if profile:
            await keep_files(
                connection, profile, actor="settlement serve", reason=PROFILE_VARIABLE,
                at=system_clock(),
            )  # fmt: skip
        await _settle_journals(connection, settings.journals)
        if settings.demo:
            from settlement.demo.loader import Size, load_world

            await load_world(
                connection, keyring, region=installed.region, lanes=installed.lanes,
                seed=DEMO_SEED, at=system_clock(),
                size=Size(persons=settings.demo_persons, first=settings.demo_first),
            )  # fmt: skip
    except (InstallError, KeyFileError, PolicyError) as exc:
        raise ServiceError(str(exc)) from exc
    except Exception as exc:
        refused = translate(exc)
        if refused is None:
            raise
        raise ServiceError(f"the database cannot be prepared: {refused}.") from exc
    finally:
        await connection.close()


def _first_profile(code: str, named: str | None) -> dict[str, bytes]:
    """The file that a new database keeps so that its region has a profile; none where the shipped
    ones have it. Raises InstallError or PolicyError: nothing is made for a region without one."""
    try:
        given = {Path(named).name: Path(named).read_bytes()} if named else {}
    except OSError as exc:
        raise InstallError(f"{PROFILE_VARIABLE}: {exc}; nothing was installed") from exc
    if parse_policies(shipped_files() | given).region(code) is None:
        raise InstallError(
            f"there is no profile of region {code}: write one, or four lines that are based on a "
            f"shipped one, and name the file in {PROFILE_VARIABLE}; nothing was installed"
        )
    return given


async def _settle_journals(connection: PlainConnection, wanted: int | None) -> None:
    """Change the number of journals where another one was asked for: old chains end, new ones cite
    them. Nobody else is connected yet."""
    if wanted is None:
        return
    journal_of_lane = await reference.lanes(connection)
    present = len(set(journal_of_lane.values()))
    if present == wanted:
        return
    if await installed_shape(connection) is Shape.CLUSTER:
        raise InstallError(
            f"in the shape cluster every lane has a journal: {len(journal_of_lane)}, not {wanted}"
        )
    await change_journals(connection, journals=wanted, changed_at=system_clock())


async def _check_connections(connection: PlainConnection, settings: ServeSettings) -> None:
    """Many journals need many connections; better said now than by a queue that gets none."""
    journals = settings.journals or await _journals_present(connection, settings.shape)
    needed = connections_held(workers=settings.workers, journals=journals)
    allowed = int(await connection.fetchval(ADMIN["connections_max"]))
    if needed > allowed:
        raise InstallError(
            f"{settings.workers} gateway processes with {journals} journals need {needed} "
            f"connections and the database allows {allowed}: raise max_connections "
            f"({MAX_CONNECTIONS_VARIABLE} for the embedded one), or have fewer processes"
        )


async def _journals_present(connection: PlainConnection, shape: Shape | None) -> int:
    """How many there are, or will be in a new database."""
    if await reference.installation(connection) is None:
        return LANES if shape is Shape.CLUSTER else DEFAULT_JOURNALS
    return len(set((await reference.lanes(connection)).values()))


def verify(
    data_dir: Path, *, as_json: bool, hurried: bool = False, archive: Path | None = None
) -> Said:
    """Recompute everything and say what was found; 0: as booked, 1: something was touched. What was
    archived is held against the database where `archive` says where it lies."""
    return _run(_verify(data_dir, as_json=as_json, hurried=hurried, archive=archive))


async def _verify(
    data_dir: Path, *, as_json: bool, hurried: bool, archive: Path | None
) -> Said:
    async with open_database(data_dir, os.environ) as database:
        report = await verify_database(database.app_dsn, data_dir, hurried=hurried)
        found = await _archives(database.app_dsn, _keyring_of(data_dir), archive)
    ok = report.ok and all(one.wrong is None for one in found)
    if as_json:
        told = report_fields(report) | {"ok": ok, "archives": msgspec.to_builtins(found)}
        return Said(0 if ok else 1, json.dumps(told, ensure_ascii=False))
    return Said(0 if ok else 1, "\n".join([_prose(report), *(one.prose() for one in found)]))


async def _archives(dsn: str, keyring: Keyring | None, folder: Path | None) -> list[ArchiveSeen]:
    """The years that were archived, each held against the database where its files are given."""
    async with connection_for(dsn, "settlement-verify-archive") as connection:
        known = await archived_years(connection)
        if folder is None or not known:
            return [ArchiveSeen(year=one.year, details=one.details) for one in known]
        try:
            from settlement.archive.checking import see_archive
        except ModuleNotFoundError as exc:
            raise ServiceError(NOT_INSTALLED.format(name=exc.name)) from exc
        installed = await reference.installation(connection)
        lanes = 0 if installed is None else installed.lanes
        return [
            await see_archive(connection, folder / str(one.year), one, lanes, keyring)
            for one in known
        ]  # fmt: skip


def make_partitions(data_dir: Path) -> Said:
    """Make the partitions of this year and the next ones."""
    return _run(_make_partitions(data_dir))


async def _make_partitions(data_dir: Path) -> Said:
    async with (
        open_database(data_dir, os.environ) as database,
        connection_for(database.owner_dsn, "settlement-operator") as connection,
    ):
        made = await keep_partitions(connection, system_clock())
        await sample_partitions(connection)
    return Said(0, f"新建分区 partitions made: {made}")


def _keyring_of(data_dir: Path) -> Keyring | None:
    path = _key_file(data_dir)
    return load_keyring(path) if path.exists() else None


async def verify_database(
    dsn: str, data_dir: Path, *, hurried: bool = False, at: datetime | None = None
) -> VerifyReport:
    """Verify a database with the keys of a data directory; without them details stay unopened.
    `at` is the moment that it shows, where it is no longer now."""
    keyring = _keyring_of(data_dir)
    year = moment(system_clock if at is None else lambda: at).business_day.year
    async with verify_pool(dsn) as pool:
        return await verify_all(pool, year=year, keyring=keyring, hurried=hurried, at=at)


def report_fields(report: VerifyReport) -> dict[str, object]:
    """The report as JSON fields."""
    bad = report.first_bad
    return {
        "ok": report.ok,
        "journals": report.journals,
        "blocks": report.blocks,
        "entries": report.entries,
        "transfers": report.transfers,
        "seconds": round(report.seconds, 3),
        "first_bad": None
        if bad is None
        else {
            "journal": bad.journal,
            "block_no": bad.block_no,
            "lane": bad.lane,
            "entry_id": None if bad.entry_id is None else str(bad.entry_id),
            "what": bad.what,
        },
    }


def _prose(report: VerifyReport) -> str:
    if report.first_bad is None:
        return (
            f"核验通过 verified: {report.journals} journals, {report.blocks} blocks, "
            f"{report.entries} entries, {report.transfers} transfers in {report.seconds:.2f} s; "
            "every block, entry, settlement and balance is as it was booked."
        )
    bad = report.first_bad
    return (
        f"核验未通过 NOT verified: {bad.what}\n"
        f"  journal {bad.journal}, block {bad.block_no}, lane {bad.lane}, entry {bad.entry_id}"
    )


def readjudication(data_dir: Path, *, as_json: bool) -> Said:
    """List the claims to be decided again (待重算)."""
    return _run(_readjudication(data_dir, as_json=as_json))


async def _readjudication(data_dir: Path, *, as_json: bool) -> Said:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            found = await claims_to_readjudicate(connection)
        finally:
            await connection.close()
    return Said(0, readjudication_json(found) if as_json else readjudication_table(found))


def readjudication_json(claims: Sequence[StaleClaim]) -> str:
    """The list as JSON; numbers of settlements are text, as everywhere outside."""
    rows = [
        {
            "setl_id": str(claim.setl_id),
            "psn_no": mask_number(claim.person_no),
            "year": claim.year,
            "cause": claim.cause,
            "undone_setl_id": claim.undone_setl_id and str(claim.undone_setl_id),
            "changed_at": claim.changed_at and local_time(claim.changed_at).isoformat(),
            "changed_days": claim.days,
        }
        for claim in claims
    ]
    return json.dumps(rows)


def readjudication_table(claims: Sequence[StaleClaim]) -> str:
    """The list for people, one reason of a claim a line."""
    if not claims:
        return "没有待重算的结算 nothing to decide again"
    lines = [
        f"{claim.setl_id}  {mask_number(claim.person_no)}  {claim.year}  {_why_again(claim)}"
        for claim in claims
    ]
    return "\n".join(["待重算 setl_id, psn_no, year, 原因 why", *lines])


def _why_again(claim: StaleClaim) -> str:
    if claim.changed_at is None:
        return f"之后撤销了较早的结算 undone after it: {claim.undone_setl_id}"
    changed_at = f"{local_time(claim.changed_at):%Y-%m-%d %H:%M:%S}"
    days = ", ".join(claim.days)
    return f"之后参保信息追溯变更 membership changed after it, {changed_at}, for {days}"


def explain(data_dir: Path, *, setl_id: int, as_json: bool) -> Said:
    """Say how a settlement came about; 1 where computing it again gives something else."""
    return _run(_explain(data_dir, setl_id, as_json=as_json))


async def _explain(data_dir: Path, setl_id: int, *, as_json: bool) -> Said:
    keyring = load_keyring(_key_file(data_dir))
    view = View()
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            await read_settlements(
                connection, [setl_id], view, await installed_shape(connection)
            )
            policies = await load_policy_set(connection)
            counterparts = await reference.counterparts(connection)
        finally:
            await connection.close()
    fact = view.settlements.get(setl_id)
    if fact is None:
        return Said(1, f"there is no settlement {setl_id}")
    try:
        explained = explain_settlement(fact, keyring, policies, counterparts)
    except LookupError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    status = 1 if explained.recomputed is Recomputed.DIFFERS else 0
    if as_json:
        return Said(status, msgspec.json.encode(explained).decode())
    again = _RECOMPUTED_TEXT[explained.recomputed]
    return Said(status, f"{explained.text_zh}\n\n{explained.text_en}\n\n{again}")


_RECOMPUTED_TEXT = {
    Recomputed.SAME: "重新计算结果一致 computed again: the same to the fen",
    Recomputed.DIFFERS: "重新计算结果不一致 computed again: NOT the same",
    Recomputed.NOT_KEPT: "计算依据未保存 what it was computed of is not kept",
    Recomputed.POLICY_NOT_LOADED: "政策版本未加载 its policy is not loaded",
    Recomputed.TOLD_ELSEWHERE: "由参保地计算 computed by the region of insurance",
}


def suspend(
    data_dir: Path, *, kind: str, subject: str, reason: str, actor: str, suspended: bool
) -> Said:
    """Turn a stop switch on or off; in force in every process within a second."""
    return _run(_suspend(data_dir, kind, subject, reason, actor, suspended))


async def _suspend(
    data_dir: Path, kind: str, subject: str, reason: str, actor: str, suspended: bool
) -> Said:
    if kind == "channel" and subject not in list(ChannelName):
        return Said(UNUSABLE, f"there is no channel {subject}: {', '.join(ChannelName)}")
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            changed = await switch(
                connection, kind=kind, subject=subject, reason=reason, actor=actor,
                suspended=suspended, at=system_clock(),
            )  # fmt: skip
        finally:
            await connection.close()
    if not changed:
        return Said(1, f"{kind} {subject} was not suspended")
    return Said(0, f"{kind} {subject}: {'suspended' if suspended else 'resumed'}")


def approve_cancel(
    data_dir: Path, *, setl_id: int, reason: str, actor: str, approved: bool
) -> Said:
    """Record an approval of a cancel (退费备案), or take it back; in force within a second."""
    return _run(_approve_cancel(data_dir, setl_id, reason, actor, approved=approved))


async def _approve_cancel(
    data_dir: Path, setl_id: int, reason: str, actor: str, *, approved: bool
) -> Said:
    record = approvals.approve_cancel if approved else approvals.withdraw_approval
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            done = await record(connection, setl_id, reason=reason, actor=actor, at=system_clock())
        finally:
            await connection.close()
    if not done:
        missing = "settlement that stands" if approved else "unused approval"
        return Said(1, f"there is no {missing} under {setl_id}")
    return Said(0, f"cancel of {setl_id}: {'approved' if approved else 'approval withdrawn'}")


def issue_token(data_dir: Path, *, person_no: str, institution_code: str, seconds: int) -> Said:
    """Issue an e-credential token for a person at an institution (demonstration worlds only)."""
    return _run(_issue_token(data_dir, person_no, institution_code, seconds))


async def _issue_token(data_dir: Path, person_no: str, institution_code: str, seconds: int) -> Said:
    async with open_database(data_dir, os.environ) as database:
        keyring: Keyring = load_keyring(_key_file(data_dir))
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            installed = await reference.installation(connection)
            if installed is None or installed.demo_seed is None:
                raise ServiceError("tokens are issued here only in a demonstration database")
            now = moment(system_clock)
            block = NumberBlock(await connection.fetchval(REFERENCE["number_block"]))
            lane = lane_of(person_no, installed.lanes)
            token = f"E{block.next(lane, now.business_day)}"
            key = keyring.lookup_key(LookupKind.TOKEN, token)
            known = await record_token(
                connection, lane=lane, person_no=person_no, key=key,
                key_lane=lane_of_key(key, installed.lanes), institution=institution_code,
                expires_at=now.at + timedelta(seconds=seconds),
            )  # fmt: skip
        finally:
            await connection.close()
    if not known:
        return Said(1, f"there is no person {person_no}")
    return Said(0, json.dumps({"mdtrt_cert_type": "01", "mdtrt_cert_no": token}))


def _key_file(data_dir: Path) -> Path:
    return key_file(data_dir / "secrets", os.environ)


def _run(work: Coroutine[object, object, Said]) -> Said:
    try:
        return asyncio.run(work)
    except (ServiceError, KeyFileError, InstallError, StorageError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
