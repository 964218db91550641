"""Finance people take a channel's bills, match days with them, and correct what differs.

Each act is the product's own (settlement/finance/bill_import.py, matching.py, differences.py), on a
line that may break; whoever does not know what became of it looks again. The channel writes its
bills of what moved there, and now and then a wrong one, for which the right one comes later. So in
the end everybody's rows agree, and every correction that was made for a wrong bill is undone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from protocol.wechat.bills import TRADE_COLUMNS, trade_summary, write_bill
from protocol.wechat.yuan import yuan_text
from settlement.books.bill import BillError
from settlement.books.difference_corrections import allowed
from settlement.books.difference_states import Act, Correction, State
from settlement.channels.config import NamedMerchant
from settlement.channels.registry import NO_TILLS
from settlement.clock import local_time
from settlement.finance import bill_books, books, differences, matching
from settlement.finance.bill_import import Order, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.finance.books import correction_commitment
from settlement.payments.payment import ChannelName
from settlement.said import Said
from settlement.storage.differences import _name, _step, steps_of
from tests.kit.closing import CHEN, LIN
from tests.kit.till import MERCHANT
from tests.simulation.channel import Moved
from tests.simulation.whole.laws import demand
from tests.simulation.whole.months import CLOCKS_APART, FAILURES

if TYPE_CHECKING:
    from settlement.who import Who
    from tests.simulation.database.driver import Connection
    from tests.simulation.whole.city import City
    from tests.simulation.whole.hosts import Gateway

ACTS_IN_A_ROW = 4
ACTS_AT_THE_END = 60
WRONG = 0.4
"""How often the first bill of a day is not what moved."""
CHANNEL = ChannelName.WECHAT
DAY = timedelta(days=1)


class Wrong(Enum):
    """What is wrong with a bill."""

    LEFT_OUT = "a row is left out"
    CHANGED = "an amount is another one"
    FOREIGN = "a row is somebody else's"
    TWICE = "a row is there twice"


class Bills:
    """The people of both cities who match, each with the channel's bills."""

    def __init__(self, cities: list[City], rng: Random) -> None:
        self._cities = cities
        self._rng = rng
        self._first = {city.code: local_time(city.story.clock()).date() for city in cities}
        self._right: dict[tuple[str, date], bool] = {}
        """of which days a bill was written, and whether it is right"""

    async def one(self) -> None:
        """Somebody goes on."""
        city = self._rng.choice(self._cities)
        for _ in range(self._rng.randint(1, ACTS_IN_A_ROW)):
            act = self._rng.choice((self._take, self._match, self._correct, self._correct))
            if not await self._tried(city, act):
                return

    async def finish(self, check: Callable[[], None]) -> None:
        """Bills come, wrong ones among them, and are worked on; then the right ones, and in the end
        nothing is left to be done."""
        for city in self._cities:
            for day in self._days(city):
                if (city.code, day) not in self._right:
                    await self._tried(city, self._first_of(day))
            await self._work_off(city, check)
            for day in self._days(city):
                while not self._right.get((city.code, day)):
                    await self._tried(city, self._right_of(day))
                    check()
            await self._work_off(city, check)

    async def _work_off(self, city: City, check: Callable[[], None]) -> None:
        """Match, and correct what differs."""
        await self._tried(city, self._match)
        for _ in range(ACTS_AT_THE_END):
            if not _under_way(city):
                return
            await self._tried(city, self._correct)
            check()

    async def _tried(
        self, city: City, act: Callable[[City, Connection, Gateway], Any]
    ) -> bool:
        """One act; whether it was done."""
        host = city.operator()
        try:
            connection = await city.story.connect(city.story.line_of(host))
            said: Said = await act(city, connection, host)
            connection.terminate()
        except FAILURES as exc:
            city.tell(f"bills: {type(exc).__name__}")
            return False
        city.tell(f"bills: {said.text}")
        return said.status == 0

    # Bills.

    def _right_of(self, day: date) -> Callable[[City, Connection, Gateway], Any]:
        async def act(city: City, connection: Connection, host: Gateway) -> Said:
            return await self._taken(city, connection, host, day, wrong=None)

        return act

    def _first_of(self, day: date) -> Callable[[City, Connection, Gateway], Any]:
        async def act(city: City, connection: Connection, host: Gateway) -> Said:
            wrong = self._rng.choice(list(Wrong)) if self._rng.random() < WRONG else None
            return await self._taken(city, connection, host, day, wrong=wrong)

        return act

    async def _take(self, city: City, connection: Connection, host: Gateway) -> Said:
        """The bill of a day that has none, or the right one for a wrong one."""
        days = [day for day in self._days(city) if not self._right.get((city.code, day))]
        if not days:
            return Said(1, "no bill is missing")
        day = self._rng.choice(days)
        which = self._right_of if (city.code, day) in self._right else self._first_of
        said: Said = await which(day)(city, connection, host)
        return said

    async def _taken(
        self, city: City, connection: Connection, host: Gateway, day: date, *, wrong: Wrong | None
    ) -> Said:  # fmt: skip
        moved = [
            one for one in city.box.channels[CHANNEL].moved
            if local_time(one.at).date() == day
        ]  # fmt: skip
        content = _written(self._spoilt(moved, wrong))
        opened = await bill_books.open_books(
            connection, NO_TILLS, clock=host.clock,  # type: ignore[arg-type]
            named=[NamedMerchant(channel=CHANNEL, merchant_no=MERCHANT, institutions=())],
        )  # fmt: skip
        received = Received(name=f"{day}.csv", open=lambda: io.BytesIO(content))
        claimed = Claimed(channel=CHANNEL.value, merchant=MERCHANT, day=day)
        try:
            [taken] = await take(
                opened, received, claimed, Order(actor=CHEN.actor, reason="测试")
            )
        except BillError as exc:
            return Said(1, f"bill of {day}: {exc}")
        self._right[city.code, day] = wrong is None
        rows = taken.file.totals.paid_rows + taken.file.totals.refund_rows
        return Said(0, f"bill of {day}, {rows} rows{'' if wrong is None else ', ' + wrong.value}")

    def _spoilt(self, moved: list[Moved], wrong: Wrong | None) -> list[Moved]:
        place = self._rng.randrange(len(moved)) if moved else 0
        match wrong:
            case Wrong.FOREIGN:
                at = moved[0].at if moved else None
                if at is not None:
                    return [*moved, Moved(at, f"X{self._rng.randrange(10**6):06d}", 1_234)]
            case Wrong.LEFT_OUT if moved:
                return moved[:place] + moved[place + 1 :]
            case Wrong.TWICE if moved:
                return [*moved, moved[place]]
            case Wrong.CHANGED if moved:
                one = moved[place]
                more = 7 if one.amount_fen > 0 else -7
                changed = replace(one, amount_fen=one.amount_fen + more)
                return [*moved[:place], changed, *moved[place + 1 :]]
        return moved

    def _days(self, city: City) -> list[date]:
        """Days that are over and of which there is something to be said: what moved at the channel
        or here, and the day behind."""
        through = _yesterday(city)
        moved = {local_time(one.at).date() for one in city.box.channels[CHANNEL].moved}
        moved |= {
            local_time(event.recorded_at).date()
            for events in city.server.tables.payment_events.values()
            for event in events
        }
        wanted = moved | {day + DAY for day in moved}
        return sorted(day for day in wanted if self._first[city.code] <= day <= through)

    # Matching, and what differs.

    async def _match(self, city: City, connection: Connection, host: Gateway) -> Said:
        first, last = self._first[city.code], _yesterday(city)
        if last < first:
            return Said(1, "no day is over")
        opened = await books.open_books(connection, clock=host.clock)  # type: ignore[arg-type]
        came = await matching.match(opened, first, last)
        demand("each row is in one finding", holds=came.is_explained, told=(first, last, came))
        return Said(0, f"matched {first} to {last}: {came.new} steps")

    async def _correct(self, city: City, connection: Connection, host: Gateway) -> Said:
        """One person proposes how to correct a difference, another confirms it."""
        waiting = _under_way(city)
        if not waiting:
            return Said(1, "nothing differs")
        lane, number = self._rng.choice(waiting)
        opened = await books.open_books(connection, clock=host.clock)  # type: ignore[arg-type]
        found = await steps_of(connection, lane, number)  # type: ignore[arg-type]
        if found is None:
            return Said(1, "it is not there")
        name, steps = found
        last, who = steps[-1], self._rng.choice((CHEN, LIN))
        if last.state is State.PROPOSED:
            said = await self._confirmed(opened, number, who)
        else:
            may = allowed(name, last)
            if last.booked_fen and last.due_fen:  # what was booked for a wrong bill is undone
                may = tuple(one for one in may if one is not Correction.NOTE)
            said = await differences.propose(opened, number, self._rng.choice(may), who)
        return Said(said.status, said.text.splitlines()[0])

    async def _confirmed(self, opened: books.Books, number: int, who: Who) -> Said:
        if self._rng.random() < 0.1:
            return await differences.reject(opened, number, who)
        return await differences.confirm(opened, number, who)

    # What must be true in the end.

    def check(self) -> None:
        """By right bills nothing differs, and what was corrected for wrong ones is undone; two
        people corrected it, and what they booked is committed to."""
        for city in self._cities:
            known = city.server.tables.differences
            for key, steps in city.server.tables.difference_steps.items():
                last = steps[-1]
                told = list(known[key][0].items()), list(last.items())
                done = last["state"] in (State.CORRECTED, State.CLOSED)
                demand("differences are at their end", holds=done, told=told)
                differs = last["theirs_fen"] != last["ours_fen"]
                explained = last["correction"] == Correction.NOTE
                demand("right bills differ in nothing", holds=explained or not differs, told=told)
                demand("corrections are undone", holds=not last["booked_fen"], told=told)
                _two_people(city, key, steps)


def _two_people(city: City, key: tuple[int, int], steps: Any) -> None:
    lane, number = key
    for step in steps:
        if step["act"] != Act.CONFIRM:
            continue
        two = step["actor"] != step["proposer"]
        demand("two people correct", holds=two, told=list(step.items()))
        if step["entry_id"] is not None:
            entry = city.server.tables.ledger.booked(lane, step["entry_id"])
            told = None if entry is None else entry.commitment
            holds = told == _commitment(city, key, step)
            demand("correction as committed to", holds=holds, told=(number, list(step.items())))


def _commitment(city: City, key: tuple[int, int], row: Any) -> bytes:
    return correction_commitment(key[1], _name(city.server.tables.differences[key][0]), _step(row))


def _under_way(city: City) -> list[tuple[int, int]]:
    return [
        key for key, steps in city.server.tables.difference_steps.items()
        if steps[-1]["state"] in (State.OPEN, State.PROPOSED)
    ]  # fmt: skip


def _yesterday(city: City) -> date:
    return local_time(city.story.clock() - CLOCKS_APART).date() - DAY


def _written(moved: list[Moved]) -> bytes:
    """A bill of payments as WeChat writes it."""
    rows = list(_rows(moved))
    return write_bill(TRADE_COLUMNS, rows, trade_summary(rows, "0.00000"))


def _rows(moved: list[Moved]) -> Iterator[dict[str, str]]:
    for number, one in enumerate(moved):
        came, fen = one.amount_fen > 0, abs(one.amount_fen)
        state = "SUCCESS" if came else "REFUND" if one.refund_no else "REVOKED"
        paid, back = (yuan_text(fen), "0.00") if came else ("0.00", yuan_text(fen))
        yield dict.fromkeys(TRADE_COLUMNS, "") | {
            "交易时间": f"{local_time(one.at):%Y-%m-%d %H:%M:%S}", "商户号": MERCHANT,
            "特约商户号": "0", "微信订单号": f"w{one.order_no}", "商户订单号": one.order_no,
            "交易状态": state, "应结订单金额": paid, "代金券金额": "0.00",
            "微信退款单号": "0" if came else f"r{one.refund_no or number}",
            "商户退款单号": one.refund_no or "0", "退款金额": back, "充值券退款金额": "0.00",
            "退款状态": "" if came else "SUCCESS", "手续费": "0.00000", "订单金额": paid,
            "申请退款金额": back,
        }  # fmt: skip
