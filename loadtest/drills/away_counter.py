"""Counters of a drill that treat people from another region, and what they believe in the end.

A counter knows the interface and nothing of the hub. It sends a message again where it is told to,
gives a case up where it will not wait, and writes down what it was told; that is held against the
books (drills/region_audit.py).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter as Counts
from collections.abc import Coroutine, Iterator, Mapping
from decimal import Decimal
from itertools import count

from msgspec import Struct

from loadtest import institution_inputs as inputs
from loadtest.drills.travellers import Afterwards, Journey, Travellers, Unclear
from loadtest.institution_client import (
    ClientError,
    Clients,
    Input,
    InstitutionClient,
    Message,
    Reply,
)
from loadtest.institution_inputs import Patient
from loadtest.world import World

AGAIN_SECONDS = 0.5
"""Before a message is sent again."""
PATIENCE = 2
"""Answers that leave a case unclear, before a counter does what it does then."""
CASE_SECONDS_MAX = 400.0
"""A case that is open for longer is given up by its counter; the drill has failed then."""
VANISHING_SECONDS = 0.02
_AGAIN = ("same_msgid", "later")
_ENDED = "REGION_CASE_ENDED"
"""A case that was to be given up has an outcome; the message itself tells which."""


class Believed(Struct, kw_only=True):
    """What a counter believes of a case."""

    number: int
    treated: str
    insured: str
    status: str = "open"
    """settled, refused, cancelled, reversed; open where nobody told in time"""
    setl_id: str = ""
    total_fen: int = 0
    fund_fen: int = 0
    account_fen: int = 0
    settled_seconds: float | None = None
    """from the first message that settles to the verdict, where nobody walked away"""
    was_unclear: bool = False
    messages: int = 0
    resends: int = 0
    refusal: str = ""
    said: Counts[str] = Counts()
    """refusals that were no verdict"""
    trouble: str = ""
    """an answer that the contract does not know"""

    @property
    def case(self) -> str:
        """The number that the other region and the hub know it by."""
        return f"{self.treated}-{self.setl_id}"

    @property
    def stands(self) -> bool:
        """Whether it is settled now."""
        return self.status == "settled"


class Counters:
    """All counters of both regions, and their cases."""

    def __init__(
        self, worlds: Mapping[str, World], clients: Mapping[str, Clients], travellers: Travellers
    ) -> None:
        self.worlds = worlds
        self.travellers = travellers
        self.believed: list[Believed] = []
        self._clients = clients
        self._known: set[str] = set()
        self._left: list[Case] = []
        self._batches = count(1)

    async def work(self, numbers: Iterator[int]) -> None:
        """One counter: cases, until there are no more numbers."""
        for number in numbers:
            journey = self.travellers.journey(number)
            home = next(one for one in self.worlds if one != journey.treated)
            patient = self.travellers.leave(home)
            believed = Believed(
                number=number, treated=journey.treated, insured=home, said=Counts()
            )
            self.believed.append(believed)
            case = Case(journey, patient, believed, client=self._client(journey),
                        batch_no=f"B{next(self._batches):09d}")  # fmt: skip
            await _in_time(case, case.play(is_known=patient.person.psn_no in self._known))
            if believed.status == "open":
                self._left.append(case)
                continue
            self._known.add(patient.person.psn_no)
            self.travellers.come_back(home, patient)

    async def close_of_business(self) -> None:
        """Every counter looks up what it left open."""
        await asyncio.gather(*(_in_time(case, case.look_up()) for case in self._left))

    def _client(self, journey: Journey) -> InstitutionClient:
        kind = "hospital" if journey.is_visit else "pharmacy"
        institution = self.worlds[journey.treated].of_kind(kind)[journey.place]
        return self._clients[journey.treated].of(institution)


class Case:
    """One case at one counter."""

    def __init__(
        self, journey: Journey, patient: Patient, believed: Believed, *, client: InstitutionClient,
        batch_no: str,
    ) -> None:  # fmt: skip
        self.believed = believed
        self._journey = journey
        self._patient = patient
        self._client = client
        self._batch_no = batch_no
        self._settling: Message | None = None

    async def play(self, *, is_known: bool) -> None:
        """From the first question until nothing is left to be done about it."""
        if not is_known:
            await self._done("1101", inputs.lookup(self._patient))
        settling = self._settling = await self._bill()
        began = time.monotonic()
        if self._journey.vanishes:
            await self._vanish(settling)
        reply = await self._ask(settling, patience=self._patience())
        if reply is not None:
            self.believed.settled_seconds = time.monotonic() - began
            self._learn(reply)
            await self._afterwards(settling, reply)
        elif self._journey.unclear is Unclear.GIVE_UP:
            await self._give_up(settling)
            self.believed.settled_seconds = time.monotonic() - began

    async def look_up(self) -> None:
        """What became of a case that was left alone."""
        if self._settling is None:
            return
        if self._journey.unclear is Unclear.FORGET:
            await self._give_up(self._settling)
            return
        reply = await self._ask(self._settling)
        if reply is not None:
            self._learn(reply)

    def _patience(self) -> int | None:
        return None if self._journey.unclear is Unclear.ASK_ON else PATIENCE

    async def _bill(self) -> Message:
        """What settles; before it, for a visit, all that comes before."""
        journey, patient, at = self._journey, self._patient, self._client.now()
        if not journey.is_visit:
            return self._message("2102", inputs.purchase(patient, journey.basket, at=at))
        batch_no = self._batch_no
        opened = await self._done("2201", inputs.registration(patient, visit_no=batch_no, at=at))
        mdtrt_id = str(opened.node("data")["mdtrt_id"])
        await self._done("2203", inputs.diagnosis(patient, mdtrt_id=mdtrt_id, at=at))
        lines = inputs.fee_lines(
            patient, journey.basket, mdtrt_id=mdtrt_id, batch_no=batch_no, at=at
        )
        await self._done("2204", lines)
        asked = inputs.visit_quote(patient, journey.basket, mdtrt_id=mdtrt_id, batch_no=batch_no)
        quote = (await self._done("2206", asked)).node("setlinfo")
        return self._message("2207", inputs.visit_settlement(asked, quote))

    def _learn(self, reply: Reply) -> None:
        """What the message that settles was told in the end."""
        believed = self.believed
        if not reply.is_done:
            believed.status, believed.refusal = "refused", f"{reply.err_code} {reply.err_msg}"
            return
        paid = reply.node("setlinfo")
        believed.status, believed.setl_id = "settled", str(paid["setl_id"])
        believed.total_fen = _fen(paid["medfee_sumamt"])
        believed.fund_fen = _fen(paid["fund_pay_sumamt"])
        believed.account_fen = _fen(paid["acct_pay"])

    async def _afterwards(self, settling: Message, settled: Reply) -> None:
        if not settled.is_done:
            return
        believed, journey = self.believed, self._journey
        if journey.twice:
            again = await self._ask(settling)
            if again is None or str(again.node("setlinfo")["setl_id"]) != believed.setl_id:
                believed.trouble = f"settled again: {again}"
        if journey.afterwards is Afterwards.CANCELLED:
            await self._cancel(settled.node("setlinfo"))
        elif journey.afterwards is Afterwards.REVERSED:
            await self._give_up(settling)

    async def _cancel(self, paid: Mapping[str, object]) -> None:
        content = inputs.cancel(
            setl_id=str(paid["setl_id"]), mdtrt_id=str(paid["mdtrt_id"]),
            psn_no=str(paid["psn_no"]),
        )  # fmt: skip
        infno = "2208" if self._journey.is_visit else "2103"
        reply = await self._ask(self._message(infno, content))
        if reply is not None and reply.is_done:
            self.believed.status = "cancelled"
        else:
            self.believed.trouble = f"cancel: {reply}"

    async def _give_up(self, settling: Message) -> None:
        """2601 of what settles, whatever became of it."""
        content = inputs.reversal(
            psn_no=self._patient.person.psn_no, omsgid=settling.msgid, oinfno=settling.infno
        )
        reply = await self._ask(self._message("2601", content))
        if reply is not None and reply.err_code == _ENDED:
            verdict = await self._ask(settling)
            if verdict is not None:
                self._learn(verdict)
        elif reply is not None and reply.is_done:
            self.believed.status = "reversed"
        else:
            self.believed.trouble = f"2601: {reply}"

    async def _done(self, infno: str, content: Input) -> Reply:
        """A step that must be taken. Raises ClientError where it is refused for good."""
        reply = await self._ask(self._message(infno, content))
        if reply is None or not reply.is_done:
            raise ClientError(f"{infno}: {reply}")
        return reply

    async def _ask(self, message: Message, *, patience: int | None = None) -> Reply | None:
        """The verdict, however often it takes; None where it was unclear too often."""
        believed = self.believed
        for turn in count(1):
            believed.messages += 1
            try:
                reply = await self._client.send(message)
            except ClientError as exc:
                believed.said[f"{message.infno} {str(exc)[:60]}"] += 1
            else:
                if reply.retry not in _AGAIN or reply.err_code == _ENDED:
                    return reply
                believed.said[reply.err_code] += 1
                believed.was_unclear |= reply.retry == "same_msgid"
            if patience is not None and believed.was_unclear and turn > patience:
                return None
            believed.resends += 1
            await asyncio.sleep(AGAIN_SECONDS)
        raise AssertionError("there is no last turn")

    async def _vanish(self, message: Message) -> None:
        """Send it, and lose the connection."""
        self.believed.messages += 1
        sending = asyncio.ensure_future(self._client.send(message))
        await asyncio.wait({sending}, timeout=VANISHING_SECONDS)
        sending.cancel()
        for ended in await asyncio.gather(sending, return_exceptions=True):
            if isinstance(ended, Reply):
                self.believed.said["answered before it vanished"] += 1

    def _message(self, infno: str, content: Input) -> Message:
        return self._client.message(infno, content, insured_in=self.believed.insured)


async def _in_time(case: Case, part: Coroutine[object, object, None]) -> None:
    try:
        async with asyncio.timeout(CASE_SECONDS_MAX):
            await part
    except TimeoutError:
        case.believed.trouble = f"still {case.believed.status} after {CASE_SECONDS_MAX:.0f} s"


def _fen(amount: object) -> int:
    return int(Decimal(str(amount)).scaleb(2))
