"""What both wires of the simulated WeChat share: merchants, keys, orders, a day's bills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from loadtest.simulators import wechat_bills
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.wechat_keys import Platform, SimMerchant
from loadtest.simulators.wechat_orders import Asked, Refused, WechatOrders
from settlement.channels.signer import Signer
from settlement.clock import local_time

BILL_READY = timedelta(hours=9)
"""After midnight of the next day."""


class Shop:
    """WeChat's inside."""

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, codes: PayerCodes, signer: Signer,
        platform: Platform, closes_unknown: bool,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.book = book
        self.codes = codes
        self.signer = signer
        self.platform = platform
        self.merchants: dict[str, SimMerchant] = {}
        self.orders = WechatOrders(clock, book, codes, closes_unknown=closes_unknown)
        self.own_url: Callable[[], str] = str

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.clock().timestamp())

    def loses_answer(self, asked: Asked) -> bool:
        """Whether the payer's code asks for it."""
        read = self.codes.read(asked.auth_code)
        return read is not None and read.behaviour is Behaviour.LOST_ANSWER

    def bill(
        self, whose: str, day: str, kind: str, fault: Fault | None, *, is_fund: bool
    ) -> bytes | Refused:
        """Trade bill or fund-flow bill of a day, once it is ready."""
        try:
            of_day = date.fromisoformat(day)
        except ValueError:
            return Refused("PARAM_ERROR", "bill_date 格式有误")
        if kind not in wechat_bills.BILL_TYPES:
            return Refused("PARAM_ERROR", "bill_type 有误")
        ready_at = datetime.combine(of_day + timedelta(days=1), datetime.min.time()) + BILL_READY
        if fault is Fault.BILL_LATE or local_time(self.clock()) < ready_at:
            return Refused("STATEMENT_CREATING", "账单生成中，请稍后再试")
        entries = [one for one in self.book.entries if one.merchant_no == whose]
        if is_fund:
            before_fen = wechat_bills.kept_fen(one for one in entries if one.day < day)
            made = wechat_bills.fund_bill(entries, day=day, opening_fen=before_fen, fault=fault)
        else:
            today = [one for one in entries if one.day == day]
            made = wechat_bills.trade_bill(today, kind, fault)
        return made if made is not None else Refused("NO_STATEMENT_EXIST", "账单文件不存在")
