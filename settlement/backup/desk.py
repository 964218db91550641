"""What the commands `settlement backup` and `settlement restore` do and say."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from settlement.backup import KEEP, taking
from settlement.backup.comparing import compare as compare_books
from settlement.backup.published import Unlike, read_published, unlike_published
from settlement.backup.restoring import MISSING_FILE, Order, Restored, restore
from settlement.backup.site import COPIER_VARIABLE, Site, open_site
from settlement.backup.store import Store, open_store
from settlement.backups import Beside, Manifest, Missing
from settlement.clock import local_time
from settlement.embedded.archiving import archived
from settlement.embedded.errors import ServiceError
from settlement.said import UNUSABLE, Said
from settlement.storage.errors import StorageError, translate
from settlement.storage.keyfile import KeyFileError
from settlement.telemetry.logs import mask_number
from settlement.wal_names import first_gap

SHOWN_MAX = 20
"""Institutions of which what is missing is printed; the file has all."""
MEGABYTE = 10**6


def enable(data_dir: Path, to: Path) -> Said:
    """From now on, WAL is archived."""
    return _on_site(data_dir, lambda site: _enable(site, to))


def base(data_dir: Path, *, keep: int = KEEP, programs: Path | None = None) -> Said:
    """A base backup; what is too old goes."""
    return _on_site(data_dir, lambda site: _base(site, keep, programs))


def mark(data_dir: Path) -> Said:
    """Note the ends of the chains, once their WAL is archived."""
    return _on_site(data_dir, _mark)


def status(data_dir: Path, *, as_json: bool) -> Said:
    """What there is, what fails, and what is kept elsewhere."""
    return _on_site(data_dir, lambda site: _status(site, as_json=as_json))


def compare(data_dir: Path, *, seals: Sequence[Path]) -> Said:
    """Hold the running books against what the store knows, and against published seals; 1 where
    anything is missing or otherwise."""
    return _on_site(data_dir, lambda site: _compare(site, seals))


def restore_to(
    store_path: Path, data_dir: Path, *, to: datetime | None, secrets: Path | None,
    programs: Path | None, as_json: bool, seals: Sequence[Path] = (),
) -> Said:  # fmt: skip
    """Restore into a new directory; 1 where the restored books are not right."""
    order = Order(
        data_dir=data_dir, to=to, secrets=secrets, programs=programs, seals=tuple(seals)
    )
    try:
        store = open_store(store_path)
        came = asyncio.run(restore(store, order, os.environ))
    except (ServiceError, StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    right = came.report.ok and not came.missing.altered and not came.missing.seals_altered
    if as_json:
        return Said(0 if right else 1, msgspec.json.encode(_fields(came)).decode())
    return Said(0 if right else 1, "\n".join(_told(came, order)))


def _on_site(data_dir: Path, act: Callable[[Site], Coroutine[None, None, Said]]) -> Said:
    async def run() -> Said:
        async with open_site(data_dir, os.environ) as site:
            return await act(site)

    try:
        return asyncio.run(run())
    except (ServiceError, StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    except Exception as exc:
        refused = translate(exc)
        if refused is None:
            raise
        return Said(UNUSABLE, f"settlement: {refused}")


async def _enable(site: Site, to: Path) -> Said:
    store = await taking.enable(site, to)
    lines = [f"{store.path}：WAL 自此归档 | WAL is archived there from now on"]
    if not site.is_embedded:
        lines = [
            f"{store.path}：备份库已建 | the store is made. Put into your server's settings, and "
            f"give {store.wal} to its user:",
            "  archive_mode = on",
            f"  archive_command = '{taking.command_for_site(store)}'",
            "  archive_timeout = 1min",
            f"{COPIER_VARIABLE} 指定可复制的登录 | names a login with replication and "
            "pg_switch_wal",
        ]
    return Said(0, "\n".join([*lines, "下一步 next: settlement backup base"]))


async def _base(site: Site, keep: int, programs: Path | None) -> Said:
    made = await taking.take_base(site, os.environ, given=programs)
    dropped = taking.drop_old(site.store(), keep)
    seconds = (made.ended_at - made.began_at).total_seconds()
    lines = [
        f"基础备份 base backup {made.name}：{made.size_bytes / MEGABYTE:.1f} MB，{seconds:.1f} 秒",
        f"可恢复至 {_text(made.ended_at)} 起任一秒 | any second from then on can be restored",
    ]
    if dropped.bases:
        lines.append(
            f"过期删除 dropped: {', '.join(dropped.bases)}; {dropped.segments} WAL, "
            f"{dropped.marks} marks"
        )
    return Said(0, "\n".join([*lines, *_beside_lines(made.beside)]))


async def _mark(site: Site) -> Said:
    made = await taking.mark(site)
    entries = sum(len(block.entries) for block in made.blocks)
    return Said(
        0,
        f"已标记 marked {_text(made.at)}：新增 {entries} 笔凭证，WAL 已归档 | {entries} entries "
        "since the last mark, and their WAL is archived",
    )


async def _compare(site: Site, seals: Sequence[Path]) -> Said:
    published = read_published(seals, site.origin.region)
    store = site.store()
    manifests, marks = store.manifests(), store.marks()
    if not manifests:
        return Said(1, f"{store.path}：没有基础备份 no base backup: settlement backup base")
    lacks = await compare_books(site.connection, manifests[0], marks)
    known_at = marks[-1].at if marks else manifests[-1].ended_at
    unlike = await unlike_published(site.connection, published)
    told = _missing_lines(lacks, known_at) + _unlike_lines(unlike)
    told += [f"封存公布 published seals of {one.month}: {one.fingerprint}" for one in published]
    fine = not (lacks.entries or lacks.unlisted or lacks.altered or unlike)
    fine = fine and not (lacks.seals or lacks.seals_altered)
    return Said(0 if fine else 1, "\n".join(told))


async def _status(site: Site, *, as_json: bool) -> Said:
    store = site.store()
    seen = await archived(site.copier_dsn)
    manifests, newest, segments = store.manifests(), store.newest_mark(), store.segments()
    gap = _gap(store, manifests)
    fields: dict[str, object] = {
        "store": str(store.path), "bases": [_base_fields(one) for one in manifests],
        "segments": len(segments), "newest_segment": segments[-1] if segments else None,
        "missing_segment": gap, "failures": seen.failed_count, "archiving": seen.mode,
        "marked_at": None if newest is None else _text(newest.at),
    }  # fmt: skip
    ok = bool(manifests) and gap is None
    if as_json:
        return Said(0 if ok else 1, msgspec.json.encode(fields).decode())
    lines = [f"{store.path}"]
    lines += [
        f"  {one.name}  {one.size_bytes / MEGABYTE:.1f} MB  可恢复自 from {_text(one.ended_at)}"
        for one in manifests
    ] or ["  没有基础备份 no base backup: settlement backup base"]
    lines.append(
        f"  WAL {len(segments)}，最新 newest {fields['newest_segment']}，归档失败 failures "
        f"{seen.failed_count}"
    )
    if gap is not None:
        lines.append(f"  ✗ WAL {gap} 缺失 is missing: settlement backup base")
    lines.append(f"  标记 marked {fields['marked_at'] or '—'}")
    beside = manifests[-1].beside if manifests else []
    return Said(0 if ok else 1, "\n".join([*lines, *_beside_lines(beside)]))


def _gap(store: Store, manifests: list[Manifest]) -> str | None:
    """The first segment that is missing since the oldest base backup."""
    if not manifests:
        return None
    oldest = min(manifests, key=lambda one: one.begin)
    return first_gap(store.segments(), oldest.begin, oldest.wal_segment_bytes)


def _base_fields(one: Manifest) -> dict[str, object]:
    return {
        "name": one.name, "restorable_from": _text(one.ended_at), "size_bytes": one.size_bytes,
    }  # fmt: skip


def _beside_lines(found: list[Beside]) -> list[str]:
    """What a region needs beside the database: in the store (✓), or to be kept elsewhere (✗)."""
    return [
        f"  {'✓' if one.held else '✗'} {one.what}  {one.where}\n      {one.advice}"
        for one in found
    ]


def _told(came: Restored, order: Order) -> list[str]:
    report = came.report
    to = "全部 all there is" if came.to is None else _text(came.to)
    lines = [
        f"已恢复 restored to {to}：基础备份 base {came.manifest.name}，{came.seconds:.1f} 秒（解包 "
        f"{came.seconds_unpacking:.1f}，重放 {came.seconds_recovering:.1f}，核验 "
        f"{report.seconds:.1f}），{came.size_bytes / MEGABYTE:.0f} MB",
    ]
    if report.first_bad is None:
        lines.append(
            f"核验通过 verified: {report.blocks} blocks, {report.entries} entries, "
            f"{report.transfers} transfers"
        )
    else:
        lines.append(f"核验未通过 NOT verified: {report.first_bad}")
    lines += _missing_lines(came.missing, came.newest_known_at) + _unlike_lines(came.unlike)
    if came.erased_again:
        lines.append(
            "此后删除的个人信息已重新删除 erased since, and now again: "
            f"{len(came.erased_again)} 人 "
            + "、".join(map(mask_number, came.erased_again[:SHOWN_MAX]))
        )
    lines.append(f"明细 listed in {order.data_dir / MISSING_FILE}")
    if came.manifest.embedded:
        lines.append(f"下一步 next: settlement serve --data-dir {order.data_dir}")
    else:
        lines.append(
            f"下一步 next: 交给贵方服务器 give {order.data_dir}/postgres to your server, with its "
            "own settings"
        )
    return [*lines, *_beside_lines([one for one in came.manifest.beside if not one.held])]


def _unlike_lines(unlike: Sequence[Unlike]) -> list[str]:
    return [
        f"✗ {one.institution} {one.month}：{'无任何结算' if one.missing else '与公布的封存不符'} | "
        f"{'nothing is booked of it' if one.missing else 'not what was published'}"
        for one in unlike
    ]


def _missing_lines(missing: Missing, known_at: datetime) -> list[str]:
    lines = [
        f"✗ 链 chain of journal {one.journal}, block {one.block_no}: 与备份时不同 is not what it "
        "was when it was backed up"
        for one in missing.altered
    ]
    lines += [
        f"✗ 封存 seals of {one.begins_on} to {one.ends_on}: 与备份时不同 are not what they were"
        for one in missing.seals_altered
    ]
    lines += [
        f"缺 missing: 封存 seals of {one.begins_on} to {one.ends_on}, sealed {_text(one.sealed_at)}"
        for one in missing.seals
    ]
    known = f"备份所知至 the backup knows until {_text(known_at)}"
    if not missing.blocks and not missing.unlisted:
        return [*lines, f"不缺凭证 no entry is missing；{known}"]
    lines += _missing_entries(missing)
    lines += [
        f"缺 missing: journal {one.journal} 至 to block {one.block_no}，{_text(one.booked_at)}，"
        "无明细 without a list: no mark was made then"
        for one in missing.unlisted
    ]
    return [*lines, known]


def _missing_entries(missing: Missing) -> list[str]:
    blocks = missing.blocks
    if not blocks:
        return []
    by_institution: dict[str, list[tuple[datetime, int]]] = {}
    by_lane: dict[int, int] = {}
    for block in blocks:
        for entry in block.entries:
            by_lane[entry.lane] = by_lane.get(entry.lane, 0) + 1
            if entry.institution:
                place = (block.booked_at, entry.number)
                by_institution.setdefault(entry.institution, []).append(place)
    settlements = sum(len(found) for found in by_institution.values())
    lines = [
        f"缺 missing: {len(missing.entries)} 笔凭证 entries，其中结算 settlements "
        f"{settlements}，自 from {_text(blocks[0].booked_at)} 至 to {_text(blocks[-1].booked_at)}",
        "  分区 lanes: " + ", ".join(f"{lane} ({n})" for lane, n in sorted(by_lane.items())),
    ]
    most = sorted(by_institution.items(), key=lambda one: (-len(one[1]), one[0]))
    lines += [
        f"  {code}  {len(found)} 笔，首笔 first {found[0][1]} {_text(found[0][0])}"
        for code, found in most[:SHOWN_MAX]
    ]
    if len(most) > SHOWN_MAX:
        lines.append(f"  … 另 {len(most) - SHOWN_MAX} 家机构 more institutions")
    return lines


def _fields(came: Restored) -> dict[str, object]:
    return {
        "base": came.manifest.name, "to": None if came.to is None else _text(came.to),
        "seconds": round(came.seconds, 3), "seconds_unpacking": round(came.seconds_unpacking, 3),
        "seconds_recovering": round(came.seconds_recovering, 3), "size_bytes": came.size_bytes,
        "verified": came.report.ok, "entries": came.report.entries,
        "missing_entries": len(came.missing.entries),
        "missing_settlements": [
            str(one.number) for one in came.missing.entries if one.institution
        ],
        "unlisted": len(came.missing.unlisted), "altered": len(came.missing.altered),
        "unlike_published": [f"{one.month} {one.institution}" for one in came.unlike],
        "missing_seals": len(came.missing.seals), "altered_seals": len(came.missing.seals_altered),
        "known_until": _text(came.newest_known_at),
        "erased_again": came.erased_again,
    }  # fmt: skip


def _text(at: datetime) -> str:
    return local_time(at).isoformat(sep=" ", timespec="seconds")
