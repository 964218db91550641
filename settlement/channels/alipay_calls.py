"""One call to Alipay's gateway: signed, sent, and its answer believed only if Alipay signed it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from protocol import paycode
from protocol.alipay import gateway, trade
from protocol.alipay.gateway import AnswerUnreadableError
from protocol.alipay.signing import request_text
from settlement.channels.alipay_config import AlipayKeys
from settlement.channels.alipay_outcomes import broken
from settlement.channels.line import Line, NoAnswer
from settlement.channels.line import Reply as Came
from settlement.channels.signer import Signer
from settlement.clock import Clock
from settlement.payments.payment import Advice, Exchange, Outcome, Verdict

KEPT_CHARACTERS_MAX = 4_000
"""Of each side of an exchange."""

_HEADERS = {"Content-Type": gateway.FORM_TYPE, "Accept": "application/json"}

OTHER_ORDER = "OTHER_ORDER"

Reply = TypeVar("Reply", bound=trade.Reply)
TradeReply = TypeVar("TradeReply", bound=trade.TradeReply)


class AlipayCalls:
    """The gateway as one merchant may use it."""

    def __init__(self, keys: AlipayKeys, line: Line, *, signer: Signer, clock: Clock) -> None:
        self._keys = keys
        self._line = line
        self._signer = signer
        self._clock = clock

    async def call(
        self, method: str, content: Struct, kind: type[Reply], *, notify_url: str = "",
        code: str = "",
    ) -> tuple[Reply | Outcome, Exchange]:  # fmt: skip
        """The reply, or why there is none to be believed. `code` is masked in what is kept."""
        began_at = self._clock()
        unsigned = gateway.parameters(
            method, content, caller=self._keys.caller, at=began_at, notify_url=notify_url
        )
        signature = await self._signer.run(self._keys.private.sign, request_text(unsigned))
        request = gateway.signed(unsigned, signature)
        came = await self._line.ask(
            "POST", f"{gateway.PATH}?{request.query}", body=request.body, headers=_HEADERS
        )
        answer, masked = _taken_apart(came, method), paycode.read(code).masked if code else ""
        exchange = Exchange(
            operation=method,
            request=_kept(unsigned["biz_content"], code, masked),
            reply=_kept(_said(came, answer), code, masked),
            status=None if isinstance(came, NoAnswer) else came.status,
            began_at=began_at,
            took_ms=came.took_ms,
        )
        return self._believed(came, answer, kind), exchange

    async def ask(
        self, method: str, content: Struct, kind: type[TradeReply],
        read: Callable[[TradeReply], Outcome], order_no: str, *, notify_url: str = "",
        code: str = "",
    ) -> Outcome:  # fmt: skip
        """What `read` makes of the reply, if that is about the order."""
        reply, exchange = await self.call(
            method, content, kind, notify_url=notify_url, code=code
        )
        outcome = reply if isinstance(reply, Outcome) else believed(reply, read, order_no)
        return replace(outcome, exchange=exchange)

    async def page(
        self, method: str, content: Struct, *, notify_url: str, return_url: str
    ) -> str:
        """Path and query of a signed page that a browser opens. Nothing is sent."""
        unsigned = gateway.parameters(
            method, content, caller=self._keys.caller, at=self._clock(), notify_url=notify_url,
            return_url=return_url,
        )  # fmt: skip
        signature = await self._signer.run(self._keys.private.sign, request_text(unsigned))
        return f"{gateway.PATH}?{gateway.page_query(unsigned, signature)}"

    async def close(self) -> None:
        """Give back what it holds."""
        await self._line.close()

    def _believed(
        self, came: Came, answer: gateway.Answer | None, kind: type[Reply]
    ) -> Reply | Outcome:
        if isinstance(came, NoAnswer):
            return broken(came.code)
        if came.status != HTTPStatus.OK:
            return broken(f"HTTP_{came.status}")
        if answer is None:
            return broken("UNREADABLE")
        try:
            reply = gateway.content_of(answer.node, kind)
        except AnswerUnreadableError:
            return broken("UNREADABLE")
        if answer.is_signed_by(self._keys.alipay):
            return reply
        # The gateway's own errors may come unsigned. They are a hint for operators and no more.
        hint = reply.sub_code or reply.code if answer.is_error else "SIGNATURE"
        return broken(hint, advice=Advice.OPERATOR)


def believed(
    reply: TradeReply, read: Callable[[TradeReply], Outcome], order_no: str
) -> Outcome:
    """What `read` makes of a reply. A signature does not bind an answer to its call, so it also has
    to name the order that was asked about."""
    try:
        outcome = read(reply)
    except ValueError:
        return broken("UNREADABLE")
    # A refusal need not name its order, nor an answer from which nothing follows.
    may_be_nameless = reply.code != trade.DONE or outcome.verdict is Verdict.UNKNOWN
    if reply.out_trade_no == order_no or (reply.out_trade_no is None and may_be_nameless):
        return outcome
    return broken(OTHER_ORDER, advice=Advice.OPERATOR)


def _taken_apart(came: Came, method: str) -> gateway.Answer | None:
    """None where it is no answer to the call."""
    if isinstance(came, NoAnswer):
        return None
    try:
        return gateway.answer_of(came.body, method)
    except AnswerUnreadableError:
        return None


def _said(came: Came, answer: gateway.Answer | None) -> str:
    """The node of an answer, without its signature; what is none as it came."""
    if isinstance(came, NoAnswer):
        return came.reason
    said = came.body if answer is None else answer.node
    return said.decode("utf-8", "replace")


def _kept(text: str, code: str, masked: str) -> str:
    return (text.replace(code, masked) if code else text)[:KEPT_CHARACTERS_MAX]
