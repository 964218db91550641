"""结算对账单: an institution's month on a page, and as files.

An institution's finance sees its own and is not asked which. The page shows sums, which the
database makes in one statement; files carry the details and are written by a process of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from settlement.books.monthly_statement import Level, StatementAsked, StatementHead, sheets
from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.statement_files import MEDIA, Kind, file_name
from settlement.finance.statement_pdf import sheet_told
from settlement.storage.statement_sheets import read_groups, read_head

TITLE = Words("结算对账单", "Statements")
NO_MONTH = Words("请填写月份，如 2026-10。", "Please give a month like 2026-10.")
UNKNOWN = Words("没有这家机构，请核对编码。", "There is no such institution; check the code.")
BUSY = Words(
    "正在生成其他对账单，请稍后再试。",
    "Other statements are being written; please try again in a moment.",
)
TEXT_MAX = 64
ENGLISH: Mapping[str, str] = {
    "结算汇总": "Summary", "发生数": "What was spent", "应结算": "What is owed",
    "清算类别": "clearing type", "险种": "scheme", "人员类别": "person type",
    "结算笔数": "rows", "其中撤销": "cancels", "人次": "visits", "人数": "persons",
    "医疗费总额": "fees", "全自费": "full self-pay", "超限价自费": "over ceiling",
    "先行自付": "paid first", "符合政策范围": "in scope", "起付线": "deductible",
    "基本统筹基金": "basic pool", "公务员补助": "civil servants", "企业补充": "supplementary",
    "居民大病": "residents, critical", "职工大额": "employees, large", "医疗救助": "medical aid",
    "伤残人员": "disabled", "其他基金": "other funds", "基金支付合计": "funds",
    "个人账户": "accounts", "其中共济账户": "of relatives", "个人现金": "cash",
    "医院负担": "hospital", "应付机构": "owed", "结算地": "settled in", "参保地": "insured in",
    "医疗类别": "care type", "统筹基金": "pool", "生育基金": "maternity",
    "离休基金": "retired cadres",
    "个人账户（本人）": "own accounts", "共济账户": "relatives' accounts", "收款单位": "payee",
    "基金类别": "fund class", "职工统筹": "employees' pool", "居民统筹": "residents' pool",
    "其他统筹": "other pools", "应结算合计": "sum owed",
}  # fmt: skip
"""Headings of the sheets for a page in English; files have them in Chinese alone."""


async def statements(visit: Visit) -> Answer:
    """Which month of whom, and what it comes to."""
    asked, problem = _asked(visit)
    if problem is not None:
        visit = visit.again(problem)
    head, told, counted = None, [], (0, 0, 0)
    if asked is not None:
        head = await _head(visit, asked)
        if head is None:
            visit = visit.again(UNKNOWN)
    if asked is not None and head is not None:
        async with visit.desk.summing() as connection:
            groups = await read_groups(connection, asked)
        (everything,) = [one for one in groups if one.level is Level.ALL]
        told = [sheet_told(one) for one in sheets(head, groups)]
        counted = everything.row_count, everything.cancel_count, everything.person_count
        await visit.note("console.view-statement", _subject(asked))
    return visit.page(
        "statements.html", TITLE, head=head, sheets=told, counted=counted, english=ENGLISH,
        institution=visit.scope or visit.asked.query.get("institution", "")[:TEXT_MAX],
        month=visit.asked.query.get("month", "")[:TEXT_MAX] or f"{_last_month(visit):%Y-%m}",
    )  # fmt: skip


async def download(visit: Visit) -> Answer:
    """A month as a file."""
    asked, problem = _asked(visit)
    text = visit.asked.query.get("format", "")
    if asked is None or problem is not None or text not in list(Kind):
        told = problem or NO_MONTH
        return visit.page("message.html", told, status=400, words=told)
    if await _head(visit, asked) is None:
        return visit.page("message.html", UNKNOWN, status=404, words=UNKNOWN)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    kind = Kind(text)
    await visit.note("console.download-statement", _subject(asked), kind.value)
    file = visit.desk.download(asked, kind, by=visit.who.name, at=visit.at)
    part = "details" if kind is Kind.CSV else ""
    return Answer(
        media=MEDIA[kind], stream=file.pieces(),
        headers=(attachment(file_name(asked, kind, part)),),
    )  # fmt: skip


async def _head(visit: Visit, asked: StatementAsked) -> StatementHead | None:
    async with visit.desk.reading() as connection:
        return await read_head(connection, asked, at=visit.at)


def _asked(visit: Visit) -> tuple[StatementAsked | None, Words | None]:
    """What the address asks for; nothing where nothing was asked yet, or what is wrong."""
    text = visit.asked.query.get("month", "").strip()
    institution = visit.scope or visit.asked.query.get("institution", "").strip()[:TEXT_MAX]
    if not text:
        return None, None
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None, NO_MONTH
    if not institution:
        return None, UNKNOWN
    return StatementAsked(scope=visit.scope, institution=institution, month=month), None


def _last_month(visit: Visit) -> date:
    """The month before this one, which is the one that is looked at."""
    today = local_time(visit.at).date()
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def _subject(asked: StatementAsked) -> str:
    return f"statement {asked.institution} {asked.month:%Y-%m}"
