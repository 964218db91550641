"""Payments at the simulated one-code platform: what a code, time and the merchant's calls make of
them. Money is written down in the book where it moves. Nobody signed in reality; here a code says
in itself whether its holder did (voucher_codes.py)."""

from __future__ import annotations

from datetime import datetime
from itertools import count

from msgspec import Struct

from loadtest.simulators import voucher_codes
from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_codes import SOCIAL_CARD, UsedCodes, VoucherCode
from loadtest.simulators.voucher_pages import People
from protocol import onecode
from protocol.onecode import (
    PayReply,
    PayRequest,
    RefundReply,
    RefundRequest,
    RefundState,
    SignReply,
    State,
)
from settlement.clock import CHINA

WALLETS = ("alipay", "wechat")
CONFIRM_SECONDS = 10
_REFUSALS = {
    Behaviour.NOT_ENOUGH: "NOT_ENOUGH",
    Behaviour.EXPIRED: "CODE_EXPIRED",
    Behaviour.RISK: "RISK",
}


class Trade(Struct, kw_only=True):
    """A payment as the platform knows it."""

    merchant_no: str
    order_no: str
    trade_no: str
    amount_fen: int
    code: str
    wallet: str
    state: State
    made_at: datetime
    is_ghost: bool
    is_phantom: bool
    refunds: dict[str, int]

    @property
    def refunded_fen(self) -> int:
        """What went back."""
        return sum(self.refunds.values())


class Trades:
    """All of them, of all merchants."""

    def __init__(self, *, clock: VirtualClock, book: ChannelBook, people: People) -> None:
        self._clock = clock
        self._book = book
        self._people = people
        self._used = UsedCodes()
        self._serial = count(1)
        self._trades: dict[tuple[str, str], Trade] = {}
        self._dead: set[tuple[str, str]] = set()

    def sign(self, code: str) -> SignReply:
        """For which wallet the holder signed."""
        read = self._read(code)
        if isinstance(read, str):
            return SignReply(code=read)
        return SignReply(code=onecode.DONE, wallet=_wallet(read))

    def pay(
        self, merchant_no: str, asked: PayRequest, *, is_ghost: bool = False,
        is_phantom: bool = False,
    ) -> tuple[PayReply, Behaviour]:  # fmt: skip
        """Collect, and what the payer does."""
        key = merchant_no, asked.outTradeNo
        known = self._trades.get(key)
        if known is not None:
            same = (known.amount_fen, known.code) == (asked.totalFen, asked.ecQrCode)
            return (_told(known) if same else _said("ORDER_CONFLICT", key)), Behaviour.OK
        if key in self._dead:
            return _said("ORDER_CLOSED", key), Behaviour.OK
        if asked.totalFen <= 0 or not asked.outTradeNo:
            return _said("PARAM_ERROR", key), Behaviour.OK
        read = self._read(asked.ecQrCode)
        if isinstance(read, str):
            return _said(read, key), Behaviour.OK
        if read.paying is None:
            return _said("NOT_SIGNED", key), Behaviour.OK
        if read.paying in _REFUSALS:
            return _said(_REFUSALS[read.paying], key), read.paying
        self._used.take(asked.ecQrCode)
        made = Trade(
            merchant_no=merchant_no, order_no=asked.outTradeNo, trade_no=self._trade_no(),
            amount_fen=asked.totalFen, code=asked.ecQrCode, wallet=_wallet(read),
            state=State.PAYING, made_at=self._clock(), is_ghost=is_ghost, is_phantom=is_phantom,
            refunds={},
        )  # fmt: skip
        self._trades[key] = made
        self._begin(made, read.paying)
        return _told(made), read.paying

    def query(self, merchant_no: str, order_no: str) -> PayReply:
        """What became of a payment."""
        key = merchant_no, order_no
        if key in self._dead:
            return PayReply(code=onecode.DONE, outTradeNo=order_no, state=State.CLOSED)
        found = self._visible(key)
        return _said("ORDER_NOT_EXIST", key) if found is None else _told(found)

    def undo(self, merchant_no: str, order_no: str) -> PayReply:
        """Close it, or give all of it back; a number that never came is dead from now on."""
        key = merchant_no, order_no
        found = self._visible(key)
        if found is None:
            if key not in self._dead and key not in self._trades:
                self._dead.add(key)
                self._book.write(
                    Movement.CLOSED, at=self._clock(), day=_day(self._clock()),
                    merchant_no=merchant_no, order_no=order_no, reference="", amount_fen=0,
                )  # fmt: skip
            return PayReply(code=onecode.DONE, outTradeNo=order_no, state=State.CLOSED)
        if found.refunds:
            return _said("UNDO_TOO_LATE", key)
        if found.state is State.PAID:
            self._write(Movement.UNDONE, found, found.amount_fen)
        elif found.state is State.PAYING:
            self._write(Movement.CLOSED, found, found.amount_fen)
        found.state = State.CLOSED
        return _told(found)

    def refund(self, merchant_no: str, asked: RefundRequest) -> RefundReply:
        """Give back; the same number is the same refund."""
        found = self._visible((merchant_no, asked.outTradeNo))
        if found is None:
            return _refused(asked, "没有这笔付款")
        earlier = found.refunds.get(asked.outRefundNo)
        if earlier is not None:
            return _refunded(asked) if earlier == asked.refundFen else _refused(asked, "金额不一致")
        left_fen = found.amount_fen - found.refunded_fen
        if found.state is not State.PAID or not 0 < asked.refundFen <= left_fen:
            return _refused(asked, "超过可退金额")
        found.refunds[asked.outRefundNo] = asked.refundFen
        self._write(Movement.REFUNDED, found, asked.refundFen, refund_no=asked.outRefundNo)
        return _refunded(asked)

    def query_refund(self, merchant_no: str, asked: RefundRequest) -> RefundReply:
        """What became of a refund."""
        found = self._visible((merchant_no, asked.outTradeNo))
        if found is None or asked.outRefundNo not in found.refunds:
            return RefundReply(code="REFUND_NOT_EXIST", outTradeNo=asked.outTradeNo)
        return _refunded(asked)

    def _read(self, code: str) -> VoucherCode | str:
        """The code, or why it is none to pay with."""
        read = voucher_codes.read(code)
        if read is None or read.prefix == SOCIAL_CARD or self._people(read.person) is None:
            return "CODE_UNKNOWN"
        if voucher_codes.is_old(read, at=self._clock()):
            return "CODE_EXPIRED"
        return "CODE_USED" if self._used.is_used(code, read) else read

    def _begin(self, made: Trade, paying: Behaviour) -> None:
        if paying in (Behaviour.OK, Behaviour.LOST_ANSWER):
            self._collect(made)
            return

        async def confirm() -> None:
            if made.state is State.PAYING:
                self._collect(made)

        async def fail() -> None:
            if made.state is State.PAYING:
                made.state = State.FAILED

        if paying is Behaviour.USERPAYING:
            self._clock.after(CONFIRM_SECONDS, confirm)
        elif paying is Behaviour.USERPAYING_FAILS:
            self._clock.after(CONFIRM_SECONDS, fail)

    def _collect(self, made: Trade) -> None:
        made.state = State.PAID
        self._write(Movement.PAID, made, made.amount_fen)

    def _visible(self, key: tuple[str, str]) -> Trade | None:
        found = self._trades.get(key)
        return None if found is None or found.is_ghost else found

    def _write(
        self, movement: Movement, made: Trade, amount_fen: int, *, refund_no: str = ""
    ) -> None:
        if made.is_phantom:
            return
        self._book.write(
            movement, at=self._clock(), day=_day(self._clock()), merchant_no=made.merchant_no,
            order_no=made.order_no, reference=made.trade_no, amount_fen=amount_fen,
            refund_no=refund_no, remark="ghost" if made.is_ghost else "",
            details={"wallet": made.wallet},
        )  # fmt: skip

    def _trade_no(self) -> str:
        return f"{self._clock().astimezone(CHINA):%Y%m%d}99{next(self._serial):012d}"


def _wallet(read: VoucherCode) -> str:
    return "" if read.paying is None else WALLETS[read.person % len(WALLETS)]


def _told(made: Trade) -> PayReply:
    return PayReply(
        code=onecode.DONE, outTradeNo=made.order_no, tradeNo=made.trade_no, state=made.state,
        totalFen=made.amount_fen, refundedFen=made.refunded_fen, wallet=made.wallet,
    )  # fmt: skip


def _said(code: str, key: tuple[str, str]) -> PayReply:
    return PayReply(code=code, outTradeNo=key[1])


def _refused(asked: RefundRequest, message: str) -> RefundReply:
    return RefundReply(code="REFUND_REFUSED", message=message, outTradeNo=asked.outTradeNo)


def _refunded(asked: RefundRequest) -> RefundReply:
    return RefundReply(
        code=onecode.DONE, outTradeNo=asked.outTradeNo, outRefundNo=asked.outRefundNo,
        refundId=f"R{asked.outRefundNo}", state=RefundState.DONE, refundFen=asked.refundFen,
    )  # fmt: skip


def _day(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d}"
