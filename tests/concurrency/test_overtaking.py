"""What a channel tells by itself and its answer to the same payment, whichever comes first.

Both are one step of the payment, what was said between us and the channel is kept with it, and
nobody who waits for the other waits for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from protocol.scan import ScanReply
from settlement.payments.payment import Exchange, OrderKey, Outcome, PayOrder, Verdict
from settlement.payments.payment_states import Happening
from settlement.serve.retelling import Retelling, Retold
from settlement.serve.service import Service
from settlement.storage.queries import MATCHING_SCATTER
from settlement.storage.siblings import Siblings
from settlement.telemetry.metrics import METRICS
from tests.kit import population
from tests.kit.population import DEAR
from tests.kit.scanner import Scanner, pending_fen
from tests.kit.till import MERCHANT, WALLET, Play
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID = Exchange(
    operation="pay", request="asked", reply="answered", status=200,
    began_at=datetime(2026, 11, 27, tzinfo=UTC), took_ms=1,
)  # fmt: skip
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOVED, UNDONE = 1, 3
"""Kinds of rows for matching."""
TAKEN = (200, b"success", "text/plain")
Told = Callable[[str], Awaitable[object]]


@pytest.fixture
def here(workers: list[Service]) -> Scanner:
    """At the process that asks the channel."""
    return Scanner(population.PHARMACY, workers[0])


@pytest.fixture
def there(workers: list[Service]) -> Scanner:
    """At another one."""
    return Scanner(population.PHARMACY, workers[1])


def before_the_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch, play: Play, told: Told
) -> None:
    """The channel carries it out, does this, and answers then."""
    wechat = town.channels.wechat
    wechat.plays.append(play)

    async def pay(order: PayOrder) -> Outcome:
        outcome = wechat._pay(order)
        await told(order.order_no)
        return replace(outcome, exchange=SAID)

    monkeypatch.setattr(wechat, "pay", pay)


async def steps_of(town: Town, order_no: object) -> list[tuple[int, bool]]:
    """The steps of an order's payment: what happened, and whether the exchange is kept."""
    rows = await town.owner.fetch(
        "select e.kind, length(e.exchange) > 0 as kept"
        " from settlement.payment_event e"
        " join settlement.payment p on p.lane = e.lane and p.pay_no = e.pay_no"
        " where p.order_no = $1 order by e.event_no",
        order_no,
    )
    return [(row["kind"], row["kept"]) for row in rows]


PAID_ONCE = [(Happening.ATTEMPTED, False), (Happening.PAID, True)]


@pytest.mark.parametrize("play", [Play.PAID, Play.LOST_AFTER])
async def test_notification_that_overtakes_the_answer_is_one_step_with_it(
    town: Town, here: Scanner, monkeypatch: pytest.MonkeyPatch, play: Play
) -> None:
    heard: list[asyncio.Task[object]] = []

    async def told(order_no: str) -> None:
        heard.append(asyncio.create_task(here.notify("wechat", order_no)))
        await asyncio.sleep(0)  # it is heard before the answer is

    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    before_the_answer(town, monkeypatch, play, told)
    assert (await here.scan(order)).status == "settled"
    assert await heard[0] == TAKEN
    assert await steps_of(town, order["order_no"]) == PAID_ONCE
    assert await pending_fen(town) == 0


async def test_channel_that_contradicts_itself_is_believed_once_and_told_to_people(
    town: Town, here: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer names a fen less than it tells by itself: the sale stands, and there is an
    alarm."""
    heard: list[asyncio.Task[object]] = []

    async def told(order_no: str) -> None:
        town.channels.wechat.book.paid[order_no] += 1
        heard.append(asyncio.create_task(here.notify("wechat", order_no)))
        await asyncio.sleep(0)

    alarms = METRICS.payment_alarms
    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    before_the_answer(town, monkeypatch, Play.ONE_FEN_LESS, told)
    assert (await here.scan(order)).status == "settled"
    assert await heard[0] == TAKEN
    assert await steps_of(town, order["order_no"]) == PAID_ONCE
    assert METRICS.payment_alarms == alarms + 1


async def test_amount_that_a_channel_says_at_last_is_the_one_that_is_matched(
    town: Town, here: Scanner
) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.ONE_FEN_LESS)
    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await here.scan(order)).status == "unknown"
    number = next(reversed(wechat.book.asked))
    wechat.book.paid[number] += 1
    assert await here.notify("wechat", number) == TAKEN
    assert [kind for kind, _ in await steps_of(town, order["order_no"])] == [
        Happening.ATTEMPTED, Happening.MISPAID, Happening.PAID,
    ]  # fmt: skip
    assert await listed(town, number) == [(MOVED, wechat.book.asked[number])]
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0


async def test_payment_whose_undoing_nobody_confirmed_was_undone_all_the_same(
    town: Town, here: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was collected and taken back; the answer to the undo was lost, and the channel says later
    that the order is closed. Its bill has both."""
    wechat = town.channels.wechat
    undo = wechat.undo

    async def unheard(order: OrderKey) -> Outcome:
        await undo(order)
        return Outcome(verdict=Verdict.UNKNOWN)

    monkeypatch.setattr(wechat, "undo", unheard)
    wechat.plays.append(Play.ONE_FEN_LESS)
    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await here.scan(order)).status == "unknown"
    number = next(reversed(wechat.book.asked))
    wechat.book.paid[number] += 1
    assert await here.notify("wechat", number) == TAKEN
    for _ in range(3):  # undo twice, then query
        await town.resolve(seconds=300)
    assert [kind for kind, _ in await steps_of(town, order["order_no"])][-2:] == [
        Happening.UNCLEAR, Happening.REFUSED,
    ]  # fmt: skip
    fen = wechat.book.asked[number]
    assert await listed(town, number) == [(MOVED, fen), (UNDONE, fen)]
    assert await pending_fen(town) == 0


async def listed(town: Town, number: str) -> list[tuple[int, int]]:
    """Kinds and amounts of the rows that an order gives for matching; nothing of them stays."""
    listing = town.owner.transaction()
    await listing.start()
    try:
        await town.owner.execute(
            MATCHING_SCATTER["list_channel_rows"], SINCE, UNTIL, list(range(64))
        )
        rows = await town.owner.fetch(
            "select kind, amount_fen from settlement.channel_row where order_no = $1"
            " order by kind",
            number,
        )
    finally:
        await listing.rollback()
    return [(row["kind"], row["amount_fen"]) for row in rows]


async def test_notification_that_another_process_hears_first_waits_for_the_answer(
    town: Town, here: Scanner, there: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder = there.service.payments.finder
    looked, find = asyncio.Event(), finder.attempt
    heard: list[asyncio.Task[object]] = []

    async def attempt(number: str) -> object:
        found = await find(number)
        looked.set()
        return found

    async def told(order_no: str) -> None:
        heard.append(asyncio.create_task(there.notify("wechat", order_no)))
        await looked.wait()

    monkeypatch.setattr(finder, "attempt", attempt)
    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    before_the_answer(town, monkeypatch, Play.PAID, told)
    assert (await here.scan(order)).status == "settled"
    assert await heard[0] == TAKEN
    assert await steps_of(town, order["order_no"]) == PAID_ONCE


async def test_what_another_process_hears_is_called_out_to_the_one_with_the_counter(
    town: Town, here: Scanner, there: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer leaves it open, and what the channel tells the other process decides: one step,
    and the exchange of the answer is kept, which the other process does not know."""
    heard: list[asyncio.Task[object]] = []
    came = asyncio.Event()
    others = await listening(town, here, came)
    monkeypatch.setattr(town.channels.wechat, "tells_later", True)

    async def told(order_no: str) -> None:
        heard.append(asyncio.create_task(there.notify("wechat", order_no)))
        await came.wait()

    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    before_the_answer(town, monkeypatch, Play.LOST_AFTER, told)
    assert (await here.scan(order)).status == "settled"
    assert await heard[0] == TAKEN
    assert await steps_of(town, order["order_no"]) == PAID_ONCE
    await others.end()


async def test_word_for_somebody_else_changes_nothing(
    town: Town, here: Scanner, there: Scanner, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """A process without that counter leaves it, and does not even check it; so does one that
    cannot read it."""
    came = asyncio.Event()
    others = await listening(town, here, came)
    monkeypatch.setattr(town.channels.wechat, "tells_later", True)
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = there.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await there.scan(order)).status == "payer_action"
    number = next(reversed(town.channels.wechat.book.asked))
    stranger = Siblings(town.app_dsn)
    assert await stranger.tell("no word of ours")
    stranger.close()
    checked = Mock(wraps=town.channels.wechat.notified)
    monkeypatch.setattr(town.channels.wechat, "notified", checked)
    there.service.payments._others.tell(Retold("wechat", MERCHANT, {}, number.encode(), number))
    await came.wait()
    await others.end()
    assert not checked.called
    assert "siblings.unreadable" in [getattr(one, "event", "") for one in caplog.records]
    assert [kind for kind, _ in await steps_of(town, order["order_no"])] == [
        Happening.ATTEMPTED, Happening.CONFIRM,
    ]  # fmt: skip


async def test_forged_word_for_a_waiting_counter_is_not_believed(
    town: Town, here: Scanner, there: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    came = asyncio.Event()
    others = await listening(town, here, came)
    checked = Mock(wraps=town.channels.wechat.notified)
    monkeypatch.setattr(town.channels.wechat, "notified", checked)

    async def told(order_no: str) -> None:
        word = Retold("wechat", MERCHANT, {}, b"forged", order_no)
        there.service.payments._others.tell(word)
        await came.wait()

    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    before_the_answer(town, monkeypatch, Play.CONFIRM, told)
    assert (await here.scan(order)).status == "payer_action"
    await others.end()
    assert checked.called
    assert [kind for kind, _ in await steps_of(town, order["order_no"])] == [
        Happening.ATTEMPTED, Happening.CONFIRM,
    ]  # fmt: skip


async def listening(town: Town, one: Scanner, came: asyncio.Event) -> Retelling:
    """This process hears the others; `came` is set once it has dealt with a word."""
    payments = one.service.payments
    others = Retelling(town.app_dsn, lambda: town.keyring)

    async def hear(word: Retold) -> None:
        came.set()
        await payments._retold(word)

    others.begin(hear)
    await others.ready.wait()
    return others


@pytest.mark.parametrize("place", ["here", "there"])
async def test_notification_is_written_where_no_answer_comes(
    town: Town, here: Scanner, there: Scanner, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    heard: list[object] = []

    async def told(order_no: str) -> None:
        heard.append(await (here if place == "here" else there).notify("wechat", order_no))

    order = here.order(town.someone(), DEAR, 3, pay_code=WALLET)
    before_the_answer(town, monkeypatch, Play.LOST_AFTER, told)
    answer: ScanReply = await here.scan(order)
    assert heard == [TAKEN]
    assert answer.status == "settled"
    assert [kind for kind, _ in await steps_of(town, order["order_no"])] == [
        Happening.ATTEMPTED, Happening.PAID,
    ]  # fmt: skip
