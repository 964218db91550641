"""Filings of a person: made, taken back, asked for (2501–2506, 5301, 5302, 5304).

A filing is a row, its withdrawal a second one; what stands is the list that the person carries.
A withdrawal holds from its day on. What the filing decided before that day stays decided by it: it
then ends with the day before. One that nothing was settled by goes as if it had never been.
"""

from __future__ import annotations

from datetime import date

from settlement.clock import Moment
from settlement.commands import FilePerson, FindFilings, WithdrawFiling
from settlement.decision import Answer, Decision
from settlement.people.filing import (
    FILINGS_MAX,
    Filing,
    FilingKind,
    ended,
    in_the_way,
    last_day_of,
    without,
)
from settlement.policy.region import RegionProfile
from settlement.refusal import Refusal
from settlement.rows import FilingRow, MessageOutcome, RowKind
from settlement.translate import filings as translate
from settlement.usecases import booking, checks
from settlement.usecases.filing_payloads import (
    FilingPayload,
    filing_record,
    open_filing,
    sealed_filings,
    standing_filings,
)
from settlement.usecases.replay import replayed
from settlement.usecases.visit_payloads import seal_payload
from settlement.view import Effects, FilingFact, PersonFacts, SettlementFact, View
from settlement.world import World

_INSTITUTION_FIELD = {
    FilingKind.CHRONIC: "identified_at", FilingKind.CHOSEN: "chosen_institution",
}  # fmt: skip


def file_person(command: FilePerson, view: View, world: World, moment: Moment) -> Decision:
    """File something (2501, 2503, 2505)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    person = checks.own_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    standing = standing_filings(person, world.keyring)
    filing = Filing(
        filing_no=world.next_number(asked.lane, moment.business_day),
        kind=command.kind, institution=command.institution, subject=command.subject,
        order=command.order, scheme=command.scheme, begins_on=command.begins_on,
        ends_on=_last_day(command, world.profile),
    )  # fmt: skip
    refused = _fileable(filing, person, world) or _room_for(filing, standing)
    if refused is not None:
        return Decision(refused)
    row = FilingRow(
        lane=asked.lane, filing_no=filing.filing_no, recorded_at=moment.at, withdraws=None,
        kind=filing.kind, psn_no=asked.person_no, institution=asked.institution.code,
        begins_on=filing.begins_on, ends_on=filing.ends_on,
        payload=_sealed(command, filing.filing_no, world),
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.FILING, filing.filing_no),),
        filing=row,
        filings=sealed_filings((*standing, filing), person, world.keyring),
    )
    return Decision(Answer(output=translate.filed_reply(asked.infno, filing.filing_no)), effects)


def _last_day(command: FilePerson, profile: RegionProfile) -> date | None:
    """As sent; a transfer that does not say so ends when the region lets such ones end."""
    if command.ends_on is not None or command.kind is not FilingKind.TRANSFER:
        return command.ends_on
    months = profile.transfer_months
    return last_day_of(command.begins_on, months) if months else None


def _fileable(filing: Filing, person: PersonFacts, world: World) -> Refusal | None:
    """The dates, the scheme, and the institution: a transfer may lead out of the region."""
    if filing.ends_on is not None and filing.ends_on < filing.begins_on:
        return Refusal(
            code="FILING_DATES_WRONG", field="ends_on",
            params={"begins_on": str(filing.begins_on), "ends_on": str(filing.ends_on)},
        )  # fmt: skip
    if filing.scheme and person.enrolment(filing.scheme) is None:
        return checks.not_enrolled(filing.scheme, person)
    if filing.kind is not FilingKind.TRANSFER and filing.institution not in world.institutions:
        return Refusal(
            code="FILING_INSTITUTION_UNKNOWN", field=_INSTITUTION_FIELD[filing.kind],
            params={"value": filing.institution},
        )  # fmt: skip
    return None


def _room_for(filing: Filing, standing: tuple[Filing, ...]) -> Refusal | None:
    other = in_the_way(filing, standing)
    if other is not None:
        return Refusal(
            code="FILING_OVERLAPS",
            params={
                "filing_no": str(other.filing_no), "begins_on": str(other.begins_on),
                "ends_on": "长期" if other.ends_on is None else str(other.ends_on),
            },
        )  # fmt: skip
    if len(standing) >= FILINGS_MAX:
        return Refusal(code="FILINGS_TOO_MANY", params={"most": FILINGS_MAX})
    return None


def _sealed(command: FilePerson | WithdrawFiling, filing_no: int, world: World) -> bytes:
    asked = command.asked
    payload = FilingPayload(msgid=asked.msgid, operator=asked.operator, kept=command.kept)
    return seal_payload(payload, world.keyring, filing_record(asked.lane, filing_no))


def withdraw(command: WithdrawFiling, view: View, world: World, moment: Moment) -> Decision:
    """Take a filing back (2502, 2504, 2506)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    person = checks.own_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    fact = _withdrawable(command, view)
    if isinstance(fact, Refusal):
        return Decision(fact)
    today = moment.business_day
    used_on = last_use(fact.row, view, world, today)
    if isinstance(used_on, Refusal):
        return Decision(used_on)
    standing = standing_filings(person, world.keyring)
    filing_no = fact.row.filing_no
    left = without(standing, filing_no) if used_on is None else ended(standing, filing_no, today)
    number = world.next_number(asked.lane, today)
    row = FilingRow(
        lane=asked.lane, filing_no=number, recorded_at=moment.at, withdraws=filing_no,
        kind=command.kind, psn_no=asked.person_no, institution=asked.institution.code,
        begins_on=fact.row.begins_on if used_on is None else today, ends_on=None,
        payload=_sealed(command, number, world),
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.DONE, number),),
        filing=row,
        filings=sealed_filings(left, person, world.keyring),
    )
    return Decision(Answer(output=None), effects)


def _withdrawable(command: WithdrawFiling, view: View) -> FilingFact | Refusal:
    """The filing named, if it is of this kind and person, sent from here, and not yet withdrawn."""
    fact = view.filings.get(command.filing_no)
    if fact is None or fact.row.kind is not command.kind:
        number = str(command.filing_no) if command.filing_no else ""
        return Refusal(code="FILING_UNKNOWN", field="filing_no", params={"filing_no": number})
    if fact.row.psn_no != command.asked.person_no:
        return Refusal(code="FILING_OF_OTHER_PERSON", field="filing_no")
    if fact.row.institution != command.asked.institution.code:
        return Refusal(code="FILING_OF_OTHER_INSTITUTION", field="filing_no")
    if fact.withdrawn_by is not None:
        return Refusal(code="FILING_WITHDRAWN", field="filing_no")
    return fact


def last_use(filing: FilingRow, view: View, world: World, today: date) -> date | Refusal | None:
    """The ruling date of a standing settlement that the filing decided; refused where that is
    today. Newest first, so that no more is opened than needed."""
    standing = [
        fact
        for fact in view.settlements.values()
        if fact.row.psn_no == filing.psn_no
        and fact.row.kind is RowKind.SETTLE
        and fact.undone_by is None
        and fact.row.business_day >= filing.begins_on
    ]
    found: date | None = None
    for fact in sorted(standing, key=lambda fact: fact.row.setl_time, reverse=True):
        if found is not None and fact.row.business_day < today:
            break
        ruled_on = _ruled_by(fact, filing.filing_no, world)
        if ruled_on is not None and ruled_on >= today:
            setl_id = str(fact.row.setl_id)
            return Refusal(code="FILING_USED", field="filing_no", params={"setl_id": setl_id})
        found = found or ruled_on
    return found


def _ruled_by(fact: SettlementFact, filing_no: int, world: World) -> date | None:
    """The ruling date of a settlement, if this filing decided it; what was erased says nothing."""
    row = fact.row
    if fact.detail is None:
        return None
    detail = booking.open_detail(
        fact.detail, world.keyring, booking.detail_record(row.lane, row.setl_id)
    )
    if filing_no not in detail.filings or detail.case is None:
        return None
    return detail.case.entitlement.ruling_on


def find_filings(command: FindFilings, view: View, world: World, moment: Moment) -> Decision:
    """The filings of one kind that stand in a period (5301, 5302, 5304), whoever sent them."""
    person = checks.own_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    found = [
        (filing, view.filings[filing.filing_no].row.recorded_at,
         open_filing(view.filings[filing.filing_no].row, world.keyring).kept)
        for filing in standing_filings(person, world.keyring)
        if filing.kind is command.kind
        and command.subject in ("", filing.subject)
        and filing.overlaps(command.begin, command.end)
    ]  # fmt: skip
    return Decision(Answer(output=translate.found_reply(command.kind, found, person)))
