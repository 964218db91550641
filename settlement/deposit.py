"""Deposits of a stay (住院预交金): what was paid, what a settlement used of it, what went back.

Pure. A deposit is an event of its stay, like everything that happens to one; what is left of it is
the fold of the stay's events, so a settlement knows its deposits without reading anything more.
Older deposits are used first, and newer ones go back first (DOMAIN 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.payments.payment import Custody
from settlement.rows import EventKind, EventRow
from settlement.stay import segment_head
from settlement.view import VisitFact

DECLARED = frozenset({"cash", "card_present"})
"""What the institution says that it took itself (DOMAIN 27)."""


class DepositHead(Struct, frozen=True, kw_only=True, array_like=True):
    """The head of the event of a deposit."""

    number: int
    """of the payment that collected it, or of its entry where the institution took it itself"""
    order_no: str
    tender: str
    """the channel, or how the institution took it"""
    custody: Custody
    amount_fen: int
    note: str = ""
    """of a card terminal its reference"""
    operator: str = ""


class ReturnHead(Struct, frozen=True, kw_only=True, array_like=True):
    """The head of the event of some of a deposit that goes back."""

    number: int
    """of the deposit"""
    amount_fen: int
    refund_no: str
    """the institution's; empty for what a final settlement left over"""
    return_no: int
    """the payment that gives it back; 0 where the institution does itself"""


class Deposit(Struct, kw_only=True):
    """One deposit, and what became of it."""

    head: DepositHead
    applied_fen: int = 0
    returned_fen: int = 0
    """gone, or on its way"""
    returns: list[ReturnHead] = []

    @property
    def left_fen(self) -> int:
        """What the patient still has there."""
        return self.head.amount_fen - self.applied_fen - self.returned_fen

    @property
    def pay_no(self) -> int | None:
        """The payment that collected it, unless the institution took it itself."""
        return None if self.head.tender in DECLARED else self.head.number


class Part(Struct, frozen=True):
    """So much of a deposit."""

    deposit: Deposit
    amount_fen: int


def fold_deposits(fact: VisitFact) -> list[Deposit]:
    """The deposits of a stay, the oldest first, as its events leave them."""
    deposits: dict[int, Deposit] = {}
    used: list[Sequence[tuple[int, int]]] = []
    for event in fact.events:
        match event.kind:
            case EventKind.DEPOSITED:
                paid = _DECODE_DEPOSIT(event.head)
                deposits[paid.number] = Deposit(head=paid)
            case EventKind.DEPOSIT_RETURNED:
                back = _DECODE_RETURN(event.head)
                deposits[back.number].returned_fen += back.amount_fen
                deposits[back.number].returns.append(back)
            case EventKind.ADMITTED:  # they are the stay's now
                deposits.clear()
            case EventKind.SETTLED if event.head:
                used.append(segment_head(event.head).applied)
                _use(deposits, used[-1], 1)
            case EventKind.UNDONE if used:
                _use(deposits, used.pop(), -1)
    return list(deposits.values())


def applied_to(fact: VisitFact | None, setl_id: int) -> list[Part]:
    """What deposits paid of a settlement of a stay; nothing where there is no stay."""
    if fact is None:
        return []
    deposits = {one.head.number: one for one in fold_deposits(fact)}
    return [
        Part(deposits[number], amount_fen)
        for event in fact.events
        if event.kind is EventKind.SETTLED and event.setl_id == setl_id and event.head
        for number, amount_fen in segment_head(event.head).applied
    ]


def sum_of(parts: Iterable[Part]) -> int:
    """What parts come to."""
    return sum(part.amount_fen for part in parts)


def _use(deposits: dict[int, Deposit], parts: Iterable[tuple[int, int]], sign: int) -> None:
    for number, amount_fen in parts:
        deposits[number].applied_fen += sign * amount_fen


def left_of(deposits: Iterable[Deposit]) -> int:
    """What the patient still has there."""
    return sum(one.left_fen for one in deposits)


def taken(deposits: Iterable[Deposit], amount_fen: int) -> list[Part]:
    """So much of deposits, as far as there is enough, in the order given."""
    parts = []
    for deposit in deposits:
        part_fen = min(deposit.left_fen, amount_fen)
        if part_fen > 0:
            parts.append(Part(deposit, part_fen))
            amount_fen -= part_fen
    return parts


class Spent(Struct, frozen=True):
    """What a settlement does with deposits."""

    used: list[Part]
    back: list[Part]
    """what is left over, in the order in which it goes back; only a final settlement sends it"""

    def words(self, cash_fen: int) -> str:
        """For whoever reads the answer of the settlement; empty where there are no deposits."""
        used_fen, back_fen = sum_of(self.used), sum_of(self.back)
        parts = (
            ("预交金抵扣", used_fen), ("退还预交金", back_fen),
            ("另需支付", cash_fen - used_fen),
        )  # fmt: skip
        if not used_fen and not back_fen:
            return ""
        return "，".join(f"{name}{yuan_text(fen)}元" for name, fen in parts if fen)


def spent(deposits: Sequence[Deposit], cash_fen: int, *, final: bool) -> Spent:
    """The oldest deposits pay what the patient owes; what is left goes back, the newest first."""
    used = taken(deposits, cash_fen)
    for part in used:
        part.deposit.applied_fen += part.amount_fen
    back = taken(reversed(deposits), left_of(deposits)) if final else []
    return Spent(used, back)


def used_by(events: Iterable[EventRow]) -> int:
    """How much of deposits the settlement uses that these events say."""
    return sum(
        amount_fen
        for event in events
        if event.kind is EventKind.SETTLED and event.head
        for _, amount_fen in segment_head(event.head).applied
    )


def deposit_head(text: str) -> DepositHead:
    """The head of a deposit, as stored."""
    return _DECODE_DEPOSIT(text)


_DECODE_DEPOSIT = msgspec.json.Decoder(DepositHead).decode
_DECODE_RETURN = msgspec.json.Decoder(ReturnHead).decode
