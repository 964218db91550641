"""Cases between regions that are not at their end (未完结异地业务), as an operator reads them: what
is awaited, what was heard last, what is asked next, and what people can do. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from settlement.elsewhere.remote_states import (
    REVERSE_SECONDS,
    CaseEvent,
    Errand,
    Happening,
    State,
    fold,
    next_errand,
)


class Told(Struct, frozen=True):
    """In both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} | {self.en}"


STATE: Mapping[State, Told] = {
    State.ASKED: Told("已询问，等待参保地答复", "asked"),
    State.UNCLEAR: Told("参保地未答复，可能已结算", "unclear: it may be settled there"),
    State.SETTLED: Told("已结算", "settled"),
    State.REFUSED: Told("参保地拒绝", "refused"),
    State.UNDOING: Told("已放弃，等待参保地确认冲正", "given up, not yet known to be undone"),
    State.UNDONE: Told("已冲正", "undone"),
    State.CANCELLING: Told("等待参保地确认撤销", "a cancel is not answered"),
    State.CANCELLED: Told("已撤销", "cancelled"),
}
HAPPENING: Mapping[Happening, Told] = {
    Happening.ASKED: Told("发出询问", "asked"),
    Happening.SETTLED: Told("参保地已结算", "settled there"),
    Happening.REFUSED: Told("参保地拒绝，或未能送出", "refused there, or never sent"),
    Happening.SILENT: Told("未获答复", "no answer"),
    Happening.GIVEN_UP: Told("放弃", "given up"),
    Happening.UNDONE: Told("参保地确认未结算或已冲正", "undone there"),
    Happening.CANCEL_ASKED: Told("申请撤销", "cancel asked"),
    Happening.CANCELLED: Told("参保地已撤销", "cancelled there"),
    Happening.CANCEL_REFUSED: Told("参保地不同意撤销", "cancel refused there"),
}
ERRAND: Mapping[Errand, Told] = {
    Errand.SETTLE: Told("结算", "settle"),
    Errand.STATUS: Told("查询状态", "status"),
    Errand.REVERSE: Told("冲正", "reverse"),
    Errand.CANCEL: Told("撤销", "cancel"),
    Errand.GIVE_UP: Told("放弃并冲正", "give up and reverse"),
}
STUCK_SECONDS = 600
"""From then on somebody should ring the other region up."""
_PATIENT: Mapping[State, Told] = {
    State.ASKED: Told("等待", "wait"),
    State.UNCLEAR: Told(
        f"等待：{REVERSE_SECONDS:.0f} 秒后自动放弃；机构可用同一 msgid（扫码为 order_no）重发，"
        "或用 2601（扫码为取消）放弃",
        "wait, it is given up by itself; the same msgid (order_no) may be sent, or 2601 (a cancel)",
    ),
    State.UNDOING: Told(
        "等待：参保地答复后自动释放；急需结账可按自费（全额垫付）办理",
        "wait, it is freed by itself; who cannot wait pays in advance",
    ),
    State.CANCELLING: Told(
        "等待：自动重问；机构可用同一 msgid 重发撤销，或用同一 refund_no 重发退款",
        "wait, it is asked again by itself; the cancel or refund may be sent again",
    ),
}
_STUCK = Told(
    "查证书与路由（settlement regions），并联系参保地或平台",
    "look at certificates and routes (settlement regions), and ring up the region or the hub",
)


class OpenCase(Struct, frozen=True, kw_only=True):
    """A case as it is stored, without what is sealed."""

    lane: int
    case_no: int
    opened_at: datetime
    due_at: datetime | None
    """when it is looked at next; None where it is at its end"""
    total_fen: int
    institution: str
    insured_region: str
    infno: str
    msgid: str
    kinds: Sequence[int]
    """of its events, in order"""
    recorded: Sequence[datetime]


class Waiting(Struct, frozen=True, kw_only=True):
    """A case, told."""

    case: OpenCase
    state: State
    since: datetime
    tries: int
    """how often nothing was heard since"""
    steps: Sequence[tuple[Happening, datetime]]
    """everything that happened to it"""
    errand: Errand | None
    """what is asked next"""
    stuck: bool

    @property
    def state_told(self) -> Told:
        """What is awaited."""
        return STATE[self.state]

    @property
    def last_told(self) -> Told:
        """What happened last."""
        return HAPPENING[self.steps[-1][0]]

    @property
    def last_at(self) -> datetime:
        """And when."""
        return self.steps[-1][1]

    @property
    def next_told(self) -> Told | None:
        """What the other region is asked next."""
        return None if self.errand is None else ERRAND[self.errand]

    @property
    def advice(self) -> Told | None:
        """What people can do; None where nothing is left to do."""
        return _STUCK if self.stuck else _PATIENT.get(self.state)


def waiting(case: OpenCase, now: datetime) -> Waiting:
    """Fold what happened to a case."""
    events = [
        CaseEvent(number=number, happening=Happening(kind), at=at)
        for number, (kind, at) in enumerate(zip(case.kinds, case.recorded, strict=True), 1)
    ]
    standing = fold(events)
    errand = next_errand(standing, case.opened_at, now)
    return Waiting(
        case=case, state=standing.state, since=standing.at, tries=standing.tries,
        steps=[(one.happening, one.at) for one in events], errand=errand,
        stuck=errand is not None and (now - standing.at).total_seconds() > STUCK_SECONDS,
    )  # fmt: skip
