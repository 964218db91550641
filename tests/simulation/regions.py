"""Two regions whose people are treated in the other one, whatever the hub, the clocks and the
processes do; played from a seed.

Nobody here keeps a model of what should become of a message. What is checked is that the books of
the region of treatment, of the region of insurance, and of the hub say the same (`check`, and
`check_end` once nothing fails any more), and that nobody was told what does not hold.

    SETTLEMENT_TEST_SEED=S pytest tests/simulation/test_two_regions.py    # the fresh one again
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct, structs

from loadtest import institution_inputs as inputs
from loadtest.simulators.hub_faults import Fault, Faults, Met, Plan
from protocol.hub.envelope import Envelope, Says
from protocol.hub.messages import Kind
from settlement.chart import RegionAccount
from settlement.elsewhere.remote_states import HELD, REVERSE_SECONDS
from settlement.embedded.services import Services
from settlement.serve.regional_books import open_books
from settlement.serve.regional_lists import ask_both
from settlement.serve.regional_reconciling import ONE, Told, reconcile
from settlement.serve.regional_round import BY_ITSELF
from settlement.storage.regional_differences import open_differences
from settlement.storage.remote import read_cases
from settlement.view import View
from tests.kit.counter import Counter as Desk
from tests.kit.counter import Hospital, Message, Pharmacy
from tests.kit.pair import OTHER, OURS, Pair, a_pair
from tests.kit.population import BALANCE_FEN, CLASS_B, DEAR, PLAIN, Citizen, some
from tests.kit.reply import Reply
from tests.kit.waiting import until
from tests.simulation.region_scans import HOME, RegionScans

STEPS = 45
DOWN_AT, DOWN_STEPS = 25, 7
ABANDONED_EVERY = 12
GUESTS = 4
"""Of each region."""
CHECKED_EVERY = 15
HOUR = 3_600.0
SKEW_MAX = 140.0
"""Seconds that a clock is from the hub's; a message may be 300 old or early."""
QUIET_SECONDS = 400.0
"""Longer than any gap between two questions about a case."""
EDGES = (datetime(2026, 11, 24), datetime(2026, 12, 1))
"""Midnights that the story runs over: of an ordinary day, and of a month."""
IN_ADVANCE = {"input.druginfo.exp_content": '{"FULAMT_ADVPAY_FLAG":"1"}'}
_STANDS = (
    " and not exists (select 1 from settlement.settlement u where u.lane = t.lane"
    " and u.undoes_setl_id = t.setl_id)"
)
TREATED = (
    "select b.visit_no as case_no, t.total_fen, t.fund_fen, t.account_fen"
    " from settlement.settlement t join settlement.insured_elsewhere b"
    " on b.lane = t.lane and b.setl_id = t.setl_id"
    " where t.kind = 1 and not b.paid_in_advance"
)
INSURED = (
    "select b.case_no, t.total_fen, t.fund_fen, t.account_fen from settlement.settlement t"
    " join settlement.home_case b on b.lane = t.lane and b.setl_id = t.setl_id where t.kind = 1"
)
HELD_OPEN = (
    "select count(*) from ledger.entry e where e.kind = 2 and not exists (select 1 from"
    " ledger.entry r where r.lane = e.lane and r.pending_id = e.entry_id)"
)
Amounts = tuple[int, int, int]
"""Total, funds, account."""


class CaseFaults(Faults):
    """Draws the fate of a question from the place of its case in the story, not from numbers that
    depend on which of two resolvers was faster."""

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__(plan)
        self._place: dict[str, int] = {}
        self.holds_next = False
        """the next answer to a settlement does not come while its process lives"""

    def meet(self, *questions: Envelope) -> Met | None:
        """See `Faults`. The first of several stands for all of them."""
        question = questions[0]
        if not question.case:  # who it is and what it would come to: nothing is booked for it
            return None
        if self.holds_next and question.kind is Kind.SETTLE:
            self.holds_next = False
            return Met(Fault.ANSWERS_LATE, 3.0)
        place = self._place.setdefault(question.case, len(self._place))
        return super().meet(structs.replace(question, correlation=f"{place}"))


class Guest(Struct, kw_only=True, eq=False):
    """Somebody who is treated where they are not insured."""

    who: Citizen
    home: str
    sent: list[tuple[Desk, Message]] = []
    settled: list[tuple[str, Reply]] = []
    """what a counter told: the kind of counter, and its answer"""


class RegionsStory:
    """See the module. `told` is the story so far."""

    def __init__(self, seed: int, pair: Pair, faults: CaseFaults) -> None:
        self.rng = Random(seed)
        self.pair = pair
        self.faults = faults
        self.told: list[str] = []
        self.guests = [
            Guest(who=pair.towns[home].someone(), home=home)
            for home in (OURS, OTHER) for _ in range(GUESTS)
        ]  # fmt: skip
        self.begins_on = pair.towns[OURS].clock.local.date()
        self.scans = RegionScans(self.rng, pair, self._tell)
        self._undone: dict[str, set[str]] = {OURS: set(), OTHER: set()}
        """by where: what a counter was told to be taken back"""

    async def run(self) -> None:
        """All of it."""
        for guest in self.guests:
            await self._arrive(guest)
        self.pair.hub.faults.replace(
            Plan(seed=self.rng.randrange(10**9), share_ppm=350_000)
        )
        acts: tuple[Callable[[Guest], Awaitable[None]], ...] = (
            self._sell, self._visit, self._visit, self._resend, self._resend, self._cancel,
            self._cancel, self._reverse, self._pay_alone, self._at_home, self._abandon,
            self._sell_to_many, self._sell_to_many, *[self._at_the_till] * 6,
        )  # fmt: skip
        for step in range(1, STEPS + 1):
            if step == DOWN_AT:
                self.pair.hub.take_down(self.rng.choice((OURS, OTHER)), HOUR)
                self._tell("", "a region is down for an hour")
            if step == DOWN_AT + DOWN_STEPS:
                await self.pair.advance(HOUR)
            if step % ABANDONED_EVERY == 0:
                await self.pair.abandon(self.rng.choice((OURS, OTHER)))
                self._tell("", "a process is gone")
            await self.rng.choice(acts)(self.rng.choice(self.guests))
            await self.pair.advance(self.rng.choice((1.0, 5.0, 20.0, 70.0, 130.0, 300.0)))
            if step % CHECKED_EVERY == 0:
                await self.check()
        await self._mend()
        await self.check_end()

    # What people do.

    async def _arrive(self, guest: Guest) -> None:
        reply = await self._hospital(guest).ask("1101", inputs.lookup(guest.who.patient))
        assert reply.infcode == 0, reply

    async def _sell(self, guest: Guest) -> None:
        desk = self._pharmacy(guest)
        await self._settle(guest, desk, desk.sale(guest.who, *self._basket()))

    async def _sell_to_many(self, guest: Guest) -> None:
        """Several from one region at the same time: they are asked about in one message."""
        others = [one for one in self.guests if one is not guest and one.home == guest.home]
        crowd = [guest, *self.rng.sample(others, k=self.rng.randint(1, len(others)))]
        await asyncio.gather(*map(self._sell, crowd))

    async def _pay_alone(self, guest: Guest) -> None:
        """Everything in advance; nobody is asked."""
        desk = self._pharmacy(guest)
        message = desk.sale(guest.who, *self._basket()).edited(IN_ADVANCE)
        await self._settle(guest, desk, message)

    async def _at_the_till(self, guest: Guest) -> None:
        """Scan-to-pay; only people of one region find that theirs pays for what pharmacies sell."""
        if guest.home == HOME:
            await self.scans.scan(guest.who)
        await self.rng.choice((
            self.scans.again, self.scans.cancel, self.scans.refund, self.scans.confirm,
        ))()  # fmt: skip

    async def _visit(self, guest: Guest) -> None:
        message = await self._visited(guest)
        if message is not None:
            await self._settle(guest, self._hospital(guest), message)

    async def _visited(self, guest: Guest) -> Message | None:
        """A visit up to its settlement, which is not sent yet."""
        basket = self._basket()
        hospital = self._hospital(guest)
        registered = await hospital.send(hospital.registration(guest.who))
        if registered.infcode != 0:  # a case of theirs is under way
            self._tell(guest.home, f"2201 {registered.err_code}")
            return None
        visit = await hospital.open_visit(guest.who, *basket)
        quoted = visit.quote(*basket)
        quote = await hospital.send(quoted)
        self._tell(guest.home, f"2206 {quote.err_code or 'done'}")
        return visit.settlement(quoted, quote) if quote.infcode == 0 else None

    async def _abandon(self, guest: Guest) -> None:
        """The process that treats is gone while it waits for the answer."""
        message = await self._visited(guest)
        if message is None:
            return
        pair, at = self.pair, self._at(guest)
        self.faults.holds_next = True
        asking = asyncio.ensure_future(self._hospital(guest).send(message))

        async def waits() -> bool:
            return asking.done() or pair.clock.is_waited_for

        await until(waits)
        self.faults.holds_next = False
        self._tell(guest.home, "2207 is abandoned")
        await pair.abandon(at)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        guest.sent.append((self._hospital(guest), message))

    async def _at_home(self, guest: Guest) -> None:
        """They buy where they are insured, too."""
        pharmacy = self.pair.towns[guest.home].hospital
        visit = await pharmacy.open_visit(guest.who, some(PLAIN[2]))
        reply = await visit.settle(some(PLAIN[2]))
        self._tell(guest.home, f"at home {reply.err_code or 'done'}")

    async def _resend(self, guest: Guest) -> None:
        if guest.sent:
            desk, message = self.rng.choice(guest.sent)
            await self._settle(guest, self._same(guest, desk), message)

    async def _cancel(self, guest: Guest) -> None:
        if not guest.settled:
            return
        kind, settled = self.rng.choice(guest.settled)
        desk = self._pharmacy(guest) if kind == "P" else self._hospital(guest)
        message = desk.cancel(settled)
        for _ in range(self.rng.choice((1, 2))):
            reply = await desk.send(message)
            self._tell(guest.home, f"{message.infno} {reply.err_code or 'done'}")
            if reply.infcode == 0:
                self._undone[self._at(guest)].add(settled.setl_id)

    async def _reverse(self, guest: Guest) -> None:
        if not guest.sent:
            return
        desk, message = self.rng.choice(guest.sent)
        if message.infno not in ("2102", "2207"):
            return
        reply = await self._same(guest, desk).send(desk.reversal(message, guest.who))
        self._tell(guest.home, f"2601 {reply.err_code or 'done'}")
        if reply.infcode == 0:
            mine = await self._booked(guest, message)
            self._undone[self._at(guest)] |= mine

    async def _settle(self, guest: Guest, desk: Desk, message: Message) -> None:
        reply = await desk.send(message)
        self._tell(guest.home, f"{message.infno} {reply.err_code or 'done'}")
        guest.sent.append((desk, message))
        if reply.infcode == 0:
            guest.settled.append((desk.code[0], reply))

    @property
    def together(self) -> int:
        """In how many messages there was more than one question."""
        entries = self.pair.hub.book.entries
        asked = Counter(one.digest for one in entries if one.says is Says.ASKED)
        return sum(count > 1 for count in asked.values())

    # What is always true.

    async def check(self) -> None:
        """Nothing is held past its deadline, and no case is settled twice."""
        for region, town in self.pair.towns.items():
            view = View()
            rows = await town.owner.fetch("select case_no from settlement.remote_due")
            numbers = tuple(row["case_no"] for row in rows)
            await read_cases(town.owner, numbers, view, town.shape)
            limit = town.clock() - timedelta(seconds=REVERSE_SECONDS + QUIET_SECONDS)
            late = [
                fact for fact in view.cases.values()
                if fact.standing.state in HELD and fact.row.opened_at < limit
            ]  # fmt: skip
            assert not late, (region, late)
            for query in (TREATED, INSURED):
                found = Counter([row["case_no"] for row in await town.owner.fetch(query)])
                assert max(found.values(), default=0) <= 1, (region, found)

    async def check_end(self) -> None:
        """Three books of each direction say the same; nothing is under way; nobody was told what
        does not hold."""
        await self.check()
        for at, insured in ((OURS, OTHER), (OTHER, OURS)):
            treated = await self._standing(at, TREATED)
            assert treated == await self._standing(insured, INSURED)
            assert treated == {
                one.case: (one.amounts.total_fen, one.amounts.fund_fen, one.amounts.account_fen)
                for one in self.pair.hub.book.cases.values()
                if one.treated == at and one.stands and one.amounts is not None
            }  # fmt: skip
            sums = [sum(one[n] for one in treated.values()) for n in (1, 2)]
            for account, owed, fen in zip(
                (RegionAccount.RECEIVABLE_FUNDS, RegionAccount.RECEIVABLE_ACCOUNTS),
                (RegionAccount.PAYABLE_FUNDS, RegionAccount.PAYABLE_ACCOUNTS), sums, strict=True,
            ):  # fmt: skip
                assert await self.pair.credit_fen(at, account) == -fen
                assert await self.pair.credit_fen(insured, owed) == fen
            await self._days_agree_three_ways(at, insured)
            await self._nothing_is_under_way(at)
            await self._what_was_told_holds(at)
        for guest in self.guests:
            await self._person_is_right(guest)
        await self.scans.check_end()

    async def _days_agree_three_ways(self, at: str, insured: str) -> None:
        """Row by row, as every morning: over the wire, with the other region and with the hub."""
        town, place = self.pair.towns[at], self.pair.regions[at]
        opened = await open_books(town.owner, clock=town.clock)
        day, today = self.begins_on - ONE, town.clock.local.date()
        while day <= today:
            told = await ask_both(
                place.line, opened, insured, day, correlation=f"E-{day}", hub=None
            )
            assert isinstance(told, Told) and told.hub.rows is not None, told
            await reconcile(opened, told, BY_ITSELF)
            day += ONE
        open_ = await open_differences(town.owner, 100)
        assert not open_, "\n".join(map(str, open_))

    async def _nothing_is_under_way(self, at: str) -> None:
        owner = self.pair.towns[at].owner
        assert await owner.fetchval("select count(*) from settlement.remote_due") == 0
        assert await owner.fetchval(HELD_OPEN) == 0
        assert await owner.fetchval(
            "select count(*) from settlement.person where undertaking is not null"
        ) == 0  # fmt: skip

    async def _what_was_told_holds(self, at: str) -> None:
        owner = self.pair.towns[at].owner
        rows = await owner.fetch("select setl_id from settlement.settlement where kind = 1")
        booked = {str(row["setl_id"]) for row in rows}
        told = {r.setl_id for g in self.guests if self._at(g) == at for _, r in g.settled}
        assert told <= booked, told - booked
        rows = await owner.fetch("select undoes_setl_id from settlement.settlement where kind > 1")
        undone = {str(row["undoes_setl_id"]) for row in rows}
        assert self._undone[at] <= undone, self._undone[at] - undone

    async def _person_is_right(self, guest: Guest) -> None:
        """The account and the accumulators are what the rows come to."""
        town = self.pair.towns[guest.home]
        rows = await town.rows_of(guest.who)
        spent = sum(row["account_fen"] for row in rows)
        assert await town.balance_fen(guest.who) == BALANCE_FEN - spent
        paid = sum(
            fen for year in (await town.accumulators(guest.who)).values()
            for name, fen in year.items() if ".paid." in name
        )  # fmt: skip
        assert paid == sum(row["hifp_fen"] for row in rows), "of the pool, which has a cap"

    # Means.

    async def _mend(self) -> None:
        """Nothing fails any more, and time enough passes for everything to end."""
        self.pair.hub.faults.replace(Plan())
        for region in (OURS, OTHER):
            self.pair.hub.take_down(region, 0.0)
        for _ in range(4):
            await self.pair.advance(QUIET_SECONDS)

    async def _standing(self, region: str, query: str) -> dict[str, Amounts]:
        rows = await self.pair.towns[region].owner.fetch(query + _STANDS)
        return {
            row["case_no"]: (row["total_fen"], row["fund_fen"], row["account_fen"]) for row in rows
        }

    async def _booked(self, guest: Guest, message: Message) -> set[str]:
        rows = await self.pair.towns[self._at(guest)].owner.fetch(
            "select setl_id from settlement.settlement where kind = 1 and msgid = $1",
            message.msgid,
        )
        return {str(row["setl_id"]) for row in rows}

    def _same(self, guest: Guest, desk: Desk) -> Desk:
        """The counter of that kind that stands now."""
        return self._pharmacy(guest) if desk.code[0] == "P" else self._hospital(guest)

    def _at(self, guest: Guest) -> str:
        return self.pair.elsewhere(guest.home)

    def _hospital(self, guest: Guest) -> Hospital:
        return self.pair.hospital(self._at(guest))

    def _pharmacy(self, guest: Guest) -> Pharmacy:
        return self.pair.pharmacy(self._at(guest))

    def _basket(self) -> list[inputs.Bought]:
        rng = self.rng
        choice = (some(PLAIN[rng.randrange(20)], rng.randint(1, 9)), some(CLASS_B, 3), some(DEAR))
        return rng.sample(choice, k=rng.randint(1, 2))

    def _tell(self, home: str, what: str) -> None:
        self.told.append(f"{self.pair.clock():%d %H:%M:%S} {home} {what}")


async def play(services: Services, seed: int) -> RegionsStory:
    """One story; what fails names its seed and is told."""
    rng = Random(f"{seed}:world")
    begins = rng.choice(EDGES) - timedelta(seconds=rng.uniform(200, 2_000))
    ahead = rng.uniform(-SKEW_MAX, SKEW_MAX), rng.uniform(-SKEW_MAX, SKEW_MAX)
    faults = CaseFaults()
    async with a_pair(
        services, begins=begins.replace(microsecond=0), faults=faults, ahead_seconds=ahead
    ) as pair:
        story = RegionsStory(seed, pair, faults)
        try:
            await story.run()
        except Exception as exc:
            told = "\n".join(story.told)
            raise AssertionError(f"{exc!r}; seed {seed}:\n{told}") from exc
    return story
