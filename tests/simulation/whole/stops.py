"""Operators stop somebody, or a whole institution, and let them settle again (停用, 恢复).

The operator's command is the product's own, over a line that may break like any other; it is done
again until it is known to be done. From a while after that every process must know: what begins to
be asked then settles nothing before it is let go again.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import asyncpg
from msgspec import Struct

from settlement.storage.switches import switch
from tests.simulation.passing import passes
from tests.simulation.whole.laws import demand

if TYPE_CHECKING:
    from tests.kit.population import Citizen
    from tests.simulation.whole.book import Book, Letter
    from tests.simulation.whole.city import City

KNOWN_AFTER_SECONDS = 3.0
"""Processes ask twice a second, and a look that fails is done again; a database that was away is
connected to anew."""
AGAIN_SECONDS = 0.3


class Stop(Struct, eq=False):
    """What is stopped, from when it was known to be until somebody began to let it go."""

    city: City
    kind: str
    subject: str
    since: float
    until: float = float("inf")

    def holds(self, letter: Letter) -> bool:
        """Whether a message that was settled should not have been."""
        if letter.city is not self.city or not self._is_of(letter):
            return False
        begun_after = letter.written_at > self.since + KNOWN_AFTER_SECONDS
        return begun_after and letter.told_at < self.until

    def _is_of(self, letter: Letter) -> bool:
        if self.kind == "institution":
            return letter.message.caller.institution_code == self.subject
        return letter.told is not None and letter.told.text("psn_no") == self.subject


class Stops:
    """The operators of both cities, who stop one thing at a time in each."""

    def __init__(self, cities: list[City], rng: Random) -> None:
        self._cities = cities
        self._rng = rng
        self._now: dict[str, Stop] = {}
        self._busy: set[str] = set()
        self.all: list[Stop] = []

    async def one(self) -> None:
        """Somebody is stopped, or whoever is stopped is let go."""
        city = self._rng.choice(self._cities)
        if city.code in self._busy:
            return
        self._busy.add(city.code)
        try:
            await self._one(city)
        finally:
            self._busy.discard(city.code)

    async def _one(self, city: City) -> None:
        stopped = self._now.pop(city.code, None)
        if stopped is not None:
            stopped.until = self._time()
            await self._switch(city, stopped.kind, stopped.subject, suspended=False)
            return
        kind = self._rng.choice(("person", "person", "institution"))
        subject = (
            self._rng.choice(city.people).number
            if kind == "person"
            else self._rng.choice(city.institutions[:2]).code
        )
        await self._switch(city, kind, subject, suspended=True)
        stop = Stop(city, kind, subject, self._time())
        self._now[city.code] = stop
        self.all.append(stop)

    async def _switch(self, city: City, kind: str, subject: str, *, suspended: bool) -> None:
        """Until it is known to be done."""
        city.tell(f"{kind} {subject[-4:]} is {'stopped' if suspended else 'let go'}")
        host = city.operator()
        while True:
            try:
                connection = await city.story.connect(city.story.line_of(host))
                await switch(
                    connection,  # type: ignore[arg-type]
                    kind=kind, subject=subject, reason="测试停用", actor="测试操作员",
                    suspended=suspended, at=host.clock(),
                )  # fmt: skip
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await passes(AGAIN_SECONDS)
                continue
            connection.terminate()
            return

    def somebody(self, city: City) -> Citizen | None:
        """Whoever is stopped in a city; None where nobody is."""
        stop = self._now.get(city.code)
        if stop is None:
            return None
        return next((one for one in city.people if one.number == stop.subject), None)

    def check(self, book: Book, city: City) -> None:
        """Nothing was settled for whom it was known to be stopped."""
        for stop in self.all:
            wrong = [one.message.msgid for one in book.settled(city) if stop.holds(one)]
            demand("what is stopped settles nothing", holds=not wrong, told=(stop.kind, wrong))

    def _time(self) -> float:
        return asyncio.get_running_loop().time()
