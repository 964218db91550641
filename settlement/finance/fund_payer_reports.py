"""What people read of funds that somebody else owes: who owes how much, for which periods, and what
came (付款单位往来)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.books.fund_payers import Claims, Due, FundPayer
from settlement.books.money_in import Source
from settlement.chart import EntryCode
from settlement.finance.payout_books import PayoutBooks
from settlement.intake.money import Lanes
from settlement.said import Said
from settlement.storage import fund_payers as store
from settlement.storage.fund_payers import Receipt
from settlement.storage.lease import PlainConnection

CLAIMS: Mapping[int, tuple[str, str]] = {
    EntryCode.SETTLEMENT: ("结算", "settled"), EntryCode.CANCEL: ("撤销", "cancelled"),
    EntryCode.REVERSAL: ("冲正", "reversed"),
    EntryCode.TREATED_ELSEWHERE: ("异地就医", "treated elsewhere"),
    EntryCode.REIMBURSED: ("手工报销", "reimbursed"),
}  # fmt: skip


class Standing(Struct, frozen=True, kw_only=True):
    """Where a fund stands with its payer."""

    fund: str
    fund_name: str
    payer_name: str
    dues: tuple[Due, ...]
    receipts: tuple[Receipt, ...]

    @property
    def due_fen(self) -> int:
        """What was due so far."""
        return sum(one.amount_fen for one in self.dues)

    @property
    def received_fen(self) -> int:
        """What came, less what was sent back."""
        return sum(one.amount_fen for one in self.receipts)

    @property
    def owed_fen(self) -> int:
        """What is owed now; below zero: more came than was owed, and the next period uses it up."""
        return self.due_fen - self.received_fen


async def standings(
    connection: PlainConnection, payers: Mapping[int, FundPayer]
) -> list[Standing]:
    """Every fund that has a payer, or had one; what came belongs to whom the newest due names, for
    a payer changes only where nothing is left."""
    dues = await store.dues(connection)
    receipts = await store.receipts(connection)
    named = {one.fund: one for one in payers.values()}
    funds = sorted({*named, *(one.fund for one in dues), *(one.fund for one in receipts)})
    return [
        Standing(
            fund=fund, fund_name=named[fund].fund_name if fund in named else fund,
            payer_name=_payer_name(fund, dues, named), dues=tuple(_of(fund, dues)),
            receipts=tuple(one for one in receipts if one.fund == fund),
        )
        for fund in funds
    ]  # fmt: skip


async def show(books: PayoutBooks, first_on: date | None, *, as_json: bool) -> Said:
    """Who owes how much; of one period by institution."""
    payers = books.policies.fund_payers(books.region)
    found = await standings(books.connection, payers)
    if as_json:
        return Said(0, msgspec.json.encode([_as_json(one) for one in found]).decode())
    if not found:
        return Said(
            0, "所有基金均由经办机构承担 | every fund is the agency's own"
        )
    if first_on is None:
        lines = ["付款单位往来 payers of funds（元 yuan）"]
        for one in found:
            lines += [standing_text(one), *_history(one)]
        return Said(0, "\n".join(lines))
    claims = await store.lines(books.connection, first_on)
    some = [due for one in found for due in one.dues if due.first_on == first_on]
    if not some:
        return Said(1, "该期没有由其他单位承担的基金，或尚未核定 | nothing is due for that period")
    return Said(0, "\n".join(
        line for due in some
        for line in (due_text(due), *_claims_lines(books, claims.get((due.fund, first_on), ())))
    ))  # fmt: skip


async def lines_of_period(books: PayoutBooks, first_on: date) -> list[str]:
    """What is due for a period, a line each; nothing where no fund has a payer."""
    return [
        due_text(one) for one in await store.dues(books.connection) if one.first_on == first_on
    ]


def payers_lines(new: Lanes, owed: Mapping[str, Standing]) -> list[str]:
    """What a file of money in does to what payers owe: before, and after it is booked. What is more
    than owed is kept as a credit and said."""
    sums: dict[str, int] = {}
    for own in new.values():
        for fund, source, fen in zip(own.funds, own.sources, own.amounts, strict=True):
            if source is Source.PAYER and fund in owed:
                sums[fund] = sums.get(fund, 0) + fen
    return [
        f"  {owed[fund].payer_name} {fund}：尚欠 {yuan_text(owed[fund].owed_fen)}，本次拨入 "
        f"{yuan_text(fen)}，{_after(owed[fund].owed_fen - fen)}"
        for fund, fen in sorted(sums.items())
    ]


def _after(owed_fen: int) -> str:
    if owed_fen < 0:
        return f"多收 {yuan_text(-owed_fen)} 留抵下期 | more than owed: kept as a credit"
    return f"余 {yuan_text(owed_fen)} | still owed"


def standing_text(one: Standing) -> str:
    """A fund and its payer in one line."""
    owed = one.owed_fen
    rest = (
        f"多收 {yuan_text(-owed)} 留抵下期 | kept as a credit" if owed < 0
        else f"尚欠 {yuan_text(owed)} | owed"
    )  # fmt: skip
    return (
        f"  {one.payer_name} {one.fund} {one.fund_name}：应收累计 {yuan_text(one.due_fen)}，已收 "
        f"{yuan_text(one.received_fen)}，{rest}"
    )


def due_text(due: Due) -> str:
    """A due in one line."""
    entry = "" if due.entry_id is None else f"，记账 {due.entry_id}"
    return (
        f"  {due.payer_name} 承担 {due.fund} {due.first_on} 至 {due.last_on} "
        f"{yuan_text(due.amount_fen)} 元{entry} | owed by the fund's payer"
    )


def _history(one: Standing) -> list[str]:
    """Dues and what came, in the order of booking."""
    lines = [
        (due.booked_on, 0, f"应收 {due.first_on} 至 {due.last_on} {due.payer_name} "
         f"{yuan_text(due.amount_fen)}")
        for due in one.dues
    ]  # fmt: skip
    lines += [
        (came.booked_on, 1, f"拨入 {came.reference} {yuan_text(came.amount_fen)}（文件 "
         f"{came.file_no}）")
        for came in one.receipts
    ]  # fmt: skip
    return [
        f"    {day} {text}" for day, _, text in sorted(lines, key=lambda line: line[:2])
    ]


def _claims_lines(books: PayoutBooks, claims: Sequence[Claims]) -> list[str]:
    return [
        f"    {books.name_of(one.institution)} {CLAIMS[one.code][0]} {one.rows} 笔 "
        f"{yuan_text(one.amount_fen)} 元"
        for one in claims
    ]


def _payer_name(fund: str, dues: Sequence[Due], named: Mapping[str, FundPayer]) -> str:
    last = _of(fund, dues)
    if last:
        return last[-1].payer_name
    return named[fund].name if fund in named else ""


def _of(fund: str, dues: Iterable[Due]) -> list[Due]:
    return [one for one in dues if one.fund == fund]


def _as_json(one: Standing) -> dict[str, object]:
    return {
        "fund": one.fund, "payer": one.payer_name, "due": yuan_text(one.due_fen),
        "received": yuan_text(one.received_fen), "owed": yuan_text(one.owed_fen),
        "periods": [
            {"period": due.first_on, "amount": yuan_text(due.amount_fen)} for due in one.dues
        ],
    }  # fmt: skip
