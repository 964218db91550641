"""What becomes of a difference with a channel (差异), and by which acts.

Pure. A difference is a list of steps, none of which is ever changed. Each says all that stands
after it, so the last one is the whole; what an act makes of a state is one table, which
docs/operating/reconciling.md draws. One person proposes a correction, another confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import IntEnum, unique

from msgspec import Struct
from msgspec.structs import replace

from settlement.books.channel_matching import NO_DIFFERENCE, Class, Finding, Joined, Kind, Sent


@unique
class State(IntEnum):
    """Where a difference is; also stored."""

    OPEN = 1
    PROPOSED = 2
    """one person has proposed how to correct it"""
    CORRECTED = 3
    """another has confirmed it: it is booked, or explained"""
    CLOSED = 4
    """a rule closed it"""


STATE_ZH: Mapping[State, str] = {
    State.OPEN: "待处理", State.PROPOSED: "待复核", State.CORRECTED: "已更正",
    State.CLOSED: "自动关闭",
}  # fmt: skip
UNDER_WAY = frozenset({State.OPEN, State.PROPOSED})
"""Somebody has to do something."""


@unique
class Act(IntEnum):
    """What moves a difference on; also stored."""

    FIND = 1
    ASSIGN = 2
    PROPOSE = 3
    CONFIRM = 4
    REJECT = 5
    NOTE = 6
    CLOSE = 7
    """by a rule"""
    FIND_AGAIN = 8
    """the matching sees it otherwise now"""


ACT_ZH: Mapping[Act, str] = {
    Act.FIND: "发现", Act.ASSIGN: "分派", Act.PROPOSE: "提出更正", Act.CONFIRM: "确认更正",
    Act.REJECT: "退回", Act.NOTE: "备注", Act.CLOSE: "自动关闭", Act.FIND_AGAIN: "重新比对",
}  # fmt: skip

AFTER: Mapping[tuple[State | None, Act], State] = {
    (None, Act.FIND): State.OPEN,
    (State.OPEN, Act.ASSIGN): State.OPEN,
    (State.OPEN, Act.PROPOSE): State.PROPOSED,
    (State.OPEN, Act.NOTE): State.OPEN,
    (State.OPEN, Act.CLOSE): State.CLOSED,
    (State.OPEN, Act.FIND_AGAIN): State.OPEN,
    (State.PROPOSED, Act.ASSIGN): State.PROPOSED,
    (State.PROPOSED, Act.CONFIRM): State.CORRECTED,
    (State.PROPOSED, Act.REJECT): State.OPEN,
    (State.PROPOSED, Act.NOTE): State.PROPOSED,
    (State.PROPOSED, Act.CLOSE): State.CLOSED,
    (State.PROPOSED, Act.FIND_AGAIN): State.OPEN,
    (State.CORRECTED, Act.NOTE): State.CORRECTED,
    (State.CORRECTED, Act.FIND_AGAIN): State.OPEN,
    (State.CLOSED, Act.NOTE): State.CLOSED,
    (State.CLOSED, Act.FIND_AGAIN): State.OPEN,
}
"""Every act that a state takes; all others are refused."""


class Rule(Struct, frozen=True):
    """Why a difference is closed without anybody."""

    name: str
    zh: str


DAY_EDGE = Rule("day-edge", "相邻一日的账单已有，金额相符")
LATE = Rule("late", "迟到的账单行已到，金额相符")
AGREES_NOW = Rule("agrees-now", "重新比对后两边相符")
TOGETHER: Mapping[Joined, Rule] = {
    Joined.MERGED: Rule("merged", "渠道把几笔合并为一笔，合计相符"),
    Joined.SPLIT: Rule("split", "渠道把一笔拆分为几笔，合计相符"),
}


@unique
class Correction(IntEnum):
    """How a difference is corrected; also stored."""

    NONE = 0
    MAKE_UP = 1
    """补记: the channel has the money, it is owed to its payer"""
    REFUND = 2
    """补退: the channel gave it back to the payer"""
    VOID = 3
    """撤记: what we booked did not happen at the channel"""
    WRITE_OFF = 4
    """转待处理: to the suspense of the institution, or of the agency"""
    NOTE = 5
    """说明: nothing is booked"""


CORRECTION_ZH: Mapping[Correction, str] = {
    Correction.NONE: "", Correction.MAKE_UP: "补记", Correction.REFUND: "补退",
    Correction.VOID: "撤记", Correction.WRITE_OFF: "转待处理", Correction.NOTE: "说明",
}  # fmt: skip


class Name(Struct, frozen=True, kw_only=True):
    """What a difference is known by."""

    lane: int
    channel: str
    kind: Kind
    order_no: str
    refund_no: str
    channel_no: str
    nth: int

    @property
    def number(self) -> str:
        """The number that people look for."""
        return self.refund_no or self.order_no or self.channel_no


class Facts(Struct, frozen=True, kw_only=True):
    """What the matching saw."""

    found: Class
    ours_fen: int
    theirs_fen: int
    fee_fen: int
    day: date
    their_day: date | None
    pay_no: int | None
    institution: str
    custody: str
    merchant: str
    their_merchant: str


class Step(Struct, frozen=True, kw_only=True):
    """What happened, and all that stands after it."""

    step_no: int
    act: Act
    state: State
    at: datetime
    actor: str
    reason: str
    facts: Facts
    owner: str = ""
    correction: Correction = Correction.NONE
    proposer: str = ""
    amount_fen: int = 0
    """of a proposal and its confirmation: what is added to our side"""
    booked_fen: int = 0
    """what corrections have added so far"""
    entry_id: int | None = None
    rule: str = ""

    @property
    def due_fen(self) -> int:
        """What is to be added to our side, so that it is what the channel has."""
        return self.facts.theirs_fen - self.facts.ours_fen - self.booked_fen


def facts_of(finding: Finding) -> Facts:
    """A finding as it is kept."""
    ours, sent = finding.ours, finding.sent or _NOBODY
    first = finding.theirs[0] if finding.theirs else None
    their_day = None if first is None else first.day
    if ours is not None:
        day = ours.day
    elif their_day is not None:
        day = their_day
    else:
        raise ValueError("a finding of no rows")
    return Facts(
        found=finding.found, ours_fen=finding.ours_fen, theirs_fen=finding.theirs_fen,
        fee_fen=sum(one.fee_fen for one in finding.theirs), day=day, their_day=their_day,
        pay_no=(ours.pay_no if ours is not None else sent.pay_no) or None,
        institution=ours.institution if ours is not None else sent.institution,
        custody=ours.custody if ours is not None else sent.custody,
        merchant=ours.merchant if ours is not None else sent.merchant,
        their_merchant="" if first is None else first.merchant,
    )  # fmt: skip


_NOBODY = Sent(pay_no=0, institution="", merchant="", custody="")


def seen(last: Step | None, finding: Finding | None, at: datetime) -> list[Step]:
    """The steps that a matching adds to what stands: `finding` is what the rows come to now, None
    where they do not come to a difference any more."""
    if finding is None or finding.found in NO_DIFFERENCE:
        return _gone(last, finding, at)
    facts = facts_of(finding)
    if last is not None and last.facts == facts:
        return []
    if last is None:
        found = _step(last, Act.FIND, at, facts=facts)
    else:
        found = _step(last, Act.FIND_AGAIN, at, facts=facts)
    rule = _rule(found)
    if rule is None:
        return [found]
    return [found, _step(found, Act.CLOSE, at, rule=rule.name, reason=rule.zh)]


def next_step(last: Step, act: Act, at: datetime, *, actor: str, reason: str) -> Step | None:
    """The next step of people; None where what stands does not take the act."""
    if (last.state, act) not in AFTER:
        return None
    return replace(_step(last, act, at, reason=reason), actor=actor)


def _gone(last: Step | None, finding: Finding | None, at: datetime) -> list[Step]:
    """Both sides agree now. What was corrected meanwhile is too much then, and open again."""
    if last is None or last.state is State.CLOSED:
        return []
    facts = replace(last.facts, ours_fen=0, theirs_fen=0)
    if finding is not None and not _is_of_a_pair(finding):
        facts = replace(facts_of(finding), found=last.facts.found)
    if last.booked_fen:
        again = _step(last, Act.FIND_AGAIN, at, facts=facts)
        return [] if last.facts == facts else [again]
    if last.state is State.CORRECTED:
        return []
    joined = None if finding is None else finding.joined
    rule = AGREES_NOW if joined is None else TOGETHER[joined]
    return [_step(last, Act.CLOSE, at, facts=facts, rule=rule.name, reason=rule.zh)]


def _is_of_a_pair(finding: Finding) -> bool:
    """Whether a row agrees only with another one, which takes it back: by itself it differs, and
    nothing is due of it."""
    return finding.found is Class.AGREES and finding.ours_fen != finding.theirs_fen


def _rule(found: Step) -> Rule | None:
    """The rule that closes what was just found."""
    if found.facts.their_day is None or found.due_fen:
        return None
    return {Class.DAY_EDGE: DAY_EDGE, Class.LATE: LATE}.get(found.facts.found)


def _step(
    last: Step | None, act: Act, at: datetime, *, facts: Facts | None = None, rule: str = "",
    reason: str = "",
) -> Step:  # fmt: skip
    """The next step, with what stays as it is. What was proposed about other figures is void."""
    state = AFTER[None if last is None else last.state, act]
    if last is None:
        if facts is None:
            raise ValueError("a first step without facts")
        return Step(
            step_no=1, act=act, state=state, at=at, actor="", reason=reason, facts=facts, rule=rule
        )
    keeps = state is State.PROPOSED or act is Act.CONFIRM or state is State.CORRECTED
    return replace(
        last, step_no=last.step_no + 1, act=act, state=state, at=at, actor="", reason=reason,
        facts=facts or last.facts, rule=rule, entry_id=None,
        amount_fen=last.amount_fen if keeps else 0,
        correction=last.correction if keeps else Correction.NONE,
        proposer=last.proposer if keeps else "",
    )  # fmt: skip
