"""Trades at the simulated Alipay: what a payer's code, time and the merchant's calls make of them.

Every call answers with the wire's own reply. Money is written down in the book where it moves; of
what the merchant believes nothing is known here. Times are the simulated world's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from ledger.money import share_bp
from loadtest.simulators import alipay_replies as replies
from loadtest.simulators.alipay_replies import Merchant, Refund, Trade
from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.alipay import trade
from protocol.alipay.amounts import fen, yuan
from protocol.alipay.times import CHINA, text_of
from protocol.alipay.trade import TradeStatus

CLOSES_AFTER_SECONDS = 180
"""A bar code's trade that nobody confirms is closed."""
REFUND_DAYS = 365
FEE_BP = 38

Tell = Callable[[Trade, str], None]


class Trades:
    """All trades of all merchants. `tell` hears of what Alipay would notify: the trade and, of a
    refund, its number."""

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, codes: PayerCodes, tell: Tell
    ) -> None:
        self._clock = clock
        self._book = book
        self._codes = codes
        self._tell = tell
        self._serial = count(1)
        self._trades: dict[tuple[str, str], Trade] = {}
        self._dead: set[tuple[str, str]] = set()
        """Numbers that were cancelled before any trade came."""

    def pay(
        self, merchant: Merchant, asked: trade.PayRequest, *, notify_url: str,
        is_ghost: bool = False, is_phantom: bool = False,
    ) -> tuple[trade.PayReply, Behaviour]:  # fmt: skip
        """alipay.trade.pay, and what the payer behind the code does."""
        key = merchant.seller_id, asked.out_trade_no
        try:
            amount_fen = fen(asked.total_amount)
        except ValueError:
            amount_fen = 0
        if amount_fen <= 0 or not asked.out_trade_no or asked.scene not in set(trade.Scene):
            return replies.pay_refused("INVALID_PARAMETER"), Behaviour.OK
        known = self._trades.get(key)
        if known is not None:
            return self._paid_again(known, asked, amount_fen), Behaviour.OK
        if key in self._dead:
            return replies.pay_refused("TRADE_HAS_CLOSE"), Behaviour.OK
        behaviour = self._codes.take(asked.auth_code, at=self._clock())
        if behaviour in _REFUSALS:
            return replies.pay_refused(_REFUSALS[behaviour]), behaviour
        made = Trade(
            merchant=merchant, out_trade_no=asked.out_trade_no, trade_no=self._trade_no(),
            subject=asked.subject, amount_fen=amount_fen, code=asked.auth_code,
            made_at=self._clock(), notify_url=notify_url, details=_details(asked),
            is_ghost=is_ghost, is_phantom=is_phantom,
        )  # fmt: skip
        self._trades[key] = made
        if behaviour in (Behaviour.OK, Behaviour.LOST_ANSWER):
            self._collect(made)
            return replies.paid(made), behaviour
        self._wait(made, behaviour, asked.timeout_express)
        return replies.waiting(made), behaviour

    def query(self, merchant: Merchant, out_trade_no: str) -> trade.QueryReply:
        """alipay.trade.query."""
        found = self._visible(merchant, out_trade_no)
        if found is None:
            return replies.not_known(out_trade_no)
        return replies.shown(found)

    def cancel(self, merchant: Merchant, out_trade_no: str) -> trade.CancelReply:
        """alipay.trade.cancel."""
        found = self._visible(merchant, out_trade_no)
        if found is None:
            return self._cancelled_before_it_came(merchant, out_trade_no)
        if found.cancelled or (found.status is TradeStatus.TRADE_CLOSED and not found.is_paid):
            return replies.cancelled(found, found.cancelled or trade.CancelAction.CLOSE)
        if not found.is_paid:
            self._close(found)
            found.cancelled = trade.CancelAction.CLOSE
            self._write(Movement.CLOSED, found, found.amount_fen)
            return replies.cancelled(found, trade.CancelAction.CLOSE)
        if found.refunds:
            return replies.cancel_refused(found, "REASON_TRADE_REFUND_FEE_ERR")
        if _day(found.made_at) != _day(self._clock()):
            return replies.cancel_refused(found, "TRADE_CANCEL_TIME_OUT")
        self._close(found)
        found.cancelled = trade.CancelAction.REFUND
        self._write(Movement.UNDONE, found, found.amount_fen)
        self._tell(found, "")
        return replies.cancelled(found, trade.CancelAction.REFUND)

    def find(self, merchant: Merchant, out_trade_no: str) -> Trade | None:
        """A trade that there is."""
        return self._trades.get((merchant.seller_id, out_trade_no))

    def is_dead(self, merchant: Merchant, out_trade_no: str) -> bool:
        """Whether nothing can be collected under a number any more."""
        found = self.find(merchant, out_trade_no)
        is_closed = found is not None and found.status is TradeStatus.TRADE_CLOSED
        return is_closed or (merchant.seller_id, out_trade_no) in self._dead

    def open(
        self, merchant: Merchant, out_trade_no: str, *, amount_fen: int, subject: str,
        notify_url: str, details: dict[str, str], expires_at: datetime | None,
    ) -> Trade | None:  # fmt: skip
        """A payer has opened an order on the phone: a trade, which waits. None of a number that is
        dead."""
        if self.is_dead(merchant, out_trade_no):
            return None
        made = Trade(
            merchant=merchant, out_trade_no=out_trade_no, trade_no=self._trade_no(),
            subject=subject, amount_fen=amount_fen, code="", made_at=self._clock(),
            notify_url=notify_url, details=details,
        )  # fmt: skip
        self._trades[merchant.seller_id, out_trade_no] = made

        async def give_up() -> None:
            if made.status is TradeStatus.WAIT_BUYER_PAY:
                self._close(made)

        if expires_at is not None:
            self._clock.after((expires_at - self._clock()).total_seconds(), give_up)
        return made

    def revive(self, merchant: Merchant, out_trade_no: str) -> None:
        """A number that was closed without money waits again, against everything that was said."""
        self._dead.discard((merchant.seller_id, out_trade_no))
        found = self.find(merchant, out_trade_no)
        if found is not None and not found.is_paid:
            found.status, found.cancelled = TradeStatus.WAIT_BUYER_PAY, ""

    def confirm(self, made: Trade) -> bool:
        """The payer pays a trade that waits; False where it does not."""
        if made.status is not TradeStatus.WAIT_BUYER_PAY:
            return False
        self._collect(made)
        return True

    def close(self, merchant: Merchant, out_trade_no: str) -> trade.CloseReply:
        """alipay.trade.close: of a trade that waits."""
        found = self._visible(merchant, out_trade_no)
        if found is None or found.status is not TradeStatus.WAIT_BUYER_PAY:
            why = "TRADE_NOT_EXIST" if found is None else "REASON_TRADE_STATUS_INVALID"
            return trade.CloseReply(
                code=trade.REFUSED, msg="Business Failed", sub_code=f"ACQ.{why}", sub_msg=why,
                out_trade_no=out_trade_no,
            )  # fmt: skip
        self._close(found)
        self._write(Movement.CLOSED, found, found.amount_fen)
        return trade.CloseReply(
            code=trade.DONE, msg="Success", trade_no=found.trade_no, out_trade_no=out_trade_no
        )

    def refund(self, merchant: Merchant, asked: trade.RefundRequest) -> trade.RefundReply:
        """alipay.trade.refund."""
        found = self._visible(merchant, asked.out_trade_no)
        if found is None:
            return replies.refund_refused(asked, "TRADE_NOT_EXIST")
        try:
            amount_fen = fen(asked.refund_amount)
        except ValueError:
            return replies.refund_refused(asked, "INVALID_PARAMETER")
        number = asked.out_request_no or asked.out_trade_no
        earlier = next((one for one in found.refunds if one.out_request_no == number), None)
        if earlier is not None and earlier.amount_fen != amount_fen:
            return replies.refund_refused(asked, "DISCORDANT_REPEAT_REQUEST")
        if earlier is not None:
            return replies.refunded(found, earlier, moved=False)
        if (refusal := self._objection(found, amount_fen)) is not None:
            return replies.refund_refused(asked, refusal)
        made = Refund(out_request_no=number, amount_fen=amount_fen, at=self._clock())
        found.refunds.append(made)
        if found.refunded_fen == found.amount_fen:
            self._close(found)
        self._write(Movement.REFUNDED, found, amount_fen, refund_no=number)
        self._tell(found, number)
        return replies.refunded(found, made, moved=True)

    def query_refund(
        self, merchant: Merchant, asked: trade.RefundQueryRequest
    ) -> trade.RefundQueryReply:
        """alipay.trade.fastpay.refund.query. Of a refund that there is not it says next to
        nothing, not even the order's number."""
        found = self._visible(merchant, asked.out_trade_no)
        if found is None:
            return trade.RefundQueryReply(
                code=trade.REFUSED, msg="Business Failed", sub_code="ACQ.TRADE_NOT_EXIST"
            )
        made = next((r for r in found.refunds if r.out_request_no == asked.out_request_no), None)
        if made is None:
            return trade.RefundQueryReply(code=trade.DONE, msg="Success")
        return trade.RefundQueryReply(
            code=trade.DONE, msg="Success", trade_no=found.trade_no,
            out_trade_no=found.out_trade_no, out_request_no=made.out_request_no,
            total_amount=yuan(found.amount_fen), refund_amount=yuan(made.amount_fen),
            refund_status=trade.REFUND_SUCCESS, gmt_refund_pay=text_of(made.at),
        )  # fmt: skip

    def _paid_again(
        self, known: Trade, asked: trade.PayRequest, amount_fen: int
    ) -> trade.PayReply:
        if known.is_ghost:
            return replies.pay_refused("SYSTEM_ERROR")
        if (known.amount_fen, known.subject) != (amount_fen, asked.subject):
            return replies.pay_refused("CONTEXT_INCONSISTENT")
        if known.status is TradeStatus.TRADE_CLOSED:
            return replies.pay_refused("TRADE_HAS_CLOSE")
        if known.is_paid:
            return replies.pay_refused("TRADE_HAS_SUCCESS")
        if known.code != asked.auth_code:
            return replies.pay_refused("TRADE_BUYER_NOT_MATCH")
        return replies.waiting(known)

    def _wait(self, made: Trade, behaviour: Behaviour, timeout_express: str) -> None:
        """The payer has the phone in the hand; nobody waits for ever."""
        read = self._codes.read(made.code)
        seconds = read.seconds if read is not None else 0

        async def confirm() -> None:
            if made.status is TradeStatus.WAIT_BUYER_PAY:
                self._collect(made)

        async def give_up() -> None:
            if made.status is TradeStatus.WAIT_BUYER_PAY:
                self._close(made)

        if behaviour is Behaviour.USERPAYING:
            self._clock.after(seconds, confirm)
        elif behaviour is Behaviour.USERPAYING_FAILS:
            self._clock.after(seconds, give_up)
        self._clock.after(_seconds(timeout_express), give_up)

    def _collect(self, made: Trade) -> None:
        made.status = TradeStatus.TRADE_SUCCESS
        made.paid_at = self._clock()
        self._write(Movement.PAID, made, made.amount_fen)
        if not made.is_ghost:
            self._tell(made, "")

    def _close(self, made: Trade) -> None:
        made.status = TradeStatus.TRADE_CLOSED

    def _objection(self, found: Trade, amount_fen: int) -> str | None:
        if found.paid_at is None:
            return "TRADE_STATUS_ERROR"
        if found.status is TradeStatus.TRADE_CLOSED:
            return "TRADE_HAS_CLOSE"
        if self._clock() > found.paid_at + timedelta(days=REFUND_DAYS):
            return "TRADE_HAS_FINISHED"
        if not 0 < amount_fen <= found.amount_fen - found.refunded_fen:
            return "REASON_TRADE_REFUND_FEE_ERR"
        return None

    def _cancelled_before_it_came(self, merchant: Merchant, out_trade_no: str) -> trade.CancelReply:
        key = merchant.seller_id, out_trade_no
        if key not in self._dead and key not in self._trades:
            self._book.write(
                Movement.CLOSED, at=self._clock(), day=_day(self._clock()),
                merchant_no=merchant.seller_id, order_no=out_trade_no, reference="", amount_fen=0,
            )  # fmt: skip
        self._dead.add(key)
        return trade.CancelReply(
            code=trade.DONE, msg="Success", out_trade_no=out_trade_no, retry_flag="N"
        )

    def _visible(self, merchant: Merchant, out_trade_no: str) -> Trade | None:
        found = self._trades.get((merchant.seller_id, out_trade_no))
        return None if found is None or found.is_ghost else found

    def _write(
        self, movement: Movement, made: Trade, amount_fen: int, *, refund_no: str = ""
    ) -> None:
        if made.is_phantom:
            return
        fee_fen = share_bp(amount_fen, FEE_BP) if movement is Movement.PAID else 0
        self._book.write(
            movement, at=self._clock(), day=_day(self._clock()),
            merchant_no=made.merchant.seller_id, order_no=made.out_trade_no,
            reference=made.trade_no, amount_fen=amount_fen, refund_no=refund_no,
            remark="ghost" if made.is_ghost else "",
            details={
                **made.details, "subject": made.subject, "made_at": text_of(made.made_at),
                "fee_fen": str(fee_fen),
            },
        )  # fmt: skip

    def _trade_no(self) -> str:
        return f"{self._clock().astimezone(CHINA):%Y%m%d}22001400{next(self._serial):012d}"


_REFUSALS = {
    Behaviour.NOT_ENOUGH: "BUYER_BALANCE_NOT_ENOUGH",
    Behaviour.EXPIRED: "PAYMENT_AUTH_CODE_INVALID",
    Behaviour.RISK: "PAYMENT_REQUEST_HAS_RISK",
}


def _details(asked: trade.PayRequest) -> dict[str, str]:
    return {
        "store_id": asked.store_id, "terminal_id": asked.terminal_id,
        "operator": asked.operator_id,
    }  # fmt: skip


def _seconds(timeout_express: str) -> int:
    """3m, 1h; without one, or with one that is none, what a bar code has."""
    unit = {"m": 60, "h": 3_600, "d": 86_400}.get(timeout_express[-1:], 0)
    digits = timeout_express[:-1]
    return int(digits) * unit if unit and digits.isdecimal() else CLOSES_AFTER_SECONDS


def _day(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d}"
