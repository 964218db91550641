"""Opening balances of personal accounts (期初余额), booked as the ledger books everything.

Debit the agency's bank, credit the personal accounts: many people share an entry, as they do when
contributions come in (个人缴费划入), but only people of one lane. Each journal gets its own blocks,
hash-chained, so the verifier recomputes them like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from ledger.fold import fold_guarded
from ledger.postgres.arrays import arguments_of, for_shape
from ledger.postgres.fold import fold_once
from ledger.postgres.schema import SHAPED, installed_shape
from settlement import clock
from settlement.chart import CONTRIBUTIONS_BANK, EntryCode
from settlement.numbers import NumberBlock
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE

LEGS_MAX = 500
"""People in one entry."""
ENTRIES_MAX = 16
"""Entries in one block: no statement takes long."""


class Opening(Struct, frozen=True, kw_only=True, gc=False):
    """What one personal account begins with; its row of `ledger.balance` is there, empty."""

    lane: int
    account: int
    balance_fen: int


async def book_openings(
    connection: PlainConnection, openings: Iterable[Opening], *, at: datetime
) -> None:
    """Book them all, and fold what was booked so that reading balances is cheap from the start."""
    business_day = clock.moment(lambda: at).business_day
    numbers = NumberBlock(await connection.fetchval(REFERENCE["number_block"]))
    journal_of_lane = await reference.lanes(connection)
    shape = await installed_shape(connection)
    by_journal: dict[int, list[Entry]] = defaultdict(list)
    for lane, transfers in _by_lane(openings):
        entry = Entry(
            lane=lane, entry_id=numbers.next(lane, business_day), kind=EntryKind.SINGLE,
            code=EntryCode.ACCOUNT_CONTRIBUTION, transfers=transfers, commitment=NOTHING,
        )  # fmt: skip
        by_journal[journal_of_lane[lane]].append(entry)
    for journal, entries in sorted(by_journal.items()):
        for first in range(0, len(entries), ENTRIES_MAX):
            block = entries[first : first + ENTRIES_MAX]
            arguments = arguments_of(
                journal=journal, business_day=business_day, booked_at=at, entries=block,
                changes=fold_guarded(block, {}),
            )  # fmt: skip
            parameters = for_shape(arguments, shape, block[0].lane)
            await connection.execute(SHAPED[shape]["append_block"], *parameters)
        await fold_once(connection, journal=journal)


def _by_lane(openings: Iterable[Opening]) -> Iterator[tuple[int, tuple[Transfer, ...]]]:
    """The transfers of each entry; empty accounts need none."""
    lanes: dict[int, list[Transfer]] = defaultdict(list)
    for opening in openings:
        if opening.balance_fen:
            leg = Transfer(CONTRIBUTIONS_BANK, opening.account, opening.balance_fen)
            lanes[opening.lane].append(leg)
    for lane, legs in sorted(lanes.items()):
        for first in range(0, len(legs), LEGS_MAX):
            yield lane, tuple(legs[first : first + LEGS_MAX])
