"""What two regions hand each other about a cleared month: statement, answer, notice, and the lists
of a day for comparison.

JSON, one object each, whose `kind` says what it is: over the wire as `PaperAsked`, sealed and
signed, or as files where there is no wire. They hold no personal data. Amounts are integer fen,
negative where something was taken back; days and months are ISO 8601, a month as 2026-11. T is the
region of treatment, which claims; I is that of insurance, which pays.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

REGION = r"^[0-9]{6}\Z"
MONTH = r"^20[0-9]{2}-(0[1-9]|1[0-2])\Z"
"""Of this century, so that there is a month before it and one after it"""
RegionCode = Annotated[str, Meta(pattern=REGION)]
MonthText = Annotated[str, Meta(pattern=MONTH)]
CaseNo = Annotated[str, Meta(min_length=1, max_length=64)]
Code = Annotated[str, Meta(max_length=64)]
Words = Annotated[str, Meta(max_length=2_000)]
Fen = Annotated[int, Meta(ge=-(10**15), le=10**15)]
"""Within what a row can be kept as, so that nothing that is read cannot be put aside."""


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An unknown field is an error: it may be one that somebody relies on."""


class ClearingRow(_Strict, frozen=True, kw_only=True, gc=False):
    """A leg: what is owed for a settlement, or its negative."""

    case_no: CaseNo
    """T's number of the case; of what takes it back the same"""
    reversal: bool
    insured_region: RegionCode
    institution: Code
    clearing_type: Code
    scheme: Code
    settled_on: date
    """T's day"""
    total_fen: Fen
    fund_fen: Fen
    account_fen: Fen


class ClearingGroup(_Strict, frozen=True, kw_only=True):
    """Rows of one city of insurance, clearing type and scheme, added up."""

    insured_region: RegionCode
    clearing_type: Code
    scheme: Code
    legs: int
    total_fen: Fen
    fund_fen: Fen
    account_fen: Fen


class ClearingStatement(_Strict, frozen=True, kw_only=True, tag_field="kind", tag="statement/1"):
    """What T claims for a month (异地清算表). total = groups = rows."""

    statement_no: Code
    """one for ever: the same number is the same statement"""
    month: MonthText
    creditor: RegionCode
    """T, which claims"""
    debtor: RegionCode
    """who is to pay: I's province, or I itself where it lies in T's province"""
    stated_at: datetime
    legs: int
    total_fen: Fen
    fund_fen: Fen
    account_fen: Fen
    groups: tuple[ClearingGroup, ...]
    rows: tuple[ClearingRow, ...]


class MarkedRow(_Strict, frozen=True, kw_only=True, gc=False):
    """A row that I disputes, or postpones for so many months."""

    case_no: CaseNo
    reversal: bool
    reason: Words
    months: Annotated[int, Meta(ge=0, le=2)] = 0
    """0: disputed"""


class ClearingAnswer(_Strict, frozen=True, kw_only=True, tag_field="kind", tag="answer/1"):
    """What I says of a statement: rows that it disputes or postpones; `confirmed` where it will pay
    the rest, which then comes to `legs` and the amounts."""

    statement_no: Code
    month: MonthText
    creditor: RegionCode
    debtor: RegionCode
    answered_at: datetime
    rows: tuple[MarkedRow, ...]
    confirmed: bool
    legs: int
    fund_fen: Fen
    account_fen: Fen


class ClearingNotice(_Strict, frozen=True, kw_only=True, tag_field="kind", tag="notice/1"):
    """The notice of what is paid for a month, once it was confirmed (付款、收款通知)."""

    notice_no: CaseNo
    statement_no: Code
    month: MonthText
    creditor: RegionCode
    debtor: RegionCode
    payer: RegionCode
    """creditor or debtor: who pays this sum"""
    amount_fen: Annotated[int, Meta(ge=0, le=10**15)]
    """what was confirmed, or under net settlement what is left of both sides"""
    notified_at: datetime


class HubRow(_Strict, frozen=True, kw_only=True, gc=False):
    """A message that the hub carried and that had its effect, by the amounts of its envelope."""

    case_no: CaseNo
    reversal: bool
    total_fen: Fen
    fund_fen: Fen
    account_fen: Fen


class DayList(_Strict, frozen=True, kw_only=True, tag_field="kind", tag="day/1"):
    """What somebody has of a day, between T and I: `told_by` is a region's code, or `hub`."""

    told_by: Annotated[str, Meta(pattern=r"^(hub|[0-9]{6})\Z")]
    treated: RegionCode
    insured: RegionCode
    day: date
    rows: tuple[HubRow, ...]


ClearingFile: TypeAlias = ClearingStatement | ClearingAnswer | ClearingNotice | DayList
