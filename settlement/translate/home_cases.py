"""Between what regions say to each other (protocol/hub) and what we call it: questions about people
of ours become commands, settlement rows become answers, the first time and every time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from protocol.hub.messages import (
    CancelAsked,
    CancelTold,
    Case,
    CaseTold,
    EnrolmentTold,
    FilingTold,
    PersonAsked,
    PersonTold,
    ReverseAsked,
    ReverseTold,
    ShareTold,
    StatusAsked,
)
from protocol.nhsa import canonical
from settlement import keys, numbers
from settlement.commands import Asked, Credential
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.home_commands import (
    CancelCase,
    FindCase,
    LookUpInsured,
    ReverseCase,
    ShareCase,
)
from settlement.elsewhere.home_rows import HUB
from settlement.elsewhere.off_site import NOT_FILED
from settlement.institution import Institution, InstitutionKind
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of
from settlement.policy.model import Policy
from settlement.rows import SettlementRow
from settlement.translate.answers import shares_of
from settlement.translate.people import present
from settlement.view import PersonFacts, SettlementFact

UNKEYED = bytes(16)
"""The message key of a question that leaves nothing behind."""
PERSON_HOLDS = timedelta(days=1)
"""For how long another region may go by what it was told of a person."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODE = msgspec.json.Encoder().encode
_CASE, _CANCEL = "case", "cancel"


class HomeTranslator(Struct, frozen=True, kw_only=True):
    """Questions of other regions to commands, for one region (its lanes and its keys)."""

    lanes: int
    keyring: Keyring

    def share(self, case: Case, region: Counterpart, *, quote: bool) -> ShareCase:
        """Settle a case, or quote it."""
        key = keys.case_key(region.region, _CASE, case.case_no)
        secret = self.keyring.digest_key
        asked = self._asked(
            region, case.case_no, case.person_no, UNKEYED if quote else key,
            _fingerprint(case, secret), case,
        )  # fmt: skip
        return ShareCase(
            asked=asked, business_key=keys.case_key(region.region, _CASE, case.case_no, secret),
            case_key=key, case_no=case.case_no, case=case, quote=quote,
        )  # fmt: skip

    def cancel(self, question: CancelAsked, region: Counterpart) -> CancelCase:
        """Take a case back, under a number of its own."""
        key = keys.case_key(region.region, _CANCEL, question.cancel_no)
        case_key = keys.case_key(region.region, _CASE, question.case_no)
        asked = self._asked(
            region, question.cancel_no, question.person_no, key, _whole(_ENCODE(question))
        )
        return CancelCase(
            asked=asked, other_keys=((asked.lane, case_key),), case_key=case_key,
            case_no=question.case_no, cancel_no=question.cancel_no,
            setl_id=numbers.parse(question.settlement_no) or 0,
        )  # fmt: skip

    def reverse(self, question: ReverseAsked, region: Counterpart) -> ReverseCase:
        """Undo a case. Whether it was settled for somebody else is asked in every lane."""
        key = keys.case_key(region.region, _CASE, question.case_no)
        asked = self._asked(region, question.case_no, question.person_no, key, b"")
        return ReverseCase(
            asked=asked, case_key=key, case_no=question.case_no,
            other_keys=tuple((lane, key) for lane in range(self.lanes)),
        )  # fmt: skip

    def status(self, question: StatusAsked, region: Counterpart) -> FindCase:
        """What became of a case."""
        key = keys.case_key(region.region, _CASE, question.case_no)
        asked = self._asked(region, question.case_no, question.person_no, key, b"")
        return FindCase(asked=asked, case_key=key, case_no=question.case_no)

    def person(
        self, question: PersonAsked, region: Counterpart, person_no: str
    ) -> LookUpInsured:
        """Who it is, once the credential has led to a number."""
        credential = credential_of(question)
        is_token = credential.kind == "01"
        return LookUpInsured(
            asked=self._asked(region, "", person_no, UNKEYED, b""),
            token_key=self.keyring.lookup_key(LookupKind.TOKEN, credential.number)
            if is_token else b"",
            credential=credential, on=question.on,
        )  # fmt: skip

    def _asked(
        self, region: Counterpart, number: str, person_no: str, key: bytes, fingerprint: bytes,
        case: Case | None = None,
    ) -> Asked:  # fmt: skip
        return Asked(
            infno=HUB, institution=_region_as_institution(region, case), msgid=number, operator="",
            lane=lane_of(person_no, self.lanes), person_no=person_no, message_key=key,
            fingerprint=fingerprint,
        )  # fmt: skip


def credential_of(question: PersonAsked) -> Credential:
    """What the person showed in the other region."""
    return Credential(
        kind=question.credential_kind, number=question.number,
        card_serial=question.card_serial or None, certificate_no=question.certificate_no or None,
        name=question.name or None,
    )  # fmt: skip


def _region_as_institution(region: Counterpart, case: Case | None) -> Institution:
    """The region of treatment in the place of an institution: it is whom we owe. Levels are those
    of who treats; whether that one is under agreement is the other region's to say."""
    told = None if case is None else case.institution
    return Institution(
        code=region.region, name=region.name, kind=InstitutionKind.HOSPITAL, region=region.region,
        hospital_level=told.hospital_level if told else "",
        deductible_level=told.deductible_level if told else "",
        ceiling_level="", agreement_from=date.min, agreement_to=date.max, suspended=False,
        care_types=frozenset() if case is None else frozenset({case.care_type}),
        account_base=region.account_base,
    )  # fmt: skip


def _fingerprint(case: Case, secret: bytes) -> bytes:
    """Of the whole case, in the format of a message's (protocol/nhsa/canonical.py)."""
    totals = (
        case.total_fen, case.full_self_pay_fen, case.over_ceiling_fen, case.pre_self_pay_fen,
        case.in_scope_fen,
    )  # fmt: skip
    header = replace(
        case, person_no="", lines=(), total_fen=0, full_self_pay_fen=0, over_ceiling_fen=0,
        pre_self_pay_fen=0, in_scope_fen=0,
    )  # fmt: skip
    return canonical.Fingerprint(
        person=_hash(secret + case.person_no.encode()), header=_hash(_ENCODE(header)),
        totals=_hash(_ENCODE(totals)), lines=tuple(_hash(_ENCODE(line)) for line in case.lines),
    ).pack()  # fmt: skip


def _whole(text: bytes) -> bytes:
    """Of a question that is one thing."""
    nothing = _hash(b"")
    return canonical.Fingerprint(
        person=nothing, header=_hash(text), totals=nothing, lines=()
    ).pack()


def _hash(text: bytes) -> bytes:
    return sha256(text).digest()[: canonical.HASH_BYTES]


def person_told(
    person: PersonFacts, filings: tuple[FilingTold, ...], on: date, now: datetime
) -> PersonTold:
    """Who it is, and what another region may know: one membership a scheme, as on 1101."""
    identity = person.identity
    return PersonTold(
        person_no=person.person_no,
        name=identity.name,
        certificate_type=identity.certificate_type,
        certificate_no=identity.certificate_no,
        sex=identity.sex,
        ethnic_group=identity.ethnic_group,
        born_on=identity.born_on,
        enrolments=tuple(
            EnrolmentTold(
                scheme=e.scheme, category=e.category, status=e.status, enrolled_on=e.enrolled_on,
                benefit_from=e.benefit_from, suspended_on=e.suspended_on, region=e.region,
                civil_servant=e.civil_servant,
            )
            for e in present(person.enrolments, on)
        ),
        filings=filings,
        balance_fen=person.balance_fen,
        holds_until=now + PERSON_HOLDS,
    )  # fmt: skip


def case_told(row: SettlementRow, filing: str, policy: Policy) -> CaseTold:
    """How a case is shared, from its row; of a quote, whose row has no number and is never
    written, just the same."""
    return CaseTold(
        case_no=row.msgid,
        settlement_no=str(row.setl_id) if row.setl_id else "",
        told_at=row.setl_time,
        business_day=row.business_day,
        clearing_type=row.clearing_type,
        category=row.category,
        civil_servant=row.civil_servant,
        deductible_fen=row.deductible_fen,
        pool_ratio_bp=row.pool_ratio_bp,
        total_fen=row.total_fen,
        fund_fen=row.fund_fen,
        account_fen=row.account_fen,
        family_account_fen=row.family_account_fen,
        hospital_fen=row.hospital_fen,
        cash_fen=row.cash_fen,
        balance_fen=row.balance_fen,
        shares=tuple(
            ShareTold(
                fund_code=share.fund_pay_type, name=policy.funds[share.fund_pay_type].name,
                amount_field=share.amount_field.value, amount_fen=share.amount_fen,
            )
            for share in shares_of(row)
        ),
        policy=row.policy,
        explanation=Raw(row.explanation.encode()),
        filing="" if filing == NOT_FILED else filing,
    )  # fmt: skip


def settled_told(fact: SettlementFact, policy: Policy) -> CaseTold:
    """The answer to a case that was settled, from what stands of it."""
    return case_told(fact.row, fact.home.filing if fact.home else NOT_FILED, policy)


def cancel_told(row: SettlementRow, case_no: str) -> CancelTold:
    """The answer to a cancel, from its row."""
    return CancelTold(
        cancel_no=row.msgid, case_no=case_no, settlement_no=str(row.setl_id),
        told_at=row.setl_time, business_day=row.business_day,
    )  # fmt: skip


def reverse_told(case_no: str, undoing: SettlementRow) -> ReverseTold:
    """It was settled, and a row took it back."""
    return ReverseTold(case_no=case_no, undone=True, told_at=undoing.setl_time)


def forestalled_told(case_no: str, ref: int) -> ReverseTold:
    """It never was settled; `ref` is that of its tombstone."""
    return ReverseTold(
        case_no=case_no, undone=False, told_at=_EPOCH + timedelta(microseconds=ref)
    )


def tombstone_ref(at: datetime) -> int:
    """When a tombstone was set, so that the same is told of it every time."""
    return (at - _EPOCH) // timedelta(microseconds=1)
