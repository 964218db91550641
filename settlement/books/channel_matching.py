"""Comparing what we have with channels and what their bills say, order by order (渠道对账).

Pure. SQL puts aside what agrees in every respect and hands over the rest, with all that either side
has of the same order numbers (storage/sql/matching_scatter.sql); this module says of each row what
it is. Every row is in exactly one finding, every finding in exactly one class, and what the
findings differ by is what the sums of the sides differ by. Payments that agree only together may
lie in several lanes: settlement/books/channel_joining.py finds them among the findings of all.

A payment is known by our order number, a refund by that and our refund number; what has neither, by
the channel's number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import IntEnum, StrEnum

from msgspec import Struct

EDGE = timedelta(days=1)
"""How far two clocks may put one payment apart (跨日)."""


class Kind(IntEnum):
    """Which way the money goes; also stored."""

    PAYMENT = 1
    """收款"""
    REFUND = 2
    """退款"""


class Class(StrEnum):
    """What a finding is."""

    AGREES = "agrees"
    """nothing is owed: equal, or taken back on both sides"""
    UNBILLED = "unbilled"
    """the bill of the day is not here yet: nothing can be said"""
    CUSTODY = "custody_mismatch"
    """another merchant has it than our books say (归集方不符)"""
    STATUS = "status"
    """both know it, and only one has it as done (状态不符)"""
    AMOUNT = "amount"
    """金额不符"""
    FEE = "fee"
    """手续费不符"""
    LATE = "late"
    """equal, on days further apart than an edge (迟到)"""
    DAY_EDGE = "day_edge"
    """equal, on neighbouring days; or the neighbouring bill is not here yet (跨日)"""
    DUPLICATE = "duplicate"
    """theirs once more (重复)"""
    ONLY_OURS = "only_ours"
    """仅本方有"""
    ONLY_THEIRS = "only_theirs"
    """仅渠道有"""
    REVERSED_HERE = "reversed_at_ours_only"
    """we undid it, the channel has it (仅本方冲正)"""
    REFUND_MISSING = "refund_missing"
    """we refunded, the channel did not (退款未到)"""
    AFTER_CLEARING = "cancelled_after_clearing"
    """the same, of a payment of a month that is over (清算后退费)"""


class Joined(StrEnum):
    """How several rows agree that alone do not."""

    MERGED = "merged"
    """several of ours are one of theirs (合并)"""
    SPLIT = "split"
    """one of ours is several of theirs (拆分)"""


NO_DIFFERENCE = frozenset({Class.AGREES, Class.UNBILLED})
"""Findings that nobody keeps."""
CLASS_ZH: Mapping[Class, str] = {
    Class.AGREES: "一致", Class.UNBILLED: "账单未到", Class.CUSTODY: "归集方不符",
    Class.STATUS: "状态不符", Class.AMOUNT: "金额不符", Class.FEE: "手续费不符",
    Class.LATE: "迟到", Class.DAY_EDGE: "跨日", Class.DUPLICATE: "重复",
    Class.ONLY_OURS: "仅本方有", Class.ONLY_THEIRS: "仅渠道有",
    Class.REVERSED_HERE: "仅本方冲正", Class.REFUND_MISSING: "退款未到",
    Class.AFTER_CLEARING: "清算后退费",
}  # fmt: skip


class Said(IntEnum):
    """What a row of a bill says of its money."""

    DONE = 1
    TAKEN_BACK = 2
    """the row takes a payment back (撤销)"""
    NOT_DONE = 3


_SAID: Mapping[tuple[str, Kind, str], Said] = {
    ("wechat", Kind.PAYMENT, "SUCCESS"): Said.DONE,
    ("wechat", Kind.REFUND, "REFUND"): Said.DONE,
    ("wechat", Kind.REFUND, "REFUND/SUCCESS"): Said.DONE,
    ("wechat", Kind.REFUND, "REFUND/PROCESSING"): Said.DONE,
    ("wechat", Kind.REFUND, "REVOKED"): Said.TAKEN_BACK,
    ("wechat", Kind.REFUND, "REVOKED/SUCCESS"): Said.TAKEN_BACK,
    ("wechat", Kind.REFUND, "REVOKED/PROCESSING"): Said.TAKEN_BACK,
    ("onecode", Kind.PAYMENT, "PAY"): Said.DONE,
    ("onecode", Kind.REFUND, "REFUND"): Said.DONE,
    ("onecode", Kind.REFUND, "UNDO"): Said.TAKEN_BACK,
}
"""WeChat's states of a row; a refund has its own behind a slash (translate/wechat_bills.py). The
kinds of a row of one-code payment (protocol/onecode_bills.py). A refund that is under way
(PROCESSING) has left the merchant's account; one that failed or waits for the payer's word (FAIL,
CHANGE) is not done, until somebody looks. *Uncertain*."""
CHANNELS_WITH_STATES = frozenset(channel for channel, _, _ in _SAID)
"""Bills of the others hold what was done and nothing else."""


def said(channel: str, kind: Kind, status: str) -> Said:
    """What a state in a bill means; one that is not known is not done, until somebody looks."""
    if channel not in CHANNELS_WITH_STATES:
        return Said.DONE
    return _SAID.get((channel, kind, status), Said.NOT_DONE)


def states(meaning: Said) -> list[str]:
    """The states of that meaning, each as SQL puts channel, kind and state together."""
    return [
        f"{channel} {kind:d} {status}"
        for (channel, kind, status), one in _SAID.items()
        if one is meaning
    ]


class Key(Struct, frozen=True, order=True, gc=False):
    """What a row is known by."""

    order_no: str
    refund_no: str
    channel_no: str
    """only where there is no order number"""
    kind: Kind


class Ours(Struct, frozen=True, kw_only=True, gc=False):
    """Money that came to us over a channel, or went back; a row of settlement.channel_row."""

    pay_no: int
    kind: Kind
    channel: str
    merchant: str
    custody: str
    institution: str
    order_no: str
    refund_no: str
    channel_no: str
    amount_fen: int
    day: date
    paid_day: date | None = None
    """of a refund: the day of the payment"""
    reversed: bool = False
    """it was undone at the channel (撤销)"""

    @property
    def key(self) -> Key:
        """What it is known by."""
        return Key(self.order_no, self.refund_no, "", self.kind)

    @property
    def counts_fen(self) -> int:
        """What it adds to what the channel has of ours."""
        return 0 if self.reversed else _signed(self.kind, self.amount_fen)


class Theirs(Struct, frozen=True, kw_only=True, gc=False):
    """A row of a bill in force."""

    file_no: int
    row_no: int
    kind: Kind
    channel: str
    merchant: str
    order_no: str
    refund_no: str
    channel_no: str
    """the channel's, of the payment or the refund itself"""
    amount_fen: int
    fee_fen: int
    day: date
    said: Said

    @property
    def key(self) -> Key:
        """What it is known by."""
        kind = Kind.REFUND if self.said is Said.TAKEN_BACK else self.kind
        return Key(self.order_no, self.refund_no, "" if self.order_no else self.channel_no, kind)

    @property
    def counts_fen(self) -> int:
        """What it adds to what the channel has of ours."""
        return 0 if self.said is Said.NOT_DONE else _signed(self.key.kind, self.amount_fen)


class Sent(Struct, frozen=True, kw_only=True, gc=False):
    """A number that we sent to a channel."""

    pay_no: int
    institution: str
    merchant: str
    custody: str


class Rate(Struct, frozen=True, kw_only=True, gc=False):
    """What a merchant pays its channel for a payment."""

    rate_bp: int
    tolerance_fen: int = 0

    def fits(self, theirs: Theirs) -> bool:
        """Whether a row has that fee: half a fen is rounded up, and a refund gives it back."""
        fee_fen = (theirs.amount_fen * self.rate_bp + 5_000) // 10_000
        expected_fen = fee_fen if theirs.key.kind is Kind.PAYMENT else -fee_fen
        return abs(theirs.fee_fen - expected_fen) <= self.tolerance_fen


class Around(Struct, frozen=True, kw_only=True):
    """What is known beside the rows."""

    unbilled: frozenset[tuple[str, str, date]] = frozenset()
    """channel, merchant and day of rows of ours, or of the day behind it, without a bill"""
    sent: Mapping[str, Sent] = {}
    """by order number, or refund number"""
    rates: Mapping[tuple[str, str], Sequence[tuple[date, Rate]]] = {}
    """by channel and merchant: from which day, the latest first"""

    def has_bill(self, ours: Ours, day: date) -> bool:
        """Whether the bill that should have a row is here."""
        return (ours.channel, ours.merchant, day) not in self.unbilled

    def fee_fits(self, theirs: Theirs) -> bool:
        """Whether the fee is what was agreed on; where nothing was, any is."""
        rates = self.rates.get((theirs.channel, theirs.merchant), ())
        rate = next((one for since, one in rates if since <= theirs.day), None)
        return rate is None or rate.fits(theirs)


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """What some rows come to. `nth` counts findings of one key: the duplicates, from 1."""

    found: Class
    key: Key
    nth: int = 0
    ours: Ours | None = None
    theirs: tuple[Theirs, ...] = ()
    sent: Sent | None = None
    joined: Joined | None = None
    """it agrees together with others only"""

    @property
    def ours_fen(self) -> int:
        """What we have of it."""
        return 0 if self.ours is None else self.ours.counts_fen

    @property
    def theirs_fen(self) -> int:
        """What the channel has of it."""
        return sum(one.counts_fen for one in self.theirs)


def compare(
    ours: Iterable[Ours], theirs: Iterable[Theirs], around: Around
) -> list[Finding]:
    """Every row in one finding, by key."""
    here = {one.key: one for one in ours}
    there: dict[Key, list[Theirs]] = defaultdict(list)
    for row in theirs:
        there[row.key].append(row)
    undone = _taken_back_there(here, there)
    joined = _joined_refunds(here, there, undone, around)
    findings: list[Finding] = []
    for key in sorted({*here, *there} - joined.keys()):
        if key in undone:
            findings.append(_undone(key, here.get(key), tuple(there.get(key, ()))))
        elif key in here:
            findings += _ours(here[key], there.get(key, []), around)
        else:
            findings += _theirs_alone(key, there[key], around)
    findings += [finding for finding in joined.values() if finding is not None]
    return findings


def are_one(ours: Sequence[Ours], theirs: Sequence[Theirs], around: Around) -> bool:
    """Whether one side has in one row exactly what the other has in several, at one merchant, not
    more than an edge apart, done and with the right fee."""
    if not ours or not theirs or (len(ours) == 1) == (len(theirs) == 1):
        return False
    days = [one.day for one in ours] + [one.day for one in theirs]
    return (
        sum(one.counts_fen for one in ours) == sum(one.counts_fen for one in theirs)
        and len({one.merchant for one in ours} | {one.merchant for one in theirs}) == 1
        and max(days) - min(days) <= EDGE
        and all(one.said is Said.DONE and around.fee_fits(one) for one in theirs)
    )


def _joined_refunds(
    here: Mapping[Key, Ours], there: Mapping[Key, Sequence[Theirs]], undone: set[Key],
    around: Around,
) -> dict[Key, Finding | None]:  # fmt: skip
    """Refunds of one order that agree only together (合并, 拆分): several of ours in one row of
    theirs, or one of ours in several under other numbers. By key, what it comes to; None where the
    row is told of with another key. What is far apart, or not done, is not joined."""
    orders: dict[str, set[Key]] = defaultdict(set)
    for key in {*here, *there} - undone:
        if key.kind is Kind.REFUND and key.order_no and not _is_even(here.get(key), there.get(key)):
            orders[key.order_no].add(key)
    found: dict[Key, Finding | None] = {}
    for keys in orders.values():
        ours = [here[key] for key in sorted(keys) if key in here]
        theirs = tuple(row for key in sorted(keys) for row in there.get(key, ()))
        if are_one(ours, theirs, around):
            found |= dict.fromkeys(keys)
            how = Joined.MERGED if len(theirs) == 1 else Joined.SPLIT
            for place, one in enumerate(ours):
                found[one.key] = Finding(
                    found=Class.AGREES, key=one.key, ours=one, theirs=() if place else theirs,
                    joined=how,
                )  # fmt: skip
    return found


def _is_even(ours: Ours | None, theirs: Sequence[Theirs] | None) -> bool:
    """Whether a key has the same on both sides already."""
    return (
        ours is not None
        and theirs is not None
        and sum(one.counts_fen for one in theirs) == ours.counts_fen
    )


def _taken_back_there(
    here: Mapping[Key, Ours], there: Mapping[Key, Sequence[Theirs]]
) -> set[Key]:
    """Payments that the channel has and took back, and what took them back: we undid them, or never
    learnt that they were paid."""
    keys: set[Key] = set()
    back: dict[str, list[Key]] = defaultdict(list)
    for key, rows in there.items():
        if key.kind is Kind.REFUND and key not in here and key.order_no:
            back[key.order_no] += [key] if len(rows) == 1 else []
    for key, rows in there.items():
        mine = here.get(key)
        if key.kind is not Kind.PAYMENT or (mine is not None and not mine.reversed):
            continue
        total_fen = sum(one.counts_fen for one in rows)
        for other in back.get(key.order_no, ()):
            if total_fen and there[other][0].counts_fen == -total_fen:
                keys |= {key, other}
                break
    return keys


def _undone(key: Key, ours: Ours | None, theirs: tuple[Theirs, ...]) -> Finding:
    return Finding(found=Class.AGREES, key=key, ours=ours, theirs=theirs)


def _ours(ours: Ours, theirs: Sequence[Theirs], around: Around) -> list[Finding]:
    """A row of ours with all that the channel has under its numbers."""
    if not theirs:
        found = Class.AGREES if ours.reversed else _missing(ours, around)
        return [Finding(found=found, key=ours.key, ours=ours)]
    ordered = sorted(theirs, key=lambda one: _likeness(one, ours))
    count = len(ordered) if _is_split(ours, ordered) else 1
    first, more = tuple(ordered[:count]), ordered[count:]
    found = _of_pair(ours, first, around)
    pair = Finding(found=found, key=ours.key, ours=ours, theirs=first)
    known = Sent(
        pay_no=ours.pay_no, institution=ours.institution, merchant=ours.merchant,
        custody=ours.custody,
    )  # fmt: skip
    return [pair, *_duplicates(ours.key, more, known)]


def _missing(ours: Ours, around: Around) -> Class:
    """What a row is that no bill has."""
    if not around.has_bill(ours, ours.day):
        return Class.UNBILLED
    if not around.has_bill(ours, ours.day + EDGE):
        return Class.DAY_EDGE
    if ours.kind is Kind.PAYMENT:
        return Class.ONLY_OURS
    paid_day = ours.paid_day or ours.day
    is_over = (paid_day.year, paid_day.month) < (ours.day.year, ours.day.month)
    return Class.AFTER_CLEARING if is_over else Class.REFUND_MISSING


def _of_pair(ours: Ours, theirs: tuple[Theirs, ...], around: Around) -> Class:
    """What a pair is, the most serious first: what ends by itself must not hide anything."""
    theirs_fen = sum(one.counts_fen for one in theirs)
    if ours.reversed:
        return Class.REVERSED_HERE if theirs_fen else Class.AGREES
    if any(one.merchant != ours.merchant for one in theirs):
        return Class.CUSTODY
    if any(one.said is Said.NOT_DONE for one in theirs):
        return Class.STATUS
    if theirs_fen != ours.counts_fen:
        return Class.AMOUNT
    if not all(around.fee_fits(one) for one in theirs):
        return Class.FEE
    apart = max(abs(one.day - ours.day) for one in theirs)
    if apart > EDGE:
        return Class.LATE
    return Class.DAY_EDGE if apart else Class.AGREES


def _theirs_alone(key: Key, theirs: Sequence[Theirs], around: Around) -> list[Finding]:
    """What only the channel has."""
    sent = around.sent.get(key.refund_no or key.order_no)
    ordered = sorted(theirs, key=_place)
    moved = next((one for one in ordered if one.counts_fen), ordered[0])
    found = Class.ONLY_THEIRS if sent is None else Class.STATUS
    first = Finding(
        found=found if moved.counts_fen else Class.AGREES, key=key, theirs=(moved,), sent=sent
    )
    return [first, *_duplicates(key, [one for one in ordered if one is not moved], sent)]


def _duplicates(key: Key, theirs: Sequence[Theirs], sent: Sent | None) -> list[Finding]:
    return [
        Finding(
            found=Class.DUPLICATE if one.counts_fen else Class.AGREES, key=key, nth=number,
            theirs=(one,), sent=sent,
        )
        for number, one in enumerate(theirs, 1)
    ]  # fmt: skip


def _is_split(ours: Ours, theirs: Sequence[Theirs]) -> bool:
    """One of ours, several of theirs (拆分): together they are it, and none of them is alone."""
    parts = [one.counts_fen for one in theirs]
    return len(parts) > 1 and sum(parts) == ours.counts_fen and ours.counts_fen not in parts


def _likeness(theirs: Theirs, ours: Ours) -> tuple[bool, bool, bool, bool, tuple[date, int, int]]:
    """The row that is most like ours comes first; the others are duplicates."""
    return (
        theirs.said is Said.NOT_DONE, theirs.channel_no != ours.channel_no,
        theirs.amount_fen != ours.amount_fen, theirs.merchant != ours.merchant, _place(theirs),
    )  # fmt: skip


def _place(theirs: Theirs) -> tuple[date, int, int]:
    return theirs.day, theirs.file_no, theirs.row_no


def _signed(kind: Kind, amount_fen: int) -> int:
    return amount_fen if kind is Kind.PAYMENT else -amount_fen
