"""Orders for payers' phones at the simulated Alipay (预下单, 手机网站支付): an address,
and no trade before somebody opens it.

That a number is dead after a cancel that found no trade is an assumption; so is what is said of a
number that was used before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from loadtest.simulators.alipay_replies import Merchant, Trade
from loadtest.simulators.alipay_trades import Trades
from loadtest.simulators.phone_window import QR_PATH, Shown, Window
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.alipay import trade
from protocol.alipay.amounts import fen
from protocol.alipay.times import instant_of
from protocol.alipay.trade import TradeStatus

_NUMBER_LETTERS = "bax"
"""With what the addresses of precreate begin."""


class Offer(Struct, frozen=True, kw_only=True):
    """What was asked for."""

    merchant: Merchant
    out_trade_no: str
    amount_fen: int
    subject: str
    notify_url: str
    expires_at: datetime | None
    details: dict[str, str]


class Offers:
    """See the module. `own_url` is where the simulator is."""

    def __init__(self, clock: VirtualClock, trades: Trades, own_url: Callable[[], str]) -> None:
        self._clock = clock
        self._trades = trades
        self._own_url = own_url
        self._offers: dict[str, Offer] = {}
        self.window = Window("模拟支付宝", self._look, self._pay, self._revive)

    def precreate(
        self, merchant: Merchant, asked: trade.PrecreateRequest, *, notify_url: str
    ) -> trade.PrecreateReply:
        """alipay.trade.precreate."""
        made = self.take(merchant, asked, notify_url=notify_url)
        if isinstance(made, str):
            return trade.PrecreateReply(
                code=trade.REFUSED, msg="Business Failed", sub_code=f"ACQ.{made}", sub_msg=made,
                out_trade_no=asked.out_trade_no,
            )  # fmt: skip
        return trade.PrecreateReply(
            code=trade.DONE, msg="Success", out_trade_no=asked.out_trade_no,
            qr_code=f"{self._own_url()}{QR_PATH}?code={self.code(made)}",
        )  # fmt: skip

    def take(
        self, merchant: Merchant, asked: trade.PrecreateRequest | trade.WapPayRequest, *,
        notify_url: str,
    ) -> Offer | str:  # fmt: skip
        """The order that is offered from now on, or why it is not (without prefix)."""
        try:
            amount_fen = fen(asked.total_amount)
            expires_at = instant_of(asked.time_expire) if asked.time_expire else None
        except ValueError:
            return "INVALID_PARAMETER"
        if amount_fen <= 0 or not asked.out_trade_no or not asked.subject:
            return "INVALID_PARAMETER"
        offer = Offer(
            merchant=merchant, out_trade_no=asked.out_trade_no, amount_fen=amount_fen,
            subject=asked.subject, notify_url=notify_url, expires_at=expires_at,
            details={"store_id": asked.store_id, "terminal_id": "", "operator": ""},
        )  # fmt: skip
        known = self._trades.find(merchant, asked.out_trade_no)
        if self._trades.is_dead(merchant, asked.out_trade_no):
            return "TRADE_HAS_CLOSE"
        if known is not None and known.is_paid:
            return "TRADE_HAS_SUCCESS"
        earlier = self._offers.get(self.code(offer))
        if earlier is not None and earlier.amount_fen != amount_fen:
            return "CONTEXT_INCONSISTENT"
        self._offers[self.code(offer)] = earlier or offer
        return earlier or offer

    def code(self, offer: Offer) -> str:
        """In the address of an order."""
        return f"{_NUMBER_LETTERS}{offer.merchant.seller_id}{offer.out_trade_no}"

    def _look(self, code: str) -> Shown | None:
        """The payer opens it: from now on there is a trade."""
        offer = self._offers.get(code)
        if offer is None:
            return None
        found = self._opened(offer)
        return Shown(
            merchant=offer.subject, amount_fen=offer.amount_fen,
            can_be_paid=found is not None and found.status is TradeStatus.WAIT_BUYER_PAY,
            is_paid=found is not None and found.is_paid,
        )  # fmt: skip

    def _opened(self, offer: Offer) -> Trade | None:
        found = self._trades.find(offer.merchant, offer.out_trade_no)
        is_over = offer.expires_at is not None and self._clock() >= offer.expires_at
        if found is not None or is_over:
            return found
        return self._trades.open(
            offer.merchant, offer.out_trade_no, amount_fen=offer.amount_fen,
            subject=offer.subject, notify_url=offer.notify_url, details=offer.details,
            expires_at=offer.expires_at,
        )  # fmt: skip

    def _revive(self, code: str) -> None:
        offer = self._offers[code]
        self._offers[code] = replace(offer, expires_at=None)
        self._trades.revive(offer.merchant, offer.out_trade_no)

    def _pay(self, code: str) -> bool:
        offer = self._offers[code]
        found = self._opened(offer)
        return found is not None and self._trades.confirm(found)
