"""The queue of one journal in one process: requests that arrive together become one batch.

    waiting ──take──▶ read, 1 round trip ──decide──▶ write, 1 round trip, 1 flush ──▶ answers

A batch takes everybody who waits, up to a limit. While it is out the next one gathers, so batches
grow under load by themselves. Several items of one person in a batch see each other's effects.

The first try is optimistic: read, decide, write; the write checks that nobody changed in between.
If a few did, the others are written without them, and they go first in the next batch. If many did,
or another process was first, or the connection broke, the second try takes the journal's head first
and reads again under it: then nothing can change, whatever was in flight before is decided, and the
keys of the messages say whether it was written. So a second try never books twice and always ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from asyncpg import Connection, Record

from ledger.postgres.shape import Shape
from settlement.clock import Moment, monotonic
from settlement.commands import Command
from settlement.decision import Decision
from settlement.gateway import Unavailable
from settlement.keyring import Keyring
from settlement.refusal import Refusal
from settlement.storage.batch_items import (
    Item,
    Reply,
    Said,
    Stopwatch,
    answers_written_meanwhile,
    is_told_again,
    may_be_torn,
    resolve_durable,
)
from settlement.storage.errors import (
    AlreadyWrittenError,
    BusinessDayClosedError,
    DatabaseRefusedError,
    JournalClosedError,
    LostConnectionError,
    StaleFactsError,
    StorageError,
    translate,
)
from settlement.storage.queries import ADMIN
from settlement.storage.reader import read_view, stale_persons
from settlement.storage.writer import lock_head, write_batch
from settlement.view import Effects, PersonFacts, View

Connect = Callable[[], Awaitable["Connection[Record]"]]
RECONNECT_SECONDS = 0.2
PLANS_KEPT_SECONDS_MAX = 300.0
QUIET_SECONDS = 0.002
"""A batch is complete when nobody came for so long."""
GATHER_SECONDS_MAX = 0.012
"""How long the first of a batch may wait for the others."""
STALE_SHARE = 4
"""A batch of which more than one in so many is stale is decided again as a whole."""
logger = logging.getLogger("settlement.journal")


class Desk(Protocol):
    """What a queue needs from the rest of the process."""

    keyring: Keyring

    def decide_all(
        self, commands: Sequence[Command], view: View, moment: Moment
    ) -> Sequence[Decision]:
        """The decisions on a batch, each on the view as those before it leave it; never raises."""

    def now(self) -> Moment:
        """The clock."""

    async def day_closed(self) -> None:
        """The business day was closed under us: learn which day is open."""

    def batch_taken(self, waited: Sequence[float]) -> None:
        """For the metrics: how many seconds each of its items had waited."""

    def batch_decided(self, batch: Sequence[Item], laps: Sequence[float]) -> None:
        """For traces, before anybody hears of it: the seconds of reading and deciding."""

    def batch_done(
        self, batch: Sequence[Item], *, written: int, laps: Sequence[float], again: bool
    ) -> None:
        """For metrics and traces: the laps are the seconds of reading, deciding and writing."""


class PlanAge:
    """How old a session's query plans may grow: a second at first, then twice as long each time.

    A plan is made for tables as they are and then kept; these grow from nothing, and statistics
    come too late for them. A new plan looks at their size (docs/profile.md says what was seen, and
    that the cause is not proved).
    """

    __slots__ = ("_keep_seconds", "_until")

    def __init__(self) -> None:
        self._keep_seconds = 1.0
        self._until = monotonic() + self._keep_seconds

    def are_old(self) -> bool:
        """Whether it is time to make them anew; then they count as new."""
        now = monotonic()
        if now < self._until:
            return False
        self._keep_seconds = min(2 * self._keep_seconds, PLANS_KEPT_SECONDS_MAX)
        self._until = now + self._keep_seconds
        return True


class JournalQueue:
    """One journal's requests in one process. `submit` from any task; `run` is its only worker."""

    def __init__(
        self, *, journal: int, shape: Shape, desk: Desk, connect: Connect, batch_size_max: int,
        queue_length_max: int, request_seconds_max: float, read_seconds_max: float,
    ) -> None:  # fmt: skip
        self.journal = journal
        self._shape = shape
        self._desk = desk
        self._connect = connect
        self._batch_size_max = batch_size_max
        self._queue_length_max = queue_length_max
        self._request_seconds_max = request_seconds_max
        self._read_seconds_max = read_seconds_max
        self._waiting: deque[Item] = deque()
        self._out: list[Item] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._connection: Connection[Record] | None = None
        self._broken = False
        self._plans = PlanAge()
        self._gathered = asyncio.Event()
        self.arriving: Callable[[], int] = int
        """how many requests are on their way to `submit`; the web layer knows"""
        self._enough = 0
        self._usual = 0
        """size of recent batches, smoothed"""
        self._alone = 0
        """how many of the next items are taken one by one, after a refusal by the database"""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def broken(self) -> bool:
        """True while the database cannot be reached."""
        return self._broken

    @property
    def waited_seconds(self) -> float:
        """How long the first one in the queue has waited; 0 where nobody does."""
        if not self._waiting:
            return 0.0
        return monotonic() + self._request_seconds_max - self._waiting[0].deadline

    def submit(self, command: Command, said: Said, reply: asyncio.Future[bytes]) -> bool:
        """Queue a command; False where the queue takes no more. `said` makes the bytes of its
        reply when that may leave; `reply` raises Unavailable where nothing definite can be said.
        """
        if self._closing or len(self._waiting) >= self._queue_length_max:
            return False
        deadline = monotonic() + self._request_seconds_max
        self._waiting.append(Item(command, deadline, said, reply))
        self._wake.set()
        if len(self._waiting) >= self._enough:
            self._gathered.set()
        return True

    async def run(self) -> None:
        """Serve batches until cancelled."""
        try:
            while True:
                await self._wake.wait()
                while self._waiting:
                    self._idle.clear()
                    await self._gather()
                    await self._serve()
                self._wake.clear()
                self._idle.set()
                if self._broken:
                    await self._guarded(self._connected())
        finally:
            self._give_up(self._out)
            self._give_up(list(self._waiting))
            await self._disconnect()

    def knock(self) -> None:
        """The database answers others again: connect, so that readiness says so before anybody is
        sent here. Whoever balances load by it sends nobody until then."""
        if self._broken:
            self._wake.set()

    async def drain(self, seconds: float) -> None:
        """Take no more, finish what waits; what is left after `seconds` is answered in doubt."""
        self._closing = True
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            self._log(logging.WARNING, "journal.drain.incomplete", left=len(self._waiting))

    async def _gather(self) -> None:
        """Wait a moment for those who are here already but not in the queue yet.

        First the loop reads every socket that has something. Then whoever waits for a nonce is
        waited for; and, where batches have been large lately, those who were answered together
        and come back one by one. Without this the first of them would leave alone, and the cost
        of a whole batch with it. Alone at the counter nobody waits.
        """
        self._enough = min(self._usual * 2 // 3, self._batch_size_max)
        until = monotonic() + GATHER_SECONDS_MAX
        seen = -1
        await asyncio.sleep(0)
        while not self._complete() and not self._closing and monotonic() < until:
            here = len(self._waiting) + self.arriving()
            if here == seen:
                return
            seen = here
            self._gathered.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._gathered.wait()
            await asyncio.sleep(0)  # the time may have gone by while the loop had its hands full

    def _complete(self) -> bool:
        waiting = len(self._waiting)
        if waiting >= self._batch_size_max:
            return True
        return waiting >= self._enough and not self.arriving()

    def _take(self) -> list[Item]:
        """The next batch: everybody who waits, up to the limit."""
        waiting = self._waiting
        if self._alone:
            self._alone -= 1
            return [waiting.popleft()]
        if len(waiting) <= self._batch_size_max:
            batch = list(waiting)
            waiting.clear()
            return batch
        return [waiting.popleft() for _ in range(self._batch_size_max)]

    async def _serve(self) -> None:
        """One batch from first try to answers; every item ends with an answer or an error."""
        batch = self._out = self._in_time(self._take())
        taken = monotonic() + self._request_seconds_max
        self._desk.batch_taken([taken - item.deadline for item in batch])
        self._usual = (3 * self._usual + len(batch)) // 4
        failure = await self._try(self._optimistic, batch)
        while failure is not None and await self._recover(failure, batch):
            batch = self._in_time([item for item in batch if not item.future.done()])
            failure = await self._try(self._under_the_head, batch) if batch else None
        self._out = []

    async def _try(
        self, attempt: Callable[[list[Item]], Awaitable[None]], batch: list[Item]
    ) -> StorageError | None:
        """One attempt. Nothing that one item brings with it may end the queue of all others."""
        try:
            await attempt(batch)
        except StorageError as exc:
            return exc
        except Exception as exc:
            logger.exception("a batch failed", extra={"event": "journal.batch.failed"})
            return DatabaseRefusedError(f"{type(exc).__name__}: {exc}")
        return None

    def _in_time(self, batch: list[Item]) -> list[Item]:
        now = monotonic()
        late = [item for item in batch if item.deadline <= now]
        if late:
            self._give_up(late)
        return [item for item in batch if item.deadline > now] if late else batch

    async def _recover(self, exc: StorageError, batch: list[Item]) -> bool:
        """What to do before the next try; False where there is none."""
        match exc:
            case AlreadyWrittenError():
                return True
            case BusinessDayClosedError():
                await self._guarded(self._desk.day_closed())
            case LostConnectionError():
                self._log(logging.WARNING, "journal.connection.lost", reason=str(exc))
                await self._disconnect()
                await asyncio.sleep(RECONNECT_SECONDS)
            case JournalClosedError():
                self._give_up(batch)
                return False
            case DatabaseRefusedError():
                self._log(logging.ERROR, "journal.batch.refused", reason=str(exc))
                await self._disconnect()
                self._isolate(batch)
                return False
        return True

    def _isolate(self, batch: list[Item]) -> None:
        """The database refused a batch: its items are tried one by one from now on."""
        batch = [item for item in batch if not item.future.done()]
        if len(batch) == 1:
            batch[0].resolve(Refusal(code="INTERNAL"))
            return
        self._waiting.extendleft(reversed(batch))
        self._alone = len(batch)

    async def _guarded(self, work: Awaitable[object]) -> None:
        try:
            await work
        except StorageError as exc:
            self._log(logging.WARNING, "journal.recovery.failed", reason=str(exc))

    async def _optimistic(self, batch: list[Item]) -> None:
        if not batch:
            return
        connection = await self._connected()
        await self._renew_plans(connection)
        watch = Stopwatch()
        view = await self._read(connection, batch)
        watch.lap()
        moment = self._desk.now()
        unsure: list[tuple[Item, Reply]] = []
        pending, effects = self._decide(batch, view, moment, unsure)
        watch.lap()
        self._desk.batch_decided(batch, watch.laps)
        if effects:
            try:
                await self._write(connection, view, moment, pending, effects)
            except StaleFactsError:
                effects = await self._write_the_rest(connection, view, moment, pending, effects)
        elif pending:
            await self._tell_again(connection, pending)
        watch.lap()
        self._desk.batch_done(batch, written=len(effects), laps=watch.laps, again=False)
        if unsure:
            await self._refuse(connection, view, unsure)

    async def _tell_again(
        self, connection: Connection[Record], pending: Sequence[tuple[Item, Reply]]
    ) -> None:
        """First answers, told again once what they rest on lasts (ADR 0053)."""
        try:
            await connection.execute(ADMIN["wait_for_second_server"])
        except Exception as exc:
            raise translate(exc) or exc from exc
        resolve_durable(connection, pending)

    async def _refuse(
        self, connection: Connection[Record], view: View, unsure: Sequence[tuple[Item, Reply]]
    ) -> None:
        """Refuse those whose person is still as it was read; the others are decided again.

        What several statements read is of several moments. A duplicate whose first one was booked
        in between sees what it did (a cancelled settlement, a settled batch) and not its message.
        """
        persons = view.persons
        named = {item.command.asked.person_no for item, _ in unsure} & persons.keys()
        stale = await self._stale(connection, [persons[who] for who in named])
        back = []
        for item, reply in unsure:
            who = item.command.asked.person_no
            # A sale without a person has no version. What its refusal rests on was there the first
            # time; the second time its message would be there as well.
            if who in stale or (who not in persons and not item.stale):
                back.append(item)
            else:
                item.resolve(reply)
        if any(item.stale for item in back):
            raise StaleFactsError(f"{len(back)} refusals rest on stale facts")
        for item in back:
            item.stale = True
        self._waiting.extendleft(reversed(back))

    async def _write_the_rest(
        self,
        connection: Connection[Record],
        view: View,
        moment: Moment,
        pending: Sequence[tuple[Item, Reply]],
        effects: Sequence[Effects],
    ) -> list[Effects]:
        """Write a batch without those who changed since they were read; they go first next time.

        Persons do not concern each other, so what was decided of the others stands. Where many
        changed, or one item is stale for the second time, the whole batch is for the second try.
        """
        stale = await self._stale(connection, [p for p in view.persons.values() if p.changed])
        back = [item for item, _ in pending if item.command.asked.person_no in stale]
        if not 0 < STALE_SHARE * len(back) <= len(pending) or any(item.stale for item in back):
            raise StaleFactsError(f"{len(back)} of {len(pending)} items are stale")
        for item in back:
            item.stale = True
        for person_no in stale:
            view.persons[person_no].changed = False
        rest = [(i, reply) for i, reply in pending if i.command.asked.person_no not in stale]
        effects = [one for one in effects if one.person_no not in stale]
        if effects:
            await self._write(connection, view, moment, rest, effects)
        else:
            await self._tell_again(connection, rest)
        self._waiting.extendleft(reversed(back))
        self._desk.batch_done(back, written=0, laps=(), again=True)
        return effects

    async def _stale(
        self, connection: Connection[Record], persons: Sequence[PersonFacts]
    ) -> set[str]:
        if not persons:
            return set()
        try:
            async with asyncio.timeout(self._read_seconds_max):
                return await stale_persons(connection, persons, self._shape)
        except Exception as exc:
            raise translate(exc) or exc from exc

    async def _under_the_head(self, batch: list[Item]) -> None:
        """The second try: nothing of this journal can change from here to the commit."""
        connection = await self._connected()
        watch = Stopwatch()
        pending: list[tuple[Item, Reply]] = []
        try:
            async with connection.transaction():
                lane = batch[0].command.asked.lane
                await lock_head(connection, journal=self.journal, lane=lane, shape=self._shape)
                view = await self._read(connection, batch)
                watch.lap()
                moment = self._desk.now()
                pending, effects = self._decide(batch, view, moment)
                watch.lap()
                self._desk.batch_decided(batch, watch.laps)
                if effects:
                    for item, _ in pending:
                        item.sent = True
                    await write_batch(
                        connection, journal=self.journal, moment=moment, view=view,
                        effects=effects, shape=self._shape,
                    )  # fmt: skip
                elif pending:
                    await connection.execute(ADMIN["wait_for_second_server"])
        except Exception as exc:
            raise translate(exc) or exc from exc
        watch.lap()
        resolve_durable(connection, pending)
        self._desk.batch_done(batch, written=len(effects), laps=watch.laps, again=True)

    async def _read(self, connection: Connection[Record], batch: Sequence[Item]) -> View:
        try:
            async with asyncio.timeout(self._read_seconds_max):
                commands = [item.command for item in batch]
                return await read_view(connection, commands, self._desk.keyring, self._shape)
        except Exception as exc:
            raise translate(exc) or exc from exc

    def _decide(
        self, batch: Sequence[Item], view: View, moment: Moment,
        unsure: list[tuple[Item, Reply]] | None = None,
    ) -> tuple[list[tuple[Item, Reply]], list[Effects]]:  # fmt: skip
        """Decide every item.

        What has no effect is answered at once, unless it may rest on an effect on its person that
        this batch has not written yet, or tells again what was booked before: that waits for the
        commit, too, as whoever booked it may not have waited for a second server. Refusals that
        may rest on facts of several moments go to `unsure`, where there is one: under the head
        nothing changes between two statements.
        """
        decisions = self._desk.decide_all([item.command for item in batch], view, moment)
        effects = [e for d in decisions if d.effects is not None for e in d.effects.steps]
        touched = {e.person_no for e in effects}
        pending: list[tuple[Item, Reply]] = []
        for item, decision in zip(batch, decisions, strict=True):
            if (
                decision.effects is not None
                or item.command.asked.person_no in touched
                or is_told_again(decision.reply)
            ):
                pending.append((item, decision.reply))
            elif unsure is not None and may_be_torn(item.command, decision.reply, view):
                unsure.append((item, decision.reply))
            else:
                item.resolve(decision.reply)
        return pending, effects

    async def _write(
        self,
        connection: Connection[Record],
        view: View,
        moment: Moment,
        pending: Sequence[tuple[Item, Reply]],
        effects: Sequence[Effects],
    ) -> None:
        for item, _ in pending:
            item.sent = True
        try:
            with answers_written_meanwhile([reply for _, reply in pending]):
                await write_batch(
                    connection, journal=self.journal, moment=moment, view=view, effects=effects,
                    shape=self._shape,
                )  # fmt: skip
        except Exception as exc:
            raise translate(exc) or exc from exc
        resolve_durable(connection, pending)

    async def _connected(self) -> Connection[Record]:
        if self._connection is None or self._connection.is_closed():
            try:
                self._connection = await self._connect()
                self._plans = PlanAge()
            except Exception as exc:
                self._broken = True
                raise translate(exc) or exc from exc
            self._broken = False
        return self._connection

    async def _renew_plans(self, connection: Connection[Record]) -> None:
        if not self._plans.are_old():
            return
        try:
            await connection.execute(ADMIN["plan_anew"])
        except Exception as exc:
            raise translate(exc) or exc from exc

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _log(self, level: int, event: str, **fields: object) -> None:
        extra = {"event": event, "journal": self.journal, **fields}
        logger.log(level, "journal %d", self.journal, extra=extra)

    def _give_up(self, items: Sequence[Item]) -> None:
        """Nothing definite can be said in time: what was never sent may come later, what was sent
        must come again under the same msgid."""
        for item in items:
            item.fail(Unavailable("same_msgid" if item.sent else "later"))
