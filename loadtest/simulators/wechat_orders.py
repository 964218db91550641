"""What WeChat itself would know: orders, reversals and refunds, and the book that they leave.

Both wires (v2 and v3) ask here. Nothing is signed or rendered; refusals carry the code of v2.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from msgspec import Struct, field

from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.wechat.codes import RefundStatus, TradeState, is_auth_code
from settlement.clock import local_time

UNDO_NOT_BEFORE = timedelta(seconds=15)
UNDO_WINDOW = timedelta(days=7)
REFUND_WINDOW = timedelta(days=365)
REFUNDS_MAX = 50
PREPAY_LIFE = timedelta(hours=2)
REFUND_MARKS = {
    "SIM:ABNORMAL": RefundStatus.ABNORMAL,
    "SIM:CLOSED": RefundStatus.CLOSED,
}
"""A refund whose reason contains one ends so."""


class Refused(Struct, frozen=True):
    """A refusal, by the code of v2 and a text for people."""

    code: str
    text: str


class Asked(Struct, frozen=True, kw_only=True):
    """A payment as a merchant asks for it."""

    mchid: str
    sub_mchid: str = ""
    appid: str
    out_trade_no: str
    amount_fen: int
    auth_code: str
    description: str = ""
    attach: str = ""
    device: str = ""
    openid: str = ""
    """of an order that is paid on the payer's phone: whose"""
    notify_url: str = ""
    expires_at: datetime | None = None


class SimRefund(Struct, kw_only=True):
    """A refund."""

    out_refund_no: str
    refund_id: str
    amount_fen: int
    reason: str
    notify_url: str
    over_v2: bool
    """so it is told"""
    created_at: datetime
    status: RefundStatus = RefundStatus.PROCESSING
    finished_at: datetime | None = None


class Order(Struct, kw_only=True):
    """An order and what became of it."""

    asked: Asked
    transaction_id: str
    openid: str
    created_at: datetime
    state: TradeState
    paid_at: datetime | None = None
    trade_type: str = "MICROPAY"
    prepay_id: str = ""
    """of an order that is paid on the payer's phone"""
    remark: str = ""
    """ghost: paid and denied; phantom: told and not paid"""
    refunds: dict[str, SimRefund] = field(default_factory=dict)

    @property
    def returned_fen(self) -> int:
        """What went back or is going."""
        standing = (one for one in self.refunds.values() if one.status != RefundStatus.CLOSED)
        return sum(one.amount_fen for one in standing)


class WechatOrders:
    """All merchants' orders, by (whose, out_trade_no)."""

    def __init__(
        self, clock: VirtualClock, book: ChannelBook, codes: PayerCodes, *,
        day_edge: timedelta = timedelta(seconds=1), refund_seconds: float = 3.0,
        closes_unknown: bool = True,
    ) -> None:  # fmt: skip
        """`day_edge`: what is paid so shortly before midnight stands on the next day's bill.
        `closes_unknown`: the reversal of an unknown number closes it; else it is not known."""
        self._clock = clock
        self._book = book
        self._codes = codes
        self._day_edge = day_edge
        self._refund_seconds = refund_seconds
        self._closes_unknown = closes_unknown
        self._serial = count(1)
        self._orders: dict[tuple[str, str], Order] = {}
        self._prepaid: dict[str, Order] = {}
        self._by_id: dict[tuple[str, str], Order] = {}
        self._refunds: dict[tuple[str, str], Order] = {}
        self._closed: set[tuple[str, str]] = set()
        self.on_refund: Callable[[Order, SimRefund], None] = lambda _order, _refund: None
        """called when a refund has ended"""
        self.balance_fen: dict[str, int] = {}
        """of merchants that may refund no more than this"""

    def pay(
        self, asked: Asked, *, remark: str = "", behaviour: Behaviour | None = None
    ) -> Order | Refused:
        """付款码支付. `behaviour` overrides the code's."""
        key = _key(asked.sub_mchid or asked.mchid, asked.out_trade_no)
        if key in self._closed:
            return Refused("ORDERREVERSED", "订单已撤销")
        if (known := self._orders.get(key)) is not None:
            return _again(known, asked)
        if asked.amount_fen <= 0 or not asked.out_trade_no:
            return Refused("PARAM_ERROR", "参数错误")
        if not is_auth_code(asked.auth_code):
            return Refused("AUTH_CODE_INVALID", "请扫描微信支付被扫条码/二维码")
        taken = self._codes.take(asked.auth_code, at=self._clock())
        match behaviour or taken:
            case Behaviour.EXPIRED:
                return Refused("AUTHCODEEXPIRE", "二维码已过期，请用户在微信上刷新后再试")
            case Behaviour.RISK:
                return Refused("RULELIMIT", "交易受限，请更换支付方式")
            case Behaviour.NOT_ENOUGH:
                self._made(key, asked, TradeState.PAYERROR)
                return Refused("NOTENOUGH", "余额不足")
            case Behaviour.OK | Behaviour.LOST_ANSWER:
                order = self._made(key, asked, TradeState.USERPAYING)
                order.remark = remark
                self._paid(order)
            case waiting:
                order = self._made(key, asked, TradeState.USERPAYING)
                self._wait_for_payer(order, waiting)
        return order

    def prepay(self, asked: Asked) -> Order | Refused:
        """JSAPI下单: an order that waits for its payer. The same again gives the same."""
        key = _key(asked.sub_mchid or asked.mchid, asked.out_trade_no)
        known = self._orders.get(key)
        if known is not None:
            same = known.asked == asked and known.state == TradeState.NOTPAY
            return known if same else Refused("OUT_TRADE_NO_USED", "商户订单号重复")
        if asked.amount_fen <= 0 or not asked.openid:
            return Refused("PARAM_ERROR", "参数错误")
        order = self._made(key, asked, TradeState.NOTPAY)
        order.trade_type, order.openid = "JSAPI", asked.openid
        order.prepay_id = f"wx{self._number('')}"
        self._prepaid[order.prepay_id] = order
        return order

    def find_prepaid(self, prepay_id: str) -> Order | None:
        """One that can still be paid."""
        order = self._prepaid.get(prepay_id)
        if order is None or self._clock() - order.created_at > PREPAY_LIFE:
            return None
        ends_at = order.asked.expires_at
        if ends_at is not None and self._clock() >= ends_at:
            return None
        return order if order.state == TradeState.NOTPAY else None

    def pay_prepaid(self, order: Order) -> None:
        """The payer does it."""
        if order.state == TradeState.NOTPAY:
            self._paid(order)

    def close(self, mchid: str, out_trade_no: str) -> Refused | None:
        """关闭订单: of what the payer pays on their phone, while it is not paid."""
        order = self.find(mchid, out_trade_no)
        if isinstance(order, Refused):
            return order
        if order.state == TradeState.CLOSED:
            return Refused("ORDERCLOSED", "订单已关闭")
        if order.state != TradeState.NOTPAY:
            return Refused("ORDERPAID", "订单已支付")
        order.state = TradeState.CLOSED
        self._write(Movement.CLOSED, order, 0, self._clock())
        return None

    def find(self, mchid: str, out_trade_no: str) -> Order | Refused:
        """查询订单. A ghost is denied."""
        key = _key(mchid, out_trade_no)
        order = self._orders.get(key)
        if order is None or order.remark == "ghost":
            return Refused("ORDERNOTEXIST", "订单不存在")
        return order

    def find_by_id(self, mchid: str, transaction_id: str) -> Order | Refused:
        """查询订单 by WeChat's number."""
        order = self._by_id.get((mchid, transaction_id))
        if order is None:
            return Refused("ORDERNOTEXIST", "订单不存在")
        return self.find(mchid, order.asked.out_trade_no)

    def reverse(self, mchid: str, out_trade_no: str) -> Refused | None:
        """撤销订单: closed if unpaid, all back if paid."""
        key = _key(mchid, out_trade_no)
        order = self._orders.get(key)
        if order is None or order.remark == "ghost":
            if not self._closes_unknown:
                return Refused("ORDERNOTEXIST", "订单不存在")
            self._closed.add(key)
            return None
        age = self._clock() - order.created_at
        if age < UNDO_NOT_BEFORE:
            return Refused("TRADE_ERROR", "支付后15秒内不能撤销")
        if age > UNDO_WINDOW:
            return Refused("REVERSE_EXPIRE", "订单已超过撤销期限")
        if order.state == TradeState.REFUND:
            return Refused("TRADE_ERROR", "订单已退款，不能撤销")
        if order.state == TradeState.SUCCESS:
            self._write(Movement.UNDONE, order, order.asked.amount_fen, self._clock())
        elif order.state == TradeState.USERPAYING:
            self._write(Movement.CLOSED, order, 0, self._clock())
        order.state = TradeState.REVOKED
        return None

    def refund(
        self, order: Order, out_refund_no: str, *, amount_fen: int, total_fen: int,
        reason: str = "", notify_url: str = "", over_v2: bool = False,
    ) -> SimRefund | Refused:  # fmt: skip
        """申请退款."""
        whose = order.asked.sub_mchid or order.asked.mchid
        if self._refunds.get((whose, out_refund_no), order) is not order:
            return Refused("REFUND_FEE_MISMATCH", "退款单号属于另一笔订单")
        known = order.refunds.get(out_refund_no)
        if known is not None:
            if known.amount_fen != amount_fen or total_fen != order.asked.amount_fen:
                return Refused("REFUND_FEE_MISMATCH", "订单金额或退款金额与之前请求不一致")
            return known
        if (refused := self._cannot_refund(order, amount_fen, total_fen)) is not None:
            return refused
        refund = SimRefund(
            out_refund_no=out_refund_no, refund_id=self._number("503"), amount_fen=amount_fen,
            reason=reason, notify_url=notify_url, over_v2=over_v2, created_at=self._clock(),
        )  # fmt: skip
        order.refunds[out_refund_no] = refund
        self._refunds[whose, out_refund_no] = order
        order.state = TradeState.REFUND
        if order.asked.mchid in self.balance_fen:
            self.balance_fen[order.asked.mchid] -= amount_fen

        async def end() -> None:
            self._end_refund(order, refund)

        self._clock.after(self._refund_seconds, end)
        return refund

    def find_refund(self, mchid: str, out_refund_no: str) -> tuple[Order, SimRefund] | Refused:
        """查询退款."""
        order = self._refunds.get((mchid, out_refund_no))
        if order is None:
            return Refused("REFUNDNOTEXIST", "退款单不存在")
        return order, order.refunds[out_refund_no]

    def _made(self, key: tuple[str, str], asked: Asked, state: TradeState) -> Order:
        order = Order(
            asked=asked, transaction_id=self._number("42000"), created_at=self._clock(),
            openid=f"oSim{asked.auth_code[-8:]}{asked.mchid[-4:]}", state=state,
        )  # fmt: skip
        self._orders[key] = order
        self._by_id[key[0], order.transaction_id] = order
        return order

    def _wait_for_payer(self, order: Order, behaviour: Behaviour) -> None:
        read = self._codes.read(order.asked.auth_code)
        seconds = float(read.seconds) if read is not None else 10.0

        async def decide() -> None:
            if order.state != TradeState.USERPAYING:
                return
            if behaviour is Behaviour.USERPAYING_FAILS:
                order.state = TradeState.PAYERROR
            else:
                self._paid(order)

        if behaviour is not Behaviour.USERPAYING_NEVER:
            self._clock.after(seconds, decide)

    def _paid(self, order: Order) -> None:
        order.state = TradeState.SUCCESS
        order.paid_at = self._clock()
        self._write(Movement.PAID, order, order.asked.amount_fen, order.paid_at)

    def _cannot_refund(self, order: Order, amount_fen: int, total_fen: int) -> Refused | None:
        if order.state not in (TradeState.SUCCESS, TradeState.REFUND):
            return Refused("INVALID_REQUEST", "订单状态不可退款")
        if self._clock() - order.created_at > REFUND_WINDOW:
            return Refused("TRADE_OVERDUE", "订单已经超过可退款的最大期限")
        if total_fen != order.asked.amount_fen or amount_fen <= 0:
            return Refused("PARAM_ERROR", "金额有误")
        if len(order.refunds) >= REFUNDS_MAX:
            return Refused("INVALID_REQUEST", "一笔订单最多部分退款50次")
        if order.returned_fen + amount_fen > order.asked.amount_fen:
            return Refused("INVALID_REQUEST", "退款金额大于可退金额")
        if self.balance_fen.get(order.asked.mchid, amount_fen) < amount_fen:
            return Refused("NOTENOUGH", "基本账户余额不足，请充值后重新发起")
        return None

    def _end_refund(self, order: Order, refund: SimRefund) -> None:
        marked = next((s for mark, s in REFUND_MARKS.items() if mark in refund.reason), None)
        refund.status = marked or RefundStatus.SUCCESS
        refund.finished_at = self._clock()
        if refund.status is RefundStatus.SUCCESS:
            self._write(Movement.REFUNDED, order, refund.amount_fen, refund.finished_at, refund)
        self.on_refund(order, refund)

    def _write(
        self, movement: Movement, order: Order, amount_fen: int, at: datetime,
        refund: SimRefund | None = None,
    ) -> None:  # fmt: skip
        if order.remark == "phantom":
            return
        asked = order.asked
        self._book.write(
            movement, at=at, day=self._day_of(at), amount_fen=amount_fen,
            merchant_no=asked.sub_mchid or asked.mchid, order_no=asked.out_trade_no,
            reference=order.transaction_id, remark=order.remark,
            refund_no=refund.out_refund_no if refund else "",
            refund_reference=refund.refund_id if refund else "",
            details={
                "appid": asked.appid, "mchid": asked.mchid, "sub_mchid": asked.sub_mchid,
                "openid": order.openid, "device": asked.device, "attach": asked.attach,
                "description": asked.description, "trade_type": order.trade_type,
            },
        )  # fmt: skip

    def _day_of(self, at: datetime) -> str:
        return local_time(at + self._day_edge).date().isoformat()

    def _number(self, prefix: str) -> str:
        at = f"{local_time(self._clock()):%Y%m%d}"
        return f"{prefix}{at}{next(self._serial):0{28 - len(prefix) - len(at)}d}"


def _key(mchid: str, out_trade_no: str) -> tuple[str, str]:
    return mchid, out_trade_no


def _again(known: Order, asked: Asked) -> Order | Refused:
    """The same number once more."""
    if known.asked.amount_fen != asked.amount_fen:
        return Refused("OUT_TRADE_NO_USED", "商户订单号重复")
    if known.asked.auth_code != asked.auth_code:
        return Refused("BUYER_MISMATCH", "支付帐号错误")
    match known.state:
        case TradeState.REVOKED:
            return Refused("ORDERREVERSED", "订单已撤销")
        case TradeState.CLOSED:
            return Refused("ORDERCLOSED", "订单已关闭")
        case TradeState.PAYERROR:
            return Refused("TRADE_ERROR", "交易错误")
        case TradeState.USERPAYING:
            return known
        case _:
            return Refused("ORDERPAID", "订单已支付")
