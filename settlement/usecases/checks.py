"""Checks that several use cases share: the person, their credential, the stop switches."""

from __future__ import annotations

from datetime import date

from settlement.clock import Moment
from settlement.commands import Asked, Command, Credential
from settlement.elsewhere.abroad import same_city
from settlement.entitlement import enrolment_on, has_left
from settlement.person import Identity
from settlement.refusal import Refusal
from settlement.view import PersonFacts, View
from settlement.world import World


def known_person(view: View, world: World, asked: Asked) -> PersonFacts | Refusal:
    """The person named, unless unknown or stopped by an operator."""
    person = view.persons.get(asked.person_no)
    if person is None:
        return Refusal(code="PERSON_UNKNOWN", field="person_no")
    if person.home_region != asked.insured_region:
        elsewhere = where_insured(person, asked.insured_region, world.region)
        if elsewhere is not None:
            return elsewhere
    return stopped(world, asked) or person


def stopped(world: World, asked: Asked) -> Refusal | None:
    """An operator stopped the person, or the institution that asks."""
    reason = world.suspensions.persons.get(asked.person_no)
    if reason is not None:
        return Refusal(code="PERSON_SUSPENDED", field="person_no", params={"reason": reason})
    reason = world.suspensions.institutions.get(asked.institution.code)
    if reason is not None:
        return Refusal(
            code="INSTITUTION_SUSPENDED", field="institution_code", params={"reason": reason}
        )
    return None


def where_insured(person: PersonFacts, said: str, region: str) -> Refusal | None:
    """The message must say where the person is insured: nothing is routed by guess."""
    if same_city(person.home_region, said):
        return None
    return Refusal(
        code="INSURED_REGION_DIFFERS", field="insured_region",
        params={"region": person.home_region or region},
    )  # fmt: skip


def own_person(view: View, world: World, asked: Asked) -> PersonFacts | Refusal:
    """The same, insured here: filings, entitlement and accumulators are kept at home alone."""
    person = known_person(view, world, asked)
    if isinstance(person, Refusal) or not person.home_region:
        return person
    return only_at_home(person)


def only_at_home(person: PersonFacts) -> Refusal:
    """It is not done for somebody insured elsewhere."""
    return Refusal(code="ONLY_AT_HOME", params={"region": person.home_region})


def in_hospital(person: PersonFacts, care_type: str, world: World) -> Refusal | None:
    """A claim elsewhere while the person is in hospital, unless the region allows it."""
    if person.open_stay is None or care_type in world.profile.allowed_during_stay:
        return None
    return Refusal(
        code="STAY_OPEN", field="care_type", params={"mdtrt_id": str(person.open_stay)}
    )


def not_enrolled(scheme: str, person: PersonFacts) -> Refusal:
    """The person has no membership of the scheme; says of which they have one."""
    enrolled = "、".join(e.scheme for e in person.enrolments) or "无"
    return Refusal(
        code="SCHEME_NOT_ENROLLED", field="scheme",
        params={"value": scheme, "enrolled": enrolled},
    )  # fmt: skip


def already_settled(setl_id: int) -> Refusal:
    """The same claim was settled under another msgid, and stands."""
    return Refusal(code="CLAIM_ALREADY_SETTLED", params={"setl_id": str(setl_id)})


def check_credential(
    command: Command,
    credential: Credential,
    person: PersonFacts,
    view: View,
    moment: Moment,
    *,
    in_stay: bool = False,
) -> Refusal | None:
    """The credential must resolve to the person named, and what was typed must match. While the
    person is in hospital, the token shown at admission need not live any more (DOMAIN 18)."""
    identity = person.identity
    match credential.kind:
        case "02":
            if credential.number != identity.certificate_no:
                return Refusal(code="CREDENTIAL_MISMATCH", field="credential_number")
        case "03" if not command.token_key:
            refused = _check_card(credential, identity)
            if refused is not None:
                return refused
        case "01" | "03":  # a card on a phone was decoded, and its token is checked instead
            refused = _check_token(command, view, moment, in_stay=in_stay)
            if refused is not None:
                return refused
        case _:
            return Refusal(code="CREDENTIAL_MISMATCH", field="credential_kind")
    if credential.certificate_no is not None and (
        credential.certificate_no != identity.certificate_no
    ):
        return Refusal(code="IDENTITY_MISMATCH", field="certificate_no")
    if credential.name is not None and credential.name != identity.name:
        return Refusal(code="IDENTITY_MISMATCH", field="name")
    return None


def _check_card(credential: Credential, identity: Identity) -> Refusal | None:
    if not credential.card_serial:
        return Refusal(code="CREDENTIAL_CARD_SERIAL_MISSING", field="card_serial")
    if (credential.number, credential.card_serial) != (identity.card_no, identity.card_serial):
        return Refusal(code="CREDENTIAL_MISMATCH", field="credential_number")
    return None


def _check_token(
    command: Command, view: View, moment: Moment, *, in_stay: bool
) -> Refusal | None:
    token = view.tokens.get((command.asked.person_no, command.token_key))
    if token is None:
        return Refusal(code="TOKEN_UNKNOWN", field="credential_number")
    if token.expires_at <= moment.at and not in_stay:
        return Refusal(code="TOKEN_EXPIRED", field="credential_number")
    if token.institution != command.asked.institution.code:
        return Refusal(code="TOKEN_OTHER_INSTITUTION", field="credential_number")
    return None


def scheme_of_stay(
    scheme: str, registered: str, person: PersonFacts, on: date
) -> Refusal | None:
    """A stay is settled by the scheme that it was begun under, or by another one that the person is
    in, where they have left the first by the day (DOMAIN 21)."""
    if scheme == registered or (
        not person.home_region
        and has_left(person.enrolments, registered, on)
        and enrolment_on(person.enrolments, scheme, on) is not None
    ):
        return None
    return Refusal(
        code="SCHEME_DIFFERS", field="scheme", params={"value": scheme, "registered": registered}
    )
