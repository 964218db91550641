"""What a region decides about paying institutions (拨付): the cycle, and the files of its banks.

Pure. How a bank wants its file was found in no document: it is data of the region's profile, and
marked uncertain there.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct


class Cycle(StrEnum):
    """How often institutions are paid (拨付周期)."""

    DAILY = "daily"
    """T+1"""
    THREE_DAYS = "three_days"
    SEVEN_DAYS = "seven_days"
    MONTHLY = "monthly"
    YEARLY = "yearly"
    """once the year is over (年终清算)"""


_DAYS = {Cycle.DAILY: 1, Cycle.THREE_DAYS: 3, Cycle.SEVEN_DAYS: 7}


class BankField(StrEnum):
    """What a column of a bank's file can hold."""

    ORDER_NO = "order_no"
    NAME = "name"
    ACCOUNT = "account"
    BANK = "bank"
    AMOUNT = "amount"
    AMOUNT_FEN = "amount_fen"
    PURPOSE = "purpose"


class BankColumn(Struct, frozen=True, kw_only=True):
    """One column."""

    title: str
    field: BankField


BANK_COLUMNS = (
    BankColumn(title="订单号", field=BankField.ORDER_NO),
    BankColumn(title="户名", field=BankField.NAME),
    BankColumn(title="账号", field=BankField.ACCOUNT),
    BankColumn(title="开户行", field=BankField.BANK),
    BankColumn(title="金额", field=BankField.AMOUNT),
    BankColumn(title="用途", field=BankField.PURPOSE),
)


class PayoutRules(Struct, frozen=True, kw_only=True):
    """See the module."""

    cycle: Cycle = Cycle.MONTHLY
    banks: Mapping[str, tuple[BankColumn, ...]] = {}
    """columns of the order file by the name of a bank; all others take `BANK_COLUMNS`"""


def last_of_period(
    first_on: date, cycle: Cycle, *, begins_anywhere: bool = False
) -> date | None:
    """The last day of the period that begins on a day; None where none begins there. Months begin
    on their first day; a year does so with any month, so that one can be begun in its middle. The
    first after periods of another cycle begins anywhere, and takes what is left of month or
    year."""
    days = _DAYS.get(cycle)
    if days is not None:
        return first_on + timedelta(days=days - 1)
    if first_on.day != 1 and not begins_anywhere:
        return None
    if cycle is Cycle.YEARLY:
        return first_on.replace(month=12, day=31)
    return first_on.replace(day=monthrange(first_on.year, first_on.month)[1])
