"""A settlement that relatives help to pay, from its first decision to the last relative's account.

One process walks through it (ADR 0023): ask the patient's journal what relatives are to pay, hold
it in each relative's journal, settle in the patient's journal with what is held, then let each hold
pay. Only the third step decides; if this process dies, or gives up, workers/family.py reads that
decision and does the rest. So nothing here needs to be done twice, and nothing is lost if it is not
done at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress

from msgspec.structs import replace

from ledger.postgres.shape import Shape
from settlement.claim import AccountUse
from settlement.clock import Moment
from settlement.commands import (
    Asked,
    Cancel,
    Command,
    EndUndertaking,
    Hold,
    HoldForRelative,
    Pledge,
    Purchase,
    ResolveHold,
    ReturnPayment,
    Reverse,
    SettleStay,
    SettleVisit,
)
from settlement.decision import Answer, Held, Wanted
from settlement.gateway import Overloaded, Unavailable
from settlement.lanes import lane_of
from settlement.numbers import NumberSource, lane_in
from settlement.refusal import Refusal
from settlement.rows import ShareRow
from settlement.serve.asking import Asking, Journals, Reply
from settlement.storage.connect import Reconnecting
from settlement.storage.errors import StorageError
from settlement.storage.families import Outcome, Question, outcomes_of

HOLD_SECONDS_MAX = 5.0
"""How long relatives' journals may take together; then nothing is settled."""
SETTLE_UP_SECONDS_MAX = 2.0
"""How long an answer waits for relatives' accounts to be settled up; then it leaves without."""
NO_KEY = bytes(16)
logger = logging.getLogger("settlement.service")
_FAMILY = AccountUse.FAMILY


def may_use_family(command: Command) -> bool:
    """Whether relatives may help to pay it. Asked of every command: two comparisons for a sale."""
    kind = type(command)
    if kind is Purchase:
        return command.claim.account_use is _FAMILY  # type: ignore[attr-defined]
    if kind is SettleVisit or kind is SettleStay:
        return command.account_use is _FAMILY  # type: ignore[attr-defined]
    return kind is Cancel or kind is Reverse


class FamilyDesk:
    """Walks settlements with relatives through their steps, and what they undo back."""

    def __init__(
        self, *, journals: Journals, side: Reconnecting, shape: Shape, lanes: int,
        next_number: NumberSource, now: Callable[[], Moment],
    ) -> None:  # fmt: skip
        self._ask = journals.ask
        self._send = journals.send
        self._side = side
        self._shape = shape
        self._lanes = lanes
        self._next_number = next_number
        self._now = now
        self._walking = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def carry_out(self, command: Command) -> Coroutine[object, object, Reply]:
        """The reply to a command of `may_use_family`, in time. Its first step is sent at once, so
        that it keeps its place among other messages. Raises Unavailable and Overloaded."""
        if isinstance(command, Cancel | Reverse):
            way = self._undo(command.asked, self._send(command))
        else:
            pledge = Pledge(undertaking_id=self._number(command.asked.lane))
            way = self._settle(command, pledge, self._send(replace(command, pledge=pledge)))
        self._walking += 1
        self._idle.clear()
        return self._walked(way)

    async def _walked(self, way: Coroutine[object, object, Reply]) -> Reply:
        try:
            return await way
        finally:
            self._walking -= 1
            if not self._walking:
                self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Wait until what is under way here is done; what is not by then is left to others."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def close(self) -> None:
        """Drop the connection."""
        self._side.close()

    async def _settle(self, command: Command, pledge: Pledge, first: Asking) -> Reply:
        reply = await first.heard()
        if not isinstance(reply, Wanted):
            return reply
        quote: bool = command.quote  # type: ignore[attr-defined]
        pledge = replace(pledge, wanted_fen=reply.fen)
        holds: list[Hold] = []
        try:
            async with asyncio.timeout(HOLD_SECONDS_MAX):
                await self._hold(command.asked, pledge, reply, holds, quote=quote)
        except (Unavailable, Overloaded, TimeoutError) as exc:
            if not quote:
                await self._let_go(command.asked, replace(pledge, holds=tuple(holds)))
            raise (exc if isinstance(exc, Overloaded) else Unavailable("later")) from exc
        pledge = replace(pledge, holds=tuple(holds))
        if quote:
            return await self._ask(replace(command, pledge=pledge))
        return await self._settle_with(command, pledge)

    async def _settle_with(self, command: Command, pledge: Pledge) -> Reply:
        """The step that decides. Where its outcome is unknown, nobody here presumes one."""
        try:
            reply = await self._ask(replace(command, pledge=pledge))
        except (Unavailable, Overloaded) as exc:
            if isinstance(exc, Overloaded) or exc.retry == "later":
                await self._let_go(command.asked, pledge)
            raise
        if isinstance(reply, Refusal) or reply.replayed:
            await self._let_go(command.asked, pledge)
        else:
            await self._soon(self._settle_up(command.asked, pledge.undertaking_id, pledge.holds))
        return reply

    async def _hold(
        self, asked: Asked, pledge: Pledge, wanted: Wanted, holds: list[Hold], *, quote: bool
    ) -> None:
        """Hold what is wanted, relative by relative in their order, into `holds`. Where it fails
        nothing was settled, and a hold that nobody heard of is found by its row."""
        left_fen = wanted.fen
        for link in wanted.donors:
            lane = lane_of(link.donor_no, self._lanes)
            hold_id = self._number(lane)
            holding = HoldForRelative(
                asked=_asked_of(asked, link.donor_no, lane), hold_ids=(hold_id,), hold_id=hold_id,
                undertaking_id=pledge.undertaking_id, patient_lane=asked.lane,
                patient_no=asked.person_no, wanted_fen=left_fen, quote=quote,
            )  # fmt: skip
            reply = await self._ask(holding)
            if isinstance(reply, Held) and reply.fen:
                holds.append(Hold(link.donor_no, link.relation, hold_id, reply.fen))
                left_fen -= reply.fen
            if not left_fen:
                break

    async def _let_go(self, asked: Asked, pledge: Pledge) -> None:
        """Nothing is settled by this pledge: its undertaking ends, and then its holds."""

        async def ending() -> None:
            await self._ask(
                EndUndertaking(
                    asked=_asked_of(asked, asked.person_no, asked.lane),
                    undertaking_id=pledge.undertaking_id,
                )
            )
            await self._settle_up(asked, pledge.undertaking_id, pledge.holds)

        await self._soon(ending())

    async def _settle_up(self, asked: Asked, undertaking_id: int, holds: Sequence[Hold]) -> None:
        """Each hold pays or is released, as the patient's lane says."""
        if not holds:
            return
        questions = [
            Question(
                hold_id=hold.hold_id, patient_lane=asked.lane, patient_no=asked.person_no,
                undertaking_id=undertaking_id,
            )
            for hold in holds
        ]  # fmt: skip
        async with self._side.use() as connection:
            outcomes = await outcomes_of(connection, questions, self._shape)
        async with asyncio.TaskGroup() as group:
            for hold in holds:
                outcome = outcomes.get(hold.hold_id)
                if outcome is not None and not outcome.still_open:
                    group.create_task(self._resolve(asked, hold.donor_no, hold.hold_id, outcome))

    async def _resolve(self, asked: Asked, donor_no: str, hold_id: int, outcome: Outcome) -> None:
        whose = _asked_of(asked, donor_no, lane_in(hold_id))
        await self._ask(
            ResolveHold(asked=whose, hold_ids=(hold_id,), hold_id=hold_id, setl_id=outcome.setl_id)
        )

    async def _undo(self, asked: Asked, first: Asking) -> Reply:
        reply = await first.heard()
        if isinstance(reply, Answer) and reply.returns:
            await self._soon(self._give_back(asked, reply.returns))
        return reply

    async def _give_back(self, asked: Asked, returns: Sequence[ShareRow]) -> None:
        """Each relative gets back what their account paid; then nothing is under way any more."""
        setl_id = returns[0].setl_id
        questions = [
            Question(
                hold_id=share.hold_id, patient_lane=asked.lane, patient_no=asked.person_no,
                undertaking_id=0,
            )
            for share in returns
        ]  # fmt: skip
        async with self._side.use() as connection:
            outcomes = await outcomes_of(connection, questions, self._shape)
        async with asyncio.TaskGroup() as group:
            for share in returns:
                group.create_task(self._return(asked, share, outcomes[share.hold_id]))
        await self._ask(
            EndUndertaking(
                asked=_asked_of(asked, asked.person_no, asked.lane), undertaking_id=setl_id
            )
        )

    async def _return(self, asked: Asked, share: ShareRow, outcome: Outcome) -> None:
        await self._resolve(asked, share.donor_no, share.hold_id, outcome)
        whose = _asked_of(asked, share.donor_no, lane_in(share.hold_id))
        reply = await self._ask(
            ReturnPayment(
                asked=whose, hold_ids=(share.hold_id,), hold_id=share.hold_id,
                setl_id=share.setl_id,
            )
        )
        if isinstance(reply, Refusal):
            raise Unavailable("later")

    async def _soon(self, work: Coroutine[object, object, None]) -> None:
        """Do what may as well be done later, by others, if it does not work out now."""
        try:
            async with asyncio.timeout(SETTLE_UP_SECONDS_MAX):
                await work
        except* (StorageError, Unavailable, Overloaded, TimeoutError) as group:
            logger.warning(
                "relatives' accounts are left to the background",
                extra={"event": "family.left", "reason": repr(group.exceptions[0])},
            )

    def _number(self, lane: int) -> int:
        return self._next_number(lane, self._now().business_day)


def _asked_of(asked: Asked, person_no: str, lane: int) -> Asked:
    """The same for another person; it is no message and binds no key."""
    return replace(
        asked, person_no=person_no, lane=lane, message_key=NO_KEY, fingerprint=b""
    )
