"""From the wire's clearing between cities (3260–3262) to months, rows and steps, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import msgspec

from ledger.money import yuan_text
from protocol.nhsa import canonical
from protocol.nhsa.amounts import scaled, yuan
from protocol.nhsa.messages import clearing
from protocol.nhsa.times import format_datetime, parse_datetime
from settlement.elsewhere.cross_city import ListedRow, MarkedRow, Unmarked
from settlement.keyring import Keyring
from settlement.refusal import Refusal

_INCLUDED, _LEFT_OUT = "1", "0"
"""cnfm_flag"""
_NAMES = {
    "certificate_no": "证件号码",
    "visit_no": "就诊登记号",
    "settled_at": "就诊结算时间",
    "total_fen": "总费用",
    "agency_fen": "经办机构支付总额",
}
"""What the fields of a row are called."""
_FIELDS = {"total_fen": "total", "agency_fen": "agency"}
_ENCODE = msgspec.json.Encoder().encode

Monthly = (
    clearing.CrossCityExtractData | clearing.CrossCityConfirmData | clearing.CrossCityRollbackData
)


def month_of(data: Monthly) -> date | Refusal:
    """The first day of the month that a message is about."""
    year, month = data.trt_year, data.trt_month
    try:
        if len(year) == 4 and (year + month).isascii() and (year + month).isdigit():
            return date(int(year), int(month), 1)
    except ValueError:
        pass
    return Refusal(
        code="CROSS_CITY_MONTH_WRONG", field="clearing_month", params={"value": year + month}
    )


def extract_reply(
    rows: Sequence[ListedRow], *, first: int, institution: str, region: str
) -> clearing.CrossCityExtractReply:
    """Output of 3260: rows from the number asked for on."""
    return clearing.CrossCityExtractReply(
        data=tuple(
            clearing.CrossCityRow(
                seqno=str(number),
                mdtrtarea=region,
                medins_no=institution,
                certno=row.certificate_no,
                mdtrt_id=row.visit_no,
                mdtrt_setl_time=format_datetime(row.settled_at),
                setl_sn=row.settlement_no,
                fulamt_advpay_flag="1" if row.paid_in_advance else "0",
                medfee_sumamt=yuan(row.total_fen),
                optins_pay_sumamt=yuan(row.agency_fen),
            )
            for number, row in enumerate(rows, start=first)
        )
    )


def marked_rows(
    rows: Sequence[clearing.CrossCityConfirmRow], unmarked: Unmarked
) -> tuple[MarkedRow, ...]:
    """The rows of 3261."""
    otherwise = _INCLUDED if unmarked is Unmarked.INCLUDE else _LEFT_OUT
    return tuple(
        MarkedRow(
            certificate_no=row.certno,
            visit_no=row.mdtrt_id,
            settlement_no=row.setl_sn,
            settled_at=parse_datetime(row.mdtrt_setl_time),
            total_fen=scaled(row.medfee_sumamt, 2, "input.detail"),
            agency_fen=scaled(row.optins_pay_sumamt, 2, "input.detail"),
            included=(row.cnfm_flag or otherwise) == _INCLUDED,
        )
        for row in rows
    )


def differs(place: int, name: str, theirs: MarkedRow, ours: ListedRow) -> Refusal:
    """A row that is not what was listed: of amounts both numbers are told."""
    said = _NAMES[name]
    if name in _FIELDS:
        told, held = yuan_text(getattr(theirs, name)), yuan_text(getattr(ours, name))
        said = f"{said}，机构{told}、中心{held}"
    return Refusal(
        code="CROSS_CITY_ROW_DIFFERS", field=f"lines[{place}].{_FIELDS.get(name, name)}",
        params={"row": place + 1, "value": theirs.settlement_no, "difference": said},
    )  # fmt: skip


def fingerprint_of(
    month: date, said: object, rows: Sequence[MarkedRow], keyring: Keyring
) -> bytes:
    """What the input of 3261 or 3262 was: short hashes of the month with `said`, and of every row.

    They are keyed, because rows name people by their certificates.
    """

    def short(part: object) -> bytes:
        return sha256(keyring.digest_key + _ENCODE(part)).digest()[: canonical.HASH_BYTES]

    nothing = bytes(canonical.HASH_BYTES)
    return canonical.Fingerprint(
        person=nothing, header=short([month, said]), totals=nothing, lines=tuple(map(short, rows))
    ).pack()
