"""Errands about files of institutions (errands.py): one is proven, or also kept and matched."""

from __future__ import annotations

from pathlib import Path

from ledger.money import yuan_text
from settlement.bill import BillError
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_import import Order
from settlement.finance.books import Books
from settlement.finance.errand_tasks import InstitutionFileTask
from settlement.finance.institution_desk import matched_text, taken_text
from settlement.finance.institution_import import Claim, TakenFile, take
from settlement.finance.institutions import Matched, match
from settlement.said import Said
from settlement.who import Who


async def take_institution_file(
    bills: BillBooks, books: Books, task: InstitutionFileTask, path: Path, who: Who
) -> Said:
    """What a file comes to, and how it differs from our books once it is kept; what is refused is
    refused as a whole."""
    claim = Claim(institution=task.institution, first=task.first, last=task.last)
    order = Order(actor=who.actor, reason=who.reason, preview=not task.keep)
    try:
        taken = await take(bills, path, claim, order)
    except BillError as exc:
        zh, _, en = f"{exc}".partition(" | ")
        return Said(
            1, f"{path.name} 未收，整份不保留：{zh} | {path.name} is refused, nothing of it is "
            f"kept: {en or zh}"
        )  # fmt: skip
    told = _taken(taken)
    if not task.keep:
        return Said(0, told)
    matched = await match(books, task.first, task.last, task.institution)
    return Said(int(not matched.is_explained), f"{told}\n{_matched(matched)}")


def _taken(taken: TakenFile) -> str:
    first, _, rest = taken_text(taken).partition("\n")
    file = taken.file
    english = (
        f"{file.institution}: {file.rows} rows, fees {yuan_text(file.total_fen)}, funds "
        f"{yuan_text(file.fund_fen)}, accounts {yuan_text(file.account_fen)}"
    )
    return f"{first} | {english}" + (f"\n{rest}" if rest else "")


def _matched(matched: Matched) -> str:
    lines = matched_text(matched).splitlines()
    found = sum(n for n, _, _ in matched.classes.values())
    agreed = matched.total("agreed")
    return "\n".join([
        *lines[:-1],
        f"  相符 {agreed.rows} 笔，其余 {found} 项列入渠道对账清单 | {agreed.rows} rows agree, "
        f"{found} findings beside them",
        lines[-1],
    ])  # fmt: skip
