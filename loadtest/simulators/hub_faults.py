"""What goes wrong at the simulated hub, and who decides it: a rule, or a seed.

A rule says which kind and which case; a seed makes a share of all messages fail, the same ones in
every run whatever order they come in, because each one's fate is drawn from its own numbers, or of
several questions in one message from those of the first.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import StrEnum

from msgspec import Struct, field

from protocol.hub.envelope import Envelope
from protocol.hub.messages import Kind

DRAWS = 1_000_000
"""A share of questions is drawn with this resolution."""


class Fault(StrEnum):
    """Where it breaks."""

    BUSY = "busy"
    """the hub answers 503 and forwards nothing"""
    LOST_BEFORE = "lost_before"
    """the hub took it; it never reaches its region, and no answer comes"""
    LOST_AFTER = "lost_after"
    """delivered and answered; the answer never comes: the important one"""
    ARRIVES_LATE = "arrives_late"
    """no answer comes; it is delivered `delay_seconds` later"""
    ANSWERS_LATE = "answers_late"
    """delivered now; its answer comes `delay_seconds` later, if anybody still waits"""
    TWICE = "twice"
    """delivered two times, one after the other; the second answer comes"""
    AGAIN_LATER = "again_later"
    """delivered and answered; the same message is delivered once more `delay_seconds` later, after
    others that came behind it"""
    FORGED = "forged"
    """one letter of the answer is changed"""
    OTHER_ANSWER = "other_answer"
    """the answer to an earlier question of the same two regions comes instead"""


LINE_FAULTS: dict[Fault, int] = {
    Fault.LOST_BEFORE: 4,
    Fault.LOST_AFTER: 5,
    Fault.ARRIVES_LATE: 2,
    Fault.ANSWERS_LATE: 2,
    Fault.TWICE: 2,
    Fault.AGAIN_LATER: 2,
    Fault.BUSY: 2,
    Fault.FORGED: 1,
    Fault.OTHER_ANSWER: 1,
}
"""What a seed deals, with weights."""


class Rule(Struct, frozen=True, kw_only=True):
    """Let the next `times` questions of a kind (about one case, to one region, where named) meet a
    fault."""

    fault: Fault
    kind: Kind | None = None
    case: str = ""
    to: str = ""
    times: int | None = 1
    """None: until the plan is replaced"""
    delay_seconds: float = 60.0


class Plan(Struct, frozen=True, kw_only=True):
    """What `POST /_sim/faults` takes; an empty one mends everything."""

    rules: tuple[Rule, ...] = ()
    seed: int = 1
    share_ppm: int = 0
    """messages with questions in a million that meet a fault of `weights`"""
    weights: dict[Fault, int] = field(default_factory=lambda: dict(LINE_FAULTS))
    delay_seconds: float = 60.0
    """of seeded faults"""


class Met(Struct, frozen=True):
    """The fault that a question meets."""

    fault: Fault
    delay_seconds: float


class _Standing(Struct):
    rule: Rule
    left: int | None


class Faults:
    """Decides the fate of each question."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.happened: Counter[Fault] = Counter()
        self.replace(plan or Plan())

    def replace(self, plan: Plan) -> None:
        """From now on this plan."""
        self.plan = plan
        self._rules = [_Standing(rule, rule.times) for rule in plan.rules]
        self._seen: Counter[tuple[Kind, str]] = Counter()

    def add(self, *rules: Rule) -> None:
        """These as well, after those that are there."""
        self._rules += [_Standing(rule, rule.times) for rule in rules]

    def meet(self, *questions: Envelope) -> Met | None:
        """What a message with these questions meets: by rule what one of them meets, by seed what
        the first does, so that a share of messages fails however many are in each."""
        by_rule = next(filter(None, map(self._by_rule, questions)), None)
        met = by_rule or self._by_seed(questions[0])
        if met is not None:
            self.happened[met.fault] += 1
        return met

    def _by_rule(self, question: Envelope) -> Met | None:
        for standing in self._rules:
            if standing.left == 0 or not _concerns(standing.rule, question):
                continue
            if standing.left is not None:
                standing.left -= 1
            return Met(standing.rule.fault, standing.rule.delay_seconds)
        return None

    def _by_seed(self, question: Envelope) -> Met | None:
        if not self.plan.share_ppm:
            return None
        key = question.kind, question.correlation
        self._seen[key] += 1
        text = f"{self.plan.seed}:{question.kind}:{question.correlation}:{self._seen[key]}"
        digest = hashlib.sha256(text.encode()).digest()
        if int.from_bytes(digest[:8], "big") % DRAWS >= self.plan.share_ppm:
            return None
        weights = self.plan.weights
        point = int.from_bytes(digest[8:16], "big") % sum(weights.values())
        for fault, weight in weights.items():
            if point < weight:
                return Met(fault, self.plan.delay_seconds)
            point -= weight
        return None


def _concerns(rule: Rule, question: Envelope) -> bool:
    return (
        rule.kind in (None, question.kind)
        and rule.case in ("", question.case)
        and rule.to in ("", question.to)
    )
