"""What a region decides about clearing with other regions (异地清算).

Most of it is general knowledge that no official text was found for: it is data of the region's
profile, and marked there.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from settlement.elsewhere.regional_prepayment import PrepaidRules
from settlement.elsewhere.regional_schedule import ComparingRules
from settlement.working_days import Calendar, Timetable


class Settling(StrEnum):
    """How a month is paid (结算方式)."""

    FULL = "full"
    """each side pays what it owes (全额清算)"""
    NET = "net"
    """both debts are set off, and one side pays the rest (差额清算)"""


class RegionalRules(Struct, frozen=True, kw_only=True):
    """See the module."""

    settling: Settling = Settling.FULL
    timetable: Timetable = Timetable()
    calendar: Calendar = Calendar()
    prepaid: PrepaidRules = PrepaidRules()
    postponed_months_max: int = 2
    """by so many months in all may a row be postponed"""
    institutions_confirm: bool = True
    """rows of cities of our province are claimed once their institution confirmed them (3261)"""
    compared: ComparingRules = ComparingRules()
