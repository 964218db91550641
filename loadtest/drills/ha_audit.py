"""Holds the client's book against the ledger after failovers: nothing lost, nothing twice. Pure.

And says for how long nobody was served, from the times of the client's own answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from loadtest.drills.audit import Findings
from loadtest.drills.ha_shop import Order

SLOW_SECONDS = 1.0
"""Who was answered later than this noticed that something was wrong."""
HONEST = ("LATER_SETTLEMENT_STANDS",)
"""Refusals that customers bring upon themselves: the person bought something else meanwhile."""


class Row(Struct, frozen=True, kw_only=True):
    """A settlement in the ledger; a cancel has the amount with its sign turned."""

    institution: str
    msgid: str
    setl_id: str
    total_fen: int
    undoes: str


class Window(Struct, frozen=True, kw_only=True):
    """How long a fault was felt, in seconds from its beginning."""

    back_seconds: float
    """until the end of the longest time without a good answer to a message that was sent since; 0
    where that time was under a second"""
    silent_seconds: float
    """that longest time itself"""
    sent: int
    unanswered: int
    """at the first sending, of those sent since"""
    slow: int
    """answered well, but later than in a second"""


def compare(orders: Sequence[Order], rows: Sequence[Row]) -> Findings:
    """The book and the ledger, message by message."""
    findings = Findings()
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.institution, row.msgid), []).append(row)
    for order in orders:
        mine = found.pop((order.institution, order.msgid), [])
        if order.is_open:
            findings.unresolved.append(f"{order.infno} {order.msgid}: nobody ever told")
        if order.refusal and (mine or order.refusal not in HONEST):
            findings.differences.append(f"{order.infno} {order.msgid}: refused, {order.refusal}")
        if order.answered_at is not None and not mine:
            findings.lost.append(f"{order.msgid}: answered {order.setl_id}, not there")
        if len(mine) > 1:
            findings.doubled.append(f"{order.infno} {order.msgid}: {len(mine)} times")
        findings.differences += [_differs(order, row) for row in mine if _differs(order, row)]
    for institution, msgid in found:
        findings.differences.append(f"{institution} {msgid}: in the ledger, never sent")
    undone = Counter(row.undoes for row in rows if row.undoes)
    findings.doubled += [f"{setl_id}: undone {n} times" for setl_id, n in undone.items() if n > 1]
    return findings


def window(orders: Sequence[Order], *, began: float, ended: float) -> Window:
    """What customers felt who came between two instants."""
    since = [one for one in orders if began <= one.sent_at < ended]
    answered = [one for one in since if one.first_seconds is not None]
    times = sorted(one.sent_at + (one.first_seconds or 0.0) for one in answered)
    edges = [began, *times, *([] if times else [ended])]
    gaps = [(later - earlier, later) for earlier, later in pairwise(edges)]
    longest, until = max(gaps)
    return Window(
        back_seconds=until - began if longest > SLOW_SECONDS else 0.0, silent_seconds=longest,
        sent=len(since), unanswered=len(since) - len(answered),
        slow=sum((one.first_seconds or 0.0) > SLOW_SECONDS for one in answered),
    )  # fmt: skip


def totals_fen(orders: Sequence[Order], rows: Sequence[Row]) -> Mapping[str, int]:
    """Both sides of the same sum."""
    return {
        "book": sum(one.fee_fen for one in orders if one.answered_at is not None),
        "ledger": sum(row.total_fen for row in rows),
    }


def _differs(order: Order, row: Row) -> str:
    if order.answered_at is not None and row.setl_id != order.setl_id:
        return f"{order.msgid}: answered {order.setl_id}, in the ledger {row.setl_id}"
    if (row.total_fen, row.undoes) != (order.fee_fen, order.undoes):
        return f"{order.msgid}: {order.fee_fen} fen were sent, {row.total_fen} are in the ledger"
    return ""
