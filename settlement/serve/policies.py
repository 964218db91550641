"""Commands about policies that need the database: load new files, list them, compare two."""

from __future__ import annotations

import asyncio
import calendar
import json
import os
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from ledger.money import yuan_text
from settlement.clock import moment, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import Keyring
from settlement.offline import read_files
from settlement.policy.errors import PolicyError
from settlement.policy.loader import PolicySet, parse_file, policies_over_time, shipped_files
from settlement.policy.model import Policy
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.claims import Days, settled_claims
from settlement.storage.connect import connect_plain
from settlement.storage.funds import open_fund_accounts
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import keep_files, load_policy_set, loaded_files
from settlement.telemetry.logs import mask_number
from settlement.usecases.compare import FUND_TITLES, Comparison

SAMPLE_DAYS = 31


def load(data_dir: Path, files: Sequence[Path], *, actor: str, reason: str) -> Said:
    """Check files together with all that is in force, then put them in force, audited."""
    try:
        return asyncio.run(_load(data_dir, read_files(files), actor=actor, reason=reason))
    except (PolicyError, ServiceError, OSError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}\n没有加载任何文件，原政策仍然有效。")


async def _load(
    data_dir: Path, files: Mapping[str, bytes], *, actor: str, reason: str
) -> Said:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            known = [(file.name, file.content) for file in await loaded_files(connection)]
            policies = policies_over_time(shipped_files(), [*known, *files.items()])
            installed = await reference.installation(connection)
            if installed is None:
                raise ServiceError("the database is not prepared: start `settlement serve` first")
            await open_fund_accounts(connection, policies, installed.region)
            await keep_files(connection, files, actor=actor, reason=reason, at=system_clock())
        finally:
            await connection.close()
    loaded = [parse_file(name, content) for name, content in files.items()]
    versions = [each.version if isinstance(each, Policy) else each.name for each in loaded]
    return Said(0, "\n".join(f"{version}: 已加载 loaded" for version in versions))


def listed(data_dir: Path) -> Said:
    """List what is in force, and what operators loaded when and why."""
    try:
        return asyncio.run(_listed(data_dir))
    except (PolicyError, ServiceError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _listed(data_dir: Path) -> Said:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            policies = await load_policy_set(connection)
            loaded = await loaded_files(connection)
        finally:
            await connection.close()
    lines = ["现行政策 in force"]
    for policy in policies.in_force():
        until = "" if policy.effective_to == date.max else f" – {policy.effective_to}"
        mark = "" if policy.verified else "  未核实 unverified"
        lines.append(f"  {policy.version}  {policy.effective_from}{until}  {policy.title}{mark}")
    if loaded:
        lines.append("加载记录 loaded")
    for file in loaded:
        at = file.loaded_at.isoformat(timespec="seconds")
        lines.append(f"  {at}  {file.name}  {file.actor}  {file.reason}")
    return Said(0, "\n".join(lines))


def diff(data_dir: Path, old: str, new: str, *, on: str, as_json: bool) -> Said:
    """Compute stored claims again under two policies and say what would change for whom.

    `old` and `new` are a policy's name, a version, or a file; `on` a month (2026-11) or `sample`,
    the last 31 days.
    """
    try:
        return asyncio.run(_diff(data_dir, old, new, on, as_json=as_json))
    except (PolicyError, ServiceError, KeyFileError, OSError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _diff(data_dir: Path, old: str, new: str, on: str, *, as_json: bool) -> Said:
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    days = _days(on)
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            policies = await load_policy_set(connection)
            comparison = Comparison(_named(old, policies), _named(new, policies))
            unreadable = await _compare(connection, comparison, days, keyring)
        finally:
            await connection.close()
    if as_json:
        text = json.dumps(diff_fields(comparison, days, unreadable), ensure_ascii=False)
        return Said(0, text)
    return Said(0, diff_table(comparison, days, unreadable))


async def _compare(
    connection: PlainConnection, comparison: Comparison, days: Days, keyring: Keyring
) -> int:
    """Feed the comparison lane by lane; how many claims have no case to compute any more."""
    unreadable = 0
    for lane in await reference.lanes(connection):
        scheme = comparison.old.scheme
        async for settled in settled_claims(connection, lane, days, scheme, keyring):
            if settled is None:
                unreadable += 1
            else:
                comparison.add(settled)
        comparison.finish()
    return unreadable


def _named(name: str, policies: PolicySet) -> Policy:
    """A policy by file, version or name (its latest period)."""
    if name.endswith(".toml"):
        compiled = parse_file(Path(name).name, Path(name).read_bytes())
        if not isinstance(compiled, Policy):
            raise PolicyError(f"{name} 不是待遇政策文件")
        return compiled
    policy = policies.version(name) or next(iter(policies.named(name)), None)
    if policy is None:
        known = sorted(each.version for each in policies.policies())
        raise PolicyError(f"没有名为 {name} 的政策；现有 {known}")
    return policy


def _days(on: str) -> Days:
    if on == "sample":
        today = moment(system_clock).business_day
        return today - timedelta(days=SAMPLE_DAYS - 1), today
    try:
        first = date.fromisoformat(f"{on}-01")
    except ValueError as exc:
        raise ServiceError(f"--on takes a month like 2026-11, or `sample`, not {on!r}") from exc
    return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])


def diff_fields(comparison: Comparison, days: Days, unreadable: int) -> dict[str, object]:
    """The comparison as JSON fields, amounts as yuan text."""
    before, after = comparison.before, comparison.after
    return {
        "old": comparison.old.version,
        "new": comparison.new.version,
        "from": days[0].isoformat(),
        "to": days[1].isoformat(),
        "claims": comparison.claims,
        "changed_claims": comparison.changed_claims,
        "persons": comparison.persons,
        "changed_persons": comparison.changed_persons,
        "losing_persons": comparison.losing_persons,
        "not_covered": comparison.not_covered,
        "not_kept": unreadable,
        "amounts": {
            name: {
                "before": yuan_text(one),
                "after": yuan_text(two),
                "change": yuan_text(two - one),
            }
            for name, one, two in _amounts(comparison)
        },
        "fund_change": yuan_text(after.fund_fen - before.fund_fen),
        "lose_most": [
            {
                "psn_no": mask_number(change.person_no),
                "claims": change.claims,
                "before": yuan_text(change.before_fen),
                "after": yuan_text(change.after_fen),
                "more": yuan_text(change.more_fen),
            }
            for change in comparison.losers()
        ],
    }


def _amounts(comparison: Comparison) -> list[tuple[str, int, int]]:
    before, after = comparison.before, comparison.after
    rows = [
        (str(field), before.funds.get(field, 0), after.funds.get(field, 0))
        for field in FUND_TITLES
        if before.funds.get(field) or after.funds.get(field)
    ]
    rows.append(("account", before.account_fen, after.account_fen))
    rows.append(("cash", before.cash_fen, after.cash_fen))
    return rows


def diff_table(comparison: Comparison, days: Days, unreadable: int) -> str:
    """The comparison for people."""
    funds = {str(field): title for field, title in FUND_TITLES.items()}
    titles = {**funds, "account": "个人账户 account", "cash": "现金 cash"}
    lines = [
        f"{comparison.old.version} → {comparison.new.version}，{days[0]} 至 {days[1]}",
        f"{comparison.claims} 笔结算 claims，{comparison.persons} 人 persons；"
        f"其中 {comparison.changed_claims} 笔、{comparison.changed_persons} 人有变化 change，"
        f"{comparison.losing_persons} 人负担增加 pay more",
    ]
    if comparison.not_covered or unreadable:
        lines.append(
            f"未计入 left out：{comparison.not_covered} 笔无对应规则 not covered，"
            f"{unreadable} 笔计算依据未保存 not kept"
        )
    lines.append(f"{'':<4}{'现行 before':>20}{'新 after':>20}{'变化 change':>18}")
    for name, one, two in _amounts(comparison):
        lines.append(
            f"{yuan_text(one):>22}{yuan_text(two):>22}{yuan_text(two - one):>20}  {titles[name]}"
        )
    losers = comparison.losers()
    if losers:
        lines.append("负担增加最多的人 who would pay most more")
    lines += [
        f"  {mask_number(change.person_no)}  {yuan_text(change.before_fen)} → "
        f"{yuan_text(change.after_fen)}  +{yuan_text(change.more_fen)}（{change.claims} 笔）"
        for change in losers
    ]
    return "\n".join(lines)
