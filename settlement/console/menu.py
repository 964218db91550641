"""The console's menu: what a role may open, in the order of a working day."""

from __future__ import annotations

from msgspec import Struct

from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words


class Entry(Struct, frozen=True):
    """One line of it."""

    path: str
    right: Right
    words: Words


ENTRIES = (
    Entry("/console/", Right.TODAY, Words("今日", "Today")),
    Entry("/console/doubt", Right.DOUBT, Words("未完结", "In doubt")),
    Entry("/console/differences", Right.DIFFERENCES, Words("渠道对账", "Differences")),
    Entry("/console/search", Right.SEARCH, Words("结算查询", "Search")),
    Entry("/console/statements", Right.STATEMENT, Words("结算对账单", "Statements")),
    Entry("/console/payouts", Right.PAYOUTS, Words("拨付", "Payouts")),
    Entry("/console/money", Right.MONEY, Words("资金流入", "Money in")),
    Entry("/console/close", Right.CLOSE, Words("月结", "Month close")),
    Entry("/console/seals", Right.SEALS, Words("封存公布", "Seals")),
    Entry("/console/works", Right.WORKS, Words("办理进度", "Works")),
    Entry("/console/sheet-check", Right.SHEET, Words("结算单核验", "Sheet check")),
    Entry("/console/institutions", Right.INSTITUTIONS, Words("定点机构", "Institutions")),
    Entry("/console/switches", Right.SWITCHES, Words("停用开关", "Stop switches")),
    Entry("/console/audit", Right.AUDIT, Words("审计日志", "Audit log")),
    Entry("/console/users", Right.SEE_USERS, Words("用户", "Users")),
)
"""What comes later (clearing accounts) has its line here."""


def menu_for(visit: Visit) -> list[tuple[str, str, bool]]:
    """Path, words and whether it is where we are."""
    if visit.visitor is None or visit.visitor.must_change:
        return []
    return [
        (entry.path, entry.words.told(visit.language), _is_here(entry.path, visit.asked.path))
        for entry in ENTRIES
        if visit.may(entry.right)
    ]


def _is_here(entry: str, path: str) -> bool:
    return path == entry or (entry != "/console/" and path.startswith(entry))
