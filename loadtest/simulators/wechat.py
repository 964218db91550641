"""A simulated WeChat Pay: API v3 (JSON, RSA both ways) and v2 (XML, shared key) over one book.

Merchants are made with `add_merchant`, which also makes their keys. Answers are signed with the
platform's key, which is known by a public key id and, to callers that name none, as a certificate.

What it does beside the shared faults: codes of a minute, for one payment; `USERPAYING` until the
payer decides; reversal not before 15 s, closing or giving back; refunds that are under way for some
seconds and end as their reason asks (`SIM:ABNORMAL`, `SIM:CLOSED`); notifications; bills from nine
the next morning. Of v2 also the header `Wechatpay-Negative-Test`. Orders for payers' phones wait
for what `wechat_phone` is told.
"""

from __future__ import annotations

from collections.abc import Callable

from loadtest.simulators import wechat_v2_wire, wechat_v3_wire
from loadtest.simulators.channel import ChannelSimulator, Reply
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Faults, Operation
from loadtest.simulators.payer_codes import PayerCodes
from loadtest.simulators.plain_http import Call
from loadtest.simulators.signing_here import SignsHere
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat_keys import Platform, SimMerchant
from loadtest.simulators.wechat_mixed import MixedApi
from loadtest.simulators.wechat_notices import Notices
from loadtest.simulators.wechat_orders import Order, Refused, SimRefund
from loadtest.simulators.wechat_phone import ROUTES as PHONE_ROUTES
from loadtest.simulators.wechat_phone import PhoneApi
from loadtest.simulators.wechat_shop import Shop
from loadtest.simulators.wechat_v2_api import V2Api, fields_of
from loadtest.simulators.wechat_v3_api import V3Api
from protocol.wechat.medical import MixedAnswer

APPID = "wxsim0000000000001"
REFUSALS = {
    Fault.BUSY: Refused("SYSTEMERROR", "系统繁忙，请稍后重试"),
    Fault.RATE_LIMITED: Refused("FREQUENCY_LIMITED", "频率超限，请稍后重试"),
    Fault.MAINTENANCE: Refused("MAINTENANCE", "系统维护中"),
}


class WechatSimulator(ChannelSimulator):
    """One WeChat for all merchants."""

    name = "wechat"

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, faults: Faults | None = None,
        latency_seconds: Callable[[], float] | None = None, calls_per_second: int | None = None,
        notice_scale: float = 1.0, userpaying_as_error: bool = False, closes_unknown: bool = True,
        platform: Platform | None = None,
    ) -> None:  # fmt: skip
        """`notice_scale` shortens the plan of notifications. Not documented is whether v3 tells
        USERPAYING as an error or as a state (`userpaying_as_error`), and whether the reversal of
        an unknown number closes it (`closes_unknown`) or is refused."""
        super().__init__(
            clock=clock, book=book, faults=faults, latency_seconds=latency_seconds,
            calls_per_second=calls_per_second,
        )  # fmt: skip
        self.codes = PayerCodes("13", 18)
        self._signer = SignsHere()
        self.shop = Shop(
            clock=clock, book=book, codes=self.codes, signer=self._signer,
            platform=platform or Platform(clock), closes_unknown=closes_unknown,
        )  # fmt: skip
        self.shop.own_url = lambda: self.url
        self.shop.orders.on_refund = self._tell_refund
        self._notices = Notices(self.shop, scale=notice_scale)
        self.mixed = MixedApi(self.shop, self._tell_mixed)
        self._phone = PhoneApi(self.shop, self._tell_payment)
        self._v3 = V3Api(self.shop, self.mixed, userpaying_as_error=userpaying_as_error)
        self._v2 = V2Api(self.shop)

    def add_merchant(self, mchid: str, appid: str = APPID) -> SimMerchant:
        """A merchant and its keys; takes a tenth of a second for the RSA key."""
        merchant = SimMerchant(mchid, appid)
        self.shop.merchants[mchid] = merchant
        return merchant

    def credentials(self, mchid: str) -> dict[str, object]:
        """All that somebody else's software needs to be pointed here."""
        merchant, platform = self.shop.merchants[mchid], self.shop.platform
        return {
            "base_url": self.url,
            "mchid": mchid,
            "appid": merchant.appid,
            "merchant_serial": merchant.serial,
            "merchant_private_key_pem": merchant.private_key_pem.decode(),
            "apiv3_key": merchant.apiv3_key,
            "apiv2_key": merchant.apiv2_key,
            "app_secret": merchant.app_secret,
            "platform_public_key_id": platform.public_key_id,
            "platform_public_key_pem": platform.public_key_pem.decode(),
            "test_auth_codes": self.codes.test_codes(),
        }

    def routes(self) -> tuple[tuple[str, str], ...]:
        """See `ChannelSimulator`."""
        return (
            *((method, path) for method, path, _ in wechat_v3_wire.ROUTES),
            *(("POST", path) for path in wechat_v2_wire.ROUTES),
            *PHONE_ROUTES,
        )

    def classify(self, call: Call) -> tuple[Operation, str]:
        """See `ChannelSimulator`."""
        if call.path not in wechat_v2_wire.ROUTES:
            return wechat_v3_wire.operation_of(call), wechat_v3_wire.number_of(call)
        fields = fields_of(call)
        number = fields.get("out_refund_no") or fields.get("out_trade_no", "")
        return wechat_v2_wire.ROUTES[call.path], number

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See `ChannelSimulator`."""
        if self._phone.is_about(call):
            return self._phone.answer(call)
        if call.path in wechat_v2_wire.ROUTES:
            return await self._v2.answer(call, operation, fault)
        return await self._v3.answer(call, operation, fault)

    async def refusal(self, call: Call, fault: Fault) -> Reply:
        """See `ChannelSimulator`."""
        refused = REFUSALS[fault]
        if call.path in wechat_v2_wire.ROUTES:
            code = "SYSTEMERROR" if fault is Fault.MAINTENANCE else refused.code
            return self._v2.refusal(call, Refused(code, refused.text))
        return await self._v3.signed(call, wechat_v3_wire.refusal(refused), None)

    async def stop(self) -> None:
        """See `ChannelSimulator`."""
        await super().stop()
        self._signer.close()

    def _tell_refund(self, order: Order, refund: SimRefund) -> None:
        notice = self._notices.of_refund(order, refund)
        if notice is not None:
            self.tell(notice)

    def _tell_payment(self, merchant: SimMerchant, order: Order) -> None:
        if order.asked.notify_url:
            self.tell(self._notices.of_payment(merchant, order))

    def _tell_mixed(self, merchant: SimMerchant, url: str, answer: MixedAnswer) -> None:
        self.tell(self._notices.of_mixed(merchant, url, answer))
