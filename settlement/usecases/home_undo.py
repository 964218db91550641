"""Another region takes back a case of somebody treated there: a cancel (撤销), or a reversal (冲正)
of one whose answer never came (ADR 0033).

A cancel is taken as anybody's: within the window, the latest of the year first. A reversal never
waits: the other region does not know the case and cannot be told to undo another one before it.
Claims that were settled on it meanwhile are then on the list of those to be decided again (待重算).
"""

from __future__ import annotations

from msgspec.structs import replace

from protocol.nhsa import canonical
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.decision import Answer, Decision
from settlement.elsewhere.home_commands import CancelCase, ReverseCase
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.home_states import NEXT, SAME, Ask, HomeState
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, RowKind, SettlementRow
from settlement.translate import home_cases as told
from settlement.usecases import booking, family
from settlement.usecases.cancel import later_one, outside_window
from settlement.usecases.home_cases import elsewhere_entry, state_of, undoing_row_of
from settlement.usecases.home_checks import our_person
from settlement.usecases.home_tombstones import never, why_never
from settlement.view import Effects, MessageFact, PersonFacts, SettlementFact, View
from settlement.world import World


def cancel(command: CancelCase, view: View, world: World, moment: Moment) -> Decision:
    """Take a settled case back. A number that was refused stays refused, for the same reason."""
    asked = command.asked
    before = view.messages.get((asked.lane, asked.message_key))
    if before is not None:
        return _cancelled_before(command, before, view, world)
    found = _cancellable(command, view, world, moment)
    if isinstance(found, Refusal):
        return Decision(found, never(asked, asked.message_key, moment, world.keyring, found))
    fact, person = found
    row, effects = undo_owed(fact, RowKind.CANCEL, command.asked, person, world, moment)
    message = booking.message_of(asked, MessageOutcome.HOME_CASE, row.setl_id)
    return Decision(
        Answer(output=told.cancel_told(row, command.case_no)),
        replace(effects, messages=(message,)),
    )


def reverse(command: ReverseCase, view: View, world: World, moment: Moment) -> Decision:
    """A case does not stand, and never will. Asked again it is told what was told."""
    asked = command.asked
    state, fact = state_of(command, view)
    follows = NEXT[state, Ask.REVERSE]
    if fact is not None and fact.row.psn_no != asked.person_no:
        return Decision(Refusal(code="CASE_OTHER_PERSON", field="person_no"))
    if follows is HomeState.TOMBSTONE:
        return _forestall(command, view, world, moment)
    if fact is None:
        ref = view.messages[asked.lane, command.case_key].ref
        return Decision(Answer(output=told.forestalled_told(command.case_no, ref), replayed=True))
    if follows is SAME:
        undoing = undoing_row_of(fact, view)
        return Decision(Answer(output=told.reverse_told(command.case_no, undoing), replayed=True))
    person = view.persons[asked.person_no]
    refused = family.open_undertaking(person, command)
    if refused is not None:
        return Decision(refused)
    row, effects = undo_owed(fact, RowKind.REVERSE, command.asked, person, world, moment)
    return Decision(Answer(output=told.reverse_told(command.case_no, row)), effects)


def _cancelled_before(
    command: CancelCase, before: MessageFact, view: View, world: World
) -> Decision:
    """What this number was answered before; with other content it is another question."""
    asked = command.asked
    if before.outcome is MessageOutcome.TOMBSTONE:
        return Decision(why_never(before, asked, asked.message_key, world.keyring))
    part = canonical.differs(before.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="CASE_CONFLICT", field="cancel_no", params={"part": part}))
    row = view.settlements[before.ref].row
    return Decision(Answer(output=told.cancel_told(row, command.case_no), replayed=True))


def _cancellable(
    command: CancelCase, view: View, world: World, moment: Moment
) -> tuple[SettlementFact, PersonFacts] | Refusal:
    """The case stands, is the one that is named, and nothing is in the way of taking it back."""
    asked = command.asked
    state, fact = state_of(command, view)
    follows = NEXT[state, Ask.CANCEL]
    if follows is not HomeState.CANCELLED or fact is None:
        number = str(fact.undone_by) if fact else ""
        return Refusal(code=follows, field="case_no", params={"setl_id": number})
    if fact.row.psn_no != asked.person_no:
        return Refusal(code="CASE_OTHER_PERSON", field="person_no")
    if fact.row.setl_id != command.setl_id:
        return Refusal(code="CASE_OTHER_SETTLEMENT", field="settlement_no")
    person = our_person(view, world, asked)
    if isinstance(person, Refusal):
        return person
    refused = family.open_undertaking(person, command)
    refused = refused or outside_window(fact.row, world, moment)
    refused = refused or later_one(person, fact.row, world, "case_no")
    return refused or (fact, person)


def _forestall(
    command: ReverseCase, view: View, world: World, moment: Moment
) -> Decision:
    """It never came. If it was settled for somebody of another lane it must not seem undone."""
    asked = command.asked
    facts = (view.messages.get(place) for place in command.other_keys)
    if any(fact is not None and fact.outcome is MessageOutcome.HOME_CASE for fact in facts):
        return Decision(Refusal(code="CASE_OTHER_PERSON", field="person_no"))
    effects = never(asked, command.case_key, moment, world.keyring)
    ref = effects.messages[0].ref
    return Decision(Answer(output=told.forestalled_told(command.case_no, ref)), effects)


def undo_owed(
    fact: SettlementFact, kind: RowKind, asked: Asked, person: PersonFacts, world: World,
    moment: Moment,
) -> tuple[SettlementRow, Effects]:  # fmt: skip
    """The exact negative of what is owed to somebody else than an institution of ours, counting in
    its year; without a message of its own."""
    original = fact.row
    setl_id = world.next_number(asked.lane, moment.business_day)
    detail = booking.open_detail(
        fact.detail, world.keyring, booking.detail_record(original.lane, original.setl_id)
    )
    sealed = booking.seal_detail(detail, world.keyring, booking.detail_record(asked.lane, setl_id))
    row = booking.undoing_row(
        original, kind=kind, asked=asked, person=person, moment=moment, setl_id=setl_id,
        detail_commitment=sealed.commitment,
    )  # fmt: skip
    year = person.year(original.year).without(original.setl_id, original.prior_active)
    return row, Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(),
        settlement=row,
        detail=sealed,
        entry=elsewhere_entry(row, original, asked.institution.account_base, person.account),
        account_change_fen=original.account_fen,
        increments=booking.increments_of(row),
        latest_of_year=year.latest,
        gaps_of_year=year.gaps,
        home_case=_beside(fact.home, row),
    )


def _beside(original: HomeCaseRow | None, row: SettlementRow) -> HomeCaseRow | None:
    if original is None:
        return None
    return replace(original, setl_id=row.setl_id, setl_on=row.business_day)
