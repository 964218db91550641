"""Errands about bills of channels: one is proven, or also kept (errands.py)."""

from __future__ import annotations

from pathlib import Path

from settlement.books.bill import BillError
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_import import Order, Taken, take
from settlement.finance.bill_reports import english_of, taken_text
from settlement.finance.bill_sources import Claimed, Received
from settlement.finance.errand_tasks import BillTask
from settlement.said import Said
from settlement.who import Who

_ON_A_PAGE = (
    ("请用 --merchant 指明", "请填写商户号"), ("或用 --merchant 指明", "或填写商户号"),
    ("say --merchant", "give the merchant's number"),
    ("请用 --day 指明", "请填写账单日"), ("say --day", "give its day"),
    ("; --faults lists them", ""),
)  # fmt: skip
"""What a command tells its reader to type, as a form has it."""


async def take_bill(books: BillBooks, task: BillTask, path: Path, who: Who) -> Said:
    """What a file comes to; what is refused is refused as a whole."""
    received = Received(name=path.name, open=lambda: path.open("rb"))
    claimed = Claimed(channel=task.channel, merchant=task.merchant, day=task.day)
    order = Order(actor=who.actor, reason=who.reason, preview=not task.keep)
    try:
        taken = await take(books, received, claimed, order)
    except BillError as exc:
        zh, _, en = on_a_page(f"{exc}").partition(" | ")
        return Said(
            1, f"{path.name} 未收，整份不保留：{zh} | {path.name} is refused, nothing of it is "
            f"kept: {en or zh}"
        )  # fmt: skip
    return Said(0, on_a_page("\n".join(map(_told, taken))))


def _told(taken: Taken) -> str:
    first, _, rest = taken_text(taken).partition("\n")
    return f"{first} | {english_of(taken.file)}" + (f"\n{rest}" if rest else "")


def on_a_page(text: str) -> str:
    """The same without what only a shell understands."""
    for typed, told in _ON_A_PAGE:
        text = text.replace(typed, told)
    return text
