"""Holds three books against each other: the tills', the server's, and each channel's own. Pure.

Nobody was charged twice, nothing that was acknowledged is gone, nothing is open, and what the
ledger says lies at a channel is what the channel says it keeps, to the fen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from loadtest.attach import Clearing
from loadtest.drills.simulators import ChannelBooks
from loadtest.drills.till import Believed
from loadtest.simulators.channel_book import BookEntry, Movement


class Findings(Struct, kw_only=True):
    """What does not fit, in words; all empty where everything does."""

    lost: list[str] = []
    doubled: list[str] = []
    unresolved: list[str] = []
    differences: list[str] = []

    @property
    def clean(self) -> bool:
        """Nothing was found."""
        return not (self.lost or self.doubled or self.unresolved or self.differences)


class Payment(Struct):
    """What a channel's book says of one of its payments."""

    channel: str
    order_no: str
    amount_fen: int = 0
    back_fen: int = 0

    @property
    def kept_fen(self) -> int:
        """What of the payer's money the merchant has."""
        return self.amount_fen - self.back_fen


def payments_of(channel: str, entries: Sequence[BookEntry]) -> dict[str, Payment]:
    """A book's payments by the channel's reference."""
    found: dict[str, Payment] = {}
    for entry in entries:
        if entry.movement is Movement.CLOSED:
            continue
        payment = found.setdefault(entry.reference, Payment(channel, entry.order_no))
        if entry.movement is Movement.PAID:
            payment.amount_fen += entry.amount_fen
        else:
            payment.back_fen += entry.amount_fen
    return found


def compare(
    believed: Sequence[Believed],
    books: Mapping[str, ChannelBooks],
    attempts: Mapping[str, tuple[str, str]],
    ledger: Clearing,
) -> Findings:
    """`attempts`: institution and order by the order number that the channel knows."""
    findings = Findings()
    payments = {
        (name, reference): payment
        for name, book in books.items()
        for reference, payment in payments_of(name, book.entries).items()
    }
    _tills_are_right(believed, payments, findings)
    _nobody_paid_twice(believed, payments, attempts, findings)
    for name, book in books.items():
        kept_fen = ledger.kept_fen.get(name, 0)
        if kept_fen != book.net_fen:
            findings.differences.append(
                f"{name}: the ledger has {kept_fen} fen, its book {book.net_fen}"
            )
    if ledger.collecting_fen:
        findings.differences.append(f"{ledger.collecting_fen} fen are still to be collected")
    due_fen = sum(one.due_fen for one in believed)
    if ledger.to_return_fen != due_fen:
        findings.differences.append(
            f"the ledger owes payers {ledger.to_return_fen} fen, the tills know of {due_fen}"
        )
    return findings


def _tills_are_right(
    believed: Sequence[Believed], payments: Mapping[tuple[str, str], Payment], findings: Findings
) -> None:
    """What a till was told is what the channel has."""
    for one in believed:
        if one.trouble or one.status not in ("settled", "refused"):
            findings.unresolved.append(f"{one.order_no}: {one.trouble or one.status}")
        if not one.channel:
            continue
        payment = payments.get((one.channel, one.reference))
        if payment is None:
            findings.lost.append(f"{one.order_no}: {one.channel} knows no {one.reference}")
        elif payment.amount_fen != one.amount_fen or payment.back_fen != one.returned_fen:
            findings.lost.append(
                f"{one.order_no}: told {one.amount_fen} less {one.returned_fen}, {one.channel} "
                f"booked {payment.amount_fen} less {payment.back_fen}"
            )


def _nobody_paid_twice(
    believed: Sequence[Believed], payments: Mapping[tuple[str, str], Payment],
    attempts: Mapping[str, tuple[str, str]], findings: Findings,
) -> None:  # fmt: skip
    """What stays with the merchant belongs to a settled order, and to each only once. An order
    whose refund people must make may keep so much more."""
    orders = {(one.institution, one.order_no): one for one in believed}
    kept: dict[tuple[str, str], int] = {}
    for payment in payments.values():
        key = attempts.get(payment.order_no)
        if key is None:
            if payment.kept_fen:
                findings.doubled.append(
                    f"{payment.channel} has {payment.kept_fen} fen of {payment.order_no}, "
                    "which nobody ordered"
                )
            continue
        kept[key] = kept.get(key, 0) + payment.kept_fen
    for key, kept_fen in kept.items():
        one = orders.get(key)
        owed_fen = 0
        if one is not None and one.channel:
            owed_fen = one.amount_fen - one.returned_fen
        if kept_fen > owed_fen:
            findings.doubled.append(f"{key[1]}: {kept_fen} fen were kept of {owed_fen}")
