"""异地清算: a month with other regions at a glance, what is due when, prepayments and their alarms;
one period with its steps and sums, down to its rows. To look at: `settlement clear` acts.
"""

from __future__ import annotations

from datetime import date

from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
from settlement.console.close_pages import BUSY
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.regional_clearing import Period, Side
from settlement.regional_netting import regrouped, together
from settlement.regional_rules import RegionalRules
from settlement.serve.regional_books import RegionalBooks, books_to_read
from settlement.serve.regional_paying import left_text
from settlement.serve.regional_periods import Found, find
from settlement.serve.regional_prepaid import prepaid_parties, standing_of
from settlement.storage import regional_clearing as store
from settlement.storage.lease import PlainConnection
from settlement.working_days import dates_of

TITLE = Words("异地清算", "Clearing with other regions")
NOTHING = Words("本月与该方没有已申报的清算。", "Nothing is stated with that party for that month.")
NO_MONTH = Words("月份不正确，应为 2026-11", "Not a month: write 2026-11")
MARKED_MAX = 200
GROUPS_MAX = 100
TEXT_MAX = 64
SIDES = {"receivable": Side.TREATMENT, "payable": Side.INSURANCE}
NAMES = {side: name for name, side in SIDES.items()}
_PLACES = ("region", "institution", "clearing_type", "scheme")


async def overview(visit: Visit) -> Answer:
    """A month; without one, the month before this one, which is cleared now."""
    today = local_time(visit.at).date()
    asked = visit.asked.query.get("month", "")
    month = _month(asked) if asked else _before(today.replace(day=1))
    if month is None:
        visit, month = visit.again(NO_MONTH), _before(today.replace(day=1))
    async with visit.desk.summing() as connection:
        books = await _books(visit, connection)
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
        prepayments=prepayments, party_names=_names(books),
    )  # fmt: skip


async def period(visit: Visit) -> Answer:
    """One period: steps, sums by what they are grouped by, what is disputed or postponed."""
    async with visit.desk.summing() as connection:
        books = await _books(visit, connection)
        found = await _found(visit, books)
        if found is None:
            return visit.page("message.html", NOTHING, status=404, words=NOTHING)
        sums = await store.groups_of(connection, found.place)
        marked = await store.marked_legs(connection, found.place, limit=MARKED_MAX)
        left = await left_text(books, found.period)
    groups = {
        name: sorted(regrouped((key[place], one) for key, one in sums.items()).items(),
                     key=lambda one: -abs(one[1].owed_fen))
        for place, name in enumerate(_PLACES)
    }  # fmt: skip
    return visit.page(
        "region_period.html", TITLE, month=visit.parts[0], found=found, side=visit.parts[2],
        whole=together(sums.values()), groups=groups, groups_max=GROUPS_MAX, marked=marked,
        marked_max=MARKED_MAX, left=left, party_names=_names(books),
        institutions=await visit.desk.institution_names(),
    )  # fmt: skip


async def legs(visit: Visit) -> Answer:
    """The rows of a period, or of one institution in it, as a file."""
    async with visit.desk.reading() as connection:
        found = await _found(visit, await _books(visit, connection))
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


async def _books(visit: Visit, connection: PlainConnection) -> RegionalBooks:
    profile = (await visit.desk.policies()).region(visit.desk.region)
    rules = RegionalRules() if profile is None else profile.regional
    return await books_to_read(connection, clock=lambda: visit.at, rules=rules)


async def _found(visit: Visit, books: RegionalBooks) -> Found | None:
    month, party, side = visit.parts
    found = await find(
        books,
        Period(party=party, month=date.fromisoformat(f"{month}-01"), side=SIDES[side]),
    )
    return found if found.steps else None


def _names(books: RegionalBooks) -> dict[str, str]:
    return {code: one.name for code, one in books.counterparts.items()}


def _month(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _before(first: date) -> date:
    return first.replace(year=first.year - 1, month=12) if first.month == 1 else first.replace(
        month=first.month - 1
    )
