"""One institution towards one insurer: sends messages until something is proved, and resolves the
rest.

What an unknown outcome may do (the interface, "Sending again"): the same message again; 5201 by its
msgid, then 5203; at last 2601, where the transaction is reversible. Never a new msgid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, assert_never

from protocol.nhsa.registry import TYPED
from protocol.nhsa.times import format_datetime
from settlement.client import inputs
from settlement.client.families import Files, Inpatient, Outpatient, Pharmacy
from settlement.client.message import Input, Message, Operator, make_message
from settlement.client.numbers import MemoryStore, MessageNumbers, NumberStore
from settlement.client.outcome import (
    Done,
    Outcome,
    Refused,
    Resolution,
    Settlement,
    TakenBack,
    Unknown,
    text_of,
)
from settlement.client.patience import Again, Answered, Denied, Patience, judge
from settlement.client.wire import HttpWire, Passage, Wire, signed_headers
from settlement.clock import Clock, local_time, monotonic, system_clock

SETTLING = frozenset({"2102", "2207", "2207A", "2304", "2304A"})
"""What 5201 finds by the msgid that made it."""
_BEFORE_ANY, _AFTER_ALL = "2000-01-01 00:00:00", "2099-12-31 23:59:59"

Pause = Callable[[float], Awaitable[None]]


class Institution:
    """See the module. Used as `async with`; made of plain values, so a restart makes it anew.

    `numbers` keeps the counter of message ids. Without one the counter ends with the process: for
    trying out only. `clock`, `read_monotonic`, `pause` and `wire` are for tests.
    """

    def __init__(
        self, url: str, code: str, paasid: str, secret: str, *, operator: Operator,
        name: str = "", region: str = "441900", numbers: NumberStore | None = None,
        patience: Patience | None = None, wire: Wire | None = None, clock: Clock = system_clock,
        read_monotonic: Callable[[], float] = monotonic, pause: Pause = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.code = code
        self.name = name or code
        self.region = region
        self.operator = operator
        self.sign_no: str | None = None
        """of 9001, put into every envelope once it is set"""
        self.patience = patience or Patience()
        self.wire = wire or HttpWire(
            url, connect_seconds=self.patience.connect_seconds,
            answer_seconds=self.patience.answer_seconds,
        )  # fmt: skip
        self.pharmacy = Pharmacy(self.message, self.now)
        self.outpatient = Outpatient(self.message, self.now)
        self.inpatient = Inpatient(self.message, self.now, region)
        self.files = Files(self.message, code)
        self._paasid = paasid
        self._secret = secret
        self._clock = clock
        self._monotonic = read_monotonic
        self._pause = pause
        self._numbers = MessageNumbers(code, numbers or MemoryStore(), clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.wire.close()

    def now(self) -> str:
        """The present second, as the wire writes it."""
        return format_datetime(local_time(self._clock()))

    def message(self, infno: str, content: Input) -> Message:
        """A message with an id of its own. Keep it, then send it. Raises CounterError."""
        envelope = {
            "infno": infno,
            "msgid": self._numbers.next(),
            "mdtrtarea_admvs": self.region,
            "insuplc_admdvs": self.region,
            "recer_sys_code": "MBS_LOCAL",
            "infver": "V1.0",
            "opter_type": self.operator.kind,
            "opter": self.operator.code,
            "opter_name": self.operator.name,
            "inf_time": self.now(),
            "fixmedins_code": self.code,
            "fixmedins_name": self.name,
        }
        if self.sign_no is not None:
            envelope["sign_no"] = self.sign_no
        return make_message(envelope, content)

    async def call(self, infno: str, content: Input) -> Outcome:
        """A new message, sent. For what may be asked twice without harm; else keep it first."""
        return await self.send(self.message(infno, content))

    async def send(self, message: Message) -> Outcome:
        """Send it until something is proved or the deadline has passed.

        Sent again later, also after a restart, it is the same message. Cancelled while it waits,
        nothing is known of it: treat it as Unknown.
        """
        begun, attempts, may_have_acted = self._monotonic(), 0, False
        while True:
            attempts += 1
            judged = judge(await self.attempt(message))
            match judged:
                case Answered(output, warn_msg, reference):
                    return Done(
                        message=message, output=output, warn_msg=warn_msg, attempts=attempts,
                        reference=reference,
                    )  # fmt: skip
                case Denied():
                    return _denied(message, judged, attempts, may_have_acted)
                case Again():
                    may_have_acted = may_have_acted or judged.may_have_acted
                case _:
                    assert_never(judged)
            gap = self.patience.gap_after(
                attempts, asked_seconds=judged.after_seconds, spread=message.msgid
            )
            left = self.patience.deadline_seconds - (self._monotonic() - begun)
            if judged.hopeless or gap > left:
                return _gave_up(message, judged, attempts, may_have_acted)
            await self._pause(gap)

    async def attempt(self, message: Message) -> Passage:
        """One attempt, as it came. The nonce is the body's digest: a resend repeats both, a
        corrected message has another."""
        headers = self.headers(message.nonce)
        return await self.wire.post(f"/hsa/hgs/{message.infno}", message.body.encode(), headers)

    def headers(self, nonce: str) -> dict[str, str]:
        """Signed headers of one attempt."""
        return signed_headers(
            paasid=self._paasid, secret=self._secret, nonce=nonce,
            timestamp=int(self._clock().timestamp()),
        )  # fmt: skip

    async def resolve(self, lost: Message | Unknown | Refused) -> Resolution:
        """What became of a message: from an Unknown, from a Refused with `earlier_lost`, or from
        the store after a restart. Still Unknown only while the server cannot be asked."""
        message = lost if isinstance(lost, Message) else lost.message
        outcome = lost if isinstance(lost, Refused) else await self.send(message)
        if isinstance(outcome, Done):
            return outcome
        if isinstance(outcome, Refused):
            is_certain = isinstance(lost, Refused) and not lost.earlier_lost
            return outcome if is_certain else await self._close(outcome)
        if message.infno in SETTLING and message.psn_no:
            found = await self._look_for(message)
            if found is not None:
                return found
        return await self._take_back(message, outcome.reason)

    async def _look_for(self, message: Message) -> Done | None:
        """5201 by msgid and 5203. Nothing found proves nothing: it may still be on its way."""
        seen = await self.visits(
            message.psn_no, begin=_BEFORE_ANY, end=_AFTER_ALL, made_by=message.msgid
        )
        if not isinstance(seen, Done) or not (rows := seen.rows("mdtrtinfo")):
            return None
        told = await self.settlement(
            psn_no=message.psn_no, mdtrt_id=text_of(rows[0], "mdtrt_id"),
            setl_id=text_of(rows[0], "setl_id"),
        )  # fmt: skip
        if not isinstance(told, Done):
            return None
        if told.node("setlinfo").get("medins_setl_id") != message.msgid:
            return None
        return Done(message=message, output=told.output, attempts=told.attempts)

    async def _close(self, refused: Refused) -> Resolution:
        """A refusal is final; where an attempt may still be under way, 2601 makes it so."""
        if refused.code == "MESSAGE_REVERSED":
            return TakenBack(message=refused.message, reason=refused.text)
        if _is_reversible(refused.message):
            return await self._take_back(refused.message, refused.text)
        return refused

    async def _take_back(self, message: Message, reason: str) -> Resolution:
        if not _is_reversible(message):
            return Unknown(message=message, reason=reason)
        taken = await self.send(self.reversal(message))
        if isinstance(taken, Done):
            return TakenBack(message=message, reason=reason)
        told = taken.text if isinstance(taken, Refused) else taken.reason
        return Unknown(message=message, reason=f"{reason}; 2601: {told}")

    def reversal(self, of: Message) -> Message:
        """2601 of a message: whatever it did or will do, it did not."""
        data = {"psn_no": of.psn_no, "omsgid": of.msgid, "oinfno": of.infno}
        return self.message("2601", {"data": data})

    async def sign_in(self, *, mac: str, ip: str) -> Outcome:
        """9001; the number goes into every envelope from now on."""
        node = {"opter_no": self.operator.code, "mac": mac, "ip": ip}
        outcome = await self.call("9001", {"signIn": node})
        if isinstance(outcome, Done):
            self.sign_no = outcome.text("signinoutb", "sign_no")
        return outcome

    async def sign_out(self) -> Outcome:
        """9002."""
        sign_no, self.sign_no = self.sign_no or "", None
        node = {"sign_no": sign_no, "opter_no": self.operator.code}
        return await self.call("9002", {"signOut": node})

    async def look_up(self, patient: inputs.Patient) -> Outcome:
        """1101: who it is, schemes and balances."""
        return await self.call("1101", {"data": {**patient.credential(), **patient.identity()}})

    async def entitlement(self, patient: inputs.Patient, *, care_type: str) -> Outcome:
        """2001: what may pay today."""
        data = {
            "psn_no": patient.psn_no, "insutype": patient.insutype, "fixmedins_code": self.code,
            "med_type": care_type, "begntime": self.now(),
        }  # fmt: skip
        return await self.call("2001", {"data": data})

    async def visits(
        self, psn_no: str, *, begin: str, end: str, care_type: str = "11",
        made_by: str | None = None,
    ) -> Outcome:  # fmt: skip
        """5201: a person's visits here in a period, or what the message `made_by` made."""
        content = inputs.visits(
            psn_no=psn_no, begin=begin, end=end, care_type=care_type, msgid=made_by
        )
        return await self.call("5201", content)

    async def settlement(self, *, psn_no: str, mdtrt_id: str, setl_id: str) -> Outcome:
        """5203: a settlement as booked."""
        content = inputs.named(psn_no=psn_no, mdtrt_id=mdtrt_id, setl_id=setl_id)
        return await self.call("5203", content)

    async def fees(self, settled: Settlement, *, psn_no: str) -> Outcome:
        """5204: its lines."""
        content = inputs.named(psn_no=psn_no, mdtrt_id=settled.mdtrt_id, setl_id=settled.setl_id)
        return await self.call("5204", content)


def _denied(message: Message, denied: Denied, attempts: int, may_have_acted: bool) -> Outcome:
    if may_have_acted and not denied.looked_at_message:
        return Unknown(
            message=message, reason=f"{denied.code} {denied.text}, and an earlier attempt was lost",
            attempts=attempts,
        )  # fmt: skip
    return Refused(
        message=message, code=denied.code, text=denied.text, field=denied.field,
        http_status=denied.http_status, earlier_lost=may_have_acted, attempts=attempts,
    )  # fmt: skip


def _gave_up(message: Message, last: Again, attempts: int, may_have_acted: bool) -> Outcome:
    if may_have_acted:
        reason = f"{last.code} {last.text}"
        return Unknown(message=message, reason=reason, attempts=attempts)
    return Refused(
        message=message, code=last.code, text=last.text, retry="later", attempts=attempts
    )


def _is_reversible(message: Message) -> bool:
    transaction = TYPED.get(message.infno)
    return bool(message.psn_no) and transaction is not None and transaction.reversible
