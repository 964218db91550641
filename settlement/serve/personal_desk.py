"""What the commands `settlement personal` do: tell a person's data, erase what may go (个人信息).

An erasure is proposed by one person and confirmed by another; it is in the audit, in the table of
erasures, and in a file beside the backups, because a restored database does not know of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement.clock import Clock, local_time, system_clock
from settlement.embedded.archiving import read_place
from settlement.embedded.errors import ServiceError
from settlement.embedded.files import sync_directory, write_durably
from settlement.embedded.services import open_database
from settlement.keyring import ErasedError, Keyring, UndecipherableError
from settlement.lanes import lane_of
from settlement.people.personal_data import (
    Act,
    ErasureStep,
    Held,
    OwnRow,
    Ruling,
    keep_years,
    kept_since,
    rule,
)
from settlement.people.personal_report import PLACE_ZH, readable
from settlement.said import UNUSABLE, Said
from settlement.storage import personal as store
from settlement.storage import reference
from settlement.storage.archive import archived_years
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError, translate
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.telemetry.logs import mask_number

ERASURES_FILE = "erasures.jsonl"
"""In the data directory and in the store of backups: what was erased, and when."""


class Erased(Struct, frozen=True, kw_only=True):
    """One line of the file of erasures."""

    at: datetime
    lane: int
    psn_no: str
    before_at: datetime
    actor: str
    reason: str


class Desk(Struct, frozen=True, kw_only=True):
    """An opened database with what is needed of it."""

    connection: PlainConnection
    keyring: Keyring
    lanes: int
    shape: Shape
    journal_of: Mapping[int, int]
    years: int
    clock: Clock = system_clock
    files: tuple[Path, ...] = ()
    """where erasures are noted beside the database"""

    def before(self) -> datetime:
        """What is older may go."""
        return kept_since(self.clock(), self.years)


async def collected(desk: Desk, person_no: str) -> tuple[OwnRow, list[Held]] | None:
    """Everything that is held about a person; None where nobody has the number."""
    lane = lane_of(person_no, desk.lanes)
    own = await store.own_row(desk.connection, lane, person_no)
    if own is None:
        return None
    return own, await store.held_about(desk.connection, lane, person_no)


async def exported(
    desk: Desk, person_no: str, *, actor: str, reason: str
) -> dict[str, object] | None:
    """Everything that is held about a person, opened; audited before it is told."""
    await keep_audit(
        desk.connection,
        Audited(
            at=desk.clock(), actor=actor, action="export-personal-data",
            subject=f"person {person_no}", note=reason,
        ),
    )  # fmt: skip
    found = await collected(desk, person_no)
    if found is None:
        return None
    own, held = found
    lane = lane_of(person_no, desk.lanes)
    identity = store.opened_identity(own, desk.keyring, lane, person_no)
    places: dict[str, list[dict[str, object]]] = {}
    for one in held:
        places.setdefault(one.place, []).append(_told(one, desk.keyring, lane))
    return {
        "format": "personal-data/1", "psn_no": person_no, "exported_at": desk.clock(),
        "exported_by": actor, "reason": reason,
        "identity": msgspec.structs.asdict(identity), "person": own.told,
        "filings": store.opened_filings(own, desk.keyring, lane, person_no),
        "balance_fen": own.balance_fen, "rows": places,
        "archived_years": [one.year for one in await archived_years(desk.connection)],
    }  # fmt: skip


def _told(one: Held, keyring: Keyring, lane: int) -> dict[str, object]:
    told = dict(one.told)
    if one.place not in store.SEALED:
        return told
    try:
        told["sealed_content"] = store.opened(one, keyring, lane)
    except ErasedError:
        told["sealed_content"] = None
    return told


async def propose(desk: Desk, person_no: str, *, actor: str, reason: str) -> Said:
    """One person asks that what may go of somebody's data goes."""
    found = await collected(desk, person_no)
    if found is None:
        return _nobody(person_no)
    ruling = rule(*found, desk.before(), desk.years)
    if not ruling.goes and not ruling.identity_goes:
        return Said(1, "\n".join([_heading("不能删除 nothing may be erased", person_no),
                                  *_kept(ruling)]))  # fmt: skip
    await write_down(desk, person_no, Act.PROPOSED, desk.before(), actor, reason)
    lines = [_heading("已提出删除，待另一人确认 proposed, another confirms", person_no)]
    return Said(0, "\n".join([*lines, *_going(ruling), *_kept(ruling)]))


async def confirm(desk: Desk, person_no: str, *, actor: str, reason: str) -> Said:
    """Another person confirms; what may go, goes."""
    lane = lane_of(person_no, desk.lanes)
    steps = await store.erasure_steps(desk.connection, lane, person_no)
    if not steps or steps[-1].act is not Act.PROPOSED:
        return Said(1, _heading("没有待确认的删除 nothing is proposed", person_no))
    proposed = steps[-1]
    if proposed.actor.strip().casefold() == actor.strip().casefold():
        return Said(1, "提出与确认须为两人 who proposed may not confirm")
    await write_down(desk, person_no, Act.CONFIRMED, proposed.before_at, actor, reason)
    return await carry_out(desk, person_no)


async def carry_out(desk: Desk, person_no: str) -> Said:
    """Do what was confirmed; also what an interrupted command left."""
    lane = lane_of(person_no, desk.lanes)
    steps = await store.erasure_steps(desk.connection, lane, person_no)
    confirmed = steps[-1]
    found = await collected(desk, person_no)
    if found is None or confirmed.act is not Act.CONFIRMED:
        return _nobody(person_no)
    note(desk.files, Erased(
        at=confirmed.at, lane=lane, psn_no=person_no, before_at=confirmed.before_at,
        actor=confirmed.actor, reason=confirmed.reason,
    ))  # fmt: skip
    ruling = rule(*found, confirmed.before_at, desk.years)
    counts = await store.erase_rows(desk.connection, lane, ruling.goes)
    if ruling.identity_goes:
        await store.erase_identity(
            desk.connection, desk.keyring, lane=lane, person_no=person_no,
            journal=desk.journal_of[lane], shape=desk.shape,
        )  # fmt: skip
        counts["identity"] = 1
    result = msgspec.json.encode(counts).decode()
    await write_down(
        desk, person_no, Act.DONE, confirmed.before_at, confirmed.actor, confirmed.reason, result
    )
    lines = [_heading("已删除 erased", person_no), *_going(ruling), *_kept(ruling)]
    return Said(0, "\n".join(lines))


async def finish(desk: Desk) -> list[str]:
    """Carry out what was confirmed and interrupted; whose."""
    left = await store.unfinished(desk.connection)
    for _, person_no in left:
        await carry_out(desk, person_no)
    return [person_no for _, person_no in left]


async def expire(desk: Desk, *, actor: str, reason: str, preview: bool) -> Said:
    """Lines that are older than the years for which they are kept go, of everybody (到期清理)."""
    persons, rows = 0, 0
    for lane in range(desk.lanes):
        for person_no in await store.expired(desk.connection, lane, desk.before()):
            found = await collected(desk, person_no)
            assert found is not None  # noqa: S101 - the row was read just now
            ruling = rule(*found, desk.before(), desk.years)
            persons, rows = persons + 1, rows + len(ruling.goes)
            if not preview:
                await write_down(desk, person_no, Act.CONFIRMED, desk.before(), actor, reason)
                await carry_out(desk, person_no)
    verb = "将删除 would erase" if preview else "已删除 erased"
    since = local_time(desk.before()).date()
    return Said(
        0, f"{verb}：{persons} 人 persons，{rows} 项 rows，早于 older than {since} "
        f"（保存 {desk.years} 年 kept for years）",
    )  # fmt: skip


def note(files: tuple[Path, ...], erased: Erased) -> None:
    """Write an erasure down beside the database, durably, before it begins; once each."""
    line = msgspec.json.encode(erased) + b"\n"
    for path in files:
        present = path.read_bytes() if path.exists() else b""
        if line not in present:
            write_durably(path, (present + line).decode())
            sync_directory(path.parent)


def noted(path: Path) -> list[Erased]:
    """The erasures that a file knows of, in order."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Erased) for line in path.read_bytes().splitlines()]


async def repeat(desk: Desk, erasures: list[Erased]) -> list[Erased]:
    """Do again what a restored database does not know of; which."""
    unknown = [
        one for one in erasures
        if not await store.knows(desk.connection, one.lane, one.psn_no, one.at)
    ]  # fmt: skip
    for one in unknown:
        then = msgspec.structs.replace(desk, clock=lambda at=one.at: at)
        await write_down(then, one.psn_no, Act.CONFIRMED, one.before_at, one.actor, one.reason)
        await carry_out(then, one.psn_no)
    return unknown


async def write_down(
    desk: Desk, person_no: str, act: Act, before_at: datetime, actor: str, reason: str,
    result: str = "",
) -> None:  # fmt: skip
    """A step and its row of the audit, together."""
    lane = lane_of(person_no, desk.lanes)
    async with desk.connection.transaction():
        steps = await store.erasure_steps(desk.connection, lane, person_no)
        step = ErasureStep(
            number=len(steps) + 1, act=act, at=desk.clock(), before_at=before_at, actor=actor,
            reason=reason, result=result,
        )  # fmt: skip
        if not await store.keep_step(desk.connection, lane, person_no, step):
            raise StorageError("somebody else was first; nothing was changed")
        await keep_audit(
            desk.connection,
            Audited(
                at=step.at, actor=actor, action=f"erase-personal-data {act.name.lower()}",
                subject=f"person {person_no}", note=f"{reason} {result}".strip(),
            ),
        )  # fmt: skip


def _heading(what: str, person_no: str) -> str:
    return f"{what}：{mask_number(person_no)}"


def _nobody(person_no: str) -> Said:
    return Said(1, f"没有此人 there is no person {mask_number(person_no)}")


def _going(ruling: Ruling) -> list[str]:
    counts: dict[str, int] = {}
    for one in ruling.goes:
        counts[one.place] = counts.get(one.place, 0) + 1
    lines = [f"  {PLACE_ZH[place]} {place}: {count}" for place, count in sorted(counts.items())]
    return [*lines, "  身份信息 identity"] if ruling.identity_goes else lines


def _kept(ruling: Ruling) -> list[str]:
    return [f"  保留 kept: {reason}" for reason in ruling.kept]


def on_desk(data_dir: Path, act: Callable[[Desk], Coroutine[None, None, Said]]) -> Said:
    """Open a data directory's database for one command."""

    async def run() -> Said:
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        async with open_database(data_dir, os.environ) as database:
            connection = await connect_plain(database.owner_dsn, name="settlement-personal")
            try:
                desk = await open_desk(connection, keyring, data_dir, keep_years(os.environ))
                left = await finish(desk)
                said = await act(desk)
                told = [_heading("完成中断的删除 finished what was left", one) for one in left]
                return Said(said.status, "\n".join([*told, said.text]))
            finally:
                await connection.close()

    try:
        return asyncio.run(run())
    except (ServiceError, StorageError, KeyFileError, UndecipherableError, ValueError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    except Exception as exc:
        refused = translate(exc)
        if refused is None:
            raise
        return Said(UNUSABLE, f"settlement: {refused}")


async def open_desk(
    connection: PlainConnection, keyring: Keyring, data_dir: Path, years: int
) -> Desk:
    """A desk on a connection of the schema's owner."""
    installed = await reference.installation(connection)
    if installed is None:
        raise ServiceError("the database is not ours")
    place = read_place(data_dir)
    folders = [data_dir, *([] if place is None else [Path(place.store)])]
    return Desk(
        connection=connection, keyring=keyring, lanes=installed.lanes,
        shape=await installed_shape(connection),
        journal_of=await reference.lanes(connection), years=years,
        files=tuple(folder / ERASURES_FILE for folder in folders),
    )  # fmt: skip


def export_to(data_dir: Path, person_no: str, to: Path, *, actor: str, reason: str) -> Said:
    """Write what is held about a person as JSON and as text, for nobody else to read."""

    async def act(desk: Desk) -> Said:
        told = await exported(desk, person_no, actor=actor, reason=reason)
        if told is None:
            return _nobody(person_no)
        _write_both(to, told)
        return Said(0, _heading(f"已导出 exported to {to}", person_no))

    return on_desk(data_dir, act)


def _write_both(to: Path, told: dict[str, object]) -> None:
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(to / "personal-data.json", msgspec.json.format(msgspec.json.encode(told)).decode())
    _write(to / "personal-data.txt", readable(told))


def _write(path: Path, text: str) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
