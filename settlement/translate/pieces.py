"""Pieces of requests that several transactions share: lines, credentials, what is only kept."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from itertools import compress
from operator import attrgetter

import msgspec
from msgspec import Struct

from protocol.nhsa.fields import Numbers, rows_of
from protocol.nhsa.messages import (
    inpatient,
    inpatient_settle,
    outpatient,
    outpatient_settle,
    person,
    pharmacy,
)
from protocol.nhsa.times import parse_moment
from protocol.nhsa.traces import TRACE_NODE
from settlement import numbers
from settlement.claim import ClaimLine
from settlement.commands import Credential
from settlement.institution import Institution
from settlement.keyring import LookupKind
from settlement.rows import KeptLine
from settlement.trace import Mark, Trace, marks_of

ALL_UNSETTLED = "0000"
"""2205 and 2302: every line not yet settled."""
UNKNOWN_NUMBER = 0
_SPLIT = "1"
_CODE = "drug_trac_codg"
"""trdn_flag 拆零"""
LINE_PRICED = frozenset(
    {
        "feedetl_sn", "fee_ocur_time", "med_list_codg", "medins_list_codg", "det_item_fee_sumamt",
        "cnt", "pric", "mdtrt_id", "psn_no", "chrg_bchno", "init_feedetl_sn", "med_type",
    }
)  # fmt: skip
HEAD_USED = frozenset(
    {
        "psn_no", "mdtrt_cert_type", "mdtrt_cert_no", "card_sn", "psn_cert_type", "certno",
        "psn_type", "psn_name", "medfee_sumamt", "invono", "insutype", "acct_used_flag",
        "med_type", "mdtrt_id", "chrg_bchno", "fulamt_ownpay_amt", "overlmt_selfpay",
        "preselfpay_amt", "inscp_scp_amt", "setl_id", "ipt_otp_no",
    }
)  # fmt: skip


class Sender(Struct, frozen=True, gc=False):
    """Who sent a request, the fingerprint of what it says (empty where it binds nothing), and the
    numbers in it."""

    institution: Institution
    fingerprint: bytes = b""
    numbers: Numbers = {}


CREDENTIAL_KINDS = {
    "01": LookupKind.TOKEN, "02": LookupKind.CERTIFICATE, "03": LookupKind.CARD,
}  # fmt: skip
"""mdtrt_cert_type (就诊凭证类型), and what the number of such a credential is looked up as."""
Traceable = pharmacy.DrugDetail | outpatient.FeeDetail | inpatient.StayFeeDetail
"""A fee line as sent; each may carry drug trace codes."""
_WithCredential = (
    pharmacy.DrugInfo
    | person.PersonData
    | outpatient.RegisterData
    | outpatient_settle.OutpatientQuoteData
    | outpatient_settle.OutpatientSettleData
    | inpatient_settle.StayQuoteData
    | inpatient_settle.StaySettleData
)


def lines_of(rows: Sequence[Traceable], numbers: Numbers, node: str) -> tuple[ClaimLine, ...]:
    """The fee lines of a node, with the numbers that the check has read."""
    approvable = node != "drugdetail"
    columns = (numbers[node, name] for name in ("cnt", "pric", "det_item_fee_sumamt"))
    return tuple(
        [
            ClaimLine(
                line_no=str(row.feedetl_sn),
                item_code=row.med_list_codg,
                institution_item_code=row.medins_list_codg,
                quantity_e4=quantity_e4,
                price_e6=price_e6,
                amount_fen=amount_fen,
                occurred_on=_day(row.fee_ocur_time),
                approval=(row.hosp_appr_flag or "") if approvable else "",
            )
            for row, quantity_e4, price_e6, amount_fen in zip(rows, *columns, strict=True)
        ]
    )


def traces_of(rows: Sequence[Traceable], digest_key: bytes) -> tuple[Trace, ...]:
    """The drug trace codes of lines (durg_trac_info), as keyed hashes."""
    return tuple(
        Trace(n, trace_key(trace.drug_trac_codg, digest_key), trace.trdn_flag != _SPLIT)
        for n, row in enumerate(rows)
        if row.durg_trac_info
        for trace in rows_of(row.durg_trac_info)
        if isinstance(trace, pharmacy.DrugTrace)
    )


def marks_kept(
    lines: Sequence[ClaimLine], kept: Sequence[KeptLine], digest_key: bytes
) -> list[Mark]:
    """The drug trace codes of lines as they were kept, which sold what they name."""
    traces = [
        Trace(n, trace_key(str(code[_CODE]), digest_key), code.get("trdn_flag") != _SPLIT)
        for n, (line, one) in enumerate(zip(lines, kept, strict=True))
        if line.quantity_e4 > 0
        for code in _codes_kept(one.extra.get(TRACE_NODE))
    ]
    return marks_of(traces, [line.line_no for line in lines])


def _codes_kept(node: object) -> Iterable[Mapping[str, object]]:
    """A node that is kept is plain JSON: one code, or several."""
    rows = node if isinstance(node, Sequence) else [node]
    return [row for row in rows if isinstance(row, Mapping) and row.get(_CODE)]


def trace_key(code: str, digest_key: bytes) -> bytes:
    """The hash under which a drug trace code is looked up: 16 bytes."""
    return hmac.digest(digest_key, f"trace\n{code}".encode(), "sha256")[:16]


@lru_cache(maxsize=4_096)
def _day(text: str) -> date:
    return parse_moment(text).date()


def credential_of(data: _WithCredential) -> Credential:
    """Empty text counts as not given."""
    return Credential(
        kind=data.mdtrt_cert_type,
        number=data.mdtrt_cert_no or "",
        card_serial=data.card_sn or None,
        certificate_no=data.certno or None,
        name=data.psn_name or None,
    )


def kept_line(row: Traceable) -> KeptLine:
    """What is only kept of a line, and its time as sent."""
    return KeptLine(occurred_at=row.fee_ocur_time, extra=kept_of(row, LINE_PRICED))


def kept_of(row: msgspec.Struct, used: frozenset[str]) -> dict[str, object]:
    """What the sender said and we only keep, by its wire name; absent and empty fields are not, and
    a number 0 counts as absent."""
    names, values_of = _keeping(type(row), used)
    values = values_of(row)
    return dict(compress(zip(names, values, strict=True), values))


@cache
def _keeping(
    kind: type[msgspec.Struct], used: frozenset[str]
) -> tuple[tuple[str, ...], Callable[[msgspec.Struct], tuple[object, ...]]]:
    names = tuple(name for name in kind.__struct_fields__ if name not in used)
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda row: tuple([getattr(row, name) for name in names])


def number_of(text: str) -> int:
    """A number of ours; text that cannot be one names nothing we ever issued."""
    return numbers.parse(text) or UNKNOWN_NUMBER
