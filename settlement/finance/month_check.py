"""What must be true before a month is closed (月结检查): a guided list, with who can end what is
not.

Every line is found by a query that is fast at any size, but the verification, which is a step of
its own (`settlement close month … verify`).
"""

from __future__ import annotations

import os
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from ledger.account import Balance
from settlement.chart import AGENCY, INCOME_BASE
from settlement.clock import CHINA, local_time
from settlement.finance.months import Found, find, keep_verified, open_days
from settlement.finance.office import Office, Who
from settlement.month_states import (
    ACT_ZH,
    STATE_ZH,
    MonthState,
    last_day,
    month_text,
)
from settlement.said import Said
from settlement.storage import closing as store
from settlement.storage import past
from settlement.storage.closing import numbers_before
from settlement.storage.connect import verify_pool
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.verify import verify as verify_all


class Point(Struct, frozen=True, kw_only=True):
    """One thing that must be true."""

    title: str
    holds: bool
    what: str
    """how it is"""
    who: str = ""
    """who can end it, and how"""


_DOUBTS = {
    "payment": ("支付未决 payments in doubt", "收费员：settlement payments"),
    "mobile": ("移动支付未决 mobile orders in doubt", "自动到期；运维：settlement mobile"),
    "remote": ("异地结算未决 cases of other regions", "经办：settlement payments，或等对方答复"),
    "family": ("共济未完 relatives' accounts held", "后台自动完成；运维：看服务日志"),
}  # fmt: skip


async def points(office: Office, found: Found) -> list[Point]:
    """Everything that must be true of a month, in the order in which people end it."""
    month = found.place.month
    behind = await store.blocks_unlisted(office.connection, last_day(month))
    return [
        _over(office, month),
        await _before(office, month),
        await _days(office, month),
        *await _doubts(office, month),
        Point(
            title="机构对账单已列全 statements listed", holds=behind == 0,
            what="已列全" if behind == 0 else f"还差 {behind} 个区块",
            who="后台自动完成：settlement serve 须在运行",
        ),
        await _balanced(office, month),
        await _verified(office, found),
        await _income(office, month),
    ]  # fmt: skip


def standing_in_the_way(found: list[Point]) -> list[str]:
    """The lines of what does not hold."""
    return [_line(one) for one in found if not one.holds]


async def show(office: Office, month: date) -> Said:
    """The guided list; 1 where something stands in the way."""
    found = await find(office, month)
    listed = await points(office, found)
    head = f"{found.name} 月结：{STATE_ZH[found.now.state]} {found.now.state.value}"
    steps = [
        f"  {step.step_no}. {local_time(step.at):%Y-%m-%d %H:%M} {step.actor} {ACT_ZH[step.act]}"
        f" {step.reference[:16]}".rstrip()
        for step in found.steps
    ]
    status = 1 if standing_in_the_way(listed) else 0
    return Said(status, "\n".join([head, *steps, *map(_line, listed)]))


async def verify(office: Office, found: Found, who: Who) -> Said:
    """Recompute everything; kept with the month where all is as booked."""
    if await open_days(office, found.place.month):
        return Said(1, f"{found.name} 尚有业务日未日结 | days of the month are still open")
    path = key_file(office.data_dir / "secrets", os.environ)
    keyring = load_keyring(path) if path.exists() else None
    async with verify_pool(office.dsn) as pool:
        report = await verify_all(
            pool, year=local_time(office.clock()).year, keyring=keyring, hurried=False
        )
    if report.first_bad is not None:
        bad = report.first_bad
        return Said(
            1,
            f"核验未通过 NOT verified: {bad.what} (journal {bad.journal}, block {bad.block_no}, "
            f"lane {bad.lane}, entry {bad.entry_id})",
        )
    await keep_verified(office, found, who, report.entries)
    return Said(
        0, f"{found.name} 核验通过：{report.entries} 笔凭证，{report.seconds:.1f} 秒 | verified"
    )


def _line(one: Point) -> str:
    mark = "✓" if one.holds else "✗"
    end = "" if one.holds or not one.who else f" → {one.who}"
    return f"  {mark} {one.title}：{one.what}{end}"


def _over(office: Office, month: date) -> Point:
    over = local_time(office.clock()).date() > last_day(month)
    return Point(
        title="本月已结束 month is over", holds=over,
        what="是" if over else f"到 {last_day(month)} 为止", who="等待",
    )  # fmt: skip


async def _before(office: Office, month: date) -> Point:
    """Months are closed in their order; one in which nothing was booked needs no closing."""
    earlier = (month - timedelta(days=1)).replace(day=1)
    state = (await find(office, earlier)).now.state
    booked = await past.sums_at(office.connection, day=month - timedelta(days=1))
    holds = state in (MonthState.CLOSED, MonthState.SEALED) or not booked
    return Point(
        title="上月已结 earlier month closed", holds=holds,
        what=STATE_ZH[state] if booked else "没有更早的账",
        who=f"财务：settlement close month {month_text(earlier)}",
    )  # fmt: skip


async def _days(office: Office, month: date) -> Point:
    missing = await open_days(office, month)
    what = "已全部日结" if not missing else f"{len(missing)} 天未日结，自 {missing[0]} 起"
    return Point(
        title="日结 days closed", holds=not missing, what=what,
        who=f"财务：settlement close day {missing[-1] if missing else ''}",
    )


async def _doubts(office: Office, month: date) -> list[Point]:
    """What was begun in the month or before and is not at its end."""
    after = datetime.combine(last_day(month) + timedelta(days=1), time())
    found = {
        one.what: one for one in await store.in_doubt(office.connection, numbers_before(after))
    }
    return [
        Point(
            title=title, holds=what not in found, who=who,
            what="无" if what not in found
            else f"{found[what].found} 笔，最早 {found[what].first}",
        )
        for what, (title, who) in _DOUBTS.items()
    ]  # fmt: skip


async def _balanced(office: Office, month: date) -> Point:
    sums = await past.sums_at(office.connection, day=last_day(month))
    owners = await past.owners(office.connection)
    off: dict[str, int] = {}
    for account, one in sums.items():
        owner = owners.get(account, AGENCY)
        off[owner] = off.get(owner, 0) + one.debits_fen - one.credits_fen
    wrong = sorted(owner for owner, fen in off.items() if fen)
    return Point(
        title="试算平衡 trial balance", holds=not wrong, who="运维：settlement verify",
        what=f"{len(off)} 个账主均平衡" if not wrong else f"{wrong[0]} 不平",
    )  # fmt: skip


async def _verified(office: Office, found: Found) -> Point:
    step = found.now.verified
    ends = datetime.combine(
        last_day(found.place.month) + timedelta(days=1), time(), tzinfo=CHINA
    )
    holds = step is not None and step.at >= ends
    return Point(
        title="核验 verified", holds=holds,
        what="未核验" if step is None
        else f"{step.actor} 于 {local_time(step.at):%Y-%m-%d %H:%M} 核验 {step.reference} 笔",
        who=f"财务：settlement close month {found.name} verify",
    )  # fmt: skip


async def _income(office: Office, month: date) -> Point:
    """Never in the way: without income a report says that it is of expenditure only."""
    sums: dict[int, Balance] = await past.sums_at(office.connection, day=last_day(month))
    some = any(INCOME_BASE <= account < INCOME_BASE + 10**6 for account in sums)
    return Point(
        title="基金收支 income and expenditure", holds=True,
        what="有收入" if some else "未导入收入，仅列支出 expenditure only",
    )  # fmt: skip
