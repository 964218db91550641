"""Two real regions in one process, a town each, with the simulated hub between them.

Time is the hub's, which stands until somebody moves it; each town's clock may be ahead of it or
behind. Whoever lives in one of them may stand at a counter of the other: a guest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

from msgspec import structs

from ledger.postgres.fold import balance
from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_faults import Faults
from loadtest.simulators.hub_world import AUTHORITY, HubRegion, certificate_text, hub_regions
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.hub.certificates import HUB, read_certificate
from settlement.chart import REGION_BASE, RegionAccount
from settlement.clock import CHINA, Clock
from settlement.demo import neighbour
from settlement.elsewhere.counterpart import Counterpart
from settlement.embedded.services import Services
from settlement.intake.counterparts import Kept
from settlement.policy.loader import PolicySet
from settlement.serve.service import Service
from settlement.storage.hub import keep_signed
from settlement.storage.payments import due_payments
from settlement.storage.policies import load_policy_set
from settlement.storage.remote_due import due_cases
from tests.kit.clock import TownClock
from tests.kit.counter import Hospital, Pharmacy
from tests.kit.population import HOME, Place, institutions_of
from tests.kit.strangers import Naming
from tests.kit.town import Town, a_town
from tests.services import fresh_database

OURS, OTHER = HOME.region, neighbour.REGION
BASE = REGION_BASE + 10
"""The accounts of the other region, in both."""
_PLACES = (
    structs.replace(
        HOME, counterparts=(Counterpart(region=OTHER, name="测试商洛", account_base=BASE),)
    ),
    Place(
        region=OTHER, institutions=institutions_of(OTHER), persons_after=4_000,
        counterparts=(Counterpart(region=OURS, name="测试东莞", account_base=BASE),),
        profile=neighbour.PROFILE.read_bytes(),
    ),
)  # fmt: skip
RESOLVED_AFTER_MAX = 400
"""Looks at what is due; then something is due for ever."""


class FollowingClock(TownClock):
    """A town's clock that somebody else moves."""

    def __init__(self, clock: Clock) -> None:
        self._follows = clock

    def __call__(self) -> datetime:
        return self._follows()

    def tick(self) -> str:
        """The time as the wire writes it; none passes."""
        return self.text()

    def move_to(self, at: datetime) -> None:
        """Not here: the pair's clock moves."""
        raise AssertionError("the pair moves the clock")

    def pass_by(self, delta: timedelta) -> None:
        """Not here: the pair's clock moves."""
        raise AssertionError("the pair moves the clock")


class Pair:
    """See the module. Both towns stand in `towns`, in the order OURS, OTHER."""

    def __init__(self, begins: datetime, faults: Faults) -> None:
        self.clock = VirtualClock(begins.replace(tzinfo=CHINA).astimezone(UTC))
        self.hub = HubSimulator(clock=self.clock, faults=faults)
        self.regions: dict[str, HubRegion] = hub_regions(self.hub, (OURS, OTHER))
        self.towns: dict[str, Town] = {}
        self.policies: dict[str, PolicySet] = {}

    def elsewhere(self, region: str) -> str:
        """The other one."""
        return OTHER if region == OURS else OURS

    async def stand(self, region: str) -> None:
        """A service of a town answers, and asks over the hub."""
        town, place = self.towns[region], self.regions[region]
        town.service = await town.start_service(hub=place.line, policies=self.policies[region])
        town.open_counters(town.service)
        place.desk = town.service.hub_desk

    async def abandon(self, region: str) -> None:
        """The process is gone with all that it had under way; another takes its place."""
        town = self.towns[region]
        await town.stop_service(town.service, drain_seconds=0)
        await self.stand(region)

    def pharmacy(self, at: str) -> Pharmacy:
        """Where guests buy."""
        town = self.towns[at]
        return Pharmacy(town.place.institutions[0], town.clock, self._naming(town.service, at))

    def hospital(self, at: str) -> Hospital:
        """Where guests are treated."""
        town = self.towns[at]
        return Hospital(town.place.institutions[2], town.clock, self._naming(town.service, at))

    async def resolve(self, region: str) -> None:
        """What the resolvers of a region have to do now, as often as something is due."""
        town = self.towns[region]
        for _ in range(RESOLVED_AFTER_MAX):
            cases = await due_cases(town.owner, by=town.clock(), limit=1)
            payments = await due_payments(town.owner, by=town.clock(), limit=1)
            if not cases and not payments:
                break
            resolvers = (town.service.remote_resolver, town.service.resolver)
            for resolver, due in zip(resolvers, (cases, payments), strict=True):
                if due:
                    await resolver.look(town.owner)
                    await resolver.settled()
        else:
            raise AssertionError(f"{region}: something is due for ever")

    async def advance(self, seconds: float) -> None:
        """So much time passes; then both resolvers look."""
        await self.clock.advance(seconds)
        for region in self.towns:
            await self.resolve(region)

    async def credit_fen(self, region: str, account: RegionAccount) -> int:
        """Credits less debits of an account that the other region has in this one's books."""
        found = await balance(self.towns[region].owner, BASE + account)
        return found.credits_fen - found.debits_fen

    def _naming(self, service: Service, at: str) -> Naming:
        return Naming(service, self.elsewhere(at), at=at)


@asynccontextmanager
async def a_pair(
    services: Services, *, begins: datetime, faults: Faults, ahead_seconds: tuple[float, float]
) -> AsyncIterator[Pair]:
    """A pair from a local time on; the books of both are checked when it is left without a
    failure. `ahead_seconds`: by how much each town's clock is ahead of the hub's."""
    pair = Pair(begins, faults)
    async with AsyncExitStack() as stack:
        for place, seconds in zip(_PLACES, ahead_seconds, strict=True):
            clock = pair.regions[place.region].clock
            clock.seconds = seconds
            database = stack.enter_context(fresh_database(services))
            town = await stack.enter_async_context(
                a_town(database, place=place, clock=FollowingClock(clock))
            )
            pair.towns[place.region] = town
            await _register_hub(town)
            pair.policies[place.region] = await load_policy_set(town.owner)
            await town.stop_service(town.service)
            await pair.stand(place.region)
        yield pair
        await pair.clock.close()


async def _register_hub(town: Town) -> None:
    """The hub's own certificate is imported: it may be asked for its book."""
    content = certificate_text(HUB)
    told = read_certificate(content, AUTHORITY.root)
    await keep_signed(town.owner, [Kept(told=told, content=content)], [])
