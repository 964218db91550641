"""A period of clearing between regions as it stands, and the next step of it.

What every act needs: the steps folded, what the rows come to, whether the act may be done, and the
words where it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import date

from msgspec import Struct

from ledger.money import yuan_text
from settlement.clock import local_time
from settlement.elsewhere.regional_clearing import (
    STATE_ZH,
    Act,
    Mark,
    Period,
    Side,
    Standing,
    State,
    Step,
    allows,
    standing,
)
from settlement.elsewhere.regional_netting import NOTHING, Sums, regrouped, tally
from settlement.elsewhere.regional_statements import month_text
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks, lock_party
from settlement.storage import regional_clearing as store
from settlement.storage.lease import PlainConnection
from settlement.storage.regional_clearing import Leg, Place
from settlement.who import Who

ACT_ZH = {
    Act.STATE: "申报", Act.OBJECT: "提出异议", Act.ANSWER: "处理部分异议", Act.POSTPONE: "延期",
    Act.WITHDRAW: "撤回异议", Act.CONFIRM: "确认", Act.NOTIFY: "登记通知", Act.PROPOSE: "提出收付",
    Act.PAY: "付款入账", Act.RECEIVE: "收款入账", Act.CLOSE: "关闭", Act.JOIN: "补收清算表",
}  # fmt: skip


class Found(Struct, frozen=True, kw_only=True):
    """A period, and what became of it."""

    place: Place
    steps: list[Step]
    now: Standing

    @property
    def period(self) -> Period:
        """Which."""
        return self.place.period

    @property
    def confirmed_fen(self) -> int | None:
        """What it was confirmed for; None before that."""
        amounts = [step.amount_fen for step in self.steps if step.act is Act.CONFIRM]
        return amounts[-1] if amounts else None

    @property
    def statement_no(self) -> str:
        """The number of its statement; empty before it."""
        return self.steps[0].reference if self.steps else ""


class PeriodSums(Struct, frozen=True, kw_only=True):
    """What its rows come to."""

    stands: dict[str, Sums]
    """what was not postponed, by region"""
    disputed: Sums
    postponed: Sums

    @property
    def standing(self) -> Sums:
        """What was not postponed."""
        return sum(self.stands.values(), start=NOTHING)


SOMEBODY_ELSE = Said(
    1, "别人刚处理过这一期，请重新查看 | somebody else has just acted: look again"
)


class SomebodyElseError(Exception):
    """Somebody else acted on the period meanwhile; the transaction is taken back."""


async def find(books: RegionalBooks, period: Period) -> Found:
    """A period as it stands."""
    place = books.place(period)
    steps = await store.steps_of(books.connection, place)
    return Found(place=place, steps=steps, now=standing(steps))


async def sides_of(books: RegionalBooks, party: str, month: date) -> list[Found]:
    """The sides of a month with a party that were stated."""
    found = [
        await find(books, Period(party=party, month=month, side=side)) for side in Side
    ]
    return [one for one in found if one.steps]


async def the_period(
    books: RegionalBooks, party: str, month: date, side: Side | None
) -> Found | Said:
    """The side that is named, or the only one that there is."""
    found = await sides_of(books, party, month)
    if side is not None:
        found = [one for one in found if one.period.side is side]
    if len(found) == 1:
        return found[0]
    name = f"{month_text(month)} {books.name_of(party)}"
    if found:
        return Said(
            1,
            f"{name} 应收、应付两边都已申报，请用 --side 指明 | both sides are stated: say --side "
            "receivable or --side payable",
        )
    side_zh = "" if side is None else side.zh
    return Said(1, f"{name} {side_zh}尚未申报 | nothing is stated for that month")


async def sums_of(connection: PlainConnection, place: Place) -> PeriodSums:
    """What the rows of a period come to, by what stands of them."""
    legs = [leg async for leg in store.legs_of(connection, place)]
    sums = tally(
        ((leg.region, leg.mark), leg.total_fen, leg.fund_fen, leg.account_fen) for leg in legs
    )
    return PeriodSums(
        stands=regrouped(
            (region, one) for (region, mark), one in sums.items() if mark is not Mark.POSTPONED
        ),
        disputed=_of(sums, Mark.OBJECTED),
        postponed=_of(sums, Mark.POSTPONED),
    )


def refused(books: RegionalBooks, found: Found, act: Act) -> Said | None:
    """Why a period does not take an act; None where it does."""
    side = found.period.side
    if allows(found.now.state, side, act):
        return None
    name = f"{month_text(found.period.month)} {books.name_of(found.period.party)} {side.zh}"
    last = found.now.last
    by = "" if last is None else f"（{last.actor} 于 {day_of(last)} {ACT_ZH[last.act]}）"
    first = "；请先撤回异议或延期" if found.now.state is State.OBJECTED else ""
    return Said(
        1,
        f"{name} 现为「{STATE_ZH[found.now.state]}」{by}，不能{ACT_ZH[act]}{first} | it is "
        f"{found.now.state.value}: {act.name.lower()} is not possible",
    )


async def keep(
    books: RegionalBooks, found: Found, act: Act, who: Who, sums: Sums, *, reference: str = "",
    amount_fen: int | None = None, entry_id: int | None = None,
) -> Found:  # fmt: skip
    """Keep the next step, in the caller's transaction. SomebodyElseError where its number is
    taken."""
    step = Step(
        step_no=len(found.steps) + 1, act=act, at=books.moment.at, actor=who.actor,
        reference=reference, reason=who.reason, legs=sums.legs, entry_id=entry_id,
        amount_fen=sums.owed_fen if amount_fen is None else amount_fen,
    )  # fmt: skip
    after = standing([*found.steps, step])
    if not await store.keep_step(books.connection, found.place, step):
        raise SomebodyElseError
    return Found(place=found.place, steps=[*found.steps, step], now=after)


async def acting(
    books: RegionalBooks, party: str, act: Callable[[], Coroutine[None, None, Said]]
) -> Said:
    """One act on periods of a party: all of it or nothing, and nobody else meanwhile. Nothing is
    kept where it was refused, or where the books are for a trial."""
    kept = books.connection.transaction()
    await kept.start()
    try:
        await lock_party(books, books.lane_of(party))
        said = await act()
    except SomebodyElseError:
        await kept.rollback()
        return SOMEBODY_ELSE
    except BaseException:
        await kept.rollback()
        raise
    if said.status or not books.keeps:
        await kept.rollback()
    else:
        await kept.commit()
    return said


def text_of(sums: Sums) -> str:
    """Rows and what is owed, for a person."""
    return (
        f"{sums.legs} 笔 {yuan_text(sums.owed_fen)} 元（基金 {yuan_text(sums.fund_fen)}、账户 "
        f"{yuan_text(sums.account_fen)}）"
    )


def sums_of_legs(legs: list[Leg]) -> Sums:
    """What some rows come to."""
    found = tally((None, leg.total_fen, leg.fund_fen, leg.account_fen) for leg in legs)
    return found.get(None, NOTHING)


def name_of(books: RegionalBooks, found: Found) -> str:
    """A period, for a person."""
    period = found.period
    return f"{month_text(period.month)} {books.name_of(period.party)} {period.side.zh}"


def is_settled(found: Found) -> bool:
    """Whether its money has moved."""
    return found.now.state in (State.PAID, State.RECEIVED, State.CLOSED)


def _of(sums: dict[tuple[str, Mark | None], Sums], wanted: Mark) -> Sums:
    return sum((one for (_, mark), one in sums.items() if mark is wanted), start=NOTHING)


def day_of(step: Step) -> str:
    """The local day of a step."""
    return f"{local_time(step.at):%Y-%m-%d}"
