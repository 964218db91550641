"""What must be true before a month is closed (月结检查): a guided list, with who can end what is
not.

Every line is found by a query that is fast at any size, but the verification, which is a step of
its own (`settlement close month … verify`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from ledger.account import Balance
from ledger.money import yuan_text
from settlement.books.month_states import (
    ACT_ZH,
    STATE_ZH,
    MonthState,
    last_day,
    month_text,
)
from settlement.chart import AGENCY, INCOME_BASE, PAYER_BASE
from settlement.clock import CHINA, local_time
from settlement.finance.months import Found, find, keep_verified, open_days
from settlement.finance.office import Office
from settlement.intake.faults import Told
from settlement.said import Said
from settlement.storage import closing as store
from settlement.storage import past
from settlement.storage.closing import numbers_before
from settlement.storage.connect import verify_pool
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.verify import verify as verify_all
from settlement.who import Who


class Point(Struct, frozen=True, kw_only=True):
    """One thing that must be true, in both languages."""

    name: str
    """what pages know it by"""
    title: Told
    holds: bool
    what: Told
    """how it is"""
    who: Told = Told("", "")
    """who can end it, and how"""


_DOUBTS = {
    "payment": (
        Told("支付未决", "payments in doubt"),
        Told("收费员：settlement payments", "cashiers: settlement payments"),
    ),
    "mobile": (
        Told("移动支付未决", "mobile orders in doubt"),
        Told("自动到期；运维：settlement mobile", "they expire; operators: settlement mobile"),
    ),
    "remote": (
        Told("异地结算未决", "cases of other regions"),
        Told(
            "经办：settlement payments，或等对方答复",
            "clerks: settlement payments, or the other side answers",
        ),
    ),
    "family": (
        Told("共济未完", "relatives' accounts held"),
        Told("后台自动完成；运维：看服务日志", "the server ends it; operators: see its log"),
    ),
}


async def points(office: Office, found: Found) -> list[Point]:
    """Everything that must be true of a month, in the order in which people end it."""
    month = found.place.month
    sums = await past.sums_at(office.connection, day=last_day(month))
    behind = await store.blocks_unlisted(office.connection, last_day(month))
    return [
        _over(office, month),
        await _before(office, month),
        await _days(office, month),
        *await _doubts(office, month),
        _listed(behind),
        await _balanced(office, sums),
        await _verified(office, found),
        _income(sums),
        *_payers(sums, await past.names(office.connection)),
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
            pool, year=local_time(office.clock()).year, keyring=keyring, hurried=False,
            walked=await _walk(office),
        )  # fmt: skip
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


async def _walk(office: Office) -> Callable[[int], None]:
    """What hears of a verification's steps, and says how far of all blocks it is."""
    whole = await store.block_count(office.connection)
    seen = 0

    def walked(blocks: int) -> None:
        nonlocal seen
        seen += blocks
        office.tell(min(seen, whole), whole)

    return walked


def _line(one: Point) -> str:
    mark = "✓" if one.holds else "✗"
    end = "" if one.holds or not one.who.zh else f" → {one.who.zh}"
    return f"  {mark} {one.title.zh} {one.title.en}：{one.what.zh}{end}"


def _over(office: Office, month: date) -> Point:
    over = local_time(office.clock()).date() > last_day(month)
    ends = last_day(month)
    return Point(
        name="over", title=Told("本月已结束", "month is over"), holds=over,
        what=Told("是", "it is") if over else Told(f"到 {ends} 为止", f"it ends on {ends}"),
        who=Told("等待", "wait"),
    )  # fmt: skip


async def _before(office: Office, month: date) -> Point:
    """Months are closed in their order; one in which nothing was booked needs no closing."""
    earlier = (month - timedelta(days=1)).replace(day=1)
    state = (await find(office, earlier)).now.state
    booked = await past.sums_at(office.connection, day=month - timedelta(days=1))
    holds = state in (MonthState.CLOSED, MonthState.SEALED) or not booked
    command = f"settlement close month {month_text(earlier)}"
    return Point(
        name="before", title=Told("上月已结", "earlier month closed"), holds=holds,
        what=Told(STATE_ZH[state], state.value) if booked
        else Told("没有更早的账", "nothing was booked earlier"),
        who=Told(f"财务：{command}", f"finance: {command}"),
    )  # fmt: skip


async def _days(office: Office, month: date) -> Point:
    missing = await open_days(office, month)
    what = Told("已全部日结", "all of them are")
    command = "settlement close day"
    if missing:
        what = Told(
            f"{len(missing)} 天未日结，自 {missing[0]} 起",
            f"{len(missing)} days are open, since {missing[0]}",
        )
        command = f"{command} {missing[-1]}"
    return Point(
        name="days", title=Told("日结", "days closed"), holds=not missing, what=what,
        who=Told(f"财务：{command}", f"finance: {command}"),
    )


def _listed(behind: int) -> Point:
    return Point(
        name="listed", title=Told("机构对账单已列全", "statements listed"), holds=behind == 0,
        what=Told(f"还差 {behind} 个区块", f"{behind} blocks are not yet") if behind
        else Told("已列全", "all of them are"),
        who=Told("后台自动完成：settlement serve 须在运行", "the server does: it must be running"),
    )  # fmt: skip


async def _doubts(office: Office, month: date) -> list[Point]:
    """What was begun in the month or before and is not at its end."""
    after = datetime.combine(last_day(month) + timedelta(days=1), time())
    found = {
        one.what: one for one in await store.in_doubt(office.connection, numbers_before(after))
    }
    return [
        Point(
            name=what, title=title, holds=what not in found, who=who,
            what=Told("无", "none") if what not in found
            else Told(f"{found[what].found} 笔，最早 {found[what].first}",
                      f"{found[what].found}, the first {found[what].first}"),
        )
        for what, (title, who) in _DOUBTS.items()
    ]  # fmt: skip


async def _balanced(office: Office, sums: Mapping[int, Balance]) -> Point:
    owners = await past.owners(office.connection)
    off: dict[str, int] = {}
    for account, one in sums.items():
        owner = owners.get(account, AGENCY)
        off[owner] = off.get(owner, 0) + one.debits_fen - one.credits_fen
    wrong = sorted(owner for owner, fen in off.items() if fen)
    return Point(
        name="balanced", title=Told("试算平衡", "trial balance"), holds=not wrong,
        who=Told("运维：settlement verify", "operators: settlement verify"),
        what=Told(f"{wrong[0]} 不平", f"{wrong[0]} does not balance") if wrong
        else Told(f"{len(off)} 个账主均平衡", f"all {len(off)} owners' books balance"),
    )  # fmt: skip


async def _verified(office: Office, found: Found) -> Point:
    step = found.now.verified
    ends = datetime.combine(
        last_day(found.place.month) + timedelta(days=1), time(), tzinfo=CHINA
    )
    holds = step is not None and step.at >= ends
    command = f"settlement close month {found.name} verify"
    what = Told("未核验", "not yet")
    if step is not None:
        at = f"{local_time(step.at):%Y-%m-%d %H:%M}"
        what = Told(
            f"{step.actor} 于 {at} 核验 {step.reference} 笔",
            f"{step.actor} verified {step.reference} entries on {at}",
        )
    return Point(
        name="verified", title=Told("核验", "verified"), holds=holds, what=what,
        who=Told(f"财务：{command}", f"finance: {command}"),
    )


def _income(sums: Mapping[int, Balance]) -> Point:
    """Never in the way: without income a report says that it is of expenditure only."""
    some = any(INCOME_BASE <= account < INCOME_BASE + 10**6 for account in sums)
    return Point(
        name="income", title=Told("基金收支", "income and expenditure"), holds=True,
        what=Told("有收入", "income was imported") if some
        else Told("未导入收入，仅列支出", "expenditure only: no income was imported"),
    )  # fmt: skip


def _payers(sums: Mapping[int, Balance], names: Mapping[int, str]) -> list[Point]:
    """Never in the way: what payers of funds owe at the end of the month is asked of them, and a
    month is closed without them. No point where no fund has a payer."""
    owed = {
        names.get(account, f"{account}"): one.debits_fen - one.credits_fen
        for account, one in sorted(sums.items())
        if PAYER_BASE <= account < PAYER_BASE + 10**6
    }
    if not owed:
        return []
    told = "、".join(f"{name} {yuan_text(fen)} 元" for name, fen in owed.items())
    return [Point(
        name="payers", title=Told("付款单位应收", "owed by payers of funds"), holds=True,
        what=Told(f"月末{told}", f"{yuan_text(sum(owed.values()))} yuan at the end of the month"),
    )]  # fmt: skip
