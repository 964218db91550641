"""What institutions were owed at the cut-over (应付定点机构期初), one row an institution. Pure.

Below zero it is what the institution owes (应收定点机构): more was cancelled after a payment than
came in since. It is offset against what it is owed later (DOMAIN 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ledger.money import yuan_text
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.openings import signing_lines
from settlement.intake.source import Row

_YUAN = Told("至多两位小数的元；机构倒欠的为负",
             "yuan, at most two decimals; below zero what the institution owes")

COLUMNS = (
    Column(name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
           expected=Told("一个字母和 11 位数字", "a letter and 11 digits")),
    Column(name="funds", title="应付基金", read=cells.read_signed_fen, expected=_YUAN),
    Column(name="accounts", title="应付个人账户", read=cells.read_signed_fen, default=0,
           expected=_YUAN),
    Column(name="source", title="来源", read=cells.short_text(200),
           expected=Told("至多 200 字", "at most 200 characters")),
)  # fmt: skip


class Payable(Struct, frozen=True, kw_only=True, gc=False):
    """What one institution was owed, and not paid yet; negative: what it owes."""

    row: int
    institution: str
    funds_fen: int
    accounts_fen: int
    source: str


def read_payables(rows: Iterable[Row], faults: list[Fault]) -> list[Payable]:
    """Every row that is not at fault."""
    found: dict[str, Payable] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        if told is None:
            continue
        payable = Payable(
            row=number, institution=told["fixmedins_code"], funds_fen=told["funds"],
            accounts_fen=told["accounts"], source=told["source"],
        )  # fmt: skip
        earlier = found.setdefault(payable.institution, payable)
        if earlier is not payable:
            problem = Told(f"第 {earlier.row} 行已有", f"is in row {earlier.row} already")
            faults.append(Fault(row=number, column="fixmedins_code", problem=problem))
    return list(found.values())


def totals_text(payables: Sequence[Payable], digest: str) -> str:
    """The totals of a file, for two people to sign."""
    funds = [each.funds_fen for each in payables]
    accounts = [each.accounts_fen for each in payables]
    lines = [
        f"应付定点机构期初合计 opening payables，{len(payables)} 家机构 institutions",
        f"  应付基金 funds  {_sum(funds)}",
        f"  应付个人账户 accounts  {_sum(accounts)}",
    ]
    for words, told in (("应收基金 funds", funds), ("应收个人账户 accounts", accounts)):
        owing = [-fen for fen in told if fen < 0]
        if owing:
            lines.append(f"  {words} owed by {len(owing)} institutions  {_sum(owing)}")
    return "\n".join([*lines, *signing_lines(digest)])


def _sum(amounts: Iterable[int]) -> str:
    """Of what is owed one way; what is owed the other way is told by itself."""
    return yuan_text(sum(fen for fen in amounts if fen > 0))
