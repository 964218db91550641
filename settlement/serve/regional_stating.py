"""Stating a month with other regions: what we claim, and what the other side claims from us.

Our claims are rows of settlements that are in no month yet, up to the end of the month; so what
was left out, or taken back later, comes with the next month, and no stated month changes. Rows of
cities of our province wait until their institution has confirmed them (3261).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path

import msgspec

from protocol.hub.clearing import ClearingRow, ClearingStatement
from settlement.books.clearing import is_over, last_day
from settlement.elsewhere.regional_clearing import Act, Period, Side, month_after, party_of
from settlement.elsewhere.regional_matching import Key
from settlement.elsewhere.regional_netting import NOTHING
from settlement.elsewhere.regional_statements import make_statement, month_text
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_periods import (
    Found,
    acting,
    find,
    keep,
    name_of,
    refused,
    sums_of_legs,
    text_of,
)
from settlement.storage import regional_clearing as store
from settlement.storage.regional_clearing import Candidate, Leg, Place, Stated
from settlement.who import Who

ConfirmedRows = frozenset[int]


async def state(
    books: RegionalBooks, month: date, party: str | None, who: Who, out: Path | None
) -> Said:
    """State what other regions owe us for a month: one party, or all of which there are rows."""
    if not is_over(month, books.moment.local):
        return Said(
            1,
            f"{month_text(month)} 尚未结束（月末后十分钟起可申报）| the month is not over: it can "
            "be stated ten minutes after its end",
        )
    known = await store.regions_here(books.connection, month_after(month))
    regions = {region for region, _ in known if not _is_same_city(books, region)}
    parties = sorted({party_of(region, books.region) for region in regions})
    if party is not None and party not in parties:
        return Said(1, f"没有 {books.name_of(party)} 的参保人在本地结算 | no rows of that party")
    confirmed = await store.confirmed_rows(books.connection, last_day(month))
    chosen, said = parties if party is None else [party], []
    for done, one in enumerate(chosen, 1):
        period = Period(party=one, month=month, side=Side.TREATMENT)
        said.append(await _state_one(books, period, who, confirmed, regions, out))
        books.tell(done, len(chosen))
    if not said:
        return Said(0, f"{month_text(month)} 没有异地参保人的结算 | nothing to state")
    return Said(max(one.status for one in said), "\n".join(one.text for one in said))


async def write_statement(books: RegionalBooks, found: Found, out: Path) -> Path:
    """The file for the other side, of a stated period of treatment."""
    statement = await statement_of(books, found)
    return written(out, statement.statement_no, statement)


async def statement_of(books: RegionalBooks, found: Found) -> ClearingStatement:
    """Our statement of a stated period of treatment: the same to the byte whenever it is made."""
    rows = [_wire_row(leg) async for leg in store.legs_of(books.connection, found.place)]
    return make_statement(
        rows, statement_no=found.statement_no, month=found.period.month, creditor=books.region,
        debtor=found.period.party, stated_at=found.steps[0].at,
    )  # fmt: skip


def content_of(paper: msgspec.Struct) -> bytes:
    """A paper's bytes, alike in a file and over the wire: by them it is known."""
    return msgspec.json.format(msgspec.json.encode(paper), indent=1)


def written(out: Path, name: str, content: msgspec.Struct) -> Path:
    """A file of JSON in a folder that is there afterwards."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.json"
    path.write_bytes(content_of(content))
    return path


def statement_no_of(books: RegionalBooks, period: Period) -> str:
    """The number of our statement of a period."""
    return f"{books.region}-{period.party}-{period.month:%Y%m}"


async def _state_one(
    books: RegionalBooks, period: Period, who: Who, confirmed: ConfirmedRows, regions: set[str],
    out: Path | None,
) -> Said:  # fmt: skip
    unknown = sorted(
        region for region in regions
        if party_of(region, books.region) == period.party and region not in books.counterparts
    )  # fmt: skip
    if unknown:
        return Said(
            1,
            f"{books.name_of(period.party)}：{'、'.join(unknown)} 未登记为对方统筹区，未申报 | no "
            "counterpart of that code: import it first; nothing was stated",
        )

    async def act() -> Said:
        return await _stated(books, period, who, confirmed)

    said = await acting(books, period.party, act)
    if said.status or out is None:
        return said
    found = await find(books, period)
    if not found.steps:
        return said
    return Said(0, f"{said.text}\n  {await write_statement(books, found, out)}")


async def _stated(
    books: RegionalBooks, period: Period, who: Who, confirmed: ConfirmedRows
) -> Said:
    found = await find(books, period)
    name = name_of(books, found)
    if found.steps:
        first = found.steps[0]
        return Said(
            0,
            f"{name} 已由 {first.actor} 申报：{first.legs} 笔 {first.reference}，未再改动 | stated "
            "already; nothing was changed",
        )
    no = refused(books, found, Act.STATE)
    if no is not None:
        return no
    in_province = period.party[:2] == books.region[:2]
    asks = in_province and books.rules.institutions_confirm
    sums, waiting = NOTHING, 0
    async for legs, not_yet in _unstated(books, found.place, confirmed if asks else None):
        waiting += not_yet
        sums += sums_of_legs(legs)
        if legs:
            await store.keep_legs(books.connection, found.place, legs)
    hint = f"；另有 {waiting} 笔待机构确认（3261），留待下期" if waiting else ""
    if not sums.legs:
        return Said(0, f"{name} 没有可申报的明细{hint} | nothing to claim")
    number = statement_no_of(books, period)
    await keep(books, found, Act.STATE, who, sums, reference=number)
    if not books.keeps:
        return Said(0, f"{name} 可申报 {text_of(sums)}{hint} | can be stated")
    return Said(0, f"{name} 已申报 {text_of(sums)}，清算表 {number}{hint} | stated")


async def _unstated(
    books: RegionalBooks, place: Place, confirmed: ConfirmedRows | None
) -> AsyncIterator[tuple[list[Leg], int]]:
    """Rows that are in no month yet, a bundle at a time, and how many wait for institutions."""
    period = place.period
    before = month_after(period.month)
    bundles = store.candidates(
        books.connection, before=before, beginning=store.beginning_of(period.party)
    )
    async for bundle in bundles:
        rows = [one for one in bundle if not _is_same_city(books, one.leg.region)]
        known = await store.stated_among(
            books.connection, place, [one.leg.case_no for one in rows]
        )
        due = [one for one in rows if is_due(one, known)]
        ready = [
            one.leg for one in due
            if confirmed is None or one.reverses or one.leg.setl_id in confirmed
        ]  # fmt: skip
        yield ready, len(due) - len(ready)


def is_due(one: Candidate, known: Mapping[Key, Stated]) -> bool:
    """Whether a row belongs to the next month that is stated. What was reversed before anybody
    claimed it never existed (DOMAIN 9): neither row is claimed."""
    earlier = known.get(one.leg.key)
    if earlier is not None:
        return not earlier.taken
    if one.reverses:
        return (one.leg.case_no, False) in known
    return not one.reversed


def _is_same_city(books: RegionalBooks, region: str) -> bool:
    return region[:4] == books.region[:4]


def _wire_row(leg: Leg) -> ClearingRow:
    return ClearingRow(
        case_no=leg.case_no, reversal=leg.reversal, insured_region=leg.region,
        institution=leg.institution, clearing_type=leg.clearing_type, scheme=leg.scheme,
        settled_on=leg.settled_on, total_fen=leg.total_fen, fund_fen=leg.fund_fen,
        account_fen=leg.account_fen,
    )  # fmt: skip
