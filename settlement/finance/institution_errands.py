"""Errands about files of institutions (errands.py): one is proven, or also kept and matched."""

from __future__ import annotations

from pathlib import Path

from ledger.money import yuan_text
from settlement.books.bill import BillError
from settlement.books.institution_matching import CLASS_ZH
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_import import Order
from settlement.finance.books import Books
from settlement.finance.errand_tasks import InstitutionFileTask
from settlement.finance.institution_desk import taken_text
from settlement.finance.institution_import import Claim, TakenFile, take
from settlement.finance.institutions import Matched, match
from settlement.said import Said
from settlement.storage.channel_rows import Sum
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
    return Said(int(not matched.is_explained), f"{told}\n{_matched(matched, task.institution)}")


def _taken(taken: TakenFile) -> str:
    first, _, rest = taken_text(taken).partition("\n")
    file = taken.file
    english = (
        f"{file.institution}: {file.rows} rows, fees {yuan_text(file.total_fen)}, funds "
        f"{yuan_text(file.fund_fen)}, accounts {yuan_text(file.account_fen)}"
    )
    return f"{first} | {english}" + (f"\n{rest}" if rest else "")


def _matched(matched: Matched, institution: str) -> str:
    """How it differs from our books, in both languages. Amounts are what funds and accounts pay."""
    ours, theirs, agreed = (
        matched.sums.get((side, institution), Sum()) for side in ("ours", "theirs", "agreed")
    )
    lines = [
        f"  本方 {ours.rows} 笔 {yuan_text(ours.fen)} 元，机构 {theirs.rows} 笔 "
        f"{yuan_text(theirs.fen)} 元，相符 {agreed.rows} 笔 | ours {ours.rows} rows "
        f"{yuan_text(ours.fen)}, theirs {theirs.rows} rows {yuan_text(theirs.fen)}, "
        f"{agreed.rows} agree"
    ]
    for found, (count, ours_fen, theirs_fen) in sorted(matched.classes.items()):
        told = yuan_text(ours_fen), yuan_text(theirs_fen)
        lines.append(
            f"  {CLASS_ZH[found]} {count} 项，本方 {told[0]}，机构 {told[1]} 元 | "
            f"{found.value.replace('_', ' ')}: {count}, ours {told[0]}, theirs {told[1]}"
        )
    lines.append(
        "  两边合计由相符与各类差异完全说明 | the sums explain each other"
        if matched.is_explained
        else "  两边合计不能由各类差异说明，请核查 | the sums do not explain each other"
    )
    return "\n".join(lines)
