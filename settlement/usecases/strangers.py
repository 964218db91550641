"""People who are insured in another region and treated here (异地参保人): who they are (1101).

A stranger is a person like any other, with the number they have at home, and without what stays
there: account, accumulators, filings, relatives.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.elsewhere.remote_commands import KeepStranger
from settlement.elsewhere.remote_rows import StrangerRow
from settlement.keyring import Keyring
from settlement.person import person_record
from settlement.refusal import Refusal
from settlement.translate import people
from settlement.usecases import checks
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

_ENCODE = msgspec.json.Encoder().encode
NO_ACCOUNT = 0


def keep(command: KeepStranger, view: View, world: World, moment: Moment) -> Decision:
    """Make or refresh the row of somebody insured elsewhere, and answer 1101."""
    asked = command.asked
    known = view.persons.get(asked.person_no)
    if known is not None and known.home_region != command.region:
        return Decision(
            Refusal(code="PERSON_NUMBER_TAKEN", params={"region": command.region})
        )
    refused = checks.stopped(world, asked) or _somebody_else(command)
    if refused is not None:
        return Decision(refused)
    person = _told(command, known)
    shown = replace(person, balance_fen=command.balance_fen)
    answer = Answer(output=people.person_reply(shown, moment.local.date(), command.region))
    if known is not None and _same(known, person):
        return Decision(answer)
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(), stranger=person,
        stranger_row=_row(person, world.keyring),
    )  # fmt: skip
    return Decision(answer, effects)


def _somebody_else(command: KeepStranger) -> Refusal | None:
    """What was typed of the person must be what their region tells."""
    credential, identity = command.credential, command.identity
    if credential.kind == "02" and credential.number != identity.certificate_no:
        return Refusal(code="CREDENTIAL_MISMATCH", field="credential_number")
    if credential.certificate_no not in (None, identity.certificate_no):
        return Refusal(code="IDENTITY_MISMATCH", field="certificate_no")
    if credential.name not in (None, identity.name):
        return Refusal(code="IDENTITY_MISMATCH", field="name")
    return None


def _told(command: KeepStranger, known: PersonFacts | None) -> PersonFacts:
    """The person as their region tells of them; a card that was shown before stays known."""
    if known is None:
        return PersonFacts(
            lane=command.asked.lane, person_no=command.asked.person_no, version=0,
            account=NO_ACCOUNT, identity=command.identity, enrolments=command.enrolments, years={},
            balance_fen=0, latest_row=None, latest_visit=None, home_region=command.region,
        )  # fmt: skip
    identity = command.identity
    if not identity.card_no:
        identity = replace(
            identity, card_no=known.identity.card_no, card_serial=known.identity.card_serial
        )
    return replace(known, identity=identity, enrolments=command.enrolments)


def _same(known: PersonFacts, person: PersonFacts) -> bool:
    return (known.identity, known.enrolments) == (person.identity, person.enrolments)


def _row(person: PersonFacts, keyring: Keyring) -> StrangerRow:
    enrolments = _ENCODE(person.enrolments).decode()
    record = person_record(
        person.lane, person.person_no, account=person.account, home_region=person.home_region,
        enrolments=enrolments, family="[]",
    )  # fmt: skip
    return StrangerRow(
        lane=person.lane, psn_no=person.person_no, home_region=person.home_region,
        key_version=keyring.version, identity=keyring.seal(_ENCODE(person.identity), record),
        enrolments=enrolments,
    )  # fmt: skip

