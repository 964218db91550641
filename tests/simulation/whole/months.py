"""Finance people close months: one begins, verifies and proposes, another confirms, and it is
sealed.

Each act is the product's own, on a line that may break; whoever does not know what became of it
looks again. In the end every month that is over is sealed, unless money waits for people to give
it back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import asyncpg

from ledger.chain import leaf
from settlement.books.month_report import report_digest
from settlement.books.month_states import MonthAct, MonthState, last_day
from settlement.books.sealing import ByInstitution, Leaves, roots_of
from settlement.clock import local_time
from settlement.finance import month_check, months
from settlement.finance.office import Office, open_office
from settlement.payments.mobile_states import Happening
from settlement.payments.payment_rows import PaymentFact, event_in
from settlement.payments.payment_states import ENDED
from settlement.said import Said
from settlement.storage.closing import numbers_before
from settlement.storage.errors import StorageError
from settlement.who import Who
from tests.kit.closing import CHEN, KEYS, LIN
from tests.simulation.database.closing import SETTLING_CODES
from tests.simulation.whole.laws import demand
from tests.simulation.whole.opening import OPENED

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

_HASH = re.compile(r"[0-9a-f]{12,}")
CLOCKS_APART = timedelta(seconds=5)
"""Those of machines are two seconds wrong at most, either way."""
ACTS_IN_A_ROW = 6
ACTS_AT_THE_END = 40
FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, StorageError)


class Months:
    """The finance departments of both cities."""

    def __init__(self, cities: list[City], rng: Random) -> None:
        self._cities = cities
        self._rng = rng

    async def one(self) -> None:
        """Somebody goes on with the first month that is not sealed."""
        city = self._rng.choice(self._cities)
        for _ in range(self._rng.randint(1, ACTS_IN_A_ROW)):
            if not await self._act(city):
                return

    async def finish(self, check: Callable[[], None]) -> None:
        """Everything that is over is closed, now that nothing fails any more."""
        for city in self._cities:
            for _ in range(ACTS_AT_THE_END):
                if self._next(city) is not None:
                    await self._act(city)
                    check()

    async def _act(self, city: City) -> bool:
        """One act; whether it was done."""
        month = self._next(city)
        if month is None:
            return False
        try:
            office = await self._office(city)
            said = await self._step(office, city, month)
            office.connection.terminate()
        except FAILURES as exc:
            city.tell(f"finance: {type(exc).__name__}")
            return False
        # What is hashed has salts of chance in it, and a story is the same each time.
        city.tell(f"finance {month:%Y-%m}: {_HASH.sub('…', said.text.splitlines()[0])}")
        return said.status == 0

    async def _office(self, city: City) -> Office:
        host = city.operator()
        connection = await city.story.connect(city.story.line_of(host))
        return await open_office(
            connection, "", Path("/nowhere"), keys=KEYS, clock=host.clock,  # type: ignore[arg-type]
        )  # fmt: skip

    async def _step(self, office: Office, city: City, month: date) -> Said:
        """What comes next of a month; the same person may do anything but confirm their own."""
        found = await months.find(office, month)
        who = self._rng.choice((CHEN, LIN))
        match found.now.state:
            case MonthState.OPEN:
                return await months.acting(
                    office, month, MonthAct.BEGIN, lambda f: months.begin(office, f, who)
                )
            case MonthState.CLOSING if found.now.verified is None:
                return await months.acting(
                    office, month, MonthAct.VERIFY, lambda f: _verified(office, city, f, who)
                )
            case MonthState.CLOSING:
                stands = month_check.standing_in_the_way(await month_check.points(office, found))
                act, do = (
                    (MonthAct.PROPOSE, months.propose)
                    if found.now.proposal is None
                    else (MonthAct.CLOSE, months.close)
                )
                return await months.acting(
                    office, month, act, lambda f: do(office, f, who, stands)
                )
            case _:
                return await months.acting(
                    office, month, MonthAct.SEAL, lambda f: months.seal(office, f, who)
                )

    def _next(self, city: City) -> date | None:
        """The first month that is over and not sealed."""
        today = local_time(city.story.clock()).date()
        month = local_time(OPENED).date().replace(day=1)
        while last_day(month) < today:
            if (month, last_day(month)) not in _sealed(city):
                return month
            month = last_day(month) + timedelta(days=1)
        return None

    async def check(self) -> None:
        """Two people closed each month, by a report that is still made to the byte; it is sealed,
        and the seals are its rows."""
        for city in self._cities:
            month = self._next(city)
            waits = any(due.due_at.year > 9_000 for due in city.server.tables.payment_due.values())
            demand("months that are over are sealed", holds=month is None or waits, told=month)
            office = await self._office(city)
            for first, last in sorted(_sealed(city)):
                found = await months.find(office, first)
                closed, proposal = found.now.closed, found.now.proposal
                two = closed is not None and proposal is not None
                two = two and closed.actor != proposal.actor  # type: ignore[union-attr]
                demand("two people close a month", holds=two, told=(first, found.steps))
                again = report_digest(await months.report_of(office, first))
                kept = "" if closed is None else closed.reference
                told = first, found.steps
                demand("a closed month stays as it is", holds=again == kept, told=told)
                if closed is not None:
                    _nothing_was_in_doubt(city, last, closed.at)
                _seals_are_the_rows(city, first, last)


async def _verified(office: Office, city: City, found: months.Found, who: Who) -> Said:
    """As `settlement verify` would find: PostgreSQL is not here, the laws are."""
    bad = city.server.tables.ledger.first_bad()
    if bad is not None or await months.open_days(office, found.place.month):
        return Said(1, "not verified")
    await months.keep_verified(office, found, who, 1)
    return Said(0, "verified")


def _sealed(city: City) -> set[tuple[date, date]]:
    return {
        (first, last) for _, first, last in city.server.tables.seal_lists if first != last
    }


def _nothing_was_in_doubt(city: City, last: date, at: datetime) -> None:
    """What was begun in a month was at its end when it was closed, by whichever clock."""
    tables, at = city.server.tables, at + CLOCKS_APART
    bound = numbers_before(datetime.combine(last + timedelta(days=1), time()))
    for key, row in tables.payments.items():
        events = [event_in(one) for one in tables.payment_events[key] if one.recorded_at <= at]
        if row.pay_no < bound and events:
            state = PaymentFact(row=row, events=events).standing.state
            demand("nothing in doubt in a closed month", holds=state in ENDED, told=(key, state))
    for key, mobile in tables.mobile_events.items():
        kinds = {one.kind for one in mobile if one.recorded_at <= at}
        ended = not kinds or kinds - {Happening.UPLOADED, Happening.HELD}
        holds = key[1] >= bound or bool(ended)
        demand("nothing in doubt in a closed month", holds=holds, told=(key, kinds))


def _seals_are_the_rows(city: City, first: date, last: date) -> None:
    tables = city.server.tables
    leaves: ByInstitution = {}
    for row in tables.settlements.values():
        entry = tables.ledger.booked(row.lane, row.setl_id)
        settles = entry is not None and entry.code in SETTLING_CODES
        if entry is not None and settles and first <= row.business_day <= last:
            leaves.setdefault(row.institution, Leaves()).add([row.setl_id], leaf(entry))
    due = {one.institution: (one.settlements, one.root) for one in roots_of(leaves)}
    kept = {
        code: sealed[:2] for (begins, ends, code), sealed in tables.seals.items()
        if (begins, ends) == (first, last)
    }  # fmt: skip
    demand("sealed months are the rows", holds=kept == due, told=(first, kept, due))
