"""A clearing application (清算申请): what an institution claims for a month and a clearing type.

Pure. What was applied for is kept as it was said; nothing that happens to settlements later changes
it.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

from msgspec import Struct

SETTLED_LATE = timedelta(minutes=10)
"""A month can be applied for so long after its end: by then nothing that was decided in it is
still on its way to the database (ten seconds a request), and clocks of processes may differ."""


class Claimed(Struct, frozen=True, kw_only=True):
    """What the institution says: which month, which type, and what it comes to."""

    month: date
    """its first day"""
    clearing_type: str
    clearing_way: str
    settlement_count: int
    total_fen: int
    recognised_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int


class Applicant(Struct, frozen=True, kw_only=True):
    """Who applies, under which message, at which office."""

    lane: int
    institution: str
    clearing_office: str
    operator: str
    operator_name: str
    msgid: str
    at: datetime


def last_day(month: date) -> date:
    """The last day of the month of a date."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def is_over(month: date, local: datetime) -> bool:
    """Whether a month is over, and whatever was settled in it is booked."""
    return (local - SETTLED_LATE).date() > last_day(month)
