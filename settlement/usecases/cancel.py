"""Cancel (结算撤销) and reverse (冲正): a second row, the exact negative, linked to the first.

A cancel counts as a settlement of its own; a reversal makes its original never have existed for
the institution (DOMAIN 9). Both return the accumulators to the original's year.
"""

from __future__ import annotations

from datetime import date
from typing import assert_never

from msgspec import UNSET
from msgspec.structs import replace

from settlement.claim import CareKind
from settlement.clock import Moment
from settlement.commands import Asked, Cancel, Reverse
from settlement.decision import Answer, Decision
from settlement.deposit import applied_to, fold_deposits, left_of, sum_of
from settlement.deposit_postings import deposit_transfers
from settlement.elsewhere.remote_rows import told_by
from settlement.numbers import shown
from settlement.policy.region import CANCELS, CancelOrder, CancelWindow
from settlement.refusal import Refusal
from settlement.rows import (
    EventKind,
    EventRow,
    MessageOutcome,
    MessageRow,
    RowKind,
    SettlementRow,
    VisitKind,
)
from settlement.stay import fold_stay
from settlement.translate import answers, rendering
from settlement.usecases import booking, checks, family, remote_cancel
from settlement.usecases.remote_drafts import beside
from settlement.usecases.replay import REVERSED, replayed
from settlement.view import Effects, PersonFacts, SettlementFact, View, VisitFact, fold_visit
from settlement.world import World

_KIND_OF = {
    "2102": CareKind.PHARMACY, "2304": CareKind.INPATIENT, "2304A": CareKind.INPATIENT,
}  # fmt: skip
"""What was settled by which transaction; by any other, an outpatient visit."""
_OF_ORDERS = frozenset({"SCAN", "REFUND"})
"""What an order of scan-to-pay or of a hospital's payments settled, or what was left of it."""
_BOOKED = frozenset({MessageOutcome.SETTLEMENT, MessageOutcome.VISIT})
"""What a message did that can be reversed."""
_WINDOW_ZH = {CancelWindow.MONTH: "结算当月", CancelWindow.YEAR: "结算当年度"}


def cancel(command: Cancel, view: View, world: World, moment: Moment) -> Decision:
    """Cancel a settlement (2103, 2208)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    if person.home_region and person.undertaking is not None:
        return remote_cancel.under_way(command, person, view, world)
    fact = _cancellable(command, view)
    if isinstance(fact, Refusal):
        return Decision(fact)
    refused = family.open_undertaking(person, command)
    refused = refused or outside_window(fact.row, world, moment)
    refused = refused or later_one(person, fact.row, world, "setl_id")
    refused = refused or later_segment(fact.row, view, "setl_id")
    if refused is not None:
        return Decision(refused)
    if command.setl_id in view.cases:
        return remote_cancel.ask_cancel(command, view, world, moment)
    row, effects = undo(fact, RowKind.CANCEL, asked, person, view, world, moment)
    payers = rendering.payers_of(row, world)
    output = answers.cancel_reply(row, person.identity, payers, world.profile)
    return Decision(Answer(output=output, returns=effects.shares), effects)


def _cancellable(command: Cancel, view: View) -> SettlementFact | Refusal:
    fact = view.settlements.get(command.setl_id)
    asked = command.asked
    number = shown(command.setl_id)
    if fact is None or fact.row.mdtrt_id != command.mdtrt_id:
        return Refusal(code="SETTLEMENT_UNKNOWN", field="setl_id", params={"setl_id": number})
    row = fact.row
    if row.institution != asked.institution.code:
        return Refusal(code="SETTLEMENT_OF_OTHER_INSTITUTION", field="setl_id")
    if row.psn_no != asked.person_no:
        return Refusal(code="SETTLEMENT_OF_OTHER_PERSON", field="setl_id")
    if row.kind is not RowKind.SETTLE:
        return Refusal(code="CANCEL_OF_CANCEL", field="setl_id", params={"setl_id": number})
    if fact.undone_by is not None:
        return Refusal(
            code="ALREADY_CANCELLED", field="setl_id",
            params={"setl_id": number, "undone_by": str(fact.undone_by)},
        )  # fmt: skip
    if row.infno in _OF_ORDERS:
        # What was left of an order knows only the number of the refund that left it.
        named: dict[str, str | int] = {"order_no": row.msgid} if row.infno == "SCAN" else {}
        return Refusal(code="CANCEL_BY_REFUND", field="setl_id", params=named)
    if row.infno == "6202":
        return Refusal(code="CANCEL_BY_MOBILE_REFUND", field="setl_id")
    if _KIND_OF.get(row.infno, CareKind.OUTPATIENT) is not command.kind:
        return Refusal(code="CARE_TYPE_MISMATCH", field="setl_id",
                       params={"value": command.asked.infno, "described": row.infno})  # fmt: skip
    return fact


def outside_window(row: SettlementRow, world: World, moment: Moment) -> Refusal | None:
    """The window is counted from the settlement's own business day, whatever year it counts in: a
    claim of December that is settled in January can still be cancelled in January."""
    settled_on, today = row.business_day, moment.business_day
    window = world.profile.cancel_window
    match window:
        case CancelWindow.MONTH:
            passed = (settled_on.year, settled_on.month) != (today.year, today.month)
        case CancelWindow.YEAR:
            passed = _year(row, settled_on, world) != _year(row, today, world)
        case CancelWindow.APPROVAL:
            return _not_approved(row, world)
        case _:
            assert_never(window)
    if not passed:
        return None
    return Refusal(
        code="CANCEL_WINDOW_PASSED", field="setl_id",
        params={"settled_on": settled_on.isoformat(), "window": _WINDOW_ZH[window]},
    )  # fmt: skip


def _year(row: SettlementRow, on: date, world: World) -> int:
    """The fiscal year of a date; that of a row which another region decided is the calendar's."""
    return on.year if told_by(row.policy) else rendering.policy_of(row, world).fiscal_year(on)


def _not_approved(row: SettlementRow, world: World) -> Refusal | None:
    if row.setl_id in world.cancel_approvals:
        return None
    return Refusal(
        code="CANCEL_NOT_APPROVED", field="setl_id", params={"setl_id": str(row.setl_id)}
    )


def later_one(person: PersonFacts, row: SettlementRow, world: World, field: str) -> Refusal | None:
    """Later claims of the year were computed on this one: they go first, unless the region lets
    them stand until they are decided again (DOMAIN 10)."""
    if world.profile.cancel_order is CancelOrder.FREE:
        return None
    latest = person.year(row.year).latest
    if latest is None or latest == row.setl_id:
        return None
    return Refusal(code="LATER_SETTLEMENT_STANDS", field=field, params={"setl_id": str(latest)})


def later_segment(row: SettlementRow, view: View, field: str) -> Refusal | None:
    """A later segment of the same stay bore its deductible on this one: it goes first, whatever the
    region's order and whichever year it counts in."""
    visit = view.visits.get(row.mdtrt_id)
    if visit is None or visit.row.kind is not VisitKind.STAY:
        return None
    segments = fold_stay(visit).segments
    if not segments or segments[-1].setl_id == row.setl_id:
        return None
    latest = str(segments[-1].setl_id)
    return Refusal(code="LATER_SETTLEMENT_STANDS", field=field, params={"setl_id": latest})


def reverse(command: Reverse, view: View, world: World, moment: Moment) -> Decision:
    """Take back what a message did, or see to it that it never does anything (2601)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    refused = _not_reversible(command.original_infno, world)
    if refused is not None:
        return Decision(refused)
    if asked.person_no not in view.persons:
        return _reverse_of_nobody(command, view, world)
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    if person.home_region and person.undertaking is not None:
        return remote_cancel.give_up_open(command, person, view, world, moment)
    refused = family.open_undertaking(person, command)
    if refused is not None:
        return Decision(refused)
    original = view.messages.get((asked.lane, command.original_key))
    if original is None:
        if _settled_elsewhere(command, view):
            return Decision(Refusal(code="REVERSAL_PERSON_DIFFERS", field="person_no"))
        return _forestall(command)
    if original.outcome is MessageOutcome.TOMBSTONE:
        return _nothing_left(command)
    if original.outcome is MessageOutcome.CARRIED:
        number = str(original.ref)
        return Decision(
            Refusal(code="REVERSAL_OF_CARRIED", field="original_msgid", params={"setl_id": number})
        )
    if original.outcome is MessageOutcome.VISIT:
        return _reverse_admission(command, view.visits[original.ref])
    fact = view.settlements[original.ref]
    if fact.row.psn_no != asked.person_no:
        return Decision(Refusal(code="REVERSAL_PERSON_DIFFERS", field="person_no"))
    if fact.undone_kind is RowKind.REVERSE:
        return _nothing_left(command)
    if fact.undone_kind is RowKind.CANCEL:
        return Decision(
            Refusal(code="REVERSAL_ALREADY_CANCELLED", field="original_msgid",
                    params={"setl_id": str(fact.row.setl_id), "undone_by": str(fact.undone_by)})
        )  # fmt: skip
    later = later_one(person, fact.row, world, "original_msgid")
    later = later or later_segment(fact.row, view, "original_msgid")
    if later is not None:
        return Decision(later)
    if fact.row.setl_id in view.cases:
        return remote_cancel.give_up(command, view.cases[fact.row.setl_id], view, world, moment)
    _, effects = undo(fact, RowKind.REVERSE, asked, person, view, world, moment)
    return Decision(Answer(output=None, returns=effects.shares), effects)


def _not_reversible(infno: str, world: World) -> Refusal | None:
    """The region lists what 2601 takes back. A cancel is never among it: its message can be sent
    again and then gets the first answer, and a settlement that was cancelled is settled anew."""
    if infno in world.profile.reversible:
        return None
    return Refusal(
        code="REVERSAL_OF_CANCEL" if infno in CANCELS else "REVERSAL_NOT_SUPPORTED",
        field="original_infno",
        params={"value": infno},
    )


def _reverse_of_nobody(command: Reverse, view: View, world: World) -> Decision:
    """Nothing was booked for somebody who is not known here, and nothing will be: the tombstone
    lies in the lane of the number that was named. What is somebody's stays theirs."""
    refused = checks.stopped(world, command.asked)
    if refused is not None:
        return Decision(refused)
    original = view.messages.get((command.asked.lane, command.original_key))
    if original is not None and original.outcome is MessageOutcome.TOMBSTONE:
        return _nothing_left(command)
    if original is not None or _settled_elsewhere(command, view):
        return Decision(Refusal(code="REVERSAL_PERSON_DIFFERS", field="person_no"))
    return _forestall(command)


def _settled_elsewhere(command: Reverse, view: View) -> bool:
    """Whether the original was booked for a person of another lane: it must not seem taken back."""
    facts = (view.messages.get(place) for place in command.other_keys)
    return any(fact is not None and fact.outcome in _BOOKED for fact in facts)


def _forestall(command: Reverse) -> Decision:
    """The original never had an effect: a tombstone under its key sees to it that it never will."""
    asked = command.asked
    tombstone = MessageRow(
        lane=asked.lane, key=command.original_key, outcome=MessageOutcome.TOMBSTONE, ref=0,
        fingerprint=b"",
    )  # fmt: skip
    messages = (booking.message_of(asked, MessageOutcome.DONE, 0), tombstone)
    effects = Effects(lane=asked.lane, person_no=asked.person_no, messages=messages)
    return Decision(Answer(output=None), effects)


def _reverse_admission(command: Reverse, visit: VisitFact) -> Decision:
    """2401 taken back: the stay must be as it was when it was opened."""
    asked = command.asked
    if visit.row.psn_no != asked.person_no:
        return Decision(Refusal(code="REVERSAL_PERSON_DIFFERS", field="person_no"))
    state = fold_stay(visit)
    if state.withdrawn:
        return _nothing_left(command)
    if state.segments:
        setl_id = str(state.segments[-1].setl_id)
        return Decision(
            Refusal(code="VISIT_SETTLED", field="original_msgid", params={"setl_id": setl_id})
        )
    if state.event_of:
        return Decision(Refusal(code="VISIT_HAS_LINES", field="original_msgid"))
    if left_of(fold_deposits(visit)):
        return Decision(Refusal(code="STAY_HAS_DEPOSITS", field="original_msgid"))
    event = EventRow(
        lane=asked.lane, mdtrt_id=visit.row.mdtrt_id, event_no=len(visit.events) + 1,
        kind=EventKind.WITHDRAWN, batch_no=REVERSED, setl_id=None, payload=b"",
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.DONE, visit.row.mdtrt_id),),
        events=(event,),
        open_stay=None if state.discharge is None else UNSET,
    )
    return Decision(Answer(output=None), effects)


def _nothing_left(command: Reverse) -> Decision:
    """Reversed before: done, once more, and the message is kept."""
    asked = command.asked
    messages = (booking.message_of(asked, MessageOutcome.DONE, 0),)
    return Decision(
        Answer(output=None),
        Effects(lane=asked.lane, person_no=asked.person_no, messages=messages),
    )


def undo(
    fact: SettlementFact, kind: RowKind, asked: Asked, person: PersonFacts, view: View,
    world: World, moment: Moment, *, collected: bool = False,
) -> tuple[SettlementRow, Effects]:  # fmt: skip
    """The exact negative and its effects; `collected` where a payment channel took the cash."""
    original = fact.row
    setl_id = world.next_number(asked.lane, moment.business_day)
    detail = booking.open_detail(
        fact.detail, world.keyring, booking.detail_record(original.lane, original.setl_id)
    )
    sealed = booking.seal_detail(
        detail, world.keyring, booking.detail_record(asked.lane, setl_id)
    )
    row = booking.undoing_row(
        original, kind=kind, asked=asked, person=person, moment=moment, setl_id=setl_id,
        detail_commitment=sealed.commitment,
    )  # fmt: skip
    shares = booking.fund_legs(answers.shares_of(original))
    base = world.institutions[original.institution].account_base
    year = person.year(original.year).without(original.setl_id, original.prior_active)
    applied = applied_to(view.visits.get(original.mdtrt_id), original.setl_id)
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, setl_id),),
        settlement=row,
        detail=sealed,
        entry=booking.undoing_entry(
            row, original, shares, base, person.account, collected=collected,
            deposits=deposit_transfers(applied, base), deposit_fen=sum_of(applied),
        ),
        account_change_fen=booking.own_account_fen(original),
        increments=booking.increments_of(row),
        latest_of_year=year.latest,
        gaps_of_year=year.gaps,
        events=undone_events(original, setl_id, asked, view),
    )
    if person.home_region:  # who paid everything: their own region was asked nothing
        elsewhere = beside(
            row, original.setl_id, person.home_region, "", person, world, paid_in_advance=True
        )
        effects = replace(effects, elsewhere=elsewhere)
    return row, family.undone_with(original, asked, effects, view)


def undone_events(
    original: SettlementRow, setl_id: int, asked: Asked, view: View
) -> tuple[EventRow, ...]:
    """A visit learns that its charge batch is open again."""
    visit = view.visits.get(original.mdtrt_id)
    if visit is None:
        return ()
    settled = fold_visit(visit).settled
    return tuple(
        EventRow(
            lane=asked.lane, mdtrt_id=original.mdtrt_id, event_no=len(visit.events) + n,
            kind=EventKind.UNDONE, batch_no=batch_no, setl_id=setl_id, payload=b"",
        )
        for n, batch_no in enumerate(
            (b for b, number in settled.items() if number == original.setl_id), 1
        )
    )  # fmt: skip
