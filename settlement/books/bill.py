"""Bills (账单): what a payment channel says of a merchant's day, in our words.

A reader of a channel's form (settlement/translate/*_bills.py) is a `Reading`: it is walked once,
row by row, so that a bill of any length fits into memory, and afterwards it proves itself against
its own summary. A row that cannot be read becomes a fault and the others go on; what speaks against
the file as a whole is a BillError, and nothing of the file is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol

from msgspec import Struct

FAULTS_MAX = 1_000
"""With more rows than this unread, a file is not what it is taken for."""


class BillKind(StrEnum):
    """What a file tells."""

    TRADE = "trade"
    """payments and refunds (交易账单)"""
    FUNDS = "funds"
    """movements of the merchant's account at the channel (资金账单), and adjustments"""


class Moved(IntEnum):
    """Why money moved on the merchant's account."""

    PAYMENT = 1
    REFUND = 2
    FEE = 3
    """手续费, kept or given back"""
    BANK = 4
    """to the merchant's bank account or from it (提现, 充值)"""
    ADJUSTMENT = 5
    """调账: a difference that the channel cleared"""
    OTHER = 9
    """in words that we do not know; they are kept"""


class TradeRow(NamedTuple):
    """A payment or a refund, as the bill has it. Money is in fen, never negative but for fees."""

    row_no: int
    """line in the file, from 1"""
    is_refund: bool
    at: str
    """`YYYY-MM-DD HH:MM:SS`, the channel's clock"""
    order_no: str
    refund_no: str
    channel_no: str
    channel_refund_no: str
    status: str
    amount_fen: int
    fee_fen: int
    """what the channel keeps; negative where it gives a fee back"""


class MoveRow(NamedTuple):
    """A movement of the merchant's account."""

    row_no: int
    why: Moved
    direction: int
    """1 in, -1 out, 0 where the file does not say"""
    at: str
    flow_no: str
    """the channel's number of the movement"""
    business_no: str
    """the channel's number of the payment or refund it belongs to"""
    order_no: str
    """our number there, of the payment or of the refund"""
    said: str
    """the channel's word for it"""
    amount_fen: int
    balance_fen: int | None
    """of the account afterwards; None where the file does not say"""


BillRow = TradeRow | MoveRow


class RowFault(NamedTuple):
    """A row that could not be read."""

    row_no: int
    column: str
    """empty: the row as a whole"""
    reason: str


class BillError(Exception):
    """The file is refused as a whole; the text says why and what to do, in two languages."""


class Reading(Protocol):
    """A file, or a part of one, that is read once from its first row to its last."""

    channel: str
    kind: BillKind
    merchant: str
    """known after the last row at the latest; empty where the file names nobody"""
    day: date | None
    """the day that the file says it is of; None where it does not say"""
    fee_told: str
    """the channel's own sum of fees, as it came; empty where there is none"""

    @property
    def faults(self) -> Faults:
        """Rows that could not be read so far."""
        ...

    @property
    def times(self) -> Times:
        """How many rows are of which day, so far."""
        ...

    def rows(self) -> Iterator[BillRow]:
        """Every row that can be read, in order. Afterwards the file is proven against its own
        summary. Raises BillError."""
        ...


class Nothing:
    """The bill of a day without movements: no bytes at all."""

    merchant = ""
    day: date | None = None
    fee_told = ""

    def __init__(self, channel: str, kind: BillKind) -> None:
        self.channel = channel
        self.kind = kind
        self.faults = Faults()
        self.times = Times()

    def rows(self) -> Iterator[BillRow]:
        """None."""
        return iter(())


class Faults(list[RowFault]):
    """Rows that could not be read; too many refuse the file."""

    def add(self, row_no: int, column: str, reason: str) -> None:
        """One more."""
        if len(self) >= FAULTS_MAX:
            first = self[0]
            raise BillError(
                f"无法识别的行超过 {FAULTS_MAX} 行，例如第 {first.row_no} 行 {first.column}：多半"
                f"不是原始账单，请重新下载 | more than {FAULTS_MAX} rows cannot be read, line "
                f"{first.row_no} for one: {first.reason}; take the file as the channel gave it"
            )
        self.append(RowFault(row_no, column, reason))

    def shown(self) -> str:
        """The first few, for whoever has to find them."""
        return "；".join(f"第 {row} 行 {column} {reason}" for row, column, reason in self[:5])


class Times:
    """Reads the times of a bill: each is looked at once however often it comes. Counts rows by
    day."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self.by_day: Counter[str] = Counter()

    def is_time(self, text: str) -> bool:
        """Whether it is `YYYY-MM-DD HH:MM:SS`; counted where it is."""
        if text not in self._known:
            if not _is_time(text):
                return False
            self._known.add(text)
        self.by_day[text[:10]] += 1
        return True


class Totals(Struct):
    """What the rows of a file come to."""

    paid_rows: int = 0
    paid_fen: int = 0
    refund_rows: int = 0
    refunded_fen: int = 0
    fee_fen: int = 0
    moved_rows: int = 0
    in_fen: int = 0
    out_fen: int = 0

    @property
    def rows(self) -> int:
        """All."""
        return self.paid_rows + self.refund_rows + self.moved_rows

    def adding(self, rows: Iterable[BillRow]) -> Iterator[BillRow]:
        """Each row, counted on its way."""
        for row in rows:
            self._add(row)
            yield row

    def _add(self, row: BillRow) -> None:
        if isinstance(row, MoveRow):
            self.moved_rows += 1
            if row.direction > 0:
                self.in_fen += row.amount_fen
            elif row.direction < 0:
                self.out_fen += row.amount_fen
            return
        self.fee_fen += row.fee_fen
        if row.is_refund:
            self.refund_rows += 1
            self.refunded_fen += row.amount_fen
        else:
            self.paid_rows += 1
            self.paid_fen += row.amount_fen


def day_of_rows(by_day: Counter[str]) -> date | None:
    """The day that most rows are of, where a file does not say its own: None without rows."""
    if not by_day:
        return None
    return date.fromisoformat(by_day.most_common(1)[0][0])


def _is_time(text: str) -> bool:
    if len(text) != 19 or text[10] != " ":
        return False
    try:
        return str(datetime.fromisoformat(text)) == text
    except ValueError:
        return False
