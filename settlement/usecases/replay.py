"""The first answer again: what a resend, a conflict or a reversed message gets (ADR 0005)."""

from __future__ import annotations

from msgspec import Raw, Struct

from protocol.nhsa import canonical
from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Answer, Decision
from settlement.refusal import Refusal
from settlement.rows import EventKind, MessageOutcome, RowKind, VisitKind
from settlement.translate import rendering
from settlement.translate.filings import filed_reply
from settlement.view import MessageFact, View
from settlement.world import World

STORED_ONLY = "仅存储：本平台已收存该数据，不作业务处理"
"""What the answer to an upload says that is only stored."""
REVERSED = "2601"
"""What the withdrawal of a stay says where a reversal took it back."""


def replayed(command: Command, view: View, world: World, moment: Moment) -> Decision | None:
    """The decision for a message that had an effect before; None for a new message."""
    asked = command.asked
    fact = view.messages.get((asked.lane, asked.message_key))
    if fact is None:
        return None
    if fact.outcome is MessageOutcome.CARRIED:
        number = str(fact.ref)
        return Decision(
            Refusal(code="CLAIM_ALREADY_SETTLED", field="msgid", params={"setl_id": number})
        )
    if _taken_back(fact, view):
        return Decision(Refusal(code="MESSAGE_REVERSED", field="msgid"))
    part = canonical.differs(fact.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="MESSAGE_CONFLICT", field="msgid", params={"part": part}))
    output = _first_output(command, fact, view, world)
    warning = STORED_ONLY if fact.outcome is MessageOutcome.UPLOAD else ""
    return Decision(Answer(output=output, replayed=True, warning=warning))


def _taken_back(fact: MessageFact, view: View) -> bool:
    """Whether a 2601 came before the message, or undid what it had done (DOMAIN 9)."""
    if fact.outcome is MessageOutcome.TOMBSTONE:
        return True
    if fact.outcome is MessageOutcome.VISIT:
        events = view.visits[fact.ref].events
        return any(e.kind is EventKind.WITHDRAWN and e.batch_no == REVERSED for e in events)
    if fact.outcome is not MessageOutcome.SETTLEMENT:
        return False
    return view.settlements[fact.ref].undone_kind is RowKind.REVERSE


def _first_output(
    command: Command, fact: MessageFact, view: View, world: World
) -> Struct | Raw | None:
    match fact.outcome:
        case MessageOutcome.SETTLEMENT:
            return rendering.settlement_output(view.settlements[fact.ref], view, world)
        case MessageOutcome.VISIT:
            visit = view.visits[fact.ref]
            if visit.row.kind is VisitKind.STAY:
                return rendering.admission_output(visit)
            return rendering.registration_output(visit, world)
        case MessageOutcome.EVENT:
            return rendering.upload_output(view.visits[fact.ref], command.asked, world)
        case MessageOutcome.FILING:
            return filed_reply(command.asked.infno, fact.ref)
        case MessageOutcome.UPLOAD:
            return rendering.stored_output(fact.ref, command.asked.infno)
        case _:
            return None
