"""What the simulated WeChat tells by itself: how a refund ended, that a mixed order succeeded."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from loadtest.simulators import wechat_v2_wire, wechat_v3_wire
from loadtest.simulators.channel import Notice, Reply
from loadtest.simulators.channel_faults import Fault
from loadtest.simulators.wechat_keys import SimMerchant
from loadtest.simulators.wechat_orders import Order, SimRefund
from loadtest.simulators.wechat_shop import Shop
from protocol.wechat import messages
from protocol.wechat.codes import EventType, RefundStatus
from protocol.wechat.medical import MixedAnswer
from protocol.wechat.notifications import write_envelope, write_v2_refund
from protocol.wechat.signing import PROBE_PREFIX
from settlement.clock import CHINA

GAPS = (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
)  # fmt: skip
"""WeChat's plan: seconds until the next try."""
MIXED_GAPS = (5, 10, 15)
"""Of a mixed order WeChat stops after half a minute."""
EVENTS = {
    RefundStatus.SUCCESS: EventType.REFUND_SUCCESS,
    RefundStatus.ABNORMAL: EventType.REFUND_ABNORMAL,
    RefundStatus.CLOSED: EventType.REFUND_CLOSED,
}
STRANGER = "STRANGER00000001"
"""The number of an order, or refund, that nobody ever made."""


class Notices:
    """Renders them, each try anew."""

    def __init__(self, shop: Shop, *, scale: float) -> None:
        """`scale` shortens WeChat's plans."""
        self._shop = shop
        self._scale = scale
        self._serial = count(1)

    def of_refund(self, order: Order, refund: SimRefund) -> Notice | None:
        """None where nobody wants to be told."""
        merchant = self._shop.merchants.get(order.asked.mchid)
        if not refund.notify_url or merchant is None:
            return None
        number = self._number()

        async def render(fault: Fault | None) -> Reply:
            if refund.over_v2:
                return self._v2(merchant, order, refund, fault)
            content = _refund_content(order, refund, fault)
            return await self._v3(
                merchant, number, EVENTS[refund.status], "refund", content, fault
            )

        return self._notice(refund.notify_url, refund.out_refund_no, GAPS, render)

    def of_payment(self, merchant: SimMerchant, order: Order) -> Notice:
        """Of an order that was paid on the payer's phone."""
        number = self._number()

        async def render(fault: Fault | None) -> Reply:
            content = wechat_v3_wire.payment(
                order, Fault.ONE_FEN_OFF if fault is Fault.NOTICE_ONE_FEN_OFF else None
            )
            if fault is Fault.NOTICE_STRANGER:
                content = replace(content, out_trade_no=STRANGER, transaction_id=STRANGER)
            return await self._v3(
                merchant, number, EventType.TRANSACTION_SUCCESS, "transaction", content, fault
            )

        return self._notice(order.asked.notify_url, order.asked.out_trade_no, GAPS, render)

    def of_mixed(self, merchant: SimMerchant, url: str, answer: MixedAnswer) -> Notice:
        """Of a mixed order that succeeded whole."""
        number, event = self._number(), EventType.MEDICAL_INSURANCE_SUCCESS

        async def render(fault: Fault | None) -> Reply:
            content = answer
            if fault is Fault.NOTICE_STRANGER:
                content = replace(answer, out_trade_no=STRANGER, mix_trade_no=STRANGER)
            if fault is Fault.NOTICE_ONE_FEN_OFF:
                content = replace(content, total_fee=(answer.total_fee or 0) - 1)
            return await self._v3(merchant, number, event, "medical_insurance", content, fault)

        return self._notice(url, answer.out_trade_no, MIXED_GAPS, render)

    def _notice(
        self, url: str, about: str, gaps: tuple[float, ...],
        render: Callable[[Fault | None], Awaitable[Reply]],
    ) -> Notice:  # fmt: skip
        return Notice(
            url=url, order_no=about, gaps=tuple(gap * self._scale for gap in gaps), render=render,
            is_acknowledged=lambda status, _body: status in (200, 204),
        )  # fmt: skip

    def _number(self) -> str:
        return f"SIM-{self._shop.now:010d}-{next(self._serial):08d}"

    async def _v3(
        self, merchant: SimMerchant, number: str, event: EventType, about: str, content: Struct,
        fault: Fault | None,
    ) -> Reply:  # fmt: skip
        body = write_envelope(
            number=number if fault is None else f"{number}-{fault}", event_type=event,
            at=self._shop.clock().astimezone(CHINA).isoformat("T", "seconds"), summary=about,
            about=about, content=wechat_v3_wire.told(content).body,
            key=merchant.apiv3_key.encode(), nonce=secrets.token_hex(6),
        )  # fmt: skip
        at, named = self._shop.now, self._shop.platform.public_key_id

        def sign(data: bytes) -> dict[str, str]:
            return self._shop.platform.headers(data, wanted=named, at=at)

        headers = await self._shop.signer.run(sign, body)
        if fault is Fault.NOTICE_FORGED:
            headers["Wechatpay-Signature"] = headers["Wechatpay-Signature"][::-1]
        if fault is Fault.NOTICE_PROBE:
            headers["Wechatpay-Signature"] = f"{PROBE_PREFIX}{headers['Wechatpay-Signature']}"
        return Reply(body=body, headers=headers)

    def _v2(
        self, merchant: SimMerchant, order: Order, refund: SimRefund, fault: Fault | None
    ) -> Reply:
        off_fen = 1 if fault is Fault.NOTICE_ONE_FEN_OFF else 0
        inner = wechat_v2_wire.refund_notice(order, refund, off_fen=off_fen)
        if fault is Fault.NOTICE_STRANGER:
            inner |= {"out_trade_no": STRANGER, "out_refund_no": STRANGER}
        outer = {
            "return_code": "SUCCESS", "appid": merchant.appid, "mch_id": merchant.mchid,
            "nonce_str": secrets.token_hex(16),
        }  # fmt: skip
        is_false = fault in (Fault.NOTICE_FORGED, Fault.NOTICE_PROBE)
        key = secrets.token_hex(16) if is_false else merchant.apiv2_key
        return Reply(body=write_v2_refund(outer, inner, key), content_type="text/xml")


def _refund_content(order: Order, refund: SimRefund, fault: Fault | None) -> messages.Refund:
    off_fen = 1 if fault is Fault.NOTICE_ONE_FEN_OFF else 0
    content = wechat_v3_wire.refund(order, refund, notified=True, off_fen=off_fen)
    if fault is not Fault.NOTICE_STRANGER:
        return content
    return replace(
        content, out_trade_no=STRANGER, out_refund_no=STRANGER, refund_id=STRANGER
    )
