"""Periods with institutions as they stand, and the next step of some of them.

What every act needs: the steps folded, what is to be paid, whether an act may be done, and the
words where it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import date, timedelta

from msgspec import Struct

from ledger.entry import Transfer
from ledger.money import yuan_text
from settlement.books.payout import (
    ACT_ZH,
    AFTER,
    NONE,
    STATE_ZH,
    Act,
    Adjustment,
    Amounts,
    Period,
    Standing,
    Step,
    carried,
    effect,
    refuses_amount,
    standing,
)
from settlement.books.payout_rules import Cycle, last_of_period
from settlement.chart import EntryCode
from settlement.clock import local_time
from settlement.finance.payout_books import (
    Booking,
    PayoutBooks,
    SomebodyElseError,
    book,
    in_lane,
    step_commitment,
)
from settlement.said import Said
from settlement.storage import payouts as store
from settlement.storage.payouts import Kept, Line
from settlement.who import Who

ONE_DAY = timedelta(days=1)
PERIODS_MAX = 1_000
"""Periods back to which one may be stated again, for whom the ledger differed."""
SHOWN_MAX = 40
"""Refusals of a command about everybody that are shown one by one."""


class Found(Struct, frozen=True, kw_only=True):
    """A period, and what became of it."""

    kept: Kept
    now: Standing

    @property
    def period(self) -> Period:
        """Which."""
        return self.kept.period

    @property
    def institution(self) -> str:
        """Whose."""
        return self.kept.period.institution

    @property
    def owed(self) -> Amounts:
        """What its rows come to."""
        return owed_by(self.kept.lines)

    @property
    def carried(self) -> Amounts:
        """What the period before left to it."""
        return carried(self.kept.before)

    @property
    def due(self) -> Amounts:
        """What is to be paid: rows, the debt of the period before, and booked adjustments."""
        return self.owed + self.carried + effect(self.kept.adjustments)

    @property
    def proposals(self) -> list[Adjustment]:
        """Adjustments that nobody has confirmed or withdrawn."""
        return [one for one in self.kept.adjustments if one.is_open]


class Change(Struct, frozen=True, kw_only=True):
    """The next step of a period, and what it books."""

    found: Found
    amounts: Amounts
    reference: str = ""
    bank_account: int = 0
    transfers: tuple[Transfer, ...] = ()
    code: EntryCode = EntryCode.PAYOUT_ORDERED


class Outcome(Struct, kw_only=True):
    """What a command about many came to."""

    done: int = 0
    amounts: Amounts = NONE
    refused: list[str] = []

    def add(self, amounts: Amounts) -> None:
        """One more."""
        self.done += 1
        self.amounts += amounts

    def said(self, what: str, en: str) -> Said:
        """For whoever gave the command; it failed where anything was refused."""
        lines = [f"{what}{self.done} 家，{amounts_text(self.amounts)} | {en}"]
        lines += [f"  {one}" for one in self.refused[:SHOWN_MAX]]
        left = len(self.refused) - SHOWN_MAX
        if left > 0:
            lines.append(f"  ……另有 {left} 家 | and {left} more")
        return Said(1 if self.refused else 0, "\n".join(lines))


OnLane = Callable[[int, list[Found]], Coroutine[None, None, Said]]


def owed_by(lines: Iterable[Line]) -> Amounts:
    """What lines come to."""
    some = list(lines)
    return Amounts(sum(one.fund_fen for one in some), sum(one.account_fen for one in some))


async def last_on(books: PayoutBooks, first_on: date) -> date | Said:
    """The last day of the period that begins on a day. One that was stated ends where it ended
    then, perhaps when the cycle was another; the first after such ones begins in mid-month."""
    periods = await store.periods(books.connection, PERIODS_MAX)
    stated_last = dict(periods).get(first_on)
    if stated_last is not None:
        return stated_last
    follows = bool(periods) and periods[0][1] + ONE_DAY == first_on
    found = last_of_period(first_on, books.rules.cycle, begins_anywhere=follows)
    if found is not None:
        return found
    return Said(
        1,
        f"{first_on} 不是拨付周期的第一天（{books.rules.cycle.value}）| no period begins on that "
        "day",
    )


def last_known(books: PayoutBooks, first_on: date) -> date:
    """The same of a period that was stated, perhaps when the cycle was another: its steps say."""
    return last_of_period(first_on, books.rules.cycle) or first_on


def period_text(first_on: date, cycle: Cycle) -> str:
    """A period, for a person."""
    is_month = cycle is Cycle.MONTHLY and first_on.day == 1
    return f"{first_on:%Y-%m}" if is_month else f"{first_on:%Y-%m-%d}"


async def load(
    books: PayoutBooks, lane: int, institutions: Sequence[str], first_on: date, last: date
) -> list[Found]:
    """Periods of institutions of one lane as they stand."""
    kept = await store.kept_of(books.connection, lane, institutions, first_on, last)
    return [Found(kept=one, now=standing(one.steps)) for one in kept]


async def stated(
    books: PayoutBooks, first_on: date, institution: str | None
) -> list[tuple[int, list[str]]] | Said:
    """Whom a period was stated for, by lane: one, or all."""
    lanes = (
        range(books.lanes) if institution is None else [books.lane_of(institution)]
    )
    found = []
    for lane in lanes:
        some = await store.institutions_of(books.connection, lane, first_on)
        named = [one for one in some if institution in (None, one)]
        if named:
            found.append((lane, named))
    if found:
        return found
    whom = "" if institution is None else f" {books.name_of(institution)}"
    return Said(
        1,
        f"{period_text(first_on, books.rules.cycle)}{whom} 尚未核定，请先 state | nothing is "
        "stated yet",
    )


async def on_periods(
    books: PayoutBooks, first_on: date, institution: str | None, act: OnLane
) -> Said | None:
    """Do something to the periods of one institution, or of all that were stated, lane by lane in
    transactions of their own. What was refused as a whole is answered."""
    last = last_known(books, first_on)
    found = await stated(books, first_on, institution)
    if isinstance(found, Said):
        return found
    for place, (lane, codes) in enumerate(found, 1):

        async def once(lane: int = lane, codes: list[str] = codes) -> Said:
            return await act(lane, await load(books, lane, codes, first_on, last))

        said = await in_lane(books, lane, once)
        if said.status:
            return said
        books.tell(place, len(found))
    return None


def refused(books: PayoutBooks, found: Found, act: Act) -> str | None:
    """Why a period does not take an act; None where it does."""
    name = f"{period_text(found.period.first_on, books.rules.cycle)} " + books.name_of(
        found.institution
    )
    now = found.now
    if (now.state, act) not in AFTER:
        last = now.last
        by = "" if last is None else f"（{last.actor} 于 {day_of(last)} {ACT_ZH[last.act]}）"
        return (
            f"{name} 现为「{STATE_ZH[now.state]}」{by}，不能{ACT_ZH[act]} | it is "
            f"{now.state.value}: {act.name.lower()} is not possible"
        )
    if not refuses_amount(now, act):
        return None
    total = "0" if now.confirmed is None else yuan_text(now.confirmed.amounts.total_fen)
    if act is Act.CLOSE:
        return f"{name} 应付 {total} 元尚未拨付，不能关闭 | it is not paid yet"
    return f"{name} 应付 {total} 元，无须拨付，可关闭 | nothing is to be paid: close it"


async def apply(
    books: PayoutBooks, lane: int, act: Act, who: Who, changes: Sequence[Change]
) -> list[Step]:
    """Keep the next step of periods of one lane and book what they move, in the caller's
    transaction. SomebodyElseError where the number of one is taken."""
    steps = [
        Step(
            step_no=len(one.found.kept.steps) + 1, act=act, at=books.moment.at,
            booked_on=books.moment.business_day, actor=who.actor, amounts=one.amounts,
            reference=one.reference, reason=who.reason, bank_account=one.bank_account,
            entry_id=books.number(lane) if one.transfers else None,
        )
        for one in changes
    ]  # fmt: skip
    pairs = list(zip(changes, steps, strict=True))
    for one, step in pairs:
        standing([*one.found.kept.steps, step])
    periods = [one.found.period for one in changes]
    if not await store.keep_steps(
        books.connection, lane, list(zip(periods, steps, strict=True))
    ):
        raise SomebodyElseError
    await book(
        books, lane, [one.institution for one in periods],
        [
            Booking(
                entry_id=step.entry_id, code=one.code, transfers=one.transfers,
                commitment=step_commitment(lane, one.found.period, step),
            )
            for one, step in pairs
            if step.entry_id is not None
        ],
    )  # fmt: skip
    return steps


def amounts_text(amounts: Amounts) -> str:
    """A sum, for a person."""
    return (
        f"{yuan_text(amounts.total_fen)} 元（基金 {yuan_text(amounts.fund_fen)}、账户 "
        f"{yuan_text(amounts.account_fen)}）"
    )


def day_of(step: Step) -> str:
    """The local day of a step."""
    return f"{local_time(step.at):%Y-%m-%d}"
