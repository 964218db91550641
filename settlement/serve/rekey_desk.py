"""What the commands `settlement rekey` do: another key, and everything under it (密钥轮换).

In four acts, so that no process ever meets a key that it does not know: add, use, run, retire.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from pathlib import Path

from msgspec import structs

from ledger.postgres.schema import installed_shape
from settlement.archiving import ArchivedYear
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import KeyMaterial, Keyring, UndecipherableError, new_material
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.archive import archived_years
from settlement.storage.audits import Audited, audited, keep_audit
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError, translate
from settlement.storage.keyfile import KeyFileError, key_file, read_materials, replace_materials
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import PERSONAL
from settlement.storage.rekeying import OWN_ROWS, TOMBSTONES, Progress, Rewriter
from settlement.storage.sealed_places import PLACES

PAUSE_SECONDS = 0.02
"""After each step others have their turn."""
Walked = Callable[[str], object]


async def rewrite(
    rewriter: Rewriter, walked: Walked, pause: Callable[[], Awaitable[None]], lanes: int
) -> int:
    """Encrypt everything anew that lies under earlier keys, from where the last run came to; how
    many rows."""
    known, changed = await rewriter.progress(), 0
    for number, place in enumerate(PLACES, 1):
        for lane in range(lanes):
            now = known.get((place.table, lane), Progress())
            while not now.done:
                now = await rewriter.step(place, lane, now)
                changed += now.rows_done
                if now.rows_done:
                    await pause()
        walked(f"{place.table} {number}/{len(PLACES) + 2}: {changed}")
    for lane in range(lanes):
        if not known.get((OWN_ROWS, lane), Progress()).done:
            changed += await rewriter.persons(lane, pause)
            await pause()
        if not known.get((TOMBSTONES, lane), Progress()).done:
            changed += await rewriter.tombstones(lane)
    walked(f"{OWN_ROWS} {len(PLACES) + 1}/{len(PLACES) + 2}: {changed}")
    changed += await rewriter.secrets()
    walked(f"secrets {len(PLACES) + 2}/{len(PLACES) + 2}: {changed}")
    return changed


async def run_to_the_end(rewriter: Rewriter, walked: Walked, lanes: int) -> dict[str, int]:
    """Rewrite, look, and rewrite again what was written meanwhile under an earlier key; what is
    left then."""

    async def pause() -> None:
        await asyncio.sleep(PAUSE_SECONDS)

    await rewrite(rewriter, walked, pause, lanes)
    left = await rewriter.uses_of_earlier()
    if left:
        await rewriter.forget()
        await rewrite(rewriter, walked, pause, lanes)
        left = await rewriter.uses_of_earlier()
    await rewriter.forget()
    return left


def added(materials: tuple[KeyMaterial, ...]) -> tuple[KeyMaterial, ...]:
    """One more version, which nothing is written with yet; it looks up as the others do."""
    if not all(one.in_use for one in materials):
        raise ValueError("已有未启用的密钥 a key waits already: settlement rekey use")
    newest = max(materials, key=lambda one: one.version)
    fresh = new_material(newest.version + 1)
    return (*materials, structs.replace(fresh, lookup=newest.lookup, in_use=False))


def put_in_use(materials: tuple[KeyMaterial, ...]) -> tuple[KeyMaterial, ...]:
    """All are in use. Raises ValueError where none waits."""
    if all(one.in_use for one in materials):
        raise ValueError("没有待启用的密钥 no key waits: settlement rekey add")
    return tuple(structs.replace(one, in_use=True) for one in materials)


def retired(materials: tuple[KeyMaterial, ...]) -> tuple[KeyMaterial, ...]:
    """The newest alone. Raises ValueError where there is no older one, or the newest waits."""
    newest = max(materials, key=lambda one: one.version)
    if len(materials) == 1 or not newest.in_use:
        raise ValueError("没有可停用的密钥 there is no earlier key to retire")
    return (newest,)


def add(data_dir: Path, *, actor: str, reason: str) -> Said:
    """Make the next version; nothing is written with it yet."""

    async def act(connection: PlainConnection, path: Path) -> Said:
        materials = added(read_materials(path))
        await _change(connection, path, materials, "add-key", actor, reason)
        return Said(0, (
            f"密钥 {materials[-1].version} 已生成，尚未启用 | made, not in use yet\n"
            f"将 {path} 另行保管并复制到各台服务器 keep a copy, and copy it to every machine\n"
            "下一步 next: settlement rekey use"
        ))  # fmt: skip

    return _with_database(data_dir, act)


def use(data_dir: Path, *, actor: str, reason: str) -> Said:
    """From now on everything is written with the newest version."""

    async def act(connection: PlainConnection, path: Path) -> Said:
        materials = put_in_use(read_materials(path))
        await _change(connection, path, materials, "use-key", actor, reason)
        return Said(0, f"密钥 {materials[-1].version} 已启用 in use within a second\n"
                       "下一步 next: settlement rekey run")  # fmt: skip

    return _with_database(data_dir, act)


def run(data_dir: Path, walked: Walked) -> Said:
    """Encrypt anew what lies under earlier versions; goes on where it was interrupted."""

    async def act(connection: PlainConnection, path: Path) -> Said:
        rewriter, lanes, version = await _rewriter(connection, path)
        left = await run_to_the_end(rewriter, walked, lanes)
        if left:
            return Said(1, "仍有旧密钥加密的数据 still under an earlier key: " + _listed(left))
        return Said(0, f"全部数据已用密钥 {version} 加密 everything is under it\n"
                       "下一步 next: settlement rekey retire")  # fmt: skip

    return _with_database(data_dir, act)


def retire(data_dir: Path, *, actor: str, reason: str) -> Said:
    """Take earlier versions out of the file, where nothing uses them any more."""

    async def act(connection: PlainConnection, path: Path) -> Said:
        materials = read_materials(path)
        kept = retired(materials)
        rewriter, _, _ = await _rewriter(connection, path)
        left = await rewriter.uses_of_earlier()
        if left:
            return Said(1, "旧密钥仍在使用，不能停用 still used: " + _listed(left)
                        + "\n先 first: settlement rekey run")  # fmt: skip
        since = await connection.fetchval(PERSONAL["oldest_under_way"])
        used_at = await _used_since(connection)
        if since is not None and (used_at is None or since <= used_at):
            return Said(
                1, f"自 {since} 有未完结的支付，其中数据仍用旧密钥 | "
                "a case from before the key was in use is open: retire when it has ended",
            )  # fmt: skip
        await _change(connection, path, kept, "retire-keys", actor, reason)
        gone = "、".join(str(one.version) for one in materials if one.version != kept[0].version)
        return Said(
            0, f"密钥 {gone} 已停用 retired\n早于此的备份仍需旧密钥，请保管至其过期 | "
            "backups from before need the earlier keys until they are dropped"
            + archives_that_need(await archived_years(connection), kept[0].version),
        )  # fmt: skip

    return _with_database(data_dir, act)


def archives_that_need(years: list[ArchivedYear], version: int) -> str:
    """A line on archived years that only earlier keys open; nothing where there are none."""
    found = [str(one.year) for one in years if set(one.key_versions) - {version}]
    if not found:
        return ""
    return (
        f"\n归档年度 {'、'.join(found)} 的明细只能用旧密钥打开，请与归档一同保管 | "
        "details of these archived years open with the earlier keys alone: keep them with the files"
    )


def status(data_dir: Path) -> Said:
    """Which versions there are, and what lies under earlier ones."""

    async def act(connection: PlainConnection, path: Path) -> Said:
        rewriter, lanes, _ = await _rewriter(connection, path)
        known = await rewriter.progress()
        lines = [
            f"密钥 {one.version} {'启用 in use' if one.in_use else '待启用 waits'}"
            for one in read_materials(path)
        ]
        if known:
            through = sum(one.done for one in known.values())
            rows = sum(one.rows_done for one in known.values())
            lines.append(f"进度 {through}/{(len(PLACES) + 2) * lanes}，{rows} 项 rows")
        left = await rewriter.uses_of_earlier()
        lines.append("旧密钥 under earlier keys: " + (_listed(left) or "无 nothing"))
        return Said(0, "\n".join(lines))

    return _with_database(data_dir, act)


def _listed(left: dict[str, int]) -> str:
    return "，".join(f"{place} {count}" for place, count in sorted(left.items()))


async def _change(
    connection: PlainConnection, path: Path, materials: tuple[KeyMaterial, ...], action: str,
    actor: str, reason: str,
) -> None:  # fmt: skip
    """The file, then the audit: a file without its row is said again by the next command."""
    replace_materials(path, materials)
    await keep_audit(
        connection,
        Audited(
            at=system_clock(), actor=actor, action=action,
            subject=f"key {max(one.version for one in materials)}", note=reason,
        ),
    )  # fmt: skip


async def _used_since(connection: PlainConnection) -> datetime | None:
    uses = [one.at for one in await audited(connection, "key ") if one.action == "use-key"]
    return uses[-1] if uses else None


async def _rewriter(connection: PlainConnection, path: Path) -> tuple[Rewriter, int, int]:
    installed = await reference.installation(connection)
    if installed is None:
        raise ServiceError("the database is not ours")
    keyring = Keyring(read_materials(path))
    rewriter = Rewriter(
        connection, keyring, lanes=installed.lanes, shape=await installed_shape(connection),
        journal_of=await reference.lanes(connection),
    )  # fmt: skip
    return rewriter, installed.lanes, keyring.version


def _with_database(
    data_dir: Path, act: Callable[[PlainConnection, Path], Coroutine[None, None, Said]]
) -> Said:
    async def go() -> Said:
        path = key_file(data_dir / "secrets", os.environ)
        async with open_database(data_dir, os.environ) as database:
            connection = await connect_plain(database.owner_dsn, name="settlement-rekey")
            try:
                return await act(connection, path)
            finally:
                await connection.close()

    try:
        return asyncio.run(go())
    except (ServiceError, StorageError, KeyFileError, UndecipherableError, ValueError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    except Exception as exc:
        refused = translate(exc)
        if refused is None:
            raise
        return Said(UNUSABLE, f"settlement: {refused}")
