"""The console's menu: what a role may open, in the order of a working day, by sections."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words


class Section(Enum):
    """What lines of the menu belong together; in the order of the first row."""

    DAY = Words("今日", "Today")
    CASES = Words("结算", "Settlements")
    BILLS = Words("对账", "Reconciliation")
    MONEY = Words("资金", "Money")
    REFERENCE = Words("基础资料", "Reference")
    OFFICE = Words("管理", "Administration")


class Entry(Struct, frozen=True):
    """One line of it."""

    path: str
    right: Right
    words: Words
    section: Section = Section.MONEY


class Shown(Struct, frozen=True):
    """A link of the menu."""

    path: str
    words: str
    is_here: bool


class Menu(Struct, frozen=True):
    """Two rows: the sections, and the lines of the one where we are."""

    sections: list[Shown]
    entries: list[Shown]


ENTRIES = (
    Entry("/console/", Right.TODAY, Words("今日", "Today"), Section.DAY),
    Entry("/console/doubt", Right.DOUBT, Words("未完结", "In doubt"), Section.DAY),
    Entry("/console/notices", Right.NOTICES, Words("待发通知", "Notices"), Section.DAY),
    Entry("/console/search", Right.SEARCH, Words("结算查询", "Search"), Section.CASES),
    Entry("/console/filings", Right.FILINGS, Words("备案", "Filings"), Section.CASES),
    Entry("/console/statements", Right.STATEMENT, Words("结算对账单", "Statements"), Section.CASES),
    Entry("/console/sheet-check", Right.SHEET, Words("结算单核验", "Sheet check"), Section.CASES),
    Entry("/console/differences", Right.DIFFERENCES, Words("渠道对账", "Differences"),
          Section.BILLS),
    Entry("/console/clearing", Right.CLEARING, Words("清算账户", "Clearing accounts"),
          Section.BILLS),
    Entry("/console/bills", Right.BILLS, Words("渠道账单", "Bills"), Section.BILLS),
    Entry("/console/institution-files", Right.INSTITUTION_FILES,
          Words("机构对账文件", "Files of institutions"), Section.BILLS),
    Entry("/console/payouts", Right.PAYOUTS, Words("拨付", "Payouts"), Section.MONEY),
    Entry("/console/regions", Right.REGIONS, Words("异地清算", "Other regions"), Section.MONEY),
    Entry("/console/reimbursements", Right.REIMBURSEMENTS, Words("手工报销", "Reimbursements"),
          Section.MONEY),
    Entry("/console/money", Right.MONEY, Words("资金流入", "Money in"), Section.MONEY),
    Entry("/console/close", Right.CLOSE, Words("月结", "Month close"), Section.MONEY),
    Entry("/console/seals", Right.SEALS, Words("封存公布", "Seals"), Section.MONEY),
    Entry("/console/works", Right.WORKS, Words("办理进度", "Works"), Section.MONEY),
    Entry("/console/institutions", Right.INSTITUTIONS, Words("定点机构", "Institutions"),
          Section.REFERENCE),
    Entry("/console/catalogue", Right.CATALOGUE, Words("医保目录", "Catalogue"),
          Section.REFERENCE),
    Entry("/console/policy", Right.POLICY, Words("政策与参数", "Policies"), Section.REFERENCE),
    Entry("/console/switches", Right.SWITCHES, Words("停用开关", "Stop switches"), Section.OFFICE),
    Entry("/console/audit", Right.AUDIT, Words("审计日志", "Audit log"), Section.OFFICE),
    Entry("/console/users", Right.SEE_USERS, Words("用户", "Users"), Section.OFFICE),
)  # fmt: skip
_OTHER_PLACES = {
    "/console/settlements/": "/console/search",
    "/console/people/": "/console/search",
    "/console/payments/": "/console/doubt",
    "/console/payees/": "/console/payouts",
    "/console/regions/days/": "/console/differences",
}
"""Pages below another address than the line of the menu that leads to them."""


def menu_for(visit: Visit) -> Menu:
    """What the visitor may open."""
    if visit.visitor is None or visit.visitor.must_change:
        return Menu([], [])
    allowed = [entry for entry in ENTRIES if visit.may(entry.right)]
    here = _here(allowed, visit.asked.path)
    firsts = {entry.section: entry for entry in reversed(allowed)}
    return Menu(
        [
            Shown(firsts[one].path, one.value.told(visit.language), here is not None
                  and here.section is one)
            for one in Section
            if one in firsts
        ],
        [
            Shown(entry.path, entry.words.told(visit.language), entry is here)
            for entry in allowed
            if here is not None and entry.section is here.section
        ],
    )  # fmt: skip


def _here(allowed: list[Entry], path: str) -> Entry | None:
    """The line that leads to a page: of the longest address that it lies below."""
    for below, place in _OTHER_PLACES.items():
        if path.startswith(below):
            path = place
    return max(
        (one for one in allowed if path == one.path or
         (one.path != "/console/" and path.startswith(one.path))),
        key=lambda one: len(one.path), default=None,
    )  # fmt: skip
