"""The own part of a mobile order that the agency's merchant collects (平台代收, DOMAIN 1).

A wallet collects it and says so with its confirmation; which merchant has the money is fixed when
the order is held. Under the agency's custody the agency owes it to the institution from the
confirmation on, and owes it no more once 6203 records that it went back: whoever runs the wallet's
merchant gives it back, no channel is asked from here. Under the institution's own custody it is
what the institution collects itself (机构自收), and nothing of this is booked.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.entry import Entry, EntryKind, Transfer
from settlement.chart import ChannelAccount, EntryCode, InstitutionAccount, channel_account
from settlement.clock import Moment
from settlement.payments.mobile_rows import MobileFact, event_row, hold_commitment
from settlement.payments.payment import Custody
from settlement.postings import collected_transfers, undone
from settlement.world import World


def to_collect(transfers: Iterable[Transfer], base: int) -> tuple[Transfer, ...]:
    """What a settlement books, but that a channel collects what the institution would."""
    cash = base + InstitutionAccount.SELF_COLLECTED
    collecting = channel_account(base, ChannelAccount.COLLECTING)
    return tuple(
        Transfer(collecting, leg.credit, leg.amount_fen) if leg.debit == cash else leg
        for leg in transfers
    )


def collected(
    fact: MobileFact, channel: str, amount_fen: int, world: World, moment: Moment
) -> tuple[Entry, ...]:
    """The fact's last event says that the channel has it; nothing where there is nothing."""
    transfers = _transfers(fact, channel, amount_fen, world)
    return _entries(fact, EntryCode.MOBILE_COLLECTED, transfers, world, moment)


def gone_back(
    fact: MobileFact, channel: str, amount_fen: int, world: World, moment: Moment
) -> tuple[Entry, ...]:
    """The fact's last event says that the payer has it again."""
    transfers = undone(_transfers(fact, channel, amount_fen, world))
    return _entries(fact, EntryCode.MOBILE_GIVEN_BACK, transfers, world, moment)


def _transfers(
    fact: MobileFact, channel: str, amount_fen: int, world: World
) -> tuple[Transfer, ...]:
    if not channel or not amount_fen:
        return ()
    return collected_transfers(
        channel=channel, custody=Custody.AGENCY, amount_fen=amount_fen,
        institution_base=world.institutions[fact.row.institution].account_base,
    )


def _entries(
    fact: MobileFact, code: EntryCode, transfers: tuple[Transfer, ...], world: World,
    moment: Moment,
) -> tuple[Entry, ...]:  # fmt: skip
    if not transfers:
        return ()
    row = fact.row
    return (
        Entry(
            lane=row.lane, entry_id=world.next_number(row.lane, moment.business_day),
            kind=EntryKind.SINGLE, code=code, transfers=transfers,
            commitment=hold_commitment(event_row(row.lane, row.order_no, fact.events[-1])),
        ),
    )
