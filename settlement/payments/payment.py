"""Collecting money over a payment channel: what is asked, and the four things that can come of it.

Pure. One vocabulary for all channels: an adapter (`settlement/channels`) translates a channel's
codes into a `Verdict`, and nothing behind it knows a channel's codes. What an adapter's table does
not know is `UNKNOWN`, never `FAILED`: money may have moved.

Every number that we give a payment or a refund is its idempotency key at the channel. The same
number may be sent again as often as one likes; a new number is another payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class ChannelName(StrEnum):
    """The channels (支付渠道); also the name in `POST /notify/{channel}`."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    UNIONPAY = "unionpay"
    ONECODE = "onecode"
    """医保一码付: the wallet behind the 医保码 that named the person"""


class Custody(StrEnum):
    """Whose merchant account collects (DOMAIN 1)."""

    OWN = "own"
    """机构自有商户号"""
    AGENCY = "agency"
    """平台代收"""


class Verdict(StrEnum):
    """What is known after an attempt, a query, a notification, an undo or a refund."""

    SUCCESS = "success"
    """The money moved; of an undo: nothing is or stays collected."""
    PAYER_ACTION = "payer_action"
    """The payer must confirm, or, of a refund, the bank is still at it (处理中)."""
    UNKNOWN = "unknown"
    """It may have moved. Ask again with the same number."""
    FAILED = "failed"
    """It did not move and will not under this number."""


class Advice(StrEnum):
    """What a failure asks of whom."""

    NONE = "none"
    RESCAN = "rescan"
    """The payer shows a fresh code (请刷新付款码重新出示)."""
    OTHER_FUNDING = "other_funding"
    """The payer chooses another card or wallet (请更换付款方式)."""
    SHOW_TEXT = "show_text"
    """The cashier reads the channel's text to the payer."""
    OPERATOR = "operator"
    """Ours to mend: keys, rights, parameters. Never shown as the payer's fault; alarms."""
    COMPARE = "compare"
    """The channel knows this number with other content: alarms."""


class PayOrder(Struct, frozen=True, kw_only=True):
    """One attempt to collect (付款码支付), committed before its first byte leaves."""

    order_no: str
    """Ours: 8 to 32 letters and digits, which every channel accepts."""
    sent_at: datetime
    """With zone. Part of the key at UnionPay (txnTime), so a resend repeats it."""
    amount_fen: int
    code: str
    """What the payer showed. Never in a log, never in what is kept."""
    subject: str
    """The payer reads it: the institution's name, nothing medical."""
    terminal_id: str = ""
    operator: str = ""
    notify_url: str = ""
    """Where the channel may tell us; empty where it cannot reach us."""

    def __repr__(self) -> str:
        """Without the code."""
        return f"PayOrder({self.order_no} {self.amount_fen} fen)"


class PhoneOrder(Struct, frozen=True, kw_only=True):
    """An attempt that the payer pays on their own phone (JSAPI支付), committed as any."""

    order_no: str
    sent_at: datetime
    expires_at: datetime
    """With zone; afterwards the channel does not take it any more."""
    amount_fen: int
    payer: str
    """Who is to pay, as the channel knows them (openid); empty where it does not ask."""
    subject: str
    """The payer reads it: the institution's name, nothing medical."""
    notify_url: str = ""
    back_url: str = ""
    """The page to which the payer comes back; empty where there is none."""

    def __repr__(self) -> str:
        """Without the payer."""
        return f"PhoneOrder({self.order_no} {self.amount_fen} fen)"


class OrderKey(Struct, frozen=True, kw_only=True):
    """What finds an attempt at its channel again."""

    order_no: str
    sent_at: datetime
    amount_fen: int
    expires_at: datetime | None = None
    """Of an order for the payer's phone: nobody was handed it for longer. None for any other."""
    was_handed: bool = True
    """Of such an order: somebody may have its address. False where its answer was lost."""
    money_came: bool = False
    """The channel said that it was paid: an undo may not take it for one that never arrived."""
    undone_code: str = ""
    """What the channel said when it was undone; empty where it was not, and of an undo itself."""


class RefundOrder(Struct, frozen=True, kw_only=True):
    """A refund of a payment, whole or part; `refund_no` is its key at the channel."""

    order: OrderKey
    reference: str
    """The channel's number of the payment."""
    refund_no: str
    sent_at: datetime
    amount_fen: int
    reason: str = ""
    """The payer may read it."""
    notify_url: str = ""


class Exchange(Struct, frozen=True, kw_only=True):
    """One request and its reply, as kept for auditors. Codes, keys and signatures are masked."""

    operation: str
    request: str
    reply: str
    status: int | None
    """of HTTP; None where no answer came"""
    began_at: datetime
    took_ms: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of an operation. Amounts are None where the channel did not say."""

    verdict: Verdict
    code: str = ""
    """The channel's own code, for operators; of a broken line what broke."""
    text: str = ""
    """In Chinese, for whoever stands at the counter."""
    advice: Advice = Advice.NONE
    reference: str = ""
    """The channel's number of the payment or refund."""
    amount_fen: int | None = None
    """What the channel says was asked for; whoever books compares it with what was asked."""
    settled_fen: int | None = None
    """What the merchant gets of it: less discounts that the merchant bears, before fees."""
    refunded_fen: int | None = None
    """Of a query: what went back so far, over all refunds of the payment."""
    finished_at: datetime | None = None
    payer: str = ""
    """Masked name or hash of the payer at the channel."""
    exchange: Exchange | None = None


class Handed(Struct, frozen=True, kw_only=True):
    """An order that waits at the channel for its payer, and with what the phone opens it."""

    outcome: Outcome
    """`PAYER_ACTION`"""
    call: Mapping[str, str] = {}
    """names and values of the channel's own call on the phone; empty where it opens an address"""
    url: str = ""
    """the address that the phone opens; as a QR code the channel's own program scans it"""


class Timers(Struct, frozen=True, kw_only=True):
    """When to ask and when to undo: seconds after the first byte of the payment."""

    query_after: tuple[float, ...]
    """Gaps between queries while the outcome is unknown, the first after the payment; the last
    one repeats."""
    payer_query_after: tuple[float, ...]
    """The same while the payer has to confirm."""
    undo_after: float
    """Undo when still not known by then."""
    payer_undo_after: float
    """Undo when the payer has not confirmed by then."""
    undo_not_before: float = 0.0
    """The channel refuses an undo before."""


class Notified(Struct, frozen=True, kw_only=True):
    """A verified notification: about which order or refund, and what it says."""

    notification_id: str
    """The channel's; the same one may come again."""
    merchant_no: str
    order_no: str
    refund_no: str = ""
    outcome: Outcome


class NotificationRefused(Struct, frozen=True, kw_only=True):
    """What came is no notification of the channel: wrong signature, unreadable, a probe."""

    reason: str
    probe: bool = False
    """The channel's own test of our check (WECHATPAY/SIGNTEST/): refused, and no alarm."""
