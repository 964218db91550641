"""Filing of care outside (异地就医备案): applied for, decided, cancelled, ended (ADR 0034).

A filing is a matter; once accepted it is also one of the person's filings, under the same number,
and taken back as those of institutions are: what it decided stays decided (ADR 0022).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec.structs import replace

from settlement.clock import Moment
from settlement.decision import Decision
from settlement.elsewhere.off_site import LONG_TERM, OffSiteRules, covers, last_day
from settlement.people.filing import FILINGS_MAX, Filing, FilingKind, ended, in_the_way, without
from settlement.people.matter_rows import MatterFact
from settlement.people.matter_states import Happening, MatterKind, State
from settlement.people.my_commands import ApplyOffSite, ChangeMatter, MyCommand, OffSiteAsked
from settlement.refusal import Refusal
from settlement.rows import FilingRow
from settlement.usecases import matters
from settlement.usecases.filing_payloads import (
    FilingPayload,
    filing_record,
    sealed_filings,
    standing_filings,
)
from settlement.usecases.filings import last_use
from settlement.usecases.matter_payloads import open_off_site
from settlement.usecases.visit_payloads import seal_payload
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

SENT_BY = "MY"
"""What stands in the place of an institution in the rows of these filings."""
_ENROLLED = "1"


def apply(command: ApplyOffSite, view: View, world: World, moment: Moment) -> Decision:
    """Apply for a filing; accepted at once where the region does so for its kind."""
    again = matters.answered_before(command, view)
    if again is not None:
        return again
    person = matters.acting_on(command, view, world, moment)
    if isinstance(person, Refusal):
        return Decision(person)
    rules = world.profile.off_site
    wanted = _completed(command.wanted, rules)
    refused = (
        _appliable(wanted, person, world, moment.local.date())
        or _asked_already(wanted, command, view, world)
        or matters.room_for(view, command.asked.person_no)
    )
    if refused is not None:
        return Decision(refused)
    fact = matters.opened(command, MatterKind.OFF_SITE, wanted, world, moment)
    effects = matters.nothing_else(command)
    if wanted.kind in rules.accepted_at_once:
        filed = _filed(command, fact, wanted, person, world, moment)
        if isinstance(filed, Refusal):
            return Decision(filed)
        effects = filed
        fact.events.append(matters.event_of(fact, Happening.ACCEPTED, command, moment))
    return matters.written(
        command, fact, fact.events, world, moment, effects=effects, is_new=True
    )


def change(
    command: ChangeMatter, fact: MatterFact, person: PersonFacts, view: View, world: World,
    moment: Moment,
) -> Decision:  # fmt: skip
    """Accepted or refused by a clerk, cancelled by the person, ended by the agency."""
    wanted = open_off_site(fact.row, world.keyring)
    effects: Effects | Refusal = matters.nothing_else(command)
    if command.happening is Happening.ACCEPTED:
        effects = _filed(command, fact, wanted, person, world, moment)
    elif fact.state is State.ACCEPTED:
        effects = _locked(command, fact, wanted, world, moment) or _taken_back(
            command, fact, person, view, world, moment
        )
    if isinstance(effects, Refusal):
        return Decision(effects)
    event = matters.event_of(fact, command.happening, command, moment, note=command.note)
    fact.events.append(event)
    return matters.written(command, fact, [event], world, moment, effects=effects)


def locked_until(fact: MatterFact, wanted: OffSiteAsked, rules: OffSiteRules) -> date | None:
    """Until which day the person may not cancel it; None where they may at any time."""
    accepted = fact.when(Happening.ACCEPTED)
    if wanted.kind not in LONG_TERM or accepted is None or not rules.long_term_lock_days:
        return None
    return accepted.business_day + timedelta(days=rules.long_term_lock_days)


def _completed(wanted: OffSiteAsked, rules: OffSiteRules) -> OffSiteAsked:
    if wanted.ends_on is not None:
        return wanted
    return replace(wanted, ends_on=last_day(wanted.kind, wanted.begins_on, rules))


def _appliable(
    wanted: OffSiteAsked, person: PersonFacts, world: World, today: date
) -> Refusal | None:
    """The place, the dates, and whether there is any membership that it could be of use to."""
    if covers(wanted.place, world.region):
        return Refusal(
            code="OFF_SITE_PLACE_LOCAL", field="place", params={"value": wanted.place}
        )
    rules = world.profile.off_site
    latest = today + timedelta(days=rules.begins_days_max)
    if not today <= wanted.begins_on <= latest:
        return Refusal(
            code="OFF_SITE_BEGIN_WRONG", field="begins_on",
            params={"begins_on": str(wanted.begins_on), "first": str(today), "last": str(latest)},
        )  # fmt: skip
    if wanted.kind in LONG_TERM and wanted.ends_on is not None:
        return Refusal(code="OFF_SITE_END_WRONG", field="ends_on")
    if wanted.ends_on is not None and wanted.ends_on < wanted.begins_on:
        return Refusal(
            code="FILING_DATES_WRONG", field="ends_on",
            params={"begins_on": str(wanted.begins_on), "ends_on": str(wanted.ends_on)},
        )  # fmt: skip
    if not any(enrolment.status == _ENROLLED for enrolment in person.enrolments):
        return Refusal(code="OFF_SITE_NOT_INSURED", field="kind")
    return None


def _asked_already(
    wanted: OffSiteAsked, command: MyCommand, view: View, world: World
) -> Refusal | None:
    """One that waits for a clerk about the same place."""
    for fact in view.matters.get(command.asked.person_no, {}).values():
        if fact.row.kind is not MatterKind.OFF_SITE or fact.state is not State.APPLIED:
            continue
        if open_off_site(fact.row, world.keyring).place == wanted.place:
            number = str(fact.row.matter_no)
            return Refusal(code="MATTER_OPEN_ALREADY", params={"matter_no": number})
    return None


def _filed(
    command: MyCommand, fact: MatterFact, wanted: OffSiteAsked, person: PersonFacts, world: World,
    moment: Moment,
) -> Effects | Refusal:  # fmt: skip
    """The matter becomes one of the person's filings."""
    row = fact.row
    standing = standing_filings(person, world.keyring)
    filing = Filing(
        filing_no=row.matter_no, kind=FilingKind.OFF_SITE, institution="", subject=wanted.kind,
        order=wanted.place, scheme="", begins_on=wanted.begins_on, ends_on=wanted.ends_on,
    )  # fmt: skip
    other = in_the_way(filing, _not_over(standing, moment.local.date()))
    if other is not None:
        return Refusal(
            code="OFF_SITE_OVERLAPS",
            params={"matter_no": str(other.filing_no), "place": other.order},
        )
    if len(standing) >= FILINGS_MAX:
        return Refusal(code="FILINGS_TOO_MANY", params={"most": FILINGS_MAX})
    return _effects(
        command, (*standing, filing), person, world,
        FilingRow(
            lane=row.lane, filing_no=row.matter_no, recorded_at=moment.at, withdraws=None,
            kind=FilingKind.OFF_SITE, psn_no=row.psn_no, institution=SENT_BY,
            begins_on=filing.begins_on, ends_on=filing.ends_on,
            payload=_sealed(command, row.lane, row.matter_no, world, wanted),
        ),
    )  # fmt: skip


def _not_over(standing: Sequence[Filing], today: date) -> list[Filing]:
    """Those that still say something: the list keeps others for what they decided."""
    return [one for one in standing if one.ends_on is None or one.ends_on >= today]


def _locked(
    command: ChangeMatter, fact: MatterFact, wanted: OffSiteAsked, world: World, moment: Moment
) -> Refusal | None:
    """The person lives outside for good: not to be changed from one week to the next. The agency
    may end it at any time."""
    until = locked_until(fact, wanted, world.profile.off_site)
    if command.acting.staff or until is None or moment.local.date() >= until:
        return None
    return Refusal(code="OFF_SITE_LOCKED", field="matter_no", params={"until": str(until)})


def _taken_back(
    command: ChangeMatter, fact: MatterFact, person: PersonFacts, view: View, world: World,
    moment: Moment,
) -> Effects | Refusal:  # fmt: skip
    """It ends with the day before, where it decided something or held already; one that was not
    yet in force goes as if it had never been."""
    today, filing = moment.business_day, view.filings[fact.row.matter_no].row
    used_on = last_use(filing, view, world, today)
    if isinstance(used_on, Refusal):
        return used_on
    standing = standing_filings(person, world.keyring)
    held = filing.begins_on < today
    left = (
        ended(standing, filing.filing_no, today) if held else without(standing, filing.filing_no)
    )
    number = world.next_number(filing.lane, today)
    return _effects(
        command, left, person, world,
        FilingRow(
            lane=filing.lane, filing_no=number, recorded_at=moment.at, withdraws=filing.filing_no,
            kind=FilingKind.OFF_SITE, psn_no=filing.psn_no, institution=SENT_BY,
            begins_on=today if held else filing.begins_on, ends_on=None,
            payload=_sealed(command, filing.lane, number, world),
        ),
    )  # fmt: skip


def _effects(
    command: MyCommand, left: Sequence[Filing], person: PersonFacts, world: World, row: FilingRow
) -> Effects:
    asked = command.asked
    return Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(), filing=row,
        filings=sealed_filings(left, person, world.keyring),
    )  # fmt: skip


def _sealed(
    command: MyCommand, lane: int, filing_no: int, world: World, wanted: OffSiteAsked | None = None
) -> bytes:
    asked = command.asked
    kept: dict[str, object] = {}
    if wanted is not None:
        kept = {"kind": wanted.kind.value, "place": wanted.place, "reason": wanted.reason}
    payload = FilingPayload(msgid=asked.msgid, operator=command.acting.name, kept=kept)
    return seal_payload(payload, world.keyring, filing_record(lane, filing_no))
