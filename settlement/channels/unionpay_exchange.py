"""A signed request to UnionPay and its answer, checked: UnionPay's, and about what was asked.

Whatever is not that (a broken line, a page of HTML, a wrong signature, another order's answer) is
an outcome, unknown, whose code says what broke. Knows no verdicts of codes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from protocol.unionpay.form import FormError, answer_fields, form_body
from protocol.unionpay.messages import Answer, Request, answer_of
from protocol.unionpay.signing import SIGNATURE, digest, is_signed, sign_digest
from settlement.channels.line import ANSWER_BYTES_MAX, Answered, Line, Reply
from settlement.channels.signer import Signer
from settlement.channels.unionpay_config import UnionPayKeys
from settlement.channels.unionpay_kept import kept, kept_unread
from settlement.clock import Clock
from settlement.payments.payment import Advice, Exchange, Outcome, Verdict

SIGNATURE_WRONG, NOT_READABLE = "SIGNATURE_WRONG", "NOT_READABLE"
"""Codes of outcomes: a forged answer, and one that is none."""

_HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
_ECHOED = ("txnType", "merId", "orderId", "txnTime", "settleDate")
"""What an answer repeats of its request; a field that is not there proves nothing."""


class Heard(Struct, frozen=True, kw_only=True):
    """An answer."""

    answer: Answer
    exchange: Exchange


class Correspondence:
    """Messages of one merchant with UnionPay."""

    def __init__(self, keys: UnionPayKeys, *, signer: Signer, clock: Clock) -> None:
        self._key = keys.signing.key
        self._trust = keys.trust
        self._signer = signer
        self._clock = clock

    async def ask(
        self, operation: str, request: Request, line: Line, path: str, *,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> Heard | Outcome:  # fmt: skip
        """Sign, send, check."""
        fields = request.fields()
        fields[SIGNATURE] = await self._signer.run(self._sign, digest(fields))
        began_at = self._clock()
        reply = await line.ask(
            "POST", path, body=form_body(fields), headers=_HEADERS, bytes_max=bytes_max
        )
        told, found = await self._read(reply, request)
        exchange = Exchange(
            operation=operation, request=kept(fields), reply=told, began_at=began_at,
            status=reply.status if isinstance(reply, Answered) else None, took_ms=reply.took_ms,
        )  # fmt: skip
        if isinstance(found, Answer):
            return Heard(answer=found, exchange=exchange)
        return Outcome(
            verdict=Verdict.UNKNOWN, code=found, text="与银联的通讯未得到有效应答，正在确认结果。",
            advice=Advice.OPERATOR if found == SIGNATURE_WRONG else Advice.NONE,
            exchange=exchange,
        )  # fmt: skip

    def is_signed(self, fields: Mapping[str, str], answer: Answer) -> bool:
        """By a certificate that is believed."""
        key = self._trust.key_of(answer.signPubKeyCert, self._clock())
        return key is not None and is_signed(fields, key)

    def _sign(self, digested: bytes) -> str:
        return sign_digest(digested, self._key)

    async def _read(self, reply: Reply, request: Request) -> tuple[str, Answer | str]:
        """What is kept of the reply; the answer, or what is wrong with it."""
        if not isinstance(reply, Answered):
            return f"{reply.code}: {reply.reason}", reply.code
        if reply.status != 200:
            return kept_unread(reply.body), f"HTTP_{reply.status}"
        if len(reply.body) <= ANSWER_BYTES_MAX:
            fields, answer = self._checked(reply.body)
        else:
            fields, answer = await self._signer.run(self._checked, reply.body)
        if not fields:
            return kept_unread(reply.body), NOT_READABLE
        if answer is None:
            return kept(fields), SIGNATURE_WRONG
        asked = request.fields()
        others = [n for n in _ECHOED if n in asked and fields.get(n, asked[n]) != asked[n]]
        return kept(fields), "OTHER_ANSWER" if others else answer

    def _checked(self, body: bytes) -> tuple[dict[str, str], Answer | None]:
        """Its fields, none where it is no message; the answer, None where it is not UnionPay's.
        A statement takes a while: not on the event loop."""
        try:
            fields = answer_fields(body)
        except FormError:
            return {}, None
        answer = answer_of(fields)
        return fields, answer if self.is_signed(fields, answer) else None
