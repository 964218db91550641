"""Mornings of a region with two merchants: the server asks for their bills, waits, and matches."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Operation
from settlement.books.bill import BillKind
from settlement.books.bill_schedule import booked_between
from settlement.books.channel_matching import Class
from settlement.channels.registry import Tills
from settlement.clock import CHINA
from settlement.finance.bill_books import open_books
from settlement.finance.bill_import import Order, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.payments.payment import ChannelName
from settlement.policy import loader
from settlement.storage import bills as store
from settlement.storage import channel_rows as rows
from settlement.storage import differences
from settlement.storage.differences import Filter
from settlement.storage.install import Region, ensure_schema
from settlement.storage.policies import keep_files
from settlement.telemetry.metrics import METRICS
from settlement.workers.bills import BROKEN, BillRound
from tests.integration.channels.alipay_world import SELLER_ID, AlipayWorld, alipay_world
from tests.kit.wechat import MCHID, WechatStage, wechat_stage
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
TWO_DAYS = 2 * 86_400


class Morning:
    """The region: what it has of money over channels, and its server's loop."""

    def __init__(
        self, owner: asyncpg.Connection[asyncpg.Record], wechat: WechatStage, alipay: AlipayWorld
    ) -> None:
        self.owner = owner
        self.wechat = wechat
        self.alipay = alipay
        self.tills = Tills(
            {
                (ChannelName.WECHAT, MCHID): wechat.channel,
                (ChannelName.ALIPAY, SELLER_ID): alipay.channel,
            },
            {},
        )
        self.round = BillRound(self.tills, clock=wechat.clock)

    async def at(self, hour: int, minute: int = 0, *, day: int) -> int:
        """The loop looks at that time of a day of November; how many bills it asked for."""
        then = datetime(2026, 11, day, hour, minute, tzinfo=CHINA)
        for clock in (self.wechat.clock, self.alipay.clock):
            await clock.advance((then - clock()).total_seconds())
        return await self.round.step(self.owner)

    async def there(self, day: int) -> set[tuple[str, BillKind]]:
        """Which bills of a day are there."""
        of = date(2026, 11, day)
        return {(one.channel, one.kind) for one in await store.there_between(self.owner, of, of)}

    async def found(self) -> list[tuple[Class, int]]:
        """Which differences are known, and what is due of each."""
        listed = await differences.listed(self.owner, Filter(all_states=True), 100)
        return [(one.last.facts.found, one.last.due_fen) for one in listed]


WECHATS = {("wechat", BillKind.TRADE), ("wechat", BillKind.FUNDS)}
ALIPAYS = {("alipay", BillKind.TRADE), ("alipay", BillKind.FUNDS)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def morning(
    database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Morning]:
    """Made on the 25th at noon; the tests go through the days after it in order."""
    one, other = tmp_path_factory.mktemp("wechat"), tmp_path_factory.mktemp("alipay")
    owner = await asyncpg.connect(database.owner_dsn)
    async with wechat_stage(one, "v3") as wechat, alipay_world(other) as alipay:
        await wechat.move(TWO_DAYS)
        await ensure_schema(
            owner, Region(code="441900"), app_role="settlement_app", at=wechat.clock()
        )
        yield Morning(owner, wechat, alipay)
    await owner.close()


async def test_bills_are_asked_for_until_they_come_and_then_matched(morning: Morning) -> None:
    """A late one is asked for again; a day without trades is none; nobody typed anything."""
    await morning.wechat.channel.pay(morning.wechat.order(amount_fen=1_234))
    assert await morning.at(9, 59, day=26) == 0
    morning.wechat.fault(Fault.BILL_LATE, Operation.BILL)
    assert await morning.at(10, day=26) == 4
    assert await morning.there(25) == {("wechat", BillKind.FUNDS)}
    assert await morning.at(10, 4, day=26) == 0
    assert await morning.at(10, 5, day=26) == 3
    assert await morning.there(25) == WECHATS
    assert (await morning.found(), METRICS.bills_late) == ([], 0)
    assert await morning.at(14, day=26) == 2
    assert await morning.there(25) == WECHATS | ALIPAYS
    assert await morning.found() == [(Class.ONLY_THEIRS, 1_234)]
    assert (await morning.at(18, day=26), METRICS.bills_late) == (0, 0)


async def test_days_of_an_outage_are_caught_up_and_a_late_bill_is_told(
    morning: Morning,
) -> None:
    """Where our own books have money that the channel says it has no bill of, that is no quiet
    day: it is late, until it comes; and the day is matched without it."""
    await morning.owner.execute(
        "insert into settlement.channel_row (pay_no, amount_fen, at, business_day, lane, attempt,"
        " kind, channel, merchant, institution, custody, order_no, refund_no, channel_no) values"
        " (1, 500, $1, $2, 1, 1, 1, 'alipay', $3, 'P44190099001', 'own', '1', '', '')",
        datetime(2026, 11, 27, 12, tzinfo=CHINA), date(2026, 11, 27), SELLER_ID,
    )  # fmt: skip
    assert await morning.at(10, 30, day=29) == 12
    assert await morning.there(26) == WECHATS | ALIPAYS
    assert await morning.there(27) == await morning.there(28) == WECHATS
    assert METRICS.bills_late == 2, "of the 28th they are not late yet"
    last = morning.wechat.clock()
    awaited = await store.awaited_between(morning.owner, date(2026, 11, 27), last.date())
    assert [(one.day.day, one.channel, one.times) for one in awaited] == [
        (27, "alipay", 1), (27, "alipay", 1), (28, "alipay", 1), (28, "alipay", 1),
    ]  # fmt: skip
    matched = await morning.owner.fetch("select distinct day from settlement.matched_day")
    assert {row["day"].day for row in matched} == {25, 26, 27}


async def test_bill_that_comes_after_all_is_matched_by_itself(morning: Morning) -> None:
    """Also one that somebody gave by hand."""
    clock = morning.wechat.clock
    books = await open_books(morning.owner, morning.tills, clock=clock)
    csv = morning.wechat.simulator.shop.bill(
        MCHID, "2026-11-25", "ALL", Fault.BILL_ONE_FEN_OFF, is_fund=False
    )
    assert isinstance(csv, bytes)
    received = Received(name="again.csv", open=lambda: io.BytesIO(csv))
    claimed = Claimed(day=date(2026, 11, 25))
    await take(books, received, claimed, Order(actor="zhang", reason="更正"))
    before = await morning.owner.fetchval("select count(*) from settlement.matched_day")
    await morning.at(10, 31, day=29)
    assert await morning.owner.fetchval(
        "select count(*) from settlement.matched_day"
    ) == before + 2, "the day itself and the next one"
    assert await morning.found() == [(Class.ONLY_THEIRS, 1_235)]


async def test_what_breaks_on_our_side_holds_up_no_other_bill(
    morning: Morning, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(day: date) -> bytes | None:
        raise RuntimeError(f"of {day}")

    failures = METRICS.background_failures
    monkeypatch.setattr(morning.alipay.channel, "fund_bill", breaks)
    assert await morning.at(10, 20, day=30) >= 4
    assert await morning.there(29) == WECHATS
    assert METRICS.background_failures > failures
    day = date(2026, 11, 29)
    said = {one.said for one in await store.asked_between(morning.owner, day, day)}
    assert BROKEN in said and len(said) == 2


@pytest.mark.parametrize(
    ("channel", "at", "days"),
    [
        ("unionpay", "2026-10-06 23:30", {7}),
        ("unionpay", "2026-10-06 22:30", {6}),
        ("unionpay", "2026-10-06 23:05", {6, 7}),
        ("unionpay", "2026-10-06 12:00", {6}),
        ("alipay", "2026-10-06 23:30", {6}),
        ("alipay", "2026-10-06 23:59:58", {6, 7}),
        ("alipay", "2026-10-07 00:00:03", {6, 7}),
        ("alipay", "2026-10-07 12:00", {7}),
    ],
)
async def test_a_lone_payment_is_awaited_in_the_bill_that_may_have_it(
    morning: Morning, channel: str, at: str, days: set[int]
) -> None:
    """UnionPay's day ends at 23:00. Near the edge of a day the channel may count it to either."""
    when, merchant = datetime.fromisoformat(at).replace(tzinfo=CHINA), f"lone {channel} {at}"
    await morning.owner.execute(
        "insert into settlement.channel_row (pay_no, amount_fen, at, business_day, lane, attempt,"
        " kind, channel, merchant, institution, custody, order_no, refund_no, channel_no) values"
        " (1, 500, $1, $2, 1, 1, 1, $3, $4, 'P44190099001', 'own', $4, '', '')",
        when, when.date(), channel, merchant,
    )  # fmt: skip
    found = set()
    for day in (date(2026, 10, n) for n in range(4, 10)):
        between = booked_between(day, channel)
        if await rows.moved(
            morning.owner, channel, merchant, day, between, morning.wechat.clock()
        ):
            found.add(day.day)
    assert found == days


async def test_region_may_want_to_do_it_by_hand(morning: Morning) -> None:
    shelf = Path(loader.__file__).parent
    text = (shelf / "441900.toml").read_text("utf-8")
    text += "\n[bills]\nfetched_by_themselves = false\nmatched_by_themselves = false\n"
    at = morning.wechat.clock() + timedelta(seconds=1)
    await keep_files(
        morning.owner, {"441900.toml": text.encode()}, actor="zhang", reason="测试", at=at
    )
    before = await morning.owner.fetchval("select count(*) from settlement.matched_day")
    assert await morning.at(20, day=30) == 0
    assert METRICS.bills_late > 0
    assert before == await morning.owner.fetchval("select count(*) from settlement.matched_day")
