"""异地清算: a month with other regions at a glance, what is due when, prepayments and their alarms;
one period with its steps, sums and rows, what may be done now and what that comes to.

To look at; what a form here orders is in regional_act_pages.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct

from settlement.chart import CLEARING_BANK, agency_accounts, region_accounts
from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
from settlement.console.close_pages import BUSY
from settlement.console.ordering import resumed
from settlement.console.payout_pages import paper
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.regional_clearing import (
    SIDES,
    Act,
    Mark,
    Period,
    Side,
    State,
    allows,
    party_of,
)
from settlement.elsewhere.regional_netting import Sums, regrouped, together
from settlement.elsewhere.regional_rules import RegionalRules, Settling
from settlement.finance.paper_job import RegionPapers
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks, books_to_read
from settlement.serve.regional_paying import BOOKED_BY, due_of, transfers
from settlement.serve.regional_paying import left as left_with
from settlement.serve.regional_periods import Found, find
from settlement.serve.regional_prepaid import prepaid_parties, standing_of
from settlement.storage import regional_clearing as store
from settlement.storage import regional_reading
from settlement.storage.lease import PlainConnection
from settlement.storage.regional_clearing import Leg
from settlement.who import Who
from settlement.working_days import dates_of

TITLE = Words("异地清算", "Clearing with other regions")
NOTHING = Words("本月与该方没有已申报的清算。", "Nothing is stated with that party for that month.")
NO_MONTH = Words("月份不正确，应为 2026-11", "Not a month: write 2026-11")
MARKED_MAX = 200
GROUPS_MAX = 100
ROWS_MAX = 30
"""Rows with a box: a form has few fields."""
PAPERS_MAX = 20
TEXT_MAX = 64
NAMES = {side: name for name, side in SIDES.items()}
_PLACES = ("region", "institution", "clearing_type", "scheme")
_MARKABLE = frozenset({Act.OBJECT, Act.WITHDRAW, Act.POSTPONE})


class Move(Struct, frozen=True, kw_only=True):
    """What an entry would move, in the ledger's words."""

    debit: str
    credit: str
    fen: int


class Due(Struct, frozen=True, kw_only=True):
    """What a notice must be about, or why that cannot be said."""

    fen: int = 0
    no: str = ""
    is_noticed: bool = True
    """the notice that is kept is about that"""


async def overview(visit: Visit) -> Answer:
    """A month; without one, the month before this one, which is cleared now."""
    visit = resumed(visit)
    today = local_time(visit.at).date()
    asked = visit.asked.query.get("month") or visit.typed.get("month", "")
    month = month_of(asked) if asked else _before(today.replace(day=1))
    if month is None:
        visit, month = visit.again(NO_MONTH), _before(today.replace(day=1))
    async with visit.desk.summing() as connection:
        books = await books_of(visit, connection)
        listed = await store.periods_of(connection, month)
        rows = [
            (one, await find(books, Period(party=one.party, month=month, side=one.side)))
            for one in listed
        ]
        prepayments = [
            (party, side, *await standing_of(books, party, side))
            for party, side in await prepaid_parties(books)
        ]
    return visit.page(
        "regions.html", TITLE, month=f"{month:%Y-%m}", today=today, rows=rows, names=NAMES,
        dates=dates_of(month, books.rules.timetable, books.rules.calendar),
        prepayments=prepayments, party_names=names_of(books), parties=_parties(books),
        work=visit.desk.works.in_the_way(f"regions {month:%Y-%m}"),
    )  # fmt: skip


async def period(visit: Visit) -> Answer:
    """One period: steps, sums by what they are grouped by, rows, and what may be done now."""
    visit = resumed(visit)
    text = visit.asked.query.get("text", "").strip()[:TEXT_MAX]
    async with visit.desk.summing() as connection:
        books = await books_of(visit, connection)
        found = await found_of(visit, books)
        if found is None:
            return visit.page("message.html", NOTHING, status=404, words=NOTHING)
        sums = await store.groups_of(connection, found.place)
        marked = await store.marked_legs(connection, found.place, limit=MARKED_MAX)
        rows = await regional_reading.legs_found(
            connection, found.place, text, limit=ROWS_MAX + 1
        )
        if not text:
            rows = _disputed_first(marked, rows)
        numbers = [step.reference for step in found.steps if step.act in (Act.STATE, Act.JOIN)]
        papers = await regional_reading.papers_of(connection, numbers, limit=PAPERS_MAX)
        left = await left_with(books, found.period)
        due = await _due(books, found)
    groups = {
        name: sorted(regrouped((key[place], one) for key, one in sums.items()).items(),
                     key=lambda one: -abs(one[1].owed_fen))
        for place, name in enumerate(_PLACES)
    }  # fmt: skip
    now, side = found.now, found.period.side
    proposal = now.proposal if now.state is State.NOTIFIED else None
    return visit.page(
        "region_period.html", TITLE, month=visit.parts[0], found=found, side=visit.parts[2],
        whole=together(sums.values()), groups=groups, groups_max=GROUPS_MAX, marked=marked,
        marked_max=MARKED_MAX, left=left, party_names=names_of(books), rows=rows[:ROWS_MAX],
        more=len(rows) > ROWS_MAX, text=text, papers=papers, due=due, proposal=proposal,
        may={one.name.lower(): allows(now.state, side, one) for one in Act},
        may_book=allows(now.state, side, BOOKED_BY[side]),
        may_mark=any(allows(now.state, side, one) for one in _MARKABLE),
        is_proposer=Who(actor=visit.who.name, reason="").is_also(
            "" if proposal is None else proposal.actor
        ),
        moves=_moves(books, side, dict(groups["region"])) if now.state is State.NOTIFIED else [],
        nets=books.rules.settling is Settling.NET,
        institutions=await visit.desk.institution_names(),
    )  # fmt: skip


async def legs(visit: Visit) -> Answer:
    """The rows of a period, or of one institution in it, as a file."""
    async with visit.desk.reading() as connection:
        found = await found_of(visit, await books_of(visit, connection))
    if found is None:
        return visit.page("message.html", NOTHING, status=404, words=NOTHING)
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    month, party, side = visit.parts
    institution = visit.asked.query.get("institution", "").strip()[:TEXT_MAX]
    subject = f"region {party} {side} {month}"
    await visit.note("console.download-region-legs", subject, institution)
    return Answer(
        media="text/csv; charset=utf-8",
        stream=visit.desk.region_legs(found.place, institution or None),
        headers=(attachment(f"regions-{party}-{side}-{month}.csv"),),
    )


async def papers_to_carry(visit: Visit) -> Answer:
    """Our statement of a period, or our answers to theirs, as a file to be carried."""
    async with visit.desk.reading() as connection:
        found = await found_of(visit, await books_of(visit, connection))
    if found is None:
        return visit.page("message.html", NOTHING, status=404, words=NOTHING)
    month, party, side = visit.parts
    name = f"{found.statement_no}.json" if found.period.side is Side.TREATMENT else (
        f"answers-{party}-{found.period.month:%Y%m}-{len(found.steps)}.zip"
    )  # fmt: skip
    media = "application/json" if found.period.side is Side.TREATMENT else "application/zip"
    asked = RegionPapers(party=party, month=found.period.month, side=found.period.side)
    return await paper(
        visit, asked, name, media, f"region {party} {side} {month}",
        action="console.download-region-paper",
    )  # fmt: skip


async def books_of(visit: Visit, connection: PlainConnection) -> RegionalBooks:
    """The books, to read in."""
    profile = (await visit.desk.policies()).region(visit.desk.region)
    rules = RegionalRules() if profile is None else profile.regional
    return await books_to_read(connection, clock=lambda: visit.at, rules=rules)


async def found_of(visit: Visit, books: RegionalBooks) -> Found | None:
    """The period that the address names, where it was stated."""
    month, party, side = visit.parts
    found = await find(
        books,
        Period(party=party, month=date.fromisoformat(f"{month}-01"), side=SIDES[side]),
    )
    return found if found.steps else None


def names_of(books: RegionalBooks) -> dict[str, str]:
    """What other regions are called."""
    return {code: one.name for code, one in books.counterparts.items()}


def month_of(text: str) -> date | None:
    """The first day of a month, as 2026-11."""
    try:
        return date.fromisoformat(f"{text.strip()}-01")
    except ValueError:
        return None


def moves_of(
    moved: list[tuple[int, int, int]], counterparts: Mapping[str, Counterpart]
) -> list[Move]:
    """Debit, credit and fen, with the names of the accounts."""
    own = [one for one in agency_accounts() if one.number == CLEARING_BANK]
    others = [
        account
        for one in counterparts.values()
        for account in region_accounts(one.region, one.name, one.account_base)
    ]
    names = {one.number: one.name for one in (*own, *others)}
    return [
        Move(debit=names.get(debit, str(debit)), credit=names.get(credit, str(credit)), fen=fen)
        for debit, credit, fen in moved
    ]


def _moves(books: RegionalBooks, side: Side, stands: Mapping[str, Sums]) -> list[Move]:
    """What the payment of a period books, region by region."""
    known = {region: one for region, one in stands.items() if region in books.counterparts}
    moved = transfers(side, known, books.counterparts)
    return moves_of(
        [(one.debit, one.credit, one.amount_fen) for one in moved], books.counterparts
    )


def _disputed_first(marked: Sequence[Leg], rows: Sequence[Leg]) -> list[Leg]:
    """What somebody has to decide on, then the others."""
    disputed = [one for one in marked if one.mark is Mark.OBJECTED]
    known = {one.key for one in disputed}
    return [*disputed, *(one for one in rows if one.key not in known)]


async def _due(books: RegionalBooks, found: Found) -> Due:
    if found.now.state not in (State.CONFIRMED, State.NOTIFIED):
        return Due()
    due, notice = await due_of(books, found), found.now.notice
    if isinstance(due, Said):
        return Due(no=due.text, is_noticed=False)
    return Due(fen=due, is_noticed=notice is not None and notice.amount_fen == due)


def _parties(books: RegionalBooks) -> list[str]:
    """Whom something may be stated for: provinces of others, and cities of our own."""
    return sorted({party_of(region, books.region) for region in books.counterparts})


def _before(first: date) -> date:
    return first.replace(year=first.year - 1, month=12) if first.month == 1 else first.replace(
        month=first.month - 1
    )
