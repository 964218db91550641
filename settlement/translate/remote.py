"""Between our words and those of the wire between regions (protocol/hub): people and cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from protocol.hub.messages import (
    Case,
    CaseTold,
    EnrolmentTold,
    InstitutionTold,
    LineTold,
    PersonAsked,
    PersonTold,
)
from settlement.case import FundShare
from settlement.claim import Claim, PricedLine
from settlement.clock import CHINA
from settlement.commands import Credential
from settlement.institution import Institution
from settlement.person import Enrolment, Identity
from settlement.policy.model import AmountField
from settlement.pricing import LineTotals

_ENCODE = msgspec.json.Encoder().encode
_CARD = "03"
_FIELDS = {field.value: field for field in AmountField}


def person_asked(credential: Credential, on: date) -> PersonAsked:
    """What the person showed."""
    return PersonAsked(
        credential_kind=credential.kind,
        number=credential.number,
        certificate_no=credential.certificate_no
        or (credential.number if credential.kind == "02" else ""),
        name=credential.name or "",
        card_serial=credential.card_serial or "",
        on=on,
    )


def identity_of(told: PersonTold, credential: Credential) -> Identity:
    """Who it is. A card is known here as it was shown: its region found the person by it."""
    by_card = credential.kind == _CARD
    return Identity(
        name=told.name,
        certificate_type=told.certificate_type,
        certificate_no=told.certificate_no,
        sex=told.sex,
        ethnic_group=told.ethnic_group,
        born_on=told.born_on,
        card_no=credential.number if by_card else "",
        card_serial=(credential.card_serial or "") if by_card else "",
        employer="",
    )


def enrolment_of(told: EnrolmentTold) -> Enrolment:
    """A membership there."""
    return Enrolment(
        scheme=told.scheme, category=told.category, status=told.status,
        enrolled_on=told.enrolled_on, benefit_from=told.benefit_from,
        suspended_on=told.suspended_on, region=told.region, civil_servant=told.civil_servant,
    )  # fmt: skip


def case_of(
    *, case_no: str, claim: Claim, totals: LineTotals, lines: Sequence[PricedLine],
    institution: Institution, credential_kind: str, visit_no: str, admitted: date | None,
    discharged: date | None, emergency: bool, referral: bool,
) -> Case:  # fmt: skip
    """A priced case, as the region of insurance is asked to share it."""
    return Case(
        case_no=case_no,
        person_no=claim.person_no,
        scheme=claim.scheme,
        care_kind=claim.kind.value,
        care_type=claim.care_type,
        credential_kind=credential_kind,
        account_use=claim.account_use.value,
        institution=InstitutionTold(
            code=institution.code, name=institution.name, region=institution.region,
            hospital_level=institution.hospital_level,
            deductible_level=institution.deductible_level,
        ),
        visit_no=visit_no,
        service_at=_with_offset(claim.service_at),
        admitted_on=admitted,
        discharged_on=discharged,
        disease=claim.disease,
        emergency=emergency,
        referral=referral,
        total_fen=totals.total_fen,
        full_self_pay_fen=totals.full_self_pay_fen,
        over_ceiling_fen=totals.over_ceiling_fen,
        pre_self_pay_fen=totals.pre_self_pay_fen,
        in_scope_fen=totals.in_scope_fen,
        lines=tuple(map(_line, lines)),
    )  # fmt: skip


def _line(priced: PricedLine) -> LineTold:
    line = priced.line
    return LineTold(
        line_no=line.line_no, item_code=line.item_code, item_class=priced.item_class,
        charge_kind=priced.charge_kind, quantity_e4=line.quantity_e4, price_e6=line.price_e6,
        amount_fen=line.amount_fen, full_self_pay_fen=priced.full_self_pay_fen,
        over_ceiling_fen=priced.over_ceiling_fen, pre_self_pay_fen=priced.pre_self_pay_fen,
        in_scope_fen=priced.in_scope_fen, occurred_on=line.occurred_on,
    )  # fmt: skip


def _with_offset(local: datetime) -> datetime:
    return local.replace(tzinfo=CHINA)


def fault_of(question: Case, told: CaseTold) -> str:
    """What does not add up in an answer to a case; empty where everything does. Such an answer is
    none: nothing of it is booked."""
    if told.case_no != question.case_no:
        return f"answers case {told.case_no}"
    if told.total_fen != question.total_fen:
        return f"total {told.total_fen} fen for a case of {question.total_fen}"
    shared = sum(share.amount_fen for share in told.shares)
    amounts = (
        told.fund_fen, told.account_fen, told.family_account_fen, told.hospital_fen,
        told.cash_fen, told.deductible_fen, *(share.amount_fen for share in told.shares),
    )  # fmt: skip
    if min(amounts) < 0:
        return "an amount below zero"
    if told.fund_fen + told.account_fen + told.cash_fen + told.hospital_fen != told.total_fen:
        return "funds, account, cash and hospital are not the total"
    if shared != told.fund_fen + told.hospital_fen:
        return f"shares of {shared} fen for {told.fund_fen} of funds and {told.hospital_fen} borne"
    if told.family_account_fen > told.account_fen:
        return "relatives pay more than the account"
    return ""


def shares_of(told: CaseTold) -> tuple[FundShare, ...]:
    """What each fund there pays. Its name is the note; it has no account in our ledger."""
    return tuple(
        FundShare(
            fund_pay_type=share.fund_code,
            amount_field=_FIELDS.get(share.amount_field, AmountField.OTHER),
            ledger_code=0, in_scope_fen=0, ratio_bp=0, limit_before_fen=None,
            amount_fen=share.amount_fen, note=share.name,
        )
        for share in told.shares
    )  # fmt: skip


def by_amount_field(shares: Sequence[FundShare]) -> dict[AmountField, int]:
    """What each national amount field reports."""
    amounts: dict[AmountField, int] = {}
    for share in shares:
        amounts[share.amount_field] = amounts.get(share.amount_field, 0) + share.amount_fen
    return amounts


def shares_text(shares: Sequence[FundShare]) -> str:
    """As stored in the settlement row."""
    return _ENCODE(shares).decode()


def urgency(care_type: str, said: Sequence[object]) -> tuple[bool, bool]:
    """Whether it is an emergency, which counts as filed, and whether it was referred: by the kind
    of care, and by the keys of the cross-region standard 2.1 in exp_content. What
    cannot be read as such says nothing."""
    keys: dict[str, str] = {}
    for text in said:
        keys |= _extended(text)
    out, stay = keys.get("OTP_ER_REFL_FLAG", ""), keys.get("IPT_TYPE", "")
    emergency = care_type == _EMERGENCY or out in _OUT_EMERGENCIES or stay == _STAY_EMERGENCY
    return emergency, out in _OUT_REFERRALS or stay == _STAY_REFERRAL


def pays_in_advance(said: object) -> bool:
    """Whether the settling message says that the person pays everything and is reimbursed at home
    (全额垫付): the flag that 3260 lists such a settlement with, as a key of exp_content. No source
    prints where a hospital says it."""
    return _extended(said).get("FULAMT_ADVPAY_FLAG") == "1"


def _extended(text: object) -> dict[str, str]:
    if not isinstance(text, str) or not text.startswith("{"):
        return {}
    try:
        found = _DECODE_KEYS(text)
    except msgspec.MsgspecError:
        return {}
    return {name.upper(): str(value) for name, value in found.items()}


_DECODE_KEYS = msgspec.json.Decoder(dict[str, str | int]).decode
_EMERGENCY = "13"
_OUT_EMERGENCIES = frozenset({"1", "3"})
_OUT_REFERRALS = frozenset({"2", "3"})
_STAY_EMERGENCY, _STAY_REFERRAL = "2", "3"
