"""Deposits of stays (住院预交金) in the words of a counter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from msgspec import UNSET

from ledger.money import yuan_text
from protocol.hospital import AdmissionLine, DepositLine, DepositReturn, DepositsReply
from protocol.nhsa import canonical
from protocol.nhsa.times import format_datetime
from protocol.scan import Leg, ScanReply
from settlement.deposit import Deposit, left_of
from settlement.payments.payment_rows import PaymentFact
from settlement.rows import VisitRow
from settlement.translate import scans
from settlement.usecases.visit_payloads import AdmissionRequested


def fingerprint(whose: str, amount_fen: int, more: str) -> bytes:
    """What a deposit says, part by part, as canonical fingerprints are."""
    person, header, totals = (
        sha256(part.encode()).digest()[: canonical.HASH_BYTES]
        for part in (whose, more, str(amount_fen))
    )
    return canonical.Fingerprint(person=person, header=header, totals=totals, lines=()).pack()


def declared(deposit: Deposit, *, replayed: bool = False) -> ScanReply:
    """A deposit that the institution took itself, as it stands."""
    head = deposit.head
    gone = deposit.returned_fen == head.amount_fen
    legs = [Leg(kind=head.tender, amount=yuan_text(head.amount_fen), status="paid")]
    legs += [
        Leg(kind=head.tender, amount=yuan_text(-back.amount_fen), status="returned")
        for back in deposit.returns
    ]
    return ScanReply(
        status="refunded" if gone else "settled", order_no=head.order_no, legs=legs,
        message="预交金已退" if gone else "预交金已收", replayed=True if replayed else UNSET,
    )  # fmt: skip


def admitted(
    order_no: str, stay_no: int, deposits: Iterable[Deposit], *, replayed: bool = False
) -> ScanReply:
    """The ward has admitted, and the deposit is the stay's."""
    legs = [
        Leg(kind=one.head.tender, amount=yuan_text(one.head.amount_fen), status="paid")
        for one in deposits
        if one.head.order_no == order_no
    ]
    return ScanReply(
        status="settled", order_no=order_no, mdtrt_id=str(stay_no), legs=legs,
        message="已办理入院，预交金已转入", replayed=True if replayed else UNSET,
    )  # fmt: skip


def requested(
    row: VisitRow, said: AdmissionRequested, expires_at: datetime, paid_fen: int
) -> AdmissionLine:
    """A request as the ward reads it."""
    return AdmissionLine(
        order_no=said.order_no, psn_no=row.psn_no, psn_name=said.name, insutype=row.scheme,
        ward=said.ward, note=said.note, paid=yuan_text(paid_fen),
        requested_at=format_datetime(row.begun_at), expires_at=format_datetime(expires_at),
    )  # fmt: skip


def handed_back(
    refund_no: str, tender: str, amount_fen: int, *, replayed: bool = False
) -> ScanReply:
    """Some of it that the institution has to hand back."""
    return ScanReply(
        status="refunded", order_no="", refund_no=refund_no,
        legs=[Leg(kind=tender, amount=yuan_text(-amount_fen), status="returned")],
        message=f"已登记，请机构退还{scans.BY_HAND[tender]}{yuan_text(amount_fen)}元",
        replayed=True if replayed else UNSET,
    )  # fmt: skip


def listed(
    mdtrt_id: int, deposits: Iterable[Deposit], payments: Mapping[int, PaymentFact]
) -> DepositsReply:
    """All deposits of a stay."""
    every = list(deposits)
    return DepositsReply(
        mdtrt_id=str(mdtrt_id),
        paid=yuan_text(sum(one.head.amount_fen for one in every)),
        applied=yuan_text(sum(one.applied_fen for one in every)),
        returned=yuan_text(sum(one.returned_fen for one in every)),
        left=yuan_text(left_of(every)),
        deposits=[_line(one, payments) for one in every],
    )


def _line(deposit: Deposit, payments: Mapping[int, PaymentFact]) -> DepositLine:
    head = deposit.head
    paid = None if deposit.pay_no is None else payments[deposit.pay_no].standing.paid
    return DepositLine(
        order_no=head.order_no, kind=head.tender, amount=yuan_text(head.amount_fen),
        applied=yuan_text(deposit.applied_fen), returned=yuan_text(deposit.returned_fen),
        left=yuan_text(deposit.left_fen),
        reference=head.note if paid is None else paid.reference,
        returns=[
            DepositReturn(
                refund_no=back.refund_no, amount=yuan_text(back.amount_fen),
                status=scans.leg_status(payments[back.return_no]) if back.return_no else "returned",
            )
            for back in deposit.returns
        ],
    )  # fmt: skip

