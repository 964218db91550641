"""What goes wrong at a simulated channel, and who decides it: a header, a rule, or a seed.

A rule says which operation and which order; a seed makes a share of all calls fail, the same ones
in every run whatever order they come in, because each call's fate is drawn from its own number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import StrEnum

from msgspec import Struct, field

DRAWS = 1_000_000
"""A share of calls is drawn with this resolution."""


class Operation(StrEnum):
    """What is asked of a channel, or, of a notice, what it tells by itself."""

    PAY = "pay"
    QUERY = "query"
    UNDO = "undo"
    REFUND = "refund"
    QUERY_REFUND = "query_refund"
    BILL = "bill"
    BILL_FILE = "bill_file"
    NOTICE = "notice"
    HAND = "hand"
    """an order for the payer's phone (Alipay, UnionPay)"""
    PHONE = "phone"
    """what a payer does on their own phone: nothing goes wrong there"""
    OTHER = "other"


class Fault(StrEnum):
    """Where it breaks. In the first group nothing was carried out."""

    LOST_BEFORE = "lost_before"
    HTML_BEFORE = "html_before"
    """a gateway in front answers 502 and a page"""
    BUSY = "busy"
    """the channel's own word for it, nothing done"""
    RATE_LIMITED = "rate_limited"
    MAINTENANCE = "maintenance"

    LOST_AFTER = "lost_after"
    """carried out, answer lost: the important one"""
    HTML_AFTER = "html_after"
    BUSY_AFTER = "busy_after"
    """carried out, and still the channel's word for busy"""
    ARRIVES_LATE = "arrives_late"
    """the line breaks now; the request is carried out `delay_seconds` later"""
    ANSWERS_LATE = "answers_late"
    DRIP = "drip"
    """half the answer, and the rest `delay_seconds` later"""
    RESET = "reset"
    """half the answer, then the connection is reset"""
    NOT_JSON = "not_json"
    """200 and a body that is cut in the middle, signed"""

    WRONG_SIGNATURE = "wrong_signature"
    NO_SIGNATURE = "no_signature"
    CLOCK_SKEW = "clock_skew"
    """signed ten minutes ago"""
    ONE_FEN_OFF = "one_fen_off"
    """says one fen less than it took"""
    GHOST = "ghost"
    """money moved; every answer denies it until the bill shows it"""
    PHANTOM = "phantom"
    """told as paid; no money moved and no bill shows it"""
    UNDO_AGAIN = "undo_again"
    """an undo asks to be called again (recall=Y, retry_flag=Y); nothing done"""

    NOTICE_LOST = "notice_lost"
    NOTICE_NEVER = "notice_never"
    NOTICE_TWICE = "notice_twice"
    NOTICE_LATE = "notice_late"
    NOTICE_FORGED = "notice_forged"
    """a forged one comes first"""
    NOTICE_ONE_FEN_OFF = "notice_one_fen_off"
    NOTICE_STRANGER = "notice_stranger"
    """genuine, about an order that was never made"""
    NOTICE_PROBE = "notice_probe"
    """the channel's own test of the receiver's check comes first (WeChat: SIGNTEST)"""

    BILL_LATE = "bill_late"
    BILL_TRUNCATED = "bill_truncated"
    BILL_ROW_TWICE = "bill_row_twice"
    BILL_ONE_FEN_OFF = "bill_one_fen_off"
    BILL_WRONG_DIGEST = "bill_wrong_digest"


_FAULTS = {one.value: one for one in Fault}
_OF_BILLS = frozenset(one for one in Fault if one.startswith("bill_"))
_OF_NOTICES = frozenset(one for one in Fault if one.startswith("notice_"))
_OF_PAYMENTS = frozenset({Fault.GHOST, Fault.PHANTOM})
LINE_FAULTS: dict[Fault, int] = {
    Fault.LOST_BEFORE: 3,
    Fault.LOST_AFTER: 5,
    Fault.HTML_BEFORE: 1,
    Fault.HTML_AFTER: 1,
    Fault.BUSY: 2,
    Fault.BUSY_AFTER: 2,
    Fault.ARRIVES_LATE: 1,
    Fault.RESET: 2,
    Fault.RATE_LIMITED: 1,
    Fault.WRONG_SIGNATURE: 1,
    Fault.NOTICE_LOST: 2,
    Fault.NOTICE_TWICE: 2,
    Fault.NOTICE_LATE: 1,
    Fault.NOTICE_FORGED: 1,
}
"""What a seed deals, with weights; staged differences of the books are asked for by name."""


class Rule(Struct, frozen=True, kw_only=True):
    """Let the next `times` calls of an operation (of one order, where named) meet a fault."""

    fault: Fault
    operation: Operation | None = None
    order_no: str = ""
    times: int | None = 1
    """None: until the plan is replaced"""
    delay_seconds: float = 120.0


class Plan(Struct, frozen=True, kw_only=True):
    """What `POST /_sim/faults` takes; an empty one mends everything."""

    rules: tuple[Rule, ...] = ()
    seed: int = 1
    share_ppm: int = 0
    """calls in a million that meet a fault of `weights`"""
    weights: dict[Fault, int] = field(default_factory=lambda: dict(LINE_FAULTS))
    delay_seconds: float = 120.0
    """of seeded faults"""


class _Standing(Struct):
    rule: Rule
    left: int | None


class Met(Struct, frozen=True):
    """The fault that a call meets."""

    fault: Fault
    delay_seconds: float


class Faults:
    """Decides the fate of each call."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.happened: Counter[Fault] = Counter()
        self.replace(plan or Plan())

    def replace(self, plan: Plan) -> None:
        """From now on this plan."""
        self.plan = plan
        self._rules = [_Standing(rule, rule.times) for rule in plan.rules]
        self._seen: Counter[tuple[Operation, str]] = Counter()

    def add(self, *rules: Rule) -> None:
        """These as well, after those that are there."""
        self.plan = Plan(
            rules=(*self.plan.rules, *rules), seed=self.plan.seed, share_ppm=self.plan.share_ppm,
            weights=self.plan.weights, delay_seconds=self.plan.delay_seconds,
        )  # fmt: skip
        self._rules += [_Standing(rule, rule.times) for rule in rules]

    def meet(self, operation: Operation, order_no: str, *, asked: str = "") -> Met | None:
        """What this call meets. `asked` is the header's wish; one that is unknown is no fault."""
        met = self._asked(asked) or self._by_rule(operation, order_no)
        met = met or self._by_seed(operation, order_no)
        if met is not None:
            self.happened[met.fault] += 1
        return met

    def _asked(self, asked: str) -> Met | None:
        fault = _FAULTS.get(asked)
        return Met(fault, self.plan.delay_seconds) if fault is not None else None

    def _by_rule(self, operation: Operation, order_no: str) -> Met | None:
        for standing in self._rules:
            if standing.left == 0 or not _concerns(standing.rule, operation, order_no):
                continue
            if standing.left is not None:
                standing.left -= 1
            return Met(standing.rule.fault, standing.rule.delay_seconds)
        return None

    def _by_seed(self, operation: Operation, order_no: str) -> Met | None:
        if not self.plan.share_ppm:
            return None
        self._seen[operation, order_no] += 1
        nth = self._seen[operation, order_no]
        text = f"{self.plan.seed}:{operation}:{order_no}:{nth}"
        digest = hashlib.sha256(text.encode()).digest()
        if int.from_bytes(digest[:8], "big") % DRAWS >= self.plan.share_ppm:
            return None
        fitting = [(f, n) for f, n in self.plan.weights.items() if n and fits(f, operation)]
        if not fitting:
            return None
        point = int.from_bytes(digest[8:16], "big") % sum(weight for _, weight in fitting)
        for fault, weight in fitting:
            if point < weight:
                return Met(fault, self.plan.delay_seconds)
            point -= weight
        return None


def fits(fault: Fault, operation: Operation) -> bool:
    """Whether an operation can meet a fault at all."""
    if operation is Operation.PHONE:
        return False
    if fault in _OF_NOTICES or operation is Operation.NOTICE:
        return fault in _OF_NOTICES and operation is Operation.NOTICE
    if fault in _OF_BILLS:
        return operation in (Operation.BILL, Operation.BILL_FILE)
    if fault is Fault.UNDO_AGAIN:
        return operation is Operation.UNDO
    return fault not in _OF_PAYMENTS or operation is Operation.PAY


def _concerns(rule: Rule, operation: Operation, order_no: str) -> bool:
    if rule.operation is not None and rule.operation is not operation:
        return False
    return fits(rule.fault, operation) and rule.order_no in ("", order_no)
