"""What people read of clearing with other regions: the month at a glance, one period with its
steps and sums, and its rows as CSV, down to which every figure can be followed."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import date

import msgspec

from ledger.money import yuan_text
from settlement.clock import local_time
from settlement.elsewhere.regional_clearing import STATE_ZH, Act, Mark, Period, Side
from settlement.elsewhere.regional_netting import Sums, regrouped, tally
from settlement.elsewhere.regional_prepayment import ALARM_ZH, Alarm, Prepaid, Use
from settlement.elsewhere.regional_statements import month_text
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_paying import left_text
from settlement.serve.regional_periods import ACT_ZH, Found, find, name_of, text_of
from settlement.serve.regional_prepaid import prepaid_parties, standing_of
from settlement.spreadsheet import harmless
from settlement.storage import regional_clearing as store
from settlement.storage.regional_clearing import Leg
from settlement.storage.regional_clearing import PeriodSums as Listed
from settlement.working_days import ClearingDates, dates_of

_MARK_ZH = {None: "", Mark.OBJECTED: "有异议", Mark.WITHDRAWN: "", Mark.POSTPONED: "延期"}
_SIDE = {Side.TREATMENT: "receivable", Side.INSURANCE: "payable"}
PIECE_ROWS = 500
Prepayment = tuple[str, Side, tuple[Prepaid, Use]]
COLUMNS = (
    "case_no", "sign", "region", "institution", "clearing_type", "scheme", "settled_on",
    "total", "funds", "account", "owed", "setl_id", "mark", "months", "why",
)  # fmt: skip


async def overview(books: RegionalBooks, month: date, *, as_json: bool) -> Said:
    """All periods of a month, what is due when, and the prepayments."""
    dates = dates_of(month, books.rules.timetable, books.rules.calendar)
    listed = await store.periods_of(books.connection, month)
    found = [
        await find(books, Period(party=one.party, month=month, side=one.side)) for one in listed
    ]
    prepayments = [
        (party, side, await standing_of(books, party, side))
        for party, side in await prepaid_parties(books)
    ]
    if as_json:
        return Said(0, _json(month, dates, listed, found, prepayments))
    lines = [_dates_line(month, dates)]
    if not listed:
        lines.append("  尚无已申报或收下的清算 | nothing is stated yet")
    for one, period in zip(listed, found, strict=True):
        lines.append(_period_line(books, one, period))
    for party, side, (held, use) in prepayments:
        lines.append(
            f"  预付金 {books.name_of(party)} "
            f"{'对方存于本区' if side is Side.TREATMENT else '本区存于对方'} "
            f"{yuan_text(held.held_fen)} 元（额度 {yuan_text(held.quota_fen)}），使用率 "
            f"{percent(use.rate_bp)} {ALARM_ZH[use.alarm]}"
            + (
                "" if use.alarm is Alarm.NONE
                else f"，需紧急调增 {yuan_text(use.top_up_fen)} 元"
            )
        )  # fmt: skip
    return Said(0, "\n".join(lines))


async def show(books: RegionalBooks, found: Found) -> Said:
    """A period: its steps, and what its rows come to by region, institution, type and scheme."""
    lines = [f"{name_of(books, found)}：{STATE_ZH[found.now.state]} | {found.now.state.value}"]
    for step in found.steps:
        entry = "" if step.entry_id is None else f" 记账 {step.entry_id}"
        lines.append(
            f"  {step.step_no}. {local_time(step.at):%Y-%m-%d %H:%M} {ACT_ZH[step.act]} "
            f"{yuan_text(step.amount_fen)} 元 {step.actor} {step.reference} {step.reason}{entry}"
        )
    legs = [leg async for leg in store.legs_of(books.connection, found.place)]
    sums = _grouped(legs)
    for title, place in (("统筹区", 0), ("机构", 1), ("清算类别", 2), ("险种", 3)):
        lines.append(f"  按{title}：")
        groups = regrouped((key[place], one) for key, one in sums.items())
        lines += [f"    {key} {text_of(one)}" for key, one in sorted(groups.items())]
    for leg in legs:
        if leg.mark in (Mark.OBJECTED, Mark.POSTPONED):
            lines.append(
                f"  {_MARK_ZH[leg.mark]} {leg.case_no}{'（负）' if leg.reversal else ''} "
                f"{yuan_text(leg.owed_fen)} 元：{leg.said}"
            )
    lines.append(f"  {await left_text(books, found.period)} | in the ledger")
    return Said(0, "\n".join(lines))


async def legs_csv(books: RegionalBooks, found: Found, institution: str | None) -> Said:
    """The rows of a period, or of one institution in it, as CSV."""
    legs = store.legs_of(books.connection, found.place, institution=institution)
    text = csv_text([COLUMNS, *[_cells(leg) async for leg in legs]])
    return Said(0, text.rstrip("\n"))


async def legs_in_pieces(legs: AsyncIterator[Leg]) -> AsyncIterator[str]:
    """The same of many rows, some at a time, for a spreadsheet that is opened with it."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    mark = "\ufeff"
    async for leg in legs:
        rows.append(_cells(leg))
        if len(rows) == PIECE_ROWS:
            yield mark + csv_text(rows)
            rows, mark = [], ""
    yield mark + csv_text(rows)


def csv_text(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def percent(ratio_bp: int) -> str:
    """Basis points as percent, with two decimals."""
    return f"{ratio_bp // 100}.{ratio_bp % 100:02d}%"


def _grouped(legs: Iterable[Leg]) -> dict[tuple[str, str, str, str], Sums]:
    return tally(
        (
            (leg.region, leg.institution, leg.clearing_type, leg.scheme), leg.total_fen,
            leg.fund_fen, leg.account_fen,
        )
        for leg in legs
        if leg.mark is not Mark.POSTPONED
    )  # fmt: skip


def _cells(leg: Leg) -> tuple[str, ...]:
    return (
        harmless(leg.case_no), "-" if leg.reversal else "+", leg.region, harmless(leg.institution),
        leg.clearing_type, leg.scheme, f"{leg.settled_on}", yuan_text(leg.total_fen),
        yuan_text(leg.fund_fen), yuan_text(leg.account_fen), yuan_text(leg.owed_fen),
        "" if leg.setl_id is None else str(leg.setl_id), _MARK_ZH[leg.mark],
        str(leg.months or ""), harmless(leg.said) if _MARK_ZH[leg.mark] else "",
    )  # fmt: skip


def _dates_line(month: date, dates: ClearingDates) -> str:
    assumed = "".join(
        f"；{year} 年节假日未录入，按周一至周五计" for year in dates.assumed_years
    )
    return (
        f"{month_text(month)} 异地清算：{dates.confirm_by} 前确认上报，{dates.notice_by} "
        f"前应有通知，{dates.pay_by} 前收付{assumed}"
    )


def _period_line(books: RegionalBooks, one: Listed, found: Found) -> str:
    disputed = f"，有异议 {one.disputed_legs} 笔" if one.disputed_legs else ""
    postponed = one.legs - one.standing_legs
    later = f"，延期 {postponed} 笔" if postponed else ""
    notice = found.now.notice
    noted = "" if notice is None else f"，通知 {notice.reference} {yuan_text(notice.amount_fen)} 元"
    proposal = found.now.proposal
    waits = ""
    if proposal is not None and found.now.last is proposal:
        waits = f"，{proposal.actor} 已提出收付，待另一人确认"
    return (
        f"  {books.name_of(one.party)} {one.side.zh} {STATE_ZH[found.now.state]}："
        f"{one.standing_legs} 笔 {yuan_text(one.standing_fen)} 元{disputed}{later}{noted}{waits}"
    )


def _json(
    month: date, dates: ClearingDates, listed: list[Listed], found: list[Found],
    prepayments: list[Prepayment],
) -> str:  # fmt: skip
    rows = [
        {
            "party": one.party,
            "side": _SIDE[one.side],
            "state": period.now.state.value,
            "statement_no": period.statement_no,
            "legs": one.standing_legs,
            "owed": yuan_text(one.standing_fen),
            "disputed_legs": one.disputed_legs,
            "postponed_legs": one.legs - one.standing_legs,
            "last_act": "" if period.now.last is None else _act_name(period.now.last.act),
        }
        for one, period in zip(listed, found, strict=True)
    ]
    told = {
        "month": month_text(month), "confirm_by": f"{dates.confirm_by}",
        "notice_by": f"{dates.notice_by}", "pay_by": f"{dates.pay_by}",
        "holidays_unknown": list(dates.assumed_years), "periods": rows,
        "prepayments": [
            {
                "party": party, "side": _SIDE[side], "held": yuan_text(held.held_fen),
                "quota": yuan_text(held.quota_fen), "use_bp": use.rate_bp,
                "alarm": use.alarm.value, "top_up": yuan_text(use.top_up_fen),
            }
            for party, side, (held, use) in prepayments
        ],
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def _act_name(act: Act) -> str:
    return act.name.lower()
