"""What a payment at a counter asks of the settlement core (settlement/payments/payment_states.py).

As the commands of settlement/commands.py: each names the facts it needs and carries what its use
case decides on. Whoever sends one has spoken with the channel already, or will after the commit.
"""

from __future__ import annotations

from msgspec import Struct

from settlement.commands import (
    AdmitStay,
    Command,
    Credential,
    Purchase,
    SettleStay,
    SettleVisit,
)
from settlement.payments.payment import ChannelName, Custody, Exchange, Timers
from settlement.payments.payment_states import Happening, Learnt, Way
from settlement.refusal import Refusal


class Till(Struct, frozen=True, kw_only=True):
    """The merchant that would collect: whose account, at which channel."""

    channel: ChannelName
    merchant_no: str
    custody: Custody
    timers: Timers
    code_shown: str
    """of the payer's code what may be kept"""
    implied: bool = False
    """nobody showed a code for paying: the person's own would pay (一码付)"""
    way: Way = Way.CODE


class Shown(Struct, frozen=True, kw_only=True):
    """What a person code came to (ADR 0031)."""

    credential: Credential
    person_no: str | None
    """None where nobody is known by it"""
    token_key: bytes = b""
    """of a code that was decoded: the key of the token that it became"""
    province: str = ""
    """of a 医保码 the two digits of the province that issued it: known before anybody was asked"""
    undecoded: Refusal | None = None
    """why it says nothing; an order that is there already is told all the same"""
    region: str = ""
    """of somebody insured elsewhere which region, where that was said with the code"""


class Counter(Struct, frozen=True, kw_only=True):
    """What is kept of the counter's request beside the claim."""

    order_no: str
    terminal_id: str
    operator: str
    tender: str
    """scan, or what the institution collected itself: cash, card_present (DOMAIN 27)"""
    tender_note: str
    """of a card terminal its reference"""
    second_code: bool
    """after a definite failure another code may be shown"""
    on_phone: bool = False
    """the payer is asked to pay on their own phone"""


class PlainLine(Struct, frozen=True, array_like=True):
    """A line of a sale without an insurance leg; the quantity has four decimals."""

    serial: str
    amount_fen: int
    quantity_e4: int


class HoldSale(Purchase, frozen=True, kw_only=True, gc=False):
    """A sale with an insurance leg whose rest a channel collects: hold everything, or settle it at
    once where nothing is left to collect."""

    counter: Counter
    till: Till | None
    """None: no code was shown"""
    nothing_left: bool = False
    """of somebody insured elsewhere: their region said that nothing is left to collect"""


class HoldPlainSale(Command, frozen=True, kw_only=True, gc=False):
    """A sale that the payer pays alone (自费)."""

    counter: Counter
    till: Till | None
    """None: on the payer's phone"""
    total_fen: int
    lines: tuple[PlainLine, ...]


class HoldDeposit(Command, frozen=True, kw_only=True, gc=False):
    """A deposit of a stay (住院预交金): over a channel, or taken by the institution itself."""

    counter: Counter
    till: Till | None
    """None: no code was shown"""
    mdtrt_id: int
    amount_fen: int


class RequestAdmission(Command, frozen=True, kw_only=True, gc=False):
    """A stay is asked for on the patient's phone, with a first deposit (入院登记申请)."""

    counter: Counter
    till: Till | None
    credential: Credential
    scheme: str
    amount_fen: int
    ward: str
    note: str


class ConfirmAdmission(AdmitStay, frozen=True, kw_only=True, gc=False):
    """The ward admits whom it was asked for."""

    order_no: str
    request_no: int


class ExpireRequest(Command, frozen=True, kw_only=True, gc=False):
    """Nobody answered a request of a stay."""

    request_no: int


class HoldVisit(SettleVisit, frozen=True, kw_only=True, gc=False):
    """Settle a charge batch of a visit, and collect what the patient owes (窗口或自助缴费)."""

    counter: Counter
    till: Till | None


class HoldStay(SettleStay, frozen=True, kw_only=True, gc=False):
    """Settle a stay, and collect what deposits leave over (床旁结算, 出院结算)."""

    counter: Counter
    till: Till | None


class FindDeposits(Command, frozen=True, kw_only=True, gc=False):
    """The deposits of a stay, and what became of each."""

    mdtrt_id: int


class Report(Command, frozen=True, kw_only=True, gc=False):
    """What happened to a payment; `till` begins another attempt."""

    pay_no: int
    happening: Happening
    attempt: int
    learnt: Learnt = Learnt()
    exchange: Exchange | None = None
    till: Till | None = None
    asked_after: int = 0
    """how many events stood when the channel was asked; 0 for what it said by itself"""
    opens: str = ""
    """with which address the payer's phone opens the order, where that has to be kept"""


class PayOnPhone(Command, frozen=True, kw_only=True, gc=False):
    """The payer pays an order on their own phone, through this till."""

    pay_no: int
    till: Till


class TakeBack(Command, frozen=True, kw_only=True, gc=False):
    """A refund of a paid order: all of it, some lines, or an amount (退款)."""

    pay_no: int
    refund_no: str
    operator: str
    lines: tuple[tuple[str, int], ...]
    """serial and quantity (four decimals) that come back"""
    amount_fen: int | None
    order_no: str = ""
    """the institution's number of what is taken back"""


class FindOrder(Command, frozen=True, kw_only=True, gc=False):
    """What stands of an order; its message key is the order's."""

    pay_no: int = 0
    """instead of the key, where the number is known"""
    again: bool = False
    """no enquiry: the order itself was sent again"""
