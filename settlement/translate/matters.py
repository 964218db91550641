"""Matters of persons (个人办件) in the words of `/my` (protocol/my.py)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

from ledger.money import yuan_text
from protocol.my import MatterReply, Step
from settlement.clock import local_time
from settlement.elsewhere.off_site import KIND_ZH, OffSiteRules
from settlement.elsewhere.places import place_zh
from settlement.keyring import Keyring
from settlement.people.matter_rows import PERSON, MatterEventRow, MatterFact
from settlement.people.matter_states import Happening, MatterKind, State
from settlement.people.my_commands import (
    AuthorisationAsked,
    OffSiteAsked,
    PapersTold,
    Relation,
    TransferAsked,
    Wanted,
)
from settlement.usecases.matter_payloads import open_wanted
from settlement.usecases.off_site_filings import locked_until

_KIND: Mapping[
    MatterKind,
    tuple[
        Literal["off_site", "authorisation", "transfer_out", "transfer_in", "reimbursement"], str
    ],
] = {
    MatterKind.OFF_SITE: ("off_site", "异地就医备案"),
    MatterKind.AUTHORISATION: ("authorisation", "代办授权"),
    MatterKind.TRANSFER_OUT: ("transfer_out", "个人账户转出"),
    MatterKind.TRANSFER_IN: ("transfer_in", "个人账户转入"),
    MatterKind.REIMBURSEMENT: ("reimbursement", "医疗费报销预受理"),
}
_STATE_ZH: Mapping[State, str] = {
    State.APPLIED: "已受理，待办理", State.ACCEPTED: "已生效", State.REFUSED: "未通过",
    State.CANCELLED: "已撤销", State.ENDED: "已终止", State.UNDER_WAY: "转移在途",
    State.DONE: "已办结", State.RETURNED: "已退回",
}  # fmt: skip
STEP_ZH: Mapping[Happening, str] = {
    Happening.APPLIED: "提交申请", Happening.ACCEPTED: "审核通过", Happening.REFUSED: "未通过",
    Happening.CANCELLED: "撤销", Happening.ENDED: "终止", Happening.TAKEN_OUT: "账户扣划",
    Happening.PAID: "资金到账", Happening.RETURNED: "资金退回",
}  # fmt: skip
_AT_ONCE = "即时生效"
"""Accepted as it was applied for: no clerk looked at it."""
RELATION_ZH: Mapping[Relation, str] = {Relation.RELATIVE: "亲属", Relation.WARD: "监护人"}
_CANCELLABLE = frozenset({State.APPLIED, State.ACCEPTED})


def shown(fact: MatterFact, keyring: Keyring, rules: OffSiteRules, today: date) -> MatterReply:
    """A matter as the person sees it."""
    row, state, wanted = fact.row, fact.state, open_wanted(fact.row, keyring)
    what, what_zh, place, begins_on, ends_on, reason, locked = _said(
        fact, wanted, rules, today
    )
    over = ends_on is not None and ends_on < today
    holds = state is State.ACCEPTED and begins_on is not None and begins_on <= today and not over
    kind, kind_zh = _KIND[row.kind]
    return MatterReply(
        matter_no=str(row.matter_no), kind=kind, kind_zh=kind_zh, state=state.value,
        state_zh="已到期" if state is State.ACCEPTED and over else _STATE_ZH[state],
        in_force=holds, opened_at=_at(row.opened_at), what=what, what_zh=what_zh, place=place,
        place_zh=place_zh(place) if place else "", begins_on=_on(begins_on), ends_on=_on(ends_on),
        agent_no=row.agent_no, reason=reason, locked_until=_on(locked),
        can_cancel=state in _CANCELLABLE and locked is None and not over,
        steps=tuple(_step(event, row.psn_no) for event in fact.events),
    )  # fmt: skip


_Said = tuple[str, str, str, date | None, date | None, str, date | None]


def _said(
    fact: MatterFact, wanted: Wanted,
    rules: OffSiteRules, today: date,
) -> _Said:  # fmt: skip
    """What was applied for: what, in Chinese, place, first and last day, reason, locked until."""
    match wanted:
        case OffSiteAsked():
            until = locked_until(fact, wanted, rules)
            locked = until if until is not None and until > today else None
            if fact.state is not State.ACCEPTED:
                locked = None
            return (wanted.kind.value, KIND_ZH[wanted.kind], wanted.place, wanted.begins_on,
                    wanted.ends_on, wanted.reason, locked)  # fmt: skip
        case AuthorisationAsked():
            return (wanted.relation.value, RELATION_ZH[wanted.relation], "", wanted.begins_on,
                    wanted.ends_on, "", None)  # fmt: skip
        case TransferAsked():
            return "", "", wanted.region, None, None, wanted.reason, None
        case PapersTold():
            return (wanted.invoice_no, f"{wanted.institution} {yuan_text(wanted.total_fen)}元", "",
                    wanted.begins_on, wanted.ends_on, wanted.reason, None)  # fmt: skip


def _step(event: MatterEventRow, person_no: str) -> Step:
    agent = event.actor.removeprefix(PERSON) if event.actor.startswith(PERSON) else ""
    by: Literal["self", "agent", "agency"] = "agency"
    if agent:
        by = "self" if agent == person_no else "agent"
    at_once = bool(agent) and event.kind is Happening.ACCEPTED
    return Step(
        what=event.kind.name.lower(), what_zh=_AT_ONCE if at_once else STEP_ZH[event.kind],
        at=_at(event.recorded_at), by=by, by_no=agent if by == "agent" else "", note=event.note,
        amount=yuan_text(event.amount_fen) if event.amount_fen else "",
        reference=event.reference, coverage_months=event.coverage_months,
    )  # fmt: skip


def _at(at: datetime) -> str:
    return f"{local_time(at):%Y-%m-%d %H:%M}"


def _on(on: date | None) -> str:
    return "" if on is None else str(on)
