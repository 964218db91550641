"""A morning at which the hub is the third side: no file is brought, what differs from its book is
listed by class, and a hub that is away, old or not itself is never believed and never waited for.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from loadtest.simulators.hub_book import HubBook, HubCase
from loadtest.simulators.hub_faults import Fault, Faults, Rule
from loadtest.simulators.hub_party import HubParty
from loadtest.simulators.hub_world import HubRegion
from protocol.hub.certificates import HUB
from protocol.hub.envelope import Amounts, Envelope, Says
from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    Kind,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    RowTold,
    StatusAsked,
    Told,
)
from settlement.clock import CHINA
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_matching import Class
from settlement.embedded.services import Services
from settlement.region.hub import HubLine, NoAnswer
from settlement.serve.regional_asking import Wanted, compare_over_line
from settlement.serve.regional_round import RegionRound
from settlement.storage import regional_differences as store
from settlement.telemetry.metrics import METRICS
from tests.acceptance.test_clearing_between_two import CHEN, books, done, move_to, treated
from tests.kit.pair import OTHER, OURS, Pair, a_pair

DAY = date(2026, 11, 24)
BEGINS = datetime(2026, 11, 24, 9)
Edit = Callable[[RowTold], RowTold | None]


class Edited:
    """The line, over which the other region tells other rows than it has."""

    def __init__(self, line: HubLine, edits: Mapping[str, Edit]) -> None:
        self._line = line
        self._edits = edits

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """See the port."""
        told = await self._line.ask(
            to, kind, question, correlation=correlation, seconds=seconds
        )
        if not isinstance(told, ReconcileTold):
            return told
        rows = [self._edits.get(row.case_no, _as_it_is)(row) for row in told.rows]
        return replace(told, rows=tuple(row for row in rows if row is not None))


def _as_it_is(row: RowTold) -> RowTold:
    return row


class Morning:
    """Our server's loop of comparing, and what it left."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.edits: dict[str, Edit] = {}
        self.loop = RegionRound(self._line, clock=pair.towns[OURS].clock)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[HubLine]:
        yield Edited(self.pair.regions[OURS].line, self.edits)

    async def comes(self, day: int, hour: int, minute: int) -> int:
        """It is that time; how many days were compared."""
        await move_to(self.pair, datetime(2026, 11, day, hour, minute))
        return await self.loop.step(self.pair.towns[OURS].owner)

    async def listed(self) -> dict[str, Class]:
        """The worklist, by case."""
        found = await store.open_differences(self.pair.towns[OURS].owner, 100)
        return {one.case_no: one.found for one in found}

    async def with_hub(self) -> bool:
        """Whether the hub's rows of the day were there."""
        last = await store.comparisons(self.pair.towns[OURS].owner, Side.TREATMENT, DAY)
        return last[OTHER, DAY].with_hub


@asynccontextmanager
async def a_morning(services: Services) -> AsyncIterator[Morning]:
    """Two regions and the hub, whose clock is between theirs."""
    async with a_pair(
        services, begins=BEGINS, faults=Faults(), ahead_seconds=(20.0, -20.0)
    ) as pair:
        yield Morning(pair)


async def visited(pair: Pair, person: int, *, past_the_hub: bool = False) -> HubCase:
    """Somebody from there is treated here; what the hub saw of it, or would have seen."""
    seen = pair.hub.book
    if past_the_hub:
        pair.hub.book = HubBook()
    known = set(pair.hub.book.cases)
    await treated(pair, pair.towns[OTHER].people(person + 1)[person], OURS)
    (case,) = (one for number, one in pair.hub.book.cases.items() if number not in known)
    pair.hub.book = seen
    return case


def passes(pair: Pair, number: str, amounts: Amounts | None, at: datetime) -> None:
    """The hub says that an answer of this outside passed it."""
    outside = Envelope(
        version=1, kind=Kind.SETTLE, says=Says.TOLD, correlation=number, case=number,
        origin=OTHER, to=OURS, sent_at=at, answers="", amounts=amounts, certificate="1",
        sealed_for="2", body="",
    )  # fmt: skip
    pair.hub.book.write(outside, at=at, digest=number)


def noon(day: date = DAY) -> datetime:
    """Of a day, by the hub's clock."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=CHINA).astimezone(UTC)


async def test_every_class_of_the_hubs_book_is_found_with_no_file_brought(
    services: Services,
) -> None:
    async with a_morning(services) as morning:
        pair = morning.pair
        agrees, edge, lacks, amount, ours, theirs = [
            await visited(pair, n, past_the_hub=n in (1, 2, 3)) for n in range(6)
        ]
        assert amount.amounts is not None and edge.amounts is not None
        passes(pair, edge.case, edge.amounts, noon(DAY - timedelta(days=1)))
        passes(pair, amount.case, replace(amount.amounts, fund_fen=1), noon())
        passes(pair, f"{OURS}-ghost", Amounts(total_fen=9), noon())
        morning.edits = {
            ours.case: lambda _: None, theirs.case: lambda row: replace(row, account_fen=1)
        }  # fmt: skip
        assert await morning.comes(25, 6, 10) == 1
        expected = {
            lacks.case: Class.HUB_LACKS, amount.case: Class.HUB_AMOUNT,
            f"{OURS}-ghost": Class.ONLY_HUB, ours.case: Class.ONLY_OURS,
            theirs.case: Class.AMOUNT,
        }  # fmt: skip
        assert await morning.listed() == expected, (agrees.case, edge.case)
        assert await morning.with_hub()
        rows = await store.open_differences(pair.towns[OURS].owner, 100)
        assert {one.case_no for one in rows if one.hub_fen is not None} == (
            set(expected) - {lacks.case}
        ), "what the hub has stands beside whatever differs"

        # Of a morning without the hub nothing is said of what only its book can tell.
        morning.edits = {}
        pair.hub.take_down(HUB, 3 * 86_400)
        assert await morning.comes(26, 6, 10) == 2
        assert await morning.listed() == {
            number: found for number, found in expected.items() if number not in
            (ours.case, theirs.case)
        }  # fmt: skip
        passes(pair, lacks.case, lacks.amounts, noon())
        pair.hub.take_down(HUB, 0)
        assert await morning.comes(27, 6, 10) == 3
        assert await morning.listed() == {
            amount.case: Class.HUB_AMOUNT, f"{OURS}-ghost": Class.ONLY_HUB
        }
        await the_hub_asks_nothing_and_no_region_has_a_book(pair)


async def the_hub_asks_nothing_and_no_region_has_a_book(pair: Pair) -> None:
    """Each is refused what is not its to ask, or to answer."""
    book = BookAsked(day=DAY, treated=OURS, insured=OTHER, after=0)
    told = await pair.regions[OURS].line.ask(OTHER, Kind.BOOK, book, correlation="1", seconds=5)
    assert isinstance(told, Refused) and told.code == KIND_UNKNOWN
    hub = HubRegion(HUB, pair.hub, [OURS, OTHER])
    questions: tuple[tuple[Kind, Question], ...] = (
        (Kind.RECONCILE, ReconcileAsked(day=DAY, after="")),
        (Kind.STATUS, StatusAsked(case_no=f"{OURS}-1", person_no="1")),
    )
    for kind, question in questions:
        told = await hub.line.ask(OTHER, kind, question, correlation="2", seconds=5)
        assert isinstance(told, Refused) and told.code == "TREATING_REGION_UNKNOWN", told


async def test_a_hub_that_does_not_tell_holds_up_nothing_and_is_asked_again(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_morning(services) as morning:
        caplog.set_level(logging.INFO, logger="settlement.workers")
        case = await visited(morning.pair, 0, past_the_hub=True)
        await a_region_that_is_away_is_not_compared_with_the_hub_alone(morning)
        await a_hub_that_is_away_is_asked_later(morning, caplog)
        assert await morning.listed() == {case.case: Class.HUB_LACKS}
        passes(morning.pair, case.case, case.amounts, noon())
        await what_is_not_the_hubs_answer_is_alarmed_and_no_third_side(morning)
        await an_older_hub_is_said_once(morning, caplog)


async def a_region_that_is_away_is_not_compared_with_the_hub_alone(morning: Morning) -> None:
    """Nothing is known of a day of which the region does not tell."""
    pair = morning.pair
    pair.hub.take_down(OTHER, 86_400)
    assert await morning.comes(25, 6, 0) == 0
    assert await morning.listed() == {}
    pair.hub.take_down(OTHER, 0)


async def a_hub_that_is_away_is_asked_later(
    morning: Morning, caplog: pytest.LogCaptureFixture
) -> None:
    """The day is compared at once, which is said, and three ways when the hub is there again."""
    pair = morning.pair
    pair.hub.take_down(HUB, 86_400)
    caplog.clear()
    assert await morning.comes(25, 6, 10) == 1
    assert (await morning.listed(), await morning.with_hub()) == ({}, False)
    assert METRICS.region_days_two_way == 1
    assert await morning.comes(25, 6, 14) == 0, "five minutes"
    assert await morning.comes(25, 6, 16) == 1
    assert await morning.comes(25, 6, 22) == 0, "then ten"
    assert [what for what, _ in heard(caplog)] == ["region.hub.silent"], "once"
    said = [vars(one).get("said", "") for one in caplog.records]
    assert any("未取，两方对账：平台未答复" in text for text in said), said
    pair.hub.take_down(HUB, 0)
    assert await morning.comes(25, 6, 30) == 1
    assert await morning.with_hub()
    assert METRICS.region_days_two_way == 0
    assert await morning.comes(25, 18, 0) == 0


def heard(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What the log says of the hub's book: event, and why in Chinese."""
    told = [vars(one) for one in caplog.records]
    return [
        (one["event"], one["said"].split(" | ")[0]) for one in told
        if one.get("event", "").startswith("region.hub.")
    ]


async def what_is_not_the_hubs_answer_is_alarmed_and_no_third_side(morning: Morning) -> None:
    """Forged, or recorded: two sides are compared, and nothing leaves or enters the list by it."""
    pair = morning.pair
    listed = await morning.listed()
    for fault in (Fault.FORGED, Fault.OTHER_ANSWER):
        pair.hub.faults.add(Rule(fault=fault, kind=Kind.BOOK))
        alarms = METRICS.hub_alarms
        text = await by_hand(pair)
        assert METRICS.hub_alarms == alarms + 1
        assert "未取，两方对账：平台未答复" in text, text
        assert await morning.listed() == listed != {}
    assert "平台 1 笔" in await by_hand(pair)
    assert await morning.listed() == {}


async def by_hand(pair: Pair) -> str:
    """What `settlement reconcile-regions --day` says."""
    opened = await books(pair, OURS)
    said = await compare_over_line(opened, pair.regions[OURS].line, Wanted(day=DAY), CHEN)
    done(said)
    await pair.clock.advance(1)
    return said.text


async def an_older_hub_is_said_once(morning: Morning, caplog: pytest.LogCaptureFixture) -> None:
    """One that knows no such question, and one that has no certificate here."""
    pair, owner = morning.pair, morning.pair.towns[OURS].owner
    pair.hub.answer_itself(HubParty(lambda: None, pair.hub.book, pair.hub.clock))
    caplog.clear()
    assert await morning.comes(26, 6, 10) == 1
    assert await morning.comes(26, 6, 20) == 1
    assert METRICS.region_days_two_way == 1
    route = "update settlement.counterpart set route = $1"
    await owner.execute(route, "https://another-hub.test")
    assert await morning.comes(26, 12, 0) == 0, "it cannot be asked: two sides are all"
    assert METRICS.region_days_two_way == 0
    await owner.execute(route, "")
    await owner.execute("delete from settlement.hub_certificate")
    assert await morning.comes(26, 12, 10) == 0, "nor can this one"
    assert METRICS.region_days_two_way == 0
    assert await morning.comes(27, 6, 10) == 1
    assert heard(caplog) == [
        ("region.hub.silent", "平台不受理此问题（HTTP 404）"),
        ("region.hub.silent", "未登记平台的证书"),
    ]  # fmt: skip
