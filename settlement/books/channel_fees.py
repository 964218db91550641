"""What payment channels keep of payments (手续费): who bears it, and what it books.

Pure. A channel takes its fee from the account that it collects on, so it lessens the clearing
account under either custody. Each owner's book balances by itself: where another than the owner of
the account bears the fee, the two owe each other more or less of what was collected.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ledger.entry import Transfer
from settlement import chart
from settlement.chart import ChannelAccount, channel_account
from settlement.payments.payment import Custody
from settlement.postings import undone

AS_BILLED = "fee-as-billed"
"""手续费按账单记账: the rule that books a fee, once no difference about it is under way"""


class Bearer(StrEnum):
    """Who bears a fee."""

    INSTITUTION = "institution"
    AGENCY = "agency"


class FeeRules(Struct, frozen=True, kw_only=True):
    """What a region decides about fees: who bears them, by custody."""

    own: Bearer = Bearer.INSTITUTION
    agency: Bearer = Bearer.AGENCY

    def bearer(self, custody: str) -> Bearer:
        """Who bears fees of a custody; of money that nobody knows the agency does for now."""
        return self.own if custody == Custody.OWN else self.agency


def fee_transfers(
    *, base: int | None, custody: str, channel: str, borne_by: Bearer, fee_fen: int
) -> tuple[Transfer, ...]:
    """What a fee books; a negative one takes back as much. `base` is the first account of the
    institution, None where nobody knows whose it is."""
    moves: tuple[Transfer, ...] = (
        Transfer(chart.SUSPENSE_UNKNOWN, chart.CLEARING_UNKNOWN, abs(fee_fen)),
    )
    if base is not None:
        moves = tuple(
            Transfer(_number(base, debit, channel), _number(base, credit, channel), abs(fee_fen))
            for debit, credit in _BOOKS[Custody(custody), borne_by]
        )
    return moves if fee_fen > 0 else undone(moves)


_Side = ChannelAccount | int
_BOOKS: Mapping[tuple[Custody, Bearer], tuple[tuple[_Side, _Side], ...]] = {
    (Custody.OWN, Bearer.INSTITUTION): (
        (ChannelAccount.FEES, ChannelAccount.CLEARING),
    ),
    (Custody.OWN, Bearer.AGENCY): (
        (ChannelAccount.RECEIVABLE_COLLECTED, ChannelAccount.CLEARING),
        (chart.CHANNEL_FEES, ChannelAccount.AGENCY_COLLECTED),
    ),
    (Custody.AGENCY, Bearer.AGENCY): (
        (chart.CHANNEL_FEES, ChannelAccount.AGENCY_CLEARING),
    ),
    (Custody.AGENCY, Bearer.INSTITUTION): (
        (ChannelAccount.AGENCY_COLLECTED, ChannelAccount.AGENCY_CLEARING),
        (ChannelAccount.FEES, ChannelAccount.RECEIVABLE_COLLECTED),
    ),
}  # fmt: skip
"""Debit and credit."""
_BY_CHANNEL = (ChannelAccount.CLEARING, ChannelAccount.AGENCY_CLEARING)


def _number(base: int, side: _Side, channel: str) -> int:
    if not isinstance(side, ChannelAccount):
        return side
    return channel_account(base, side, channel if side in _BY_CHANNEL else "")
