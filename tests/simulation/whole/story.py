"""A story: two cities, the hub between them, people at counters, and what goes wrong, from a seed.

A step is one act of somebody, begun while others are still under way; after each the laws are
checked. At the end nothing fails any more and time passes until nobody waits for anything; then
all books must say the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

from msgspec import Struct

from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_faults import LINE_FAULTS, Fault, Faults, Plan
from loadtest.simulators.hub_world import hub_regions
from settlement.clock import CHINA, local_time
from settlement.finance import clearing_accounts, payout_books
from settlement.policy.loader import PolicySet
from settlement.storage import connect
from settlement.workers import closing
from tests.kit import counter, mobile, scanner, ward
from tests.kit.pair import OTHER, OURS
from tests.simulation.database.driver import Connection, never
from tests.simulation.passing import passes
from tests.simulation.whole.acts import Acts
from tests.simulation.whole.book import Book
from tests.simulation.whole.city import City
from tests.simulation.whole.hosts import Gateway, Trouble
from tests.simulation.whole.laws import Laws, demand, regions_agree
from tests.simulation.whole.loop import VirtualLoop
from tests.simulation.whole.loop import play as play_in
from tests.simulation.whole.moving import MachineClock, WorldClock, time_of
from tests.simulation.whole.scans import Scans

OPERATIONS = 200
FAULTS = 5
EDGES = (datetime(2026, 11, 24), datetime(2026, 12, 1), datetime(2027, 1, 1))
"""Midnights that a story begins shortly before: of a day, of a month, of a year."""
LATE_SECONDS = 3.0
"""How late a message of the hub comes that comes late."""
DAY_SECONDS = 90_000.0
"""A day and what is left of its closing."""
QUIET_ROUNDS = 30
STATEMENTS_MAX = 8_000
"""A story has about two thousand; what tries for ever has more."""
READERS_OF_POLICIES: tuple[Any, ...] = (closing, clearing_accounts, payout_books)
"""Modules of the product that read policy files from a database."""
SURPRISES = frozenset({
    "case.failed", "journal.batch.refused", "journal.batch.failed", "errand.failed.ours",
})  # fmt: skip
"""What is never logged where our code is right."""


class Told(Struct, frozen=True):
    """How a story ended."""

    seed: int
    steps: int
    operations: int
    faults: Counter[str]
    virtual_seconds: float
    digest: str
    """of everything that was told: two plays of a seed have the same"""


class StoryBroken(AssertionError):  # noqa: N818 - it says where
    """A law did not hold, at a step of a seed."""

    def __init__(self, seed: int, step: int, law: str, told: str, story: list[str]) -> None:
        self.command = replay_command(seed)
        super().__init__(f"seed {seed}, step {step}: {law}: {told}\nreplay: {self.command}")
        self.seed = seed
        self.step = step
        self.law = law
        self.found = told
        self.story = story


class Story:
    """See the module."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.seed = seed
        self.step = 0
        self.told: list[str] = []
        self.listener: Callable[[str], None] | None = None
        """hears the story as it goes"""
        self.faults: Counter[str] = Counter()
        self.trouble = Trouble()
        self.rng = rng = Random(seed)
        self.loop = loop
        edge = rng.choice(EDGES).replace(tzinfo=CHINA).astimezone(UTC)
        self.clock = WorldClock(edge, loop)
        self.clock.jump(-rng.uniform(5, 60))
        self.counter_clock = MachineClock(self.clock)
        self.hosts: dict[str, Gateway] = {}
        self.hub = HubSimulator(clock=self.clock, faults=Faults())
        places = hub_regions(self.hub, (OURS, OTHER))
        self.cities = [City(self, code, rng, places[code]) for code in (OURS, OTHER)]
        self.book = Book()
        self.scans = Scans(rng)
        self.acts = Acts(self.cities, self.book, self.scans, rng)
        self.laws = [Laws(city) for city in self.cities]
        self._tasks: set[asyncio.Task[object]] = set()
        self._failure: BaseException | None = None

    async def run(self) -> None:
        """All of it."""
        for city in self.cities:
            await city.open()
        await self.acts.arrive()
        self._draw_trouble()
        while self._goes_on():
            self.step += 1
            if self.rng.random() < 0.08:
                self._something_breaks()
            self.begin(self.acts.one())
            await passes(self.rng.choice((0.0, 0.001, 0.005, 0.03, 0.15)))
            self.check()
        await self._mend()
        self.tell("and another one: every bill of the day before can be had")
        self.clock.jump(DAY_SECONDS)
        await passes(2.0)
        await self._until_nobody_waits()
        await self.acts.months.finish(self.check)
        await self.acts.payouts.finish(self.check)
        await self.acts.bills.finish(self.check)
        self.check_quiet()
        await self.acts.months.check()
        self.acts.payouts.check()
        self.acts.bills.check()

    def _goes_on(self) -> bool:
        """What is asked at the end counts too, as far as it can be told now: what is answered by
        then is not asked."""
        book = self.book
        at_the_end = (
            len(self.scans.orders) + self.acts.phones.opened + len(book.open_letters)
            + len(book.refused_letters)
        )
        return self.operations + at_the_end < OPERATIONS or self.fault_count < FAULTS

    @property
    def operations(self) -> int:
        """Messages that counters sent."""
        return self.book.messages_sent + self.scans.asked

    @property
    def fault_count(self) -> int:
        """What went wrong, everywhere."""
        return self.all_faults().total()

    def all_faults(self) -> Counter[str]:
        """By kind; those of the hub and the channels, too."""
        channels = sum(
            one.failures for city in self.cities for one in city.box.channels.values()
        )
        hub = {f"hub: {fault}": n for fault, n in self.hub.faults.happened.items()}
        return self.faults + Counter(hub) + Counter({"a channel fails": channels})

    # What goes wrong.

    def _draw_trouble(self) -> None:
        rng = self.rng
        self.trouble.statement = rng.choice((0.0, 0.002, 0.02))
        self.trouble.request = rng.choice((0.0, 0.02, 0.08))
        share = rng.choice((0, 100_000, 350_000))
        weights = {**LINE_FAULTS, Fault.ARRIVES_LATE: 8}
        self.hub.faults.replace(
            Plan(seed=self.seed, share_ppm=share, weights=weights, delay_seconds=LATE_SECONDS)
        )

    def _something_breaks(self) -> None:
        rng = self.rng
        city = rng.choice(self.cities)
        match rng.randrange(9):
            case 0 | 1 if city.gateways:
                self.faults["a gateway is killed"] += 1
                city.kill(rng.choice(city.gateways))
            case 2 if city.worker is not None:
                self.faults["a worker is killed"] += 1
                city.kill(city.worker)
            case 3 if not city.server.down:
                self.faults["the database dies"] += 1
                city.crash(rng.choice((0.1, 1.0, 3.0)))
            case 4 | 6 | 7:
                self.faults["time jumps"] += 1
                seconds = rng.choice((1.0, 20.0, 45.0, 45.0, 60.0, 3_600.0, 86_400.0))
                self.tell(f"{seconds} are over at once")
                self.clock.jump(seconds)
            case 5 if city.gateways:
                self.faults["a clock is set"] += 1
                gateway = rng.choice(city.gateways)
                gateway.clock.ahead_seconds = rng.uniform(-2.0, 2.0)
            case _:
                self.faults["a region is not reached"] += 1
                self.hub.take_down(city.code, rng.choice((5.0, 30.0)))

    # The end.

    async def _mend(self) -> None:
        """Nothing fails any more, and time passes until nobody waits."""
        self.tell("everything works from here on")
        self.trouble.statement = self.trouble.request = 0.0
        self.hub.faults.replace(Plan())
        for city in self.cities:
            self.hub.take_down(city.code, 0.0)
            for channel in city.box.channels.values():
                channel.honest = True
            for gateway in city.gateways:
                gateway.clock.ahead_seconds = 0.0
        await passes(LATE_SECONDS + 0.3)
        self.book.doubt_refusals()
        self.tell("it is another day")
        self.clock.jump(DAY_SECONDS)
        await passes(2.0)
        await self._until_nobody_waits()
        await self._know_all()
        if self._somebody_waits():
            await self._until_nobody_waits()
            await self._know_all()

    async def _know_all(self) -> None:
        await self.scans.know_all(self.check)
        await self.acts.phones.know_all(self.check)

    async def _until_nobody_waits(self) -> None:
        for _ in range(QUIET_ROUNDS):
            self.step += 1
            for letter in self.book.open_letters:
                await self.book.send(letter)
                self.check()
            if not self._somebody_waits():
                return
            self.clock.jump(45.0)
            await passes(1.5)
            self.check()

    def _somebody_waits(self) -> bool:
        return bool(self.book.open_letters) or self._days_are_half_closed() or any(
            any(p.undertaking is not None for p in city.server.tables.persons.values())
            or city.server.tables.case_due
            or city.server.tables.mobile_due
            or city.server.tables.open_holds()
            or city.box.notices_open
            or any(due.due_at.year < 9_000 for due in city.server.tables.payment_due.values())
            for city in self.cities
        )

    def _days_are_half_closed(self) -> bool:
        over = local_time(self.clock()).date() - timedelta(days=2)
        books = [city.server.tables for city in self.cities]
        return any(
            max(one.closed_days, default=date.min) < over
            or one.sealed_days() != one.closed_days.keys()
            for one in books
        )

    # Laws.

    def check(self) -> None:
        """After every step."""
        if self._failure is not None:
            raise self._failure
        for city in self.cities:
            unknown = city.server.unknown
            demand("every statement is known", holds=not unknown, told=unknown)
        asked = sum(city.server.carried_out for city in self.cities)
        demand("it comes to an end", holds=asked < STATEMENTS_MAX, told=asked)
        for laws in self.laws:
            laws.check(self.loop.time())

    def check_quiet(self) -> None:
        """At the end."""
        self.check()
        for laws in self.laws:
            laws.check_quiet(self.book)
            standing = {row.msgid for row in laws.standing_rows() if row.infno == "SCAN"}
            self.scans.check(laws.city, standing)
            self.acts.stops.check(self.book, laws.city)
        self.acts.phones.check({row.setl_id for row in self.laws[0].standing_rows()})
        ours, theirs = self.laws
        for treated, insured in ((ours, theirs), (theirs, ours)):
            code = treated.city.code
            hub = {
                one.case: (one.amounts.total_fen, one.amounts.fund_fen, one.amounts.account_fen)
                for one in self.hub.book.cases.values()
                if one.treated == code and one.stands and one.amounts is not None
            }
            regions_agree(treated, insured, hub)

    # Means.

    def line_of(self, host: Gateway) -> str:
        """The address under which a process connects to its database."""
        dsn = f"memory://{host.city.code}/{host.name}"
        self.hosts[dsn] = host
        return dsn

    async def connect(self, dsn: str, **_: object) -> Connection:
        """What asyncpg.connect does."""
        host = self.hosts[dsn]
        await passes(host.delay_seconds())
        if not host.alive:
            await never()
        return host.city.server.open(host)

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Something goes on beside the rest; what it raises ends the story."""
        task: asyncio.Task[object] = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def later(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Do it when so much time has passed."""

        async def do() -> None:
            await work()

        self.loop.call_later(seconds, lambda: self.begin(do()))

    def fail(self, exc: BaseException) -> None:
        """The first failure counts."""
        self._failure = self._failure or exc

    def tell(self, what: str) -> None:
        """One more line."""
        line = f"{self.step:4} {self.loop.time():9.3f} {what}"
        self.told.append(line)
        if self.listener is not None:
            self.listener(line)

    def _over(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.fail(task.exception())  # type: ignore[arg-type]


class _Listener(logging.Handler):
    """Hears what is logged; some of it must never be."""

    def __init__(self, story: Story) -> None:
        super().__init__(logging.WARNING)
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", "")
        self._story.tell(f"log {event} {getattr(record, 'what', '')}")
        ours = event in ("errand.failed", "loop.failed") and record.levelno >= logging.ERROR
        if event in SURPRISES or ours:
            self._story.fail(AssertionError(f"{event}: {record.getMessage()} {record.exc_info}"))


def play(
    seed: int, watch: Callable[[Story], None] | None = None, *,
    tell: Callable[[str], None] | None = None,
) -> Told:  # fmt: skip
    """One story; raises StoryBroken where a law does not hold. `watch` gets it before it begins,
    `tell` every line of it."""
    loop = VirtualLoop()
    story = Story(seed, loop)
    story.listener = tell
    if watch is not None:
        watch(story)
    counter._NUMBERS, scanner._NUMBERS, ward._COUNT = count(1), count(1), count(1)
    mobile._NUMBERS = count(1)
    driver, load = connect.asyncpg, closing.load_policy_set
    for reader in READERS_OF_POLICIES:
        reader.load_policy_set = _policies
    connect.asyncpg = SimpleNamespace(connect=story.connect)  # type: ignore[assignment]
    logger, listener = logging.getLogger("settlement"), _Listener(story)
    logger.addHandler(listener)
    propagates, logger.propagate = logger.propagate, False
    loop.set_exception_handler(lambda _, context: _unheard(story, context))
    try:
        with time_of(loop):
            play_in(story.run(), loop)
    except Exception as exc:
        first = _first(exc)
        law = getattr(first, "law", type(first).__name__)
        raise StoryBroken(seed, story.step, law, str(first), story.told) from exc
    finally:
        connect.asyncpg = driver
        for reader in READERS_OF_POLICIES:
            reader.load_policy_set = load
        logger.removeHandler(listener)
        logger.propagate = propagates
    told = "\n".join(story.told)
    return Told(
        seed, story.step, story.operations, story.all_faults(), loop.time(),
        hashlib.sha256(told.encode()).hexdigest()[:16],
    )  # fmt: skip


def _first(exc: BaseException) -> BaseException:
    """What happened to one of several that went on together."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return exc


async def _policies(connection: Any) -> PolicySet:
    """Policy files are read once for all stories."""
    policies: PolicySet = connection.host.city.region.policies
    return policies


def _unheard(story: Story, context: dict[str, Any]) -> None:
    exc = context.get("exception")
    story.tell(f"unheard {context.get('message')} {exc!r}")


def replay_command(seed: int) -> str:
    """What plays a seed again and tells it, to the step where it broke."""
    return f"make simulate FROM={seed} SEEDS=1 STORY=1"


