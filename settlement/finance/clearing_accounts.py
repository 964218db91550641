"""Keeping clearing accounts when days are matched, and booking what channels kept (ADR 0045).

What the lanes' rows come to is summed first; then each lane of institutions is one short
transaction: what changed since the last matching becomes a step, and a fee that no difference is
about is booked with it, by a rule. Matched again, the same rows make no step and book nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from settlement.books.channel_fees import AS_BILLED, Bearer, FeeRules, fee_transfers
from settlement.books.channel_matching import Class
from settlement.books.clearing_accounts import Place, Sums
from settlement.chart import EntryCode, channel_accounts
from settlement.finance.books import Books, book_all
from settlement.lanes import lane_of
from settlement.storage import clearing_accounts as store
from settlement.storage import differences, reference
from settlement.storage.bookkeeping import ENTRIES_OF_A_BLOCK_MAX
from settlement.storage.channel_rows import Period
from settlement.storage.clearing_accounts import Standing, Step
from settlement.storage.differences import Filter
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.reference_import import open_accounts
from settlement.storage.sharing import share_out

DISPUTED_MAX = 1_000_000


class Cleared(Struct, kw_only=True):
    """What was kept and booked."""

    steps: int = 0
    fees: int = 0
    """entries"""
    fee_fen: int = 0
    disputed: int = 0
    """accounts whose fees wait until a difference about them is ended"""
    blocks: int = 0
    """appended for the fees"""


Disputed = frozenset[tuple[str, str, str, object]]
"""Institution, channel, merchant and day of fees that a difference under way is about."""


async def keep_accounts(
    books: Books, period: Period, *, beside: Sequence[PlainConnection] = ()
) -> Cleared:
    """Keep the clearing accounts of a period that was just matched, and book fees."""
    cleared = Cleared()
    rules = await _rules(books)
    async with store.keeping(books.connection):
        disputed = await _disputed(books, period)
        by_lane = await _by_lane(books, period, beside)

        async def kept(connection: PlainConnection, lane: int) -> None:
            own = replace(books, connection=connection)
            await _keep(own, lane, by_lane[lane], period, rules, disputed, cleared)

        await share_out(
            [books.connection, *beside], sorted(by_lane), kept, own_blocks=lambda: cleared.blocks
        )
    return cleared


def fee_commitment(lane: int, step: Step) -> bytes:
    """What the entry of a fee commits to; settlement.channel_fee_commitment computes the same."""
    place = step.place
    told = [
        lane, step.entry_id, place.institution, place.channel, place.custody, place.merchant,
        f"{place.day}", step.step_no, step.sums.fee_fen, step.sums.booked_fee_fen, step.borne_by,
        step.rule,
    ]  # fmt: skip
    return sha256(b"\x14" + msgspec.json.encode(told)).digest()


async def _rules(books: Books) -> FeeRules:
    installed = await reference.installation(books.connection)
    policies = await load_policy_set(books.connection)
    profile = None if installed is None else policies.region(installed.region)
    return FeeRules() if profile is None else profile.channel_fees


async def _disputed(books: Books, period: Period) -> Disputed:
    which = Filter(found=Class.FEE.value, until=period.last)
    return frozenset(
        (facts.institution, one.name.channel, facts.merchant, facts.day)
        for one in await differences.listed(books.connection, which, DISPUTED_MAX)
        if (facts := one.last.facts).day >= period.first
    )


async def _by_lane(
    books: Books, period: Period, beside: Sequence[PlainConnection]
) -> dict[int, dict[Place, Sums]]:
    """What the rows of all lanes come to, by the lane that the account lies in."""
    funded = await store.merchants_with_fund_bills(books.connection, period.first, period.last)
    found: dict[Place, Sums] = {}

    async def added(connection: PlainConnection, lane: int) -> None:
        for place, sums in await store.read_lane(connection, lane, period, funded):
            found[place] = found[place] + sums if place in found else sums

    await share_out([books.connection, *beside], sorted(books.journal_of), added)
    lanes: dict[int, dict[Place, Sums]] = defaultdict(dict)
    for lane in books.journal_of:
        lanes[lane] = {}
    for place, sums in found.items():
        lanes[lane_of(place.institution or place.merchant, len(lanes))][place] = sums
    return lanes


async def _keep(
    books: Books, lane: int, found: Mapping[Place, Sums], period: Period, rules: FeeRules,
    disputed: Disputed, cleared: Cleared,
) -> None:  # fmt: skip
    async with books.connection.transaction():
        kept = await store.kept_of_lane(books.connection, lane, period.first, period.last)
        steps: list[Step] = []
        for place in sorted({*found, *kept}):
            standing = kept.get(place, Standing())
            step = _step(
                place, found.get(place, Sums()), standing, rules,
                is_disputed=(place.institution, place.channel, place.merchant, place.day)
                in disputed,
            )
            if step.sums.fee_fen + standing.sums.fee_fen != _booked(step, standing):
                cleared.disputed += 1
            if not step.sums.is_nothing:
                steps.append(step)
        if not steps:
            return
        steps = [
            replace(one, entry_id=books.number(lane)) if one.rule else one for one in steps
        ]
        booked = [one for one in steps if one.rule]
        await _book(books, lane, booked)
        await store.keep_steps(books.connection, lane, steps, books.moment.at)
    cleared.steps += len(steps)
    cleared.fees += len(booked)
    cleared.blocks += -(-len(booked) // ENTRIES_OF_A_BLOCK_MAX)
    cleared.fee_fen += sum(one.sums.booked_fee_fen for one in steps)


def _booked(step: Step, standing: Standing) -> int:
    return step.sums.booked_fee_fen + standing.sums.booked_fee_fen


def _step(
    place: Place, found: Sums, standing: Standing, rules: FeeRules, *, is_disputed: bool
) -> Step:
    """What changed of an account; its fee is booked by the rule, where nobody disputes it. Whoever
    bears what was booked of it once bears the rest."""
    kept = standing.sums
    booked_fen = kept.booked_fee_fen if is_disputed else found.fee_fen
    sums = replace(found, booked_fee_fen=booked_fen) - kept
    if not sums.booked_fee_fen:
        return Step(place=place, step_no=standing.step_no + 1, sums=sums)
    return Step(
        place=place, step_no=standing.step_no + 1, sums=sums, rule=AS_BILLED,
        borne_by=standing.borne_by or rules.bearer(place.custody),
        is_first=not standing.borne_by,
    )  # fmt: skip


async def _book(books: Books, lane: int, steps: list[Step]) -> None:
    """One entry a fee, all of a lane in one block."""
    if not steps:
        return
    accounts = {
        account.number: account
        for code in sorted({one.place.institution for one in steps})
        if (known := books.institutions.get(code)) is not None
        for account in channel_accounts(code, known.name, known.account_base)
    }
    await open_accounts(books.connection, accounts.values())
    await book_all(
        books, lane,
        [
            Entry(
                lane=lane, entry_id=one.entry_id or 0, kind=EntryKind.SINGLE, code=_code(one),
                transfers=fee_transfers(
                    base=books.base_of(one.place.institution), custody=one.place.custody,
                    channel=one.place.channel, borne_by=Bearer(one.borne_by),
                    fee_fen=one.sums.booked_fee_fen,
                ),
                commitment=fee_commitment(lane, one),
            )
            for one in steps
        ],
    )  # fmt: skip


def _code(step: Step) -> EntryCode:
    return EntryCode.CHANNEL_FEE if step.is_first else EntryCode.CHANNEL_FEE_CORRECTED
