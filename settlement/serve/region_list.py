"""`settlement regions`: other regions, the way to them, and whose certificates hold how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from protocol.hub.certificates import (
    HUB,
    Certificate,
    CertificateError,
    Withdrawal,
    read_certificate,
)
from settlement.clock import local_time, system_clock
from settlement.elsewhere.counterpart import Counterpart
from settlement.said import UNUSABLE, Said
from settlement.serve.hub_keys import UNUSABLE_FOR, hub_room
from settlement.storage import hub as store
from settlement.storage import reference

SOON_DAYS = 30
"""So many days before its end a certificate is marked."""
_DAY = timedelta(days=1)


class CertificateShown(Struct, frozen=True, kw_only=True):
    """A certificate, and what it is good for now."""

    serial: str
    state: str
    """valid, soon (its end is near), waiting (it begins later), expired, withdrawn, unproved"""
    not_before: datetime | None = None
    not_after: datetime | None = None
    days_left: int = 0
    message_version: int = 1
    """the highest that may be sent to whoever has it"""
    reason: str = ""


class RegionShown(Struct, frozen=True, kw_only=True):
    """A region with its certificates."""

    region: str
    name: str
    route: str
    active: bool
    certificates: Sequence[CertificateShown]

    @property
    def is_reachable(self) -> bool:
        """Whether a certificate of it holds."""
        return any(one.state in ("valid", "soon") for one in self.certificates)


class Shown(Struct, frozen=True, kw_only=True):
    """All of them."""

    own: RegionShown
    hub: RegionShown
    """the hub itself, which is asked for its book where it has a certificate"""
    others: Sequence[RegionShown]


def regions(data_dir: Path, *, as_json: bool) -> Said:
    """The list; exit status 1 where an active region cannot be spoken to."""
    try:
        shown = asyncio.run(_regions(data_dir))
    except UNUSABLE_FOR as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    cut_off = [one for one in shown.others if one.active and not one.is_reachable]
    text = msgspec.json.encode(shown).decode() if as_json else regions_table(shown)
    return Said(1 if cut_off else 0, text)


def shown_certificates(
    contents: Iterable[str], root: bytes | None, withdrawn: Mapping[str, Withdrawal], at: datetime
) -> list[CertificateShown]:
    """Signed texts as they are now."""
    return [_certificate(content, root, withdrawn, at) for content in contents]


def regions_table(shown: Shown) -> str:
    """For people: a region a line, its certificates below it."""
    lines = ["本统筹区 this region", *_lines(shown.own), "省际平台 the hub", *_lines(shown.hub)]
    lines.append("对方统筹区 other regions")
    if not shown.others:
        lines.append("  没有 none")
    for one in shown.others:
        lines += _lines(one)
    return "\n".join(lines)


async def _regions(data_dir: Path) -> Shown:
    async with hub_room(data_dir) as room:
        counterparts = await reference.counterparts(room.connection)
        stored = await store.read_hub(room.connection, room.keyring)
    at, settings = system_clock(), room.settings
    root, address = (None, "") if settings is None else (settings.root_key, settings.address)
    by_region: dict[str, list[str]] = {}
    for one in stored.certificates:
        by_region.setdefault(one.region, []).append(one.content)

    def shown(one: Counterpart, contents: Sequence[str]) -> RegionShown:
        return RegionShown(
            region=one.region, name=one.name, route=one.route or address, active=one.active,
            certificates=shown_certificates(contents, root, stored.withdrawals, at),
        )  # fmt: skip

    own = Counterpart(region=room.region, name="", account_base=0)
    hub = Counterpart(region=HUB, name="", account_base=0)
    return Shown(
        hub=shown(hub, by_region.get(HUB, [])),
        own=shown(own, [one.certificate for one in stored.identities if one.certificate]),
        others=[shown(one, by_region.get(code, [])) for code, one in sorted(counterparts.items())],
    )


def _certificate(
    content: str, root: bytes | None, withdrawn: Mapping[str, Withdrawal], at: datetime
) -> CertificateShown:
    try:
        told = _read(content, root or b"")
    except CertificateError as exc:
        return CertificateShown(serial="?", state="unproved", reason=str(exc))
    taken_back = withdrawn.get(told.serial)
    days_left = max(0, (told.not_after - at) // _DAY)
    if taken_back is not None:
        state = "withdrawn"
    elif at < told.not_before:
        state = "waiting"
    elif at >= told.not_after:
        state = "expired"
    else:
        state = "soon" if days_left < SOON_DAYS else "valid"
    return CertificateShown(
        serial=told.serial, state=state, not_before=local_time(told.not_before),
        not_after=local_time(told.not_after), days_left=days_left,
        message_version=told.message_version,
        reason="" if taken_back is None else taken_back.reason,
    )  # fmt: skip


def _read(content: str, root: bytes) -> Certificate:
    if not root:
        raise CertificateError("no hub is configured")
    return read_certificate(content, root)


_STATES_ZH = {
    "valid": "有效", "soon": "即将到期", "waiting": "未生效", "expired": "已过期",
    "withdrawn": "已撤销", "unproved": "未通过核对",
}  # fmt: skip


def _lines(one: RegionShown) -> list[str]:
    state = "" if one.active else "  已停用 not active"
    lines = [f"  {one.region}  {one.name}  {one.route or '—'}{state}"]
    for each in one.certificates:
        days = ""
        if each.not_before is not None and each.not_after is not None:
            days = f"{each.not_before:%Y-%m-%d} – {each.not_after:%Y-%m-%d}, {each.days_left} 天"
            days += f"  报文版本 message version {each.message_version}"
        why = f"  {each.reason}" if each.reason else ""
        lines.append(f"    {each.serial}  {_STATES_ZH[each.state]} {each.state}  {days}{why}")
    if not one.certificates:
        lines.append("    没有证书 no certificate")
    return lines
