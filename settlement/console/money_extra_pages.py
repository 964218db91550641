"""资金流入, beside the files that are brought: a year's interest on personal accounts, computed as
a file to propose, and what a month came to.

Interest is computed by an errand from the ledger (finance/money_interest.py). Its file lies sealed
on the shelf, is checked and proposed like any other, and booked once another person confirms it.
A month is read by a process of its own, as the application: it may be millions of rows.
"""

from __future__ import annotations

from datetime import date

from settlement.books.money_in import Subject
from settlement.clock import local_time
from settlement.console.asking import CSV, WORKBOOK, Answer, wants_workbook
from settlement.console.money_pages import GONE, SUBJECTS, Told, begin_check
from settlement.console.ordering import Order, have_done, resumed
from settlement.console.payout_pages import paper
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import InterestTask
from settlement.finance.paper_job import MoneyMonth

INTEREST = Words("个人账户计息", "Interest on personal accounts")
NO_YEAR = Words("请填写年份，如 2026。", "Please give a year, like 2026.")
NO_RATE = Words(
    "年利率请填写百分数，至多两位小数，如 1.50；留空用本区参数。",
    "Please give the rate a year in per cent, two decimals at most, like 1.50; leave it empty for "
    "the region's.",
)
NO_MONTH = Words("请填写月份，如 2026-11。", "Please give a month, like 2026-11.")
NAME = "interest-"
FILES_MAX = 20
RATE_BP_MAX = 10_000


async def interest(visit: Visit) -> Answer:
    """Files of interest that are here, and a form to compute one."""
    visit = resumed(visit)
    works = visit.desk.works
    running = [one for one in works.all_of() if one.said is None and _is_ours(one.subject)]
    return visit.page(
        "money_interest.html", INTEREST, files=visit.desk.shelf.named(NAME)[:FILES_MAX],
        year=local_time(visit.at).year - 1, work=running[0] if running else None,
    )  # fmt: skip


async def compute(visit: Visit) -> Answer:
    """Compute the interest of a year that is over; nothing is booked."""
    form = visit.asked.form
    year, rate = form.get("year", "").strip(), form.get("rate", "").strip()
    if not (len(year) == 4 and year.isascii() and year.isdecimal() and year.startswith("20")):
        return await interest(visit.again(NO_YEAR))
    rate_bp = _rate_bp(rate) if rate else None
    if rate and rate_bp is None:
        return await interest(visit.again(NO_RATE))
    return await have_done(visit, Order(
        task=InterestTask(year=int(year), rate_bp=rate_bp),
        title=Words(f"{year} 年个人账户计息", f"interest on accounts of {year}"),
        action="console.money-interest", subject=f"interest {year}",
        back="/console/money/interest", again=interest,
    ))  # fmt: skip


async def check(visit: Visit) -> Answer:
    """A file that was computed is checked, as one that is brought; it is of December."""
    file = visit.desk.shelf.find(visit.parts[0])
    year = "" if file is None else file.name.removeprefix(NAME)[:4]
    if file is None or not file.name.startswith(NAME) or not (
        year.isascii() and year.isdecimal() and year.startswith("20")
    ):
        return await interest(visit.again(GONE))
    told = Told(subject=Subject.ACCOUNTS, month=date(int(year), 12, 1))
    return await begin_check(visit, told, file, again=interest)


async def report(visit: Visit) -> Answer:
    """A month: income and expenditure of each fund, or what was allotted, as a table."""
    query = visit.asked.query
    subject = SUBJECTS.get(query.get("subject", ""))
    try:
        month = date.fromisoformat(f"{query.get('month', '').strip()}-01")
    except ValueError:
        month = None
    if subject is None or month is None:
        return visit.page("message.html", NO_MONTH, status=400, words=NO_MONTH)
    kind = "funds" if subject is Subject.INCOME else "accounts"
    as_workbook = wants_workbook(visit.asked)
    name = f"{kind}-{month:%Y%m}.{'xlsx' if as_workbook else 'csv'}"
    return await paper(
        visit, MoneyMonth(subject=subject, month=month, as_workbook=as_workbook), name,
        WORKBOOK if as_workbook else CSV, f"money {kind} {month:%Y-%m}",
        action="console.download-money",
    )  # fmt: skip


def _is_ours(subject: str) -> bool:
    return subject.startswith("interest ")


def _rate_bp(text: str) -> int | None:
    """Per cent a year as basis points; None where it is no such rate."""
    whole, _, rest = text.partition(".")
    digits = whole + rest
    if not whole or len(whole) > 3 or len(rest) > 2:
        return None
    if not (digits.isascii() and digits.isdecimal()):
        return None
    found = int(whole) * 100 + int(f"{rest:<02}" if rest else "0")
    return found if 0 < found <= RATE_BP_MAX else None
