"""The statement of a month between two regions (异地清算表): made of legs, and checked where it
comes from the other side.

Pure. A statement that does not add up is not corrected and not taken in part: all that is wrong
with it is said, and whoever made it makes another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from msgspec import Struct

from ledger.money import yuan_text
from protocol.hub.clearing import ClearingGroup, ClearingRow, ClearingStatement
from settlement.elsewhere.regional_clearing import month_after
from settlement.elsewhere.regional_netting import Sums, tally, together

FAULTS_MAX = 50
"""So many are said; whoever reads them does not need more."""
GroupKey = tuple[str, str, str]
"""City of insurance, clearing type, scheme."""


class Place(Struct, frozen=True, kw_only=True):
    """Which statement of ours is expected: who we are, who claims, for which month."""

    month: date
    own: frozenset[str]
    """codes that we answer to as a debtor: our own, and that of our province"""
    creditors: frozenset[str]
    """regions that we know"""


def month_text(month: date) -> str:
    """2026-11."""
    return f"{month:%Y-%m}"


def make_statement(
    rows: Sequence[ClearingRow], *, statement_no: str, month: date, creditor: str, debtor: str,
    stated_at: datetime,
) -> ClearingStatement:  # fmt: skip
    """A statement over legs in their order."""
    groups = tally((_group(row), row.total_fen, row.fund_fen, row.account_fen) for row in rows)
    sums = together(groups.values())
    return ClearingStatement(
        statement_no=statement_no, month=month_text(month), creditor=creditor, debtor=debtor,
        stated_at=stated_at, legs=sums.legs, total_fen=sums.total_fen, fund_fen=sums.fund_fen,
        account_fen=sums.account_fen, rows=tuple(rows),
        groups=tuple(_group_of(key, one) for key, one in sorted(groups.items())),
    )  # fmt: skip


def faults_of(statement: ClearingStatement, expected: Place) -> list[str]:
    """Everything that is wrong with a statement, in words; nothing where it may be taken."""
    found: list[str] = []
    for fault in _all_faults(statement, expected):
        found.append(fault)
        if len(found) == FAULTS_MAX:
            break
    return found


def _all_faults(statement: ClearingStatement, expected: Place) -> Iterator[str]:
    month = month_text(expected.month)
    if statement.month != month:
        yield f"月份为 {statement.month}，不是 {month} | it is of {statement.month}, not {month}"
    if not statement.statement_no.startswith(f"{statement.creditor}-"):
        yield (
            f"清算表号 {statement.statement_no} 不以申报方代码开头 | its number does not begin "
            "with the creditor's code"
        )
    if statement.debtor not in expected.own:
        yield f"付款方 {statement.debtor} 不是本区 | debtor {statement.debtor} is not us"
    if statement.creditor not in expected.creditors:
        yield (
            f"申报方 {statement.creditor} 未登记为对方统筹区 | creditor {statement.creditor} is no "
            "counterpart of ours"
        )
    yield from _doubled(statement.rows)
    yield from _late(statement.rows, expected.month)
    yield from _signs(statement.rows)
    yield from _sums(statement)


def _doubled(rows: Sequence[ClearingRow]) -> Iterator[str]:
    seen: set[tuple[str, bool]] = set()
    for place, row in enumerate(rows, 1):
        key = row.case_no, row.reversal
        if key in seen:
            yield f"第 {place} 行 {row.case_no} 重复 | row {place} repeats case {row.case_no}"
        seen.add(key)


def _late(rows: Sequence[ClearingRow], month: date) -> Iterator[str]:
    behind = month_after(month)
    for place, row in enumerate(rows, 1):
        if row.settled_on >= behind:
            yield (
                f"第 {place} 行 {row.case_no} 的日期 {row.settled_on} 在清算月之后 | row {place} "
                f"is of {row.settled_on}, after the month"
            )


def _signs(rows: Sequence[ClearingRow]) -> Iterator[str]:
    for place, row in enumerate(rows, 1):
        sign = -1 if row.reversal else 1
        amounts = (row.total_fen * sign, row.fund_fen * sign, row.account_fen * sign)
        if min(amounts) < 0 or amounts[1] + amounts[2] > amounts[0]:
            yield (
                f"第 {place} 行 {row.case_no} 金额不成立：总额 {yuan_text(row.total_fen)}、基金 "
                f"{yuan_text(row.fund_fen)}、账户 {yuan_text(row.account_fen)} | amounts of row "
                f"{place} break an identity: signs, or funds and account above the total"
            )


def _sums(statement: ClearingStatement) -> Iterator[str]:
    rows = tally(
        (_group(row), row.total_fen, row.fund_fen, row.account_fen) for row in statement.rows
    )
    told: dict[GroupKey, Sums] = {}
    for group in statement.groups:
        key = group.insured_region, group.clearing_type, group.scheme
        if key in told:
            yield f"分组 {'/'.join(key)} 重复 | group {'/'.join(key)} is there twice"
        told[key] = _sums_of(group)
    for key in sorted({*rows, *told}):
        if rows.get(key) != told.get(key):
            yield (
                f"分组 {'/'.join(key)} 与明细不等：{_text(told.get(key))}，明细 "
                f"{_text(rows.get(key))} | group {'/'.join(key)} is not the sum of its rows"
            )
    own, header = together(rows.values()), _sums_of(statement)
    if own != header:
        yield (
            f"合计与明细不等：{_text(header)}，明细 {_text(own)} | the total is not the sum of the "
            "rows"
        )


def _text(sums: Sums | None) -> str:
    if sums is None:
        return "无"
    return (
        f"{sums.legs} 笔 总额 {yuan_text(sums.total_fen)} 基金 {yuan_text(sums.fund_fen)} 账户 "
        f"{yuan_text(sums.account_fen)}"
    )


def _group(row: ClearingRow) -> GroupKey:
    return row.insured_region, row.clearing_type, row.scheme


def _group_of(key: GroupKey, sums: Sums) -> ClearingGroup:
    region, clearing_type, scheme = key
    return ClearingGroup(
        insured_region=region, clearing_type=clearing_type, scheme=scheme, legs=sums.legs,
        total_fen=sums.total_fen, fund_fen=sums.fund_fen, account_fen=sums.account_fen,
    )  # fmt: skip


def _sums_of(told: ClearingGroup | ClearingStatement) -> Sums:
    return Sums(
        legs=told.legs, total_fen=told.total_fen, fund_fen=told.fund_fen,
        account_fen=told.account_fen,
    )  # fmt: skip
