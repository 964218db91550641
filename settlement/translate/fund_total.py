"""The fund total of the interface (基金支付总额, fund_pay_sumamt): what a region counts into it.

Here funds and personal account are always apart. Most regions report them so; some report a total
with the account in it (money rule 6), which then also stands in their totals and files.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from settlement.books.statement import Figures, OurLine
from settlement.policy.region import RegionProfile
from settlement.rows import SettlementRow

_Sums = TypeVar("_Sums", Figures, OurLine)


def fund_total_fen(row: SettlementRow, profile: RegionProfile) -> int:
    """`fund_pay_sumamt` of a settlement; relatives' accounts are in the account (`acct_pay`)."""
    if profile.fund_total_includes_account:
        return row.fund_fen + row.account_fen
    return row.fund_fen


def as_reported(ours: _Sums, profile: RegionProfile) -> _Sums:
    """Our sums with the fund total as institutions of the region read and add it up."""
    if not profile.fund_total_includes_account:
        return ours
    return replace(ours, fund_fen=ours.fund_fen + ours.account_fen)
