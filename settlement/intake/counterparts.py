"""Other regions as a file says them: one row a region, with the way to it and its certificates.

Certificates and withdrawals are added and never taken away: what a file does not name stays. A
region that a whole file leaves out is asked nothing any more. The hub itself may be a row too: it
has certificates and is nobody to clear with. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from protocol.hub.certificates import (
    HUB,
    Certificate,
    CertificateError,
    Withdrawal,
    read_certificate,
    read_withdrawal,
)
from settlement.chart import REGION_BASE, REGION_STRIDE
from settlement.elsewhere.counterpart import Counterpart
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.report import Counts, Sample
from settlement.intake.source import Row

_TEXT = r"{}\.[A-Za-z0-9_\-]{{1,1600}}\.[A-Za-z0-9_\-]{{86}}"

COLUMNS = (
    Column(name="region", title="统筹区划", read=cells.matching(r"\d{6}"),
           expected=Told("6 位数字", "6 digits")),
    Column(name="name", title="名称", read=cells.short_text(100),
           expected=Told("至多 100 字", "at most 100 characters")),
    Column(name="route", title="路由地址", read=cells.matching(r"https?://[!-~]{1,200}"),
           default="", expected=Told("http 或 https 地址", "an http or https address")),
    Column(name="active", title="启用", read=cells.read_flag, default=True, expected=cells.A_FLAG),
    Column(name="certificates", title="证书", read=cells.codes(_TEXT.format("HUBCERT1")),
           default=(), expected=Told("HUBCERT1 文本，以分号分隔", "HUBCERT1 texts, divided by ;")),
    Column(name="withdrawals", title="撤销的证书", read=cells.codes(_TEXT.format("HUBREV1")),
           default=(), expected=Told("HUBREV1 文本，以分号分隔", "HUBREV1 texts, divided by ;")),
)  # fmt: skip
_NO_ROOT = Told("未配置省际平台的根密钥，无法核对", "no hub is configured to check it by")


class FileCounterpart(Struct, frozen=True, kw_only=True):
    """A region as a file says it; `account_base` is not the file's to say."""

    row: int
    counterpart: Counterpart
    certificates: tuple[str, ...]
    withdrawals: tuple[str, ...]


class Kept(Struct, frozen=True, kw_only=True):
    """A certificate, or a withdrawal, with its signed text."""

    told: Certificate | Withdrawal
    content: str


class Known(Struct, frozen=True, kw_only=True):
    """What a file is compared with."""

    own_region: str
    root: bytes | None
    """the pinned key of the authority; None where no hub is configured"""
    counterparts: Mapping[str, Counterpart]
    certificates: Mapping[str, str]
    """signed text by serial"""
    withdrawn: frozenset[str]


class Plan(Struct, kw_only=True):
    """What is to be written, with its counts."""

    counterparts: list[Counterpart]
    certificates: list[Kept]
    withdrawals: list[Kept]
    counts: Counts


def read_counterparts(
    rows: Iterable[Row], own_region: str, faults: list[Fault]
) -> list[FileCounterpart]:
    """Every row that is not at fault."""
    found: dict[str, FileCounterpart] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        if told is None:
            continue
        region = told["region"]
        if region == own_region:
            faults.append(_fault(number, "region", Told("是本统筹区", "is this region itself")))
        elif region in found:
            faults.append(_double(number, found[region].row))
        else:
            found[region] = _counterpart(told, number)
    return list(found.values())


def plan(
    told: Iterable[FileCounterpart], known: Known, faults: list[Fault], *, whole: bool
) -> Plan:
    """Compare a file with what is known. What the authority did not sign is a fault."""
    made = Plan(counterparts=[], certificates=[], withdrawals=[], counts=Counts())
    bases = (one.account_base for one in known.counterparts.values())
    base = max(bases, default=REGION_BASE)
    named = set()
    for one in told:
        region = one.counterpart.region
        if region == HUB:
            _add_hub(made, one, [
                *_certificates(one, known, made, faults), *_withdrawals(one, known, made, faults)
            ])  # fmt: skip
            continue
        named.add(region)
        before = known.counterparts.get(region)
        base += REGION_STRIDE if before is None else 0
        after = replace(
            one.counterpart, account_base=base if before is None else before.account_base
        )
        signed = [*_certificates(one, known, made, faults), *_withdrawals(one, known, made, faults)]
        fields = [*([] if before is None else _changes(before, after)), *signed]
        if before is not None and not fields:
            made.counts.unchanged += 1
            continue
        made.counts.new += before is None
        made.counts.changed += before is not None
        if fields:
            made.counts.sample([Sample(one.row, region, tuple(fields))])
        if after != before:
            made.counterparts.append(after)
    if whole:
        _end_missing(made, known.counterparts, named)
    return made


def _add_hub(made: Plan, one: FileCounterpart, signed: Sequence[str]) -> None:
    """The hub itself has certificates, and nothing that a region has beside them."""
    made.counts.changed += bool(signed)
    made.counts.unchanged += not signed
    if signed:
        made.counts.sample([Sample(one.row, HUB, tuple(signed))])


def _counterpart(told: Mapping[str, Any], row: int) -> FileCounterpart:
    counterpart = Counterpart(
        region=told["region"], name=told["name"], account_base=0, route=told["route"].rstrip("/"),
        active=told["active"],
    )  # fmt: skip
    return FileCounterpart(
        row=row, counterpart=counterpart, certificates=told["certificates"],
        withdrawals=told["withdrawals"],
    )  # fmt: skip


def _certificates(
    one: FileCounterpart, known: Known, made: Plan, faults: list[Fault]
) -> list[str]:
    """Those that are new, as changes of the region."""
    changes = []
    for content in one.certificates:
        try:
            certificate = read_certificate(content, _root(known))
        except CertificateError as exc:
            faults.append(_unproved(one.row, "certificates", exc))
            continue
        if certificate.region != one.counterpart.region:
            problem = Told(f"属于 {certificate.region}", f"belongs to {certificate.region}")
            faults.append(_fault(one.row, "certificates", problem))
        elif known.certificates.get(certificate.serial, content) != content:
            serial = certificate.serial
            problem = Told(f"{serial} 已有另一内容", f"{serial} is there with other content")
            faults.append(_fault(one.row, "certificates", problem))
        elif certificate.serial not in known.certificates:
            made.certificates.append(Kept(told=certificate, content=content))
            days = f"{certificate.not_before:%Y-%m-%d} – {certificate.not_after:%Y-%m-%d}"
            changes.append(f"certificate {certificate.serial}: + ({days})")
    return changes


def _withdrawals(
    one: FileCounterpart, known: Known, made: Plan, faults: list[Fault]
) -> list[str]:
    changes = []
    for content in one.withdrawals:
        try:
            withdrawal = read_withdrawal(content, _root(known))
        except CertificateError as exc:
            faults.append(_unproved(one.row, "withdrawals", exc))
            continue
        if withdrawal.serial not in known.withdrawn:
            made.withdrawals.append(Kept(told=withdrawal, content=content))
            changes.append(f"certificate {withdrawal.serial}: withdrawn ({withdrawal.reason})")
    return changes


def _root(known: Known) -> bytes:
    if known.root is None:
        raise CertificateError(_NO_ROOT.en)
    return known.root


def _unproved(row: int, column: str, error: CertificateError) -> Fault:
    if str(error) == _NO_ROOT.en:
        return _fault(row, column, _NO_ROOT)
    return _fault(row, column, Told(f"未通过核对：{error}", f"not proved: {error}"))


def _end_missing(made: Plan, known: Mapping[str, Counterpart], named: set[str]) -> None:
    for region, before in sorted(known.items()):
        if region in named or not before.active:
            continue
        after = replace(before, active=False)
        made.counterparts.append(after)
        made.counts.missing += 1
        made.counts.sample([Sample(0, region, tuple(_changes(before, after)))])


def _changes(before: Counterpart, after: Counterpart) -> list[str]:
    old, new = asdict(before), asdict(after)
    return [f"{name}: {old[name]} → {new[name]}" for name in old if old[name] != new[name]]


def _double(row: int, earlier: int) -> Fault:
    return _fault(row, "region", Told(f"第 {earlier} 行已有", f"is in row {earlier} already"))


def _fault(row: int, column: str, problem: Told) -> Fault:
    return Fault(row=row, column=column, problem=problem)
