"""What persons bring along at the cut-over (期初): accumulators of a running year, and balances.

One row a person and year. Amounts are yuan; how often somebody was admitted is a number. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ledger.money import yuan_text
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.source import Row

_TIMES = ".admissions"
"""Accumulators of this ending count times, all others fen."""
_NAME = cells.matching(r"[a-z_]+(\.[A-Za-z0-9_]+)+")


def read_accumulators(text: str) -> dict[str, int]:
    """`name:amount;name:amount`: fen, or times where the name says so."""
    found: dict[str, int] = {}
    for part in cells.parts(text):
        name, told = (each.strip() for each in part.split(":"))
        if _NAME(name) in found:
            raise ValueError
        found[name] = int(told) if name.endswith(_TIMES) else cells.read_fen(told)
        if found[name] < 0:
            raise ValueError
    return dict(sorted(found.items()))


COLUMNS = (
    Column(name="psn_no", title="人员编号", read=cells.matching(r"[A-Za-z0-9]{6,30}"),
           personal=True, expected=Told("6 至 30 位字母或数字", "6 to 30 letters or digits")),
    Column(name="year", title="年度", read=cells.matching(r"20\d\d"),
           expected=Told("四位年度", "a year of four digits")),
    Column(name="accumulators", title="年度累计", read=read_accumulators, default=None,
           expected=Told("名称:金额（元）或次数，以分号分隔",
                         "name:amount in yuan, or times, separated by ;")),
    Column(name="balance", title="个人账户余额", read=cells.read_fen, default=0,
           expected=Told("不为负、至多两位小数的元", "yuan, not negative, at most two decimals")),
    Column(name="source", title="来源", read=cells.short_text(200),
           expected=Told("至多 200 字", "at most 200 characters")),
)  # fmt: skip


class Opening(Struct, frozen=True, kw_only=True, gc=False):
    """What one person brings along for one year."""

    row: int
    person_no: str
    year: int
    accumulators: Mapping[str, int]
    balance_fen: int
    source: str


def read_openings(rows: Iterable[Row], faults: list[Fault]) -> list[Opening]:
    """Every row that is not at fault."""
    found: dict[tuple[str, int], Opening] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        if told is None:
            continue
        opening = Opening(
            row=number, person_no=told["psn_no"], year=int(told["year"]),
            accumulators=told["accumulators"] or {}, balance_fen=told["balance"],
            source=told["source"],
        )  # fmt: skip
        earlier = found.setdefault((opening.person_no, opening.year), opening)
        if earlier is not opening:
            problem = Told(f"第 {earlier.row} 行已有", f"is in row {earlier.row} already")
            faults.append(Fault(row=number, column="psn_no", problem=problem))
    return list(found.values())


def totals_text(openings: Sequence[Opening], digest: str) -> str:
    """The totals of a file, for two people to sign."""
    sums: Counter[str] = Counter()
    for opening in openings:
        sums.update(opening.accumulators)
    balance = yuan_text(sum(opening.balance_fen for opening in openings))
    persons = len({opening.person_no for opening in openings})
    lines = [
        f"期初合计 opening totals，{persons} 人 persons，{len(openings)} 行 rows",
        f"  个人账户余额 balances  {balance}",
        *(f"  {name}  {total if name.endswith(_TIMES) else yuan_text(total)}"
          for name, total in sorted(sums.items())),
        *signing_lines(digest),
    ]  # fmt: skip
    return "\n".join(lines)


def signing_lines(digest: str) -> tuple[str, ...]:
    """Which file it was, and room for two names."""
    return (
        f"  SHA-256 {digest}",
        "  核对人 checked by ____________________    复核人 and by ____________________",
    )
