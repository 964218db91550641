"""`settlement institution-files`, each action opened on a data directory for one act."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ledger.money import yuan_text
from settlement.books.bill import BillError
from settlement.books.institution_matching import CLASS_ZH
from settlement.clock import local_time
from settlement.finance import bill_books
from settlement.finance import books as difference_books
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_import import Order
from settlement.finance.books import Books
from settlement.finance.institution_import import Claim, TakenFile, take
from settlement.finance.institutions import Matched, match
from settlement.said import UNUSABLE, Said
from settlement.storage import institutions as store
from settlement.storage.channel_rows import Sum
from settlement.storage.institutions import InstitutionFile
from settlement.storage.lease import connection_for

FAULTS_SHOWN = 20


def take_file(data_dir: Path, path: Path, claim: Claim, order: Order) -> Said:
    """Take a file, or say why it is refused."""
    if not path.is_file():
        return Said(UNUSABLE, f"settlement: {path} 不是文件 | is no file")

    async def act(books: BillBooks) -> Said:
        try:
            return Said(0, taken_text(await take(books, path, claim, order)))
        except (BillError, OSError) as exc:
            return Said(
                1, f"{path.name} 未收：{exc} | refused as a whole, nothing of it is kept"
            )

    return bill_books.run(data_dir, act)


def match_files(data_dir: Path, first: date, last: date, institution: str | None) -> Said:
    """Match a period; 1 where the sums do not explain each other."""

    async def act(books: Books) -> Said:
        async with connection_for(books.dsn, "settlement-matching") as second:
            matched = await match(books, first, last, institution, beside=[second])
        return Said(int(not matched.is_explained), matched_text(matched))

    return difference_books.run(data_dir, act)


def listing(data_dir: Path, first: date, last: date, institution: str | None) -> Said:
    """Files of a period."""

    async def act(books: Books) -> Said:
        files = await store.files_between(books.connection, first, last, institution)
        lines = [f"{len(files)} 份机构对账文件 | files", *(f"  {line_of(one)}" for one in files)]
        return Said(0, "\n".join(lines))

    return difference_books.run(data_dir, act)


def taken_text(taken: TakenFile) -> str:
    """What became of a file."""
    lines = [line_of(taken.file)]
    if taken.came_before:
        lines.append("  同一文件已收过，未作改动 | came before, nothing changed")
    lines += [f"  取代 {former} | replaces {former}" for former in taken.replaces]
    shown = taken.faults[:FAULTS_SHOWN]
    lines += [f"  第 {row} 行 {place} {reason}" for row, place, reason in shown]
    if len(shown) < len(taken.faults):
        lines.append(f"  … 共 {len(taken.faults)} 行 | rows in all")
    if taken.previewed:
        lines.append("  仅预览，未入库 | previewed, nothing was kept")
    return "\n".join(lines)


def line_of(file: InstitutionFile) -> str:
    """A file in a line."""
    days = f"{file.begins_on}" if file.begins_on == file.ends_on else (
        f"{file.begins_on}—{file.ends_on}"
    )  # fmt: skip
    number = f"{file.file_no} " if file.file_no else ""
    faults = f"，{file.faults} 处无法识别" if file.faults else ""
    replaced = f"，已被 {file.replaced_by} 取代" if file.replaced_by else ""
    return (
        f"{number}{days} {file.institution}（{file.form}）：{file.rows} 笔，医疗费总额 "
        f"{yuan_text(file.total_fen)}，基金 {yuan_text(file.fund_fen)}，个人账户 "
        f"{yuan_text(file.account_fen)}，{local_time(file.received_at):%m-%d %H:%M} "
        f"{file.actor}{faults}{replaced}"
    )


def matched_text(matched: Matched) -> str:
    """What a matching came to, for people. Amounts are what funds and accounts pay."""
    period = f"{matched.first}" if matched.first == matched.last else (
        f"{matched.first} 至 {matched.last}"
    )  # fmt: skip
    lines = [f"{period} 机构对账 | matched with files of institutions"]
    if not matched.files:
        lines.append("  没有机构对账文件 | no institution sent a file of these days")
        return "\n".join(lines)
    for institution in sorted({name for _, name in matched.sums}):
        ours, theirs, agreed = (
            matched.sums.get((side, institution), Sum())
            for side in ("ours", "theirs", "agreed")
        )
        lines.append(
            f"  {institution}：本方 {ours.rows} 笔 {yuan_text(ours.fen)} 元，机构 {theirs.rows} 笔 "
            f"{yuan_text(theirs.fen)} 元，相符 {agreed.rows} 笔 {yuan_text(agreed.fen)} 元"
        )
    for found, (n, ours_fen, theirs_fen) in sorted(matched.classes.items()):
        lines.append(
            f"  {CLASS_ZH[found]} {found.value}：{n} 项，本方 {yuan_text(ours_fen)}，机构 "
            f"{yuan_text(theirs_fen)} 元"
        )
    lines.append(
        "  两边合计由相符与各类差异完全说明 | the sums explain each other"
        if matched.is_explained
        else "  两边合计不能由各类差异说明，请核查 | the sums do not explain each other"
    )
    return "\n".join(lines)
