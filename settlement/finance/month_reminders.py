"""What is still open of a month and does not stand in the way of its closing (月结提醒): bills that
are missing, differences that nobody has ended, institutions whose payout is not stated.

A closed month does not change: what is corrected later is booked in the month that is open then.
So people may close with these, and should know them.
"""

from __future__ import annotations

from datetime import date

from ledger.money import yuan_text
from settlement.books.month_states import last_day
from settlement.books.payout import NONE
from settlement.finance.month_check import Point
from settlement.intake.faults import Told
from settlement.storage import channel_rows, console_money, payouts
from settlement.storage.lease import PlainConnection

NAMED_MAX = 3


async def reminders(connection: PlainConnection, month: date) -> list[Point]:
    """All of them, also those of which nothing is open."""
    last = last_day(month)
    return [
        await _bills(connection, month, last), await _differences(connection, month, last),
        await _payouts(connection, month, last),
    ]  # fmt: skip


async def _bills(connection: PlainConnection, first: date, last: date) -> Point:
    period, _ = await channel_rows.read_period(connection, first, last)
    missing = period.unbilled
    what = Told("齐全", "all are here")
    if missing:
        named = [f"{channel} {merchant} {day}" for channel, merchant, day in missing]
        what = Told(
            f"缺 {len(missing)} 份：{_some(named, '、')}",
            f"{len(missing)} are missing: {_some(named, ', ')}",
        )
    return Point(
        name="bills", title=Told("渠道账单", "channels' bills"), holds=not missing, what=what
    )


async def _differences(connection: PlainConnection, first: date, last: date) -> Point:
    found = await console_money.open_differences(connection, first, last)
    what = Told("均已处理", "none is open")
    if found.found:
        fen = yuan_text(found.due_fen)
        what = Told(
            f"{found.found} 项未处理，最早 {found.first}，应更正合计 {fen} 元",
            f"{found.found} are open, the first of {found.first}; {fen} yuan due",
        )
    return Point(
        name="differences", title=Told("对账差异", "differences"), holds=not found.found, what=what
    )


async def _payouts(connection: PlainConnection, first: date, last: date) -> Point:
    title = Told("机构拨付核定", "payouts stated")
    if not await console_money.periods_of(connection, first, last):
        return Point(
            name="payouts", title=title, holds=False, what=Told("尚未核定", "not stated yet")
        )
    stated = await console_money.stated_of(connection, first, last)
    owed = await payouts.ledger_at(connection, last)
    left = sorted(code for code, one in owed.items() if one.payable != NONE and code not in stated)
    what = Told(f"已核定 {len(stated)} 家", f"{len(stated)} institutions are")
    if left:
        what = Told(
            f"{len(left)} 家未核定：{_some(left, '、')}",
            f"{len(left)} institutions are not: {_some(left, ', ')}",
        )
    return Point(name="payouts", title=title, holds=not left, what=what)


def _some(named: list[str], comma: str) -> str:
    """The first of them."""
    return comma.join(named[:NAMED_MAX]) + ("…" if len(named) > NAMED_MAX else "")
