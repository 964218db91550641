"""Relatives' accounts help to pay (家庭共济), in the lane of the patient (DOMAIN 24, ADR 0023).

A claim that may use them is decided twice. The first time says what relatives are to pay, and opens
an undertaking of the patient: until it ends nothing else is settled for them (DOMAIN 13). Then
money of relatives' accounts is held, each in its own lane (usecases/relatives.py). The second time
settles the claim with what is held, and ends the undertaking in the same commit. What becomes of
each hold is decided by that commit alone: it pays if the settlement names it.
"""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from settlement.benefit import payable_by_family
from settlement.case import FamilyAccount
from settlement.clock import Moment
from settlement.commands import Asked, Command, EndUndertaking, Pledge
from settlement.decision import Answer, Decision, Wanted
from settlement.person import FamilyLink
from settlement.policy.model import Policy
from settlement.refusal import Refusal
from settlement.rows import SettlementRow, ShareRow, UndertakingKind, UndertakingRow
from settlement.usecases.adjudication import Adjudicated
from settlement.view import Effects, PersonFacts, View

NOT_USED = "本次未使用家庭共济账户"
"""Warning where relatives might have paid and did not."""
PROVISIONAL = "该参保人有未完结结算，预结算结果仅供参考"
"""Warning of a quote while something is under way."""


def open_undertaking(person: PersonFacts, command: Command) -> Refusal | None:
    """Something is under way for the person, other than this very command (DOMAIN 13)."""
    pledge = command.pledge
    if person.undertaking is None or (
        pledge is not None and pledge.undertaking_id == person.undertaking
    ):
        return None
    return Refusal(code="UNDERTAKING_OPEN", field="person_no")


def accounts_of(pledge: Pledge | None) -> tuple[FamilyAccount, ...]:
    """What relatives may pay: what is held of their accounts, in their order."""
    if pledge is None:
        return ()
    return tuple(
        FamilyAccount(person_no=hold.donor_no, relation=hold.relation, balance_fen=hold.amount_fen)
        for hold in pledge.holds
    )


def ask_relatives(
    command: Command, decided: Adjudicated, person: PersonFacts, view: View, moment: Moment,
    *, quote: bool,
) -> Decision | None:  # fmt: skip
    """The first time: what relatives are to pay; None where they pay nothing, or have been asked.
    The second time: a refusal where what is held is not what it must be."""
    pledge = command.pledge
    if pledge is None:
        return None
    wanted_fen = payable_by_family(decided.case, decided.policy)
    if pledge.wanted_fen is not None:
        refused = None if quote else _not_as_pledged(pledge, wanted_fen, decided, person)
        return None if refused is None else Decision(refused)
    links = view.families.get(person.person_no, ())
    donors = _donors(links, decided.policy, moment.business_day)
    if not wanted_fen or not donors:
        return None
    wanted = Wanted(wanted_fen, donors)
    if quote or person.undertaking is not None:  # ours: the first try of this batch was written
        return Decision(wanted)
    opened = _undertaking(
        command.asked, pledge.undertaking_id, UndertakingKind.FAMILY_PAYMENT, wanted_fen
    )
    effects = Effects(
        lane=person.lane, person_no=person.person_no, messages=(),
        undertaking=pledge.undertaking_id, opened=opened,
    )  # fmt: skip
    return Decision(wanted, effects)


def warning_of(
    command: Command, decided: Adjudicated, person: PersonFacts, *, quote: bool
) -> str:
    """What the reader of an answer should know of relatives and of what is under way."""
    said = []
    if command.pledge is not None and not decided.benefit.family:
        said.append(NOT_USED)
    if quote and person.undertaking is not None:
        said.append(PROVISIONAL)
    return "；".join(said)


def settled_with(command: Command, row: SettlementRow, effects: Effects) -> Effects:
    """The effects of a settlement, with what relatives pay of it; the undertaking ends."""
    pledge = command.pledge
    if pledge is None:
        return effects
    shares = tuple(
        ShareRow(
            lane=row.lane, setl_id=row.setl_id, hold_id=hold.hold_id, donor_no=hold.donor_no,
            amount_fen=hold.amount_fen,
        )
        for hold in pledge.holds
    )  # fmt: skip
    return replace(effects, shares=shares, undertaking=None)


def undone_with(original: SettlementRow, asked: Asked, effects: Effects, view: View) -> Effects:
    """The effects of undoing a settlement, with what relatives get back. That is under way until
    each of them has it: only the undertaking remembers it."""
    if effects.settlement is None or not original.family_account_fen:
        return effects
    setl_id = effects.settlement.setl_id
    shares = tuple(
        replace(share, setl_id=setl_id, amount_fen=-share.amount_fen)
        for share in view.shares[original.setl_id]
    )
    opened = _undertaking(
        asked, setl_id, UndertakingKind.FAMILY_RETURN, original.family_account_fen
    )
    return replace(effects, shares=shares, undertaking=setl_id, opened=opened)


def end_undertaking(
    command: EndUndertaking, view: View, world: object, moment: Moment
) -> Decision:
    """Nothing is under way any more; nothing to do where that is so already."""
    person = view.persons.get(command.asked.person_no)
    if person is None or person.undertaking != command.undertaking_id:
        return Decision(Answer())
    effects = Effects(
        lane=person.lane, person_no=person.person_no, messages=(), undertaking=None
    )
    return Decision(Answer(), effects)


def _donors(
    links: tuple[FamilyLink, ...], policy: Policy, on: date
) -> tuple[FamilyLink, ...]:
    """Relatives of the policy's list who consent on the day of settling, in their order: consent
    is to money leaving now, whenever the care was given."""
    rules = policy.account
    if rules is None or rules.family is None:
        return ()
    relations = rules.family.relations
    standing = [
        link for link in links
        if link.relation in relations and link.consented_on <= on <= link.ends_on
    ]  # fmt: skip
    return tuple(sorted(standing, key=lambda link: link.order))


def _not_as_pledged(
    pledge: Pledge, wanted_fen: int, decided: Adjudicated, person: PersonFacts
) -> Refusal | None:
    if person.undertaking != pledge.undertaking_id:
        return Refusal(code="UNDERTAKING_LAPSED")
    paid = [(one.person_no, one.amount_fen) for one in decided.benefit.family]
    held = [(hold.donor_no, hold.amount_fen) for hold in pledge.holds]
    if wanted_fen != pledge.wanted_fen or paid != held:
        return Refusal(code="FAMILY_CLAIM_CHANGED")
    return None


def _undertaking(
    asked: Asked, undertaking_id: int, kind: UndertakingKind, amount_fen: int
) -> UndertakingRow:
    return UndertakingRow(
        lane=asked.lane, undertaking_id=undertaking_id, kind=kind, psn_no=asked.person_no,
        institution=asked.institution.code, infno=asked.infno, msgid=asked.msgid,
        amount_fen=amount_fen,
    )  # fmt: skip
