"""What one attempt means, and whether to try again: pure decisions, no clock and no connection.

Only what proves something ends a message. A 502 of a gateway in between, a page of HTML, a broken
connection prove nothing: the same message is sent again, with growing gaps, until the deadline.
"""

from __future__ import annotations

from typing import assert_never
from zlib import crc32

import msgspec
from msgspec import Struct

from protocol.nhsa.amounts import decimal_of
from settlement.client.wire import Came, Lost, NotSent, Passage

NOT_SENT, NO_ANSWER, NOT_AN_ANSWER = "NOT_SENT", "NO_ANSWER", "NOT_AN_ANSWER"
_ZIP = b"PK"
"""How the answer of 9102 begins: the file itself, without an envelope."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long to wait for what; seconds."""

    connect_seconds: float = 5.0
    answer_seconds: float = 15.0
    """longer than the server takes to say 503 itself (ten seconds)"""
    deadline_seconds: float = 60.0
    """after this no further attempt begins"""
    gap_seconds: float = 0.5
    """before the second attempt; doubled before each further one"""
    gap_seconds_max: float = 8.0

    def gap_after(self, attempts: int, *, asked_seconds: float | None, spread: str) -> float:
        """How long to wait after so many attempts, at least what the server asked for.

        `spread` (the msgid) moves it by up to a quarter, so that counters do not come back at once.
        """
        grown = min(self.gap_seconds * 2.0 ** (attempts - 1), self.gap_seconds_max)
        moved = grown * (1.0 + (crc32(spread.encode()) % 1000) / 4000.0)
        return max(moved, asked_seconds or 0.0)


class Answered(Struct, frozen=True):
    """Carried out."""

    output: object
    """the bytes of the file where the answer is one (9102)"""
    warn_msg: str
    reference: str = ""
    """inf_refmsgid"""


class Denied(Struct, frozen=True, kw_only=True):
    """Not carried out, and sending it again changes nothing."""

    code: str
    text: str
    field: str = ""
    http_status: int = 200

    @property
    def looked_at_message(self) -> bool:
        """Whether the core refused it, which knows of earlier attempts; not a door before it."""
        return self.http_status == 200


class Again(Struct, frozen=True, kw_only=True):
    """Try again. `may_have_acted` where this attempt may have been carried out."""

    code: str
    text: str
    may_have_acted: bool
    after_seconds: float | None = None
    hopeless: bool = False
    """something else than the server answered, and will again"""


Judgement = Answered | Denied | Again


def judge(passage: Passage) -> Judgement:
    """What an attempt proves."""
    match passage:
        case NotSent(reason):
            return Again(code=NOT_SENT, text=reason, may_have_acted=False)
        case Lost(reason):
            return Again(code=NO_ANSWER, text=reason, may_have_acted=True)
        case Came():
            return _judge_answer(passage)
        case _:
            assert_never(passage)


class _Reply(Struct, kw_only=True):
    """As lenient as senders have to be: infcode comes as number or text, null for empty."""

    infcode: int | str
    err_msg: str | None = None
    err_code: str | None = None
    err_field: str | None = None
    retry: str | None = None
    warn_msg: str | None = None
    inf_refmsgid: str | None = None
    output: object = None


class _Problem(Struct, kw_only=True):
    err_code: str
    message: str = ""
    retry: str = ""


_REPLY = msgspec.json.Decoder(_Reply, float_hook=decimal_of)
_PROBLEM = msgspec.json.Decoder(_Problem)


def _judge_answer(came: Came) -> Judgement:
    if came.status == 200 and came.body.startswith(_ZIP):
        return Answered(came.body, "")
    if came.status == 200:
        try:
            return _judge_reply(_REPLY.decode(came.body))
        except msgspec.DecodeError:
            return _nothing_proved(came)
    try:
        problem = _PROBLEM.decode(came.body)
    except msgspec.DecodeError:
        return _nothing_proved(came)
    retry = problem.retry or ("never" if came.status < 500 else "same_msgid")
    return _judged(came, code=problem.err_code, text=problem.message, retry=retry, field="")


def _judge_reply(reply: _Reply) -> Judgement:
    if str(reply.infcode) == "0":
        return Answered(reply.output, reply.warn_msg or "", reply.inf_refmsgid or "")
    return _judged(
        Came(status=200, body=b""), code=reply.err_code or "", text=reply.err_msg or "",
        retry=reply.retry or "never", field=reply.err_field or "",
    )  # fmt: skip


def _judged(came: Came, *, code: str, text: str, retry: str, field: str) -> Judgement:
    if retry == "never":
        return Denied(code=code, text=text, field=field, http_status=came.status)
    return Again(
        code=code, text=text, may_have_acted=retry != "later",
        after_seconds=came.retry_after_seconds,
    )  # fmt: skip


def _nothing_proved(came: Came) -> Again:
    return Again(
        code=NOT_AN_ANSWER, text=f"HTTP {came.status}, not an answer of the interface",
        may_have_acted=True, after_seconds=came.retry_after_seconds,
        hopeless=300 <= came.status < 500,
    )  # fmt: skip
