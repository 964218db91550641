"""`settlement clearing`, and what the console shows: clearing accounts (渠道清算账户) of a day or
month with their scores, and what is open by age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.books.clearing_accounts import (
    AGES,
    IN_TIME,
    Account,
    Held,
    Kept,
    account,
    by_age,
    together,
)
from settlement.chart import CHANNEL_ZH
from settlement.finance.books import Books, run
from settlement.lanes import lane_of
from settlement.said import Said
from settlement.storage import clearing_accounts as store
from settlement.storage.clearing_accounts import Group
from settlement.storage.lease import PlainConnection

SHOWN_MAX, INSTITUTIONS_MAX = 20, 50


class Overview(Struct, frozen=True, kw_only=True):
    """What somebody asked for, in every way that it is looked at."""

    which: Group
    total: Account
    channels: Mapping[str, Account]
    institutions: Mapping[str, Account]
    """those with something open, first that in which most is; or the one that was asked for"""
    days: Mapping[date, Account]
    ages: Mapping[str, tuple[int, ...]]
    """by channel, of whatever day: open for at most 0, 1, 3, 30 days, and longer"""
    held: tuple[Held, ...]
    """differences of the period"""


_Key = TypeVar("_Key", bound=str | date)


async def overview(
    connection: PlainConnection, which: Group, *, lanes: int, today: date
) -> Overview:
    """Read it, without looking at a row of a bill. Over all institutions days come from what
    matchings added up, and of the institutions those are read that have something open."""
    held = await store.held(connection, which)
    ages = by_age(await store.open_since(connection, which, today), today)
    if which.institution is None:
        days = (await store.totals(connection, which, today)).days
        shown = await _most_open(connection, which, held)
    else:
        shown = [which.institution]
    some = await store.of_institutions(connection, which, _places(shown, lanes), today)
    if which.institution is not None:
        days = some.days
    institutions = _accounts(some.institutions.items(), held, today, lambda one: one.institution)
    return Overview(
        which=which,
        total=account(together(days.values()), held, today),
        channels=_accounts(
            ((channel, one) for (channel, _), one in days.items()), held, today,
            lambda one: one.channel,
        ),
        institutions={code: institutions[code] for code in shown if code in institutions},
        days=_accounts(
            ((day, one) for (_, day), one in days.items()), held, today, lambda one: one.day
        ),
        ages=ages,
        held=tuple(held),
    )  # fmt: skip


async def _most_open(
    connection: PlainConnection, which: Group, held: Iterable[Held]
) -> list[str]:
    """The institutions with something open, those first in which most is."""
    found = Counter(await store.waiting(connection, which))
    for one in held:
        found[one.institution] += abs(one.due_fen)
    some = sorted((one for one in found.items() if one[1]), key=lambda one: (-one[1], one[0]))
    return [code for code, _ in some[:INSTITUTIONS_MAX]]


def _places(codes: Iterable[str], lanes: int) -> list[tuple[int, str]]:
    """Where accounts of institutions lie; those of nobody knows whom may lie in any lane."""
    return [
        (lane, code)
        for code in codes
        for lane in ([lane_of(code, lanes)] if code else range(lanes))
    ]


def _accounts(
    kept: Iterable[tuple[_Key, Kept]], held: Iterable[Held], today: date,
    of: Callable[[Held], _Key],
) -> dict[_Key, Account]:  # fmt: skip
    """By what differences are of as well: there may be one where nothing of ours was."""
    kept_of: dict[_Key, list[Kept]] = {}
    held_of: dict[_Key, list[Held]] = {}
    for key, one in kept:
        kept_of.setdefault(key, []).append(one)
    for difference in held:
        held_of.setdefault(of(difference), []).append(difference)
    return {
        key: account(together(kept_of.get(key, ())), held_of.get(key, ()), today)
        for key in sorted({*kept_of, *held_of}, key=lambda one: one)
    }


def show(data_dir: Path, which: Group, *, as_json: bool) -> Said:
    """The clearing accounts of a period; 1 where something is open that is older than a day."""

    async def act(books: Books) -> Said:
        today = books.moment.local.date()
        found = await overview(
            books.connection, which, lanes=len(books.journal_of), today=today
        )
        late = any(any(ages[2:]) for ages in found.ages.values())
        text = _json(found, today) if as_json else overview_text(books, found, today)
        return Said(int(late), text)

    return run(data_dir, act)


def overview_text(books: Books, found: Overview, today: date) -> str:
    """For people."""
    which = found.which
    period = f"{which.first}" if which.first == which.last else f"{which.first} 至 {which.last}"
    lines = [
        f"{period} 渠道清算账户（元） | clearing accounts, yuan",
        *_lines("合计", found.total),
        *(
            line
            for channel, one in found.channels.items()
            for line in _lines(CHANNEL_ZH.get(channel, channel), one)
        ),
        f"未结清，截至 {today}，按账龄：{_AGES_ZH} | open, by age",
    ]  # fmt: skip
    for channel, ages in found.ages.items():
        lines.append(
            f"  {CHANNEL_ZH.get(channel, channel)}：" + "，".join(map(yuan_text, ages))
        )
    if not found.ages:
        lines.append("  无 | nothing")
    open_ones = [(code, one) for code, one in found.institutions.items() if one.open_fen]
    lines.append("未结清的机构，最多的在前 | institutions with something open, the most first")
    lines += [
        f"  {books.name_of(code)}：余额 {yuan_text(one.remainder_fen)}，未结清 "
        f"{yuan_text(one.open_fen)}，差异 {one.differences} 项"
        for code, one in open_ones[:SHOWN_MAX]
    ]
    open_days = [(day, one) for day, one in found.days.items() if one.open_fen]
    lines.append(f"未结清的日期 {len(open_days)} 天 | days with something open")
    lines += [
        f"  {day}：余额 {yuan_text(one.remainder_fen)}，未结清 {yuan_text(one.open_fen)}，差异 "
        f"{one.differences} 项"
        for day, one in open_days
    ]
    return "\n".join(lines)


_AGES_ZH = "，".join(
    [
        "当日", "1 天",
        *(f"{more + 1}–{most} 天" for more, most in pairwise(AGES[1:])),
        f"{AGES[-1]} 天以上",
    ]
)  # fmt: skip


def _lines(name: str, one: Account) -> list[str]:
    fees = f"手续费 {yuan_text(one.sums.fee_fen)}"
    if one.fee_open_fen:
        fees += f"（待记 {yuan_text(one.fee_open_fen)}）"
    return [
        f"{name}：应收 {yuan_text(one.sums.due_fen)}，更正 {yuan_text(one.corrected_fen)}，账单 "
        f"{yuan_text(one.confirmed_fen)}，到账 {yuan_text(one.received_fen)}，余额 "
        f"{yuan_text(one.remainder_fen)}，{fees}",
        f"  结清率 {percent(one.cleared_bp)}，"
        + "，".join(
            f"{days} 天内 {percent(share)}"
            for days, share in zip(IN_TIME, one.in_time_bp, strict=True)
        ),
    ]


def percent(share_bp: int | None) -> str:
    """A share in per cent; a dash where there is nothing to have a share of."""
    return "–" if share_bp is None else f"{share_bp // 100}.{share_bp % 100:02}%"


def _json(found: Overview, today: date) -> str:
    which = found.which
    shown = {
        "first": which.first, "last": which.last, "today": today,
        "institution": which.institution, "channel": which.channel,
        "total": _told(found.total),
        "channels": {channel: _told(one) for channel, one in found.channels.items()},
        "institutions": {code: _told(one) for code, one in found.institutions.items()},
        "days": {f"{day}": _told(one) for day, one in found.days.items()},
        "open_by_age": {
            channel: dict(zip(_AGES_EN, map(yuan_text, ages), strict=True))
            for channel, ages in found.ages.items()
        },
    }  # fmt: skip
    return msgspec.json.encode(shown).decode()


_AGES_EN = [*(f"{days}" for days in AGES), f"over {AGES[-1]}"]


def _told(one: Account) -> dict[str, object]:
    sums = one.sums
    return {
        "rows": sums.rows, "due": yuan_text(sums.due_fen),
        "corrected": yuan_text(one.corrected_fen), "confirmed": yuan_text(one.confirmed_fen),
        "received": yuan_text(one.received_fen), "remainder": yuan_text(one.remainder_fen),
        "open": yuan_text(one.open_fen), "unbilled": yuan_text(sums.unbilled_fen),
        "unfunded": yuan_text(sums.unfunded_fen), "differences": one.differences,
        "fees": yuan_text(sums.fee_fen), "fees_booked": yuan_text(sums.booked_fee_fen),
        "cleared_bp": one.cleared_bp,
        "cleared_within_bp": dict(
            zip((f"{days}" for days in IN_TIME), one.in_time_bp, strict=True)
        ),
    }  # fmt: skip
