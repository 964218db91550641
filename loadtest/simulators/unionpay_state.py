"""What a simulated UnionPay knows of its transactions, and what it decides. No wire, no waiting.

Every money movement is written into the book here, before anybody is answered. The instant is a
parameter. Where the public text is silent, what is done here is an assumption; it is marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count

from msgspec import Struct

from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.unionpay_codes import unsure
from protocol.unionpay.clearing_day import clearing_day
from protocol.unionpay.codes import PAY, REFUND, VOID
from protocol.unionpay.times import txn_time

UNDECIDED = "05"
DONE = "00"
DUPLICATE, ABSENT, WRONG_STATE, DIFFERS, TOO_LATE = "12", "34", "35", "36", "39"
REFUSED = "30"
REFUND_DAYS_MAX = 30
FEE_BP = 38
"""Of the simulated contract; rounded half up to the fen."""
NEVER_SECONDS = 30 * 24 * 3600

_REFUSALS = {Behaviour.NOT_ENOUGH: "64", Behaviour.EXPIRED: "44", Behaviour.RISK: "38"}
"""44 for a QR code that is old or used is an assumption."""
_UNSURE_SECONDS = 10

Key = tuple[str, str, str]
"""merId, orderId, txnTime"""


class Transaction(Struct, kw_only=True):
    """A payment, void or refund."""

    kind: str
    key: Key
    amount_fen: int
    query_id: str
    trace_no: str
    at: datetime
    back_url: str
    terminal_id: str = ""
    code: str = UNDECIDED
    """what became of it"""
    original: Transaction | None = None
    returned_fen: int = 0
    """of a payment: by refunds and a void"""
    is_reversed: bool = False
    is_ghost: bool = False
    is_phantom: bool = False

    @property
    def told_code(self) -> str:
        """What a query says. That a reversed payment is told as 35 is an assumption."""
        if self.is_ghost:
            return REFUSED
        return WRONG_STATE if self.is_reversed else self.code


class Decision(Struct, frozen=True, kw_only=True):
    """What a request is answered, and what is to follow."""

    code: str
    transaction: Transaction | None = None
    settles_after: float | None = None
    """seconds until `settle` is due; None: nothing follows"""
    becomes: str = DONE
    is_lost: bool = False
    """the payer's code asks for the answer to be lost"""


class State:
    """All transactions of all merchants."""

    def __init__(self, book: ChannelBook, codes: PayerCodes) -> None:
        self._book = book
        self._codes = codes
        self._serial = count(len(book.entries) + 1)
        self._transactions: dict[Key, Transaction] = {}
        self._by_query_id: dict[str, Transaction] = {}
        self._refund_ids: set[str] = set()
        self._reversed_unseen: set[Key] = set()
        self._offered: set[Key] = set()
        """orders for phones that nobody has paid yet"""

    def find(self, key: Key) -> Transaction | None:
        """By merId, orderId and txnTime."""
        return self._transactions.get(key)

    def is_refund(self, order_id: str) -> bool:
        """Whether a number is that of a void or refund."""
        return order_id in self._refund_ids

    def pay(
        self, key: Key, fields: Mapping[str, str], now: datetime, *, is_ghost: bool = False,
        is_phantom: bool = False,
    ) -> Decision:  # fmt: skip
        """C2B 消费."""
        if key in self._transactions:
            return Decision(code=DUPLICATE)
        if key in self._reversed_unseen:
            return Decision(code=WRONG_STATE)
        made = self._made(PAY, key, fields, now)
        made.is_ghost, made.is_phantom = is_ghost, is_phantom
        code = fields["qrNo"]
        left_open = unsure(code, key[1])
        if left_open is not None:
            said, is_paid = left_open
            becomes = DONE if is_paid else REFUSED
            return Decision(
                code=said, transaction=made, settles_after=_UNSURE_SECONDS, becomes=becomes
            )
        behaviour = self._codes.take(code, at=now)
        read = self._codes.read(code)
        seconds = read.seconds if read is not None else 0
        match behaviour:
            case Behaviour.USERPAYING:
                return Decision(code=DONE, transaction=made, settles_after=seconds)
            case Behaviour.USERPAYING_FAILS:
                return Decision(code=DONE, transaction=made, settles_after=seconds, becomes="69")
            case Behaviour.USERPAYING_NEVER:
                return Decision(
                    code=DONE, transaction=made, settles_after=NEVER_SECONDS, becomes="69"
                )
            case Behaviour.OK | Behaviour.LOST_ANSWER:
                return Decision(
                    code=REFUSED if is_ghost else DONE, transaction=made, settles_after=0,
                    is_lost=behaviour is Behaviour.LOST_ANSWER,
                )  # fmt: skip
        made.code = _REFUSALS[behaviour]
        return Decision(code=made.code, transaction=made)

    def offer(self, key: Key) -> None:
        """An order waits for a payer's phone."""
        self._offered.add(key)

    def is_reversed(self, key: Key) -> bool:
        """Whether a number was reversed before anything was paid under it."""
        return key in self._reversed_unseen

    def revive(self, key: Key) -> None:
        """What was reversed can be paid again, against everything that was said."""
        self._reversed_unseen.discard(key)

    def begin(self, key: Key, fields: Mapping[str, str], now: datetime) -> Transaction:
        """A payer pays an order on the phone; `settle` decides it."""
        self._offered.discard(key)
        return self._made(PAY, key, fields, now)

    def settle(self, transaction: Transaction, code: str, now: datetime) -> bool:
        """The bank has decided. False where it comes to nothing: reversed, or decided before."""
        if transaction.is_reversed or transaction.code != UNDECIDED:
            return False
        original = transaction.original
        if code == DONE and original is not None:
            if original.is_reversed:
                code = WRONG_STATE
            elif original.returned_fen + transaction.amount_fen > original.amount_fen:
                code = DIFFERS
            else:
                original.returned_fen += transaction.amount_fen
        transaction.code = code
        if code == DONE:
            self._write(transaction, now)
        return True

    def reverse(self, key: Key, now: datetime) -> Decision:
        """冲正. That UnionPay remembers a reversal of what it does not know is an assumption."""
        found = self._transactions.get(key)
        if found is None or found.is_ghost:
            self._reversed_unseen.add(key)
            return Decision(code=DONE if key in self._offered else ABSENT)
        if clearing_day(found.at) != clearing_day(now):
            return Decision(code=TOO_LATE)
        if found.kind != PAY or found.returned_fen:
            return Decision(code=WRONG_STATE)
        if not found.is_reversed:
            found.is_reversed = True
            self._write_undone(found, now)
        return Decision(code=DONE)

    def give_back(
        self, kind: str, key: Key, fields: Mapping[str, str], now: datetime, *, seconds: float
    ) -> Decision:
        """消费撤销 or 退货; decided `seconds` later."""
        if key in self._transactions:
            return Decision(code=DUPLICATE)
        original = self._original(key[0], fields)
        if original is None or original.is_ghost:
            return Decision(code=ABSENT)
        refusal = _refusal(kind, original, int(fields["txnAmt"]), now)
        made = self._made(kind, key, fields, now)
        made.original = original
        self._refund_ids.add(key[1])
        if refusal:
            made.code = refusal
            return Decision(code=refusal, transaction=made)
        return Decision(code=DONE, transaction=made, settles_after=seconds)

    def _original(self, merchant: str, fields: Mapping[str, str]) -> Transaction | None:
        if "origQryId" in fields:
            found = self._by_query_id.get(fields["origQryId"])
        else:
            key = (merchant, fields.get("origOrderId", ""), fields.get("origTxnTime", ""))
            found = self._transactions.get(key)
        is_ours = found is not None and found.kind == PAY and found.key[0] == merchant
        return found if is_ours else None

    def _made(self, kind: str, key: Key, fields: Mapping[str, str], now: datetime) -> Transaction:
        serial = next(self._serial)
        made = Transaction(
            kind=kind, key=key, amount_fen=int(fields["txnAmt"]), at=now,
            query_id=f"74{txn_time(now)[2:]}{serial % 10**7:07d}",
            trace_no=f"{serial % 10**6:06d}", back_url=fields["backUrl"],
            terminal_id=fields.get("termId", ""),
        )  # fmt: skip
        self._transactions[key] = made
        self._by_query_id[made.query_id] = made
        return made

    def _write(self, done: Transaction, now: datetime) -> None:
        if done.is_phantom:
            return
        original = done.original
        payment = original or done
        self._book.write(
            Movement.REFUNDED if original else Movement.PAID, at=now,
            day=clearing_day(done.at).isoformat(), merchant_no=done.key[0],
            order_no=payment.key[1], reference=payment.query_id, amount_fen=done.amount_fen,
            refund_no=done.key[1] if original else "",
            refund_reference=done.query_id if original else "",
            remark="ghost" if done.is_ghost else "", details=_details(done, payment),
        )  # fmt: skip

    def _write_undone(self, payment: Transaction, now: datetime) -> None:
        is_paid = payment.code == DONE and not payment.is_phantom
        self._book.write(
            Movement.UNDONE if is_paid else Movement.CLOSED, at=now,
            day=clearing_day(payment.at).isoformat(), merchant_no=payment.key[0],
            order_no=payment.key[1], reference=payment.query_id, amount_fen=payment.amount_fen,
        )  # fmt: skip


def fee_fen(amount_fen: int) -> int:
    """What the merchant pays UnionPay."""
    return (amount_fen * FEE_BP + 5_000) // 10_000


def _refusal(kind: str, original: Transaction, amount_fen: int, now: datetime) -> str:
    """Why a void or refund is refused; "" where it is not."""
    if original.is_reversed or original.code != DONE:
        return WRONG_STATE
    if kind == VOID:
        if clearing_day(original.at) != clearing_day(now):
            return TOO_LATE
        if original.returned_fen:
            return WRONG_STATE
        return "" if amount_fen == original.amount_fen else DIFFERS
    if now - original.at > timedelta(days=REFUND_DAYS_MAX):
        return TOO_LATE
    return "" if original.returned_fen + amount_fen <= original.amount_fen else DIFFERS


def _details(done: Transaction, payment: Transaction) -> dict[str, str]:
    """What the statement shows beside the book's own columns."""
    details = {
        "txnType": done.kind, "traceNo": done.trace_no, "txnTime": done.key[2],
        "queryId": done.query_id, "termId": done.terminal_id,
    }  # fmt: skip
    if done.kind in (VOID, REFUND):
        details |= {"origTraceNo": payment.trace_no, "origTxnTime": payment.key[2]}
    return details
