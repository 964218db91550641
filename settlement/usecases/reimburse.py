"""Manual reimbursement (手工报销, DOMAIN 29): the same engine and the same accumulators as a
settlement at the institution; what is paid is owed to the person (ADR 0044).

The settlement row lies in the person's lane and year as any other. Where an institution would stand
it has `OFFICE`: the institution that treated is owed nothing, sees none of it and cannot take it
back. Which one it was stands in the papers.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from hashlib import blake2b

from msgspec.structs import replace

from ledger.entry import Entry
from settlement import keys
from settlement.books.reimbursement import INFNO, Filed, Papers, Step, commitment
from settlement.chart import EntryCode, ReimbursementAccount
from settlement.claim import CareKind, Claim, ClaimLine
from settlement.clock import Moment
from settlement.commands import WHOLE_HISTORY, Asked, Command, History
from settlement.decision import Answer, Decision
from settlement.entitlement import CareDates
from settlement.institution import Institution, InstitutionKind
from settlement.numbers import shown
from settlement.pricing import price, totals_of
from settlement.refusal import Refusal
from settlement.rows import Detail, KeptLine, MessageOutcome, RowKind, SettlementRow, VisitKind
from settlement.stay import fold_stay
from settlement.usecases import booking, family
from settlement.usecases.adjudication import (
    Adjudicated,
    adjudicate_claim,
    adjudicate_stay,
    however_old,
    terms_at_upload,
)
from settlement.usecases.cancel import later_one, outside_window
from settlement.usecases.home_cases import elsewhere_entry
from settlement.usecases.home_checks import care_family, our_person
from settlement.usecases.home_undo import undo_owed
from settlement.view import Effects, PersonFacts, SettlementFact, View, VisitFact
from settlement.world import World

OFFICE = Institution(
    code="REIMBURSE", name="医保经办机构（手工报销）", kind=InstitutionKind.HOSPITAL, region="",
    hospital_level="", deductible_level="", ceiling_level="", agreement_from=date.min,
    agreement_to=date.max, suspended=False, care_types=frozenset(),
    account_base=ReimbursementAccount.PAYABLE_FUNDS,
)  # fmt: skip
"""What stands in the place of an institution: what it is owed is owed to the person."""
CREDENTIAL = "02"
"""The person shows an identity card at the counter, or did where the bill was paid."""
_STAYS = frozenset({CareKind.INPATIENT, CareKind.DAY_SURGERY})
_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)


class Reimburse(Command, frozen=True, kw_only=True, gc=False):
    """Book what is paid of papers, or say what it would be."""

    filed: Filed
    papers: Papers
    step: Step
    """of the confirmation, without what it books; its amounts are those that were calculated"""
    quote: bool
    history: History | None = WHOLE_HISTORY


class TakeBack(Command, frozen=True, kw_only=True, gc=False):
    """Take a booked reimbursement back."""

    filed: Filed
    step: Step
    setl_id: int


class Reimbursed(Answer):
    """The settlement row, and what both people should look at."""

    __slots__ = ("row",)

    def __init__(self, row: SettlementRow, *, warning: str = "") -> None:
        super().__init__(warning=warning)
        self.row = row


def business_key(papers: Papers, kind: CareKind, secret: bytes) -> bytes:
    """What the claim is about: of a stay institution, person and admission, else as 2102 has it,
    so that neither is settled beside the other."""
    if kind is not CareKind.INPATIENT:
        return keys.purchase_key(papers.claim, secret)
    claim = papers.claim
    told = f"stay\n{claim.institution_code}\n{claim.person_no}\n{papers.begins_on}".encode()
    digest = blake2b(told, digest_size=12, key=secret).digest()
    return papers.begins_on.toordinal().to_bytes(4, "big") + digest


def kind_of(papers: Papers, world: World) -> CareKind:
    """Which family of care papers are about; what no policy knows is refused later."""
    claim = papers.claim
    policy = world.policies.find(world.region, claim.scheme, papers.ends_on)
    care = None if policy is None else policy.care.get(claim.care_type)
    if care is None:
        return CareKind.OUTPATIENT
    return care_family(care.kind, is_stay=papers.ends_on > papers.begins_on)


def reimburse(command: Reimburse, view: View, world: World, moment: Moment) -> Decision:
    """Decide papers; a quote stops before it books."""
    asked, papers = command.asked, command.papers
    person = _claimant(command, view, world, moment)
    if isinstance(person, Refusal):
        return Decision(person)
    kind = kind_of(papers, world)
    refused = _settled_before(command, view, world) or _in_a_stay(papers, kind, view)
    if refused is not None:
        return Decision(refused)
    decided = _decide(command, kind, person, world, moment)
    if isinstance(decided, Refusal):
        return Decision(decided)
    warning = _alike_warning(papers, view)
    if command.quote:
        row = _row(command, decided, person, moment, _UNNUMBERED, _UNCOMMITTED)
        return Decision(Reimbursed(row, warning=warning))
    setl_id = world.next_number(asked.lane, moment.business_day)
    detail = booking.detail_of(decided, _kept_lines(papers.claim.lines), _kept(command))
    sealed = booking.seal_detail(detail, world.keyring, booking.detail_record(asked.lane, setl_id))
    row = _row(command, decided, person, moment, setl_id, sealed.commitment)
    refused = _changed(command.step, row)
    if refused is not None:
        return Decision(refused)
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, setl_id),),
        settlement=row,
        detail=sealed,
        entry=_entry(
            elsewhere_entry(row, row, OFFICE.account_base, person.account), command, row
        ),
        account_change_fen=-row.account_fen,
        increments=decided.benefit.increments,
        latest_of_year=setl_id,
    )
    return Decision(Reimbursed(row, warning=warning), effects)


def take_back(command: TakeBack, view: View, world: World, moment: Moment) -> Decision:
    """The exact negative, as every cancel: in its window, the latest of the year first."""
    asked = command.asked
    fact = view.settlements.get(command.setl_id)
    person = our_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    if fact is None or fact.row.psn_no != asked.person_no:
        number = shown(command.setl_id)
        return Decision(
            Refusal(code="SETTLEMENT_UNKNOWN", field="setl_id", params={"setl_id": number})
        )
    refused = family.open_undertaking(person, command)
    refused = refused or outside_window(fact.row, world, moment)
    refused = refused or later_one(person, fact.row, world, "setl_id")
    if refused is not None:
        return Decision(refused)
    row, effects = undo_owed(fact, RowKind.CANCEL, asked, person, world, moment)
    if effects.entry is None:
        raise ValueError("a cancel without an entry")
    message = booking.message_of(asked, MessageOutcome.SETTLEMENT, row.setl_id)
    booked = replace(
        effects, messages=(message,), entry=_entry(effects.entry, command, row)
    )
    return Decision(Reimbursed(row), booked)


def _claimant(
    command: Reimburse, view: View, world: World, moment: Moment
) -> PersonFacts | Refusal:
    """The person is ours and is who the papers say, nothing is under way for them, the institution
    is known, and it is not too late."""
    papers = command.papers
    person = our_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return person
    if papers.name != person.identity.name:
        return Refusal(code="IDENTITY_MISMATCH", field="name")
    code = papers.claim.institution_code
    if code not in world.institutions:
        return Refusal(
            code="REIMBURSEMENT_INSTITUTION_UNKNOWN", field="institution_code",
            params={"value": code},
        )  # fmt: skip
    days_max = world.profile.reimbursement.claim_days_max
    if (moment.local.date() - papers.ends_on).days > days_max:
        return Refusal(
            code="REIMBURSEMENT_TOO_LATE", field="end",
            params={"on": papers.ends_on.isoformat(), "days_max": days_max},
        )  # fmt: skip
    refused = None if command.quote else family.open_undertaking(person, command)
    return refused or person


def _settled_before(command: Reimburse, view: View, world: World) -> Refusal | None:
    """The institution settled it: by the claim itself, by the invoice, by the number on the sheet,
    or the same items on the same day."""
    standing = view.standing.get(command.business_key)
    if standing is not None:
        return _settled(standing)
    papers = command.papers
    for fact in _standing_there(papers, view):
        row = fact.row
        if row.invoice_no and row.invoice_no == papers.invoice_no:
            return _settled(row.setl_id)
        if papers.settlement_no and papers.settlement_no in (str(row.setl_id), row.msgid):
            return _settled(row.setl_id)
        if _is_alike(row, papers) and _same_items(fact, papers.claim, world):
            return _settled(row.setl_id)
    return None


def _in_a_stay(papers: Papers, kind: CareKind, view: View) -> Refusal | None:
    """The institution has this stay: settled it is reimbursed already, open it can be settled."""
    if kind is not CareKind.INPATIENT:
        return None
    for visit in view.visits.values():
        row = visit.row
        if row.kind is not VisitKind.STAY or row.institution != papers.claim.institution_code:
            continue
        state = fold_stay(visit)
        ended = state.discharged_at
        overlaps = row.begun_at.date() <= papers.ends_on and (
            ended is None or ended.date() >= papers.begins_on
        )
        if state.withdrawn or not overlaps or not _is_of(visit, papers):
            continue
        if state.segments:
            return _settled(state.segments[-1].setl_id)
        return Refusal(
            code="REIMBURSEMENT_STAY_REGISTERED", field="begin",
            params={"mdtrt_id": str(row.mdtrt_id)},
        )  # fmt: skip
    return None


def _is_of(visit: VisitFact, papers: Papers) -> bool:
    return visit.row.psn_no == papers.claim.person_no


def _standing_there(papers: Papers, view: View) -> Iterable[SettlementFact]:
    """Settlements of the institution for the person that stand."""
    for fact in view.settlements.values():
        row = fact.row
        if (
            row.kind is RowKind.SETTLE and fact.undone_by is None
            and row.institution == papers.claim.institution_code
            and row.psn_no == papers.claim.person_no
        ):  # fmt: skip
            yield fact


def _is_alike(row: SettlementRow, papers: Papers) -> bool:
    """On the same day and of the same sum."""
    on = row.service_at.date()
    return row.total_fen == papers.claim.total_fen and papers.begins_on <= on <= papers.ends_on


def _same_items(fact: SettlementFact, claim: Claim, world: World) -> bool:
    if fact.detail is None:
        return False
    record = booking.detail_record(fact.row.lane, fact.row.setl_id)
    detail: Detail = booking.open_detail(fact.detail, world.keyring, record)
    theirs = sorted(_item(one.priced.line) for one in detail.lines)
    return theirs == sorted(map(_item, claim.lines))


def _item(line: ClaimLine) -> tuple[str, int, int]:
    return line.item_code, line.quantity_e4, line.amount_fen


def _alike_warning(papers: Papers, view: View) -> str:
    """What both people should hold against the papers; of other items, so it is no refusal."""
    alike = [str(f.row.setl_id) for f in _standing_there(papers, view) if _is_alike(f.row, papers)]
    if not alike:
        return ""
    return f"同日同机构有金额相同的联网结算 {'、'.join(alike)}，请核对是否同一费用"


def _settled(setl_id: int) -> Refusal:
    return Refusal(code="REIMBURSEMENT_SETTLED", params={"setl_id": str(setl_id)})


def _decide(
    command: Reimburse, kind: CareKind, person: PersonFacts, world: World, moment: Moment
) -> Adjudicated | Refusal:
    """By the rules of a settlement at the institution. Whether it is too late was decided by the
    window of reimbursements, so the one of settlements is as wide as it takes."""
    papers = command.papers
    claim = replace(papers.claim, kind=kind)
    institution = world.institutions[claim.institution_code]
    world = however_old(world, papers.begins_on, moment)
    if kind not in _STAYS:
        return adjudicate_claim(
            claim, credential_kind=CREDENTIAL, person=person, institution=institution,
            world=world, moment=moment,
        )  # fmt: skip
    terms = terms_at_upload(claim, person, institution, world, papers.ends_on)
    lines = price(claim, world.catalogue, institution, world.profile, terms)
    if isinstance(lines, Refusal):
        return lines
    dates = CareDates(papers.ends_on, papers.ends_on, papers.begins_on, papers.ends_on)
    decided = adjudicate_stay(
        claim, totals_of(lines), dates, borne=lambda year: None, credential_kind=CREDENTIAL,
        person=person, institution=institution, world=world, moment=moment,
    )  # fmt: skip
    return decided if isinstance(decided, Refusal) else replace(decided, lines=lines)


def _row(
    command: Reimburse, decided: Adjudicated, person: PersonFacts, moment: Moment, setl_id: int,
    detail_commitment: bytes,
) -> SettlementRow:  # fmt: skip
    return booking.settlement_row(
        decided, asked=command.asked, person=person, moment=moment, setl_id=setl_id,
        mdtrt_id=setl_id, business_key=command.business_key,
        invoice_no=command.papers.invoice_no, credential_type=CREDENTIAL,
        detail_commitment=detail_commitment,
    )  # fmt: skip


def _changed(step: Step, row: SettlementRow) -> Refusal | None:
    """Something of the person's year moved since it was calculated: it is calculated again."""
    for name, declared, computed in (
        ("基金支付", step.amounts.fund_fen, row.fund_fen),
        ("个人账户", step.amounts.account_fen, row.account_fen),
    ):
        if declared != computed:
            params: dict[str, str | int] = {
                "name_zh": name, "declared_fen": declared, "computed_fen": computed,
            }  # fmt: skip
            return Refusal(code="REIMBURSEMENT_CHANGED", params=params)
    return None


def _entry(entry: Entry, command: Reimburse | TakeBack, row: SettlementRow) -> Entry:
    """The entry of a row commits to the step that made it, and to who was there."""
    step = replace(command.step, entry_id=row.setl_id)
    return replace(
        entry, code=EntryCode.REIMBURSED, commitment=commitment(command.filed, step, row)
    )


def _kept_lines(lines: Iterable[ClaimLine]) -> tuple[KeptLine, ...]:
    return tuple(
        KeptLine(occurred_at=f"{line.occurred_on} 00:00:00", extra={}) for line in lines
    )


def _kept(command: Reimburse) -> dict[str, object]:
    """What the sealed detail has beside lines and case."""
    papers = command.papers
    return {
        "reimbursement": str(command.filed.number), "institution": papers.claim.institution_code,
        "begins_on": str(papers.begins_on), "ends_on": str(papers.ends_on),
    }  # fmt: skip


def asked_of(filed: Filed, msgid: str, actor: str) -> Asked:
    """Who asks: the office, in the lane of the person. The number is its message, so that nothing
    books it twice."""
    return Asked(
        infno=INFNO, institution=OFFICE, msgid=msgid, operator=actor, lane=filed.lane,
        person_no=filed.person_no, message_key=keys.message_key(OFFICE.code, INFNO, msgid, 0),
        fingerprint=filed.digest,
    )  # fmt: skip
