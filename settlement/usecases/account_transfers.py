"""The personal account moves with the person (医保关系转移的个账部分, DOMAIN 7; ADR 0034).

Out: the person asks, a clerk takes the money out of the account, and the bank pays it to the other
region, or sends it back. In: it arrives at the bank and is in the account, in one entry; what
should not have come goes back, as far as it is still there. Months of coverage (缴费年限) are told
with it.

    step                     debit                    credit
    taken out                personal account         on its way out
    paid out                 on its way out           bank
    put back                 on its way out           personal account
    taken in                 bank                     personal account
    sent back                personal account         bank
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ledger.entry import Entry, EntryKind, Transfer
from settlement.chart import CONTRIBUTIONS_BANK, TRANSFERS_OUT, EntryCode
from settlement.clock import Moment
from settlement.decision import Decision
from settlement.elsewhere.off_site import covers
from settlement.people.matter_rows import MatterEventRow, MatterFact, matter_commitment
from settlement.people.matter_states import OPEN, Happening, MatterKind
from settlement.people.my_commands import AskTransfer, MoveAccount
from settlement.refusal import Refusal
from settlement.usecases import matters
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

_OUT, _IN = MatterKind.TRANSFER_OUT, MatterKind.TRANSFER_IN
_CODES: Mapping[tuple[MatterKind, Happening], EntryCode] = {
    (_OUT, Happening.TAKEN_OUT): EntryCode.ACCOUNT_TAKEN_OUT,
    (_OUT, Happening.PAID): EntryCode.ACCOUNT_PAID_OUT,
    (_OUT, Happening.RETURNED): EntryCode.ACCOUNT_PUT_BACK,
    (_IN, Happening.PAID): EntryCode.ACCOUNT_TAKEN_IN,
    (_IN, Happening.RETURNED): EntryCode.ACCOUNT_SENT_BACK,
}


def ask(command: AskTransfer, view: View, world: World, moment: Moment) -> Decision:
    """Ask for the account to be moved; one at a time."""
    again = matters.answered_before(command, view)
    if again is not None:
        return again
    person = matters.acting_on(command, view, world, moment)
    if isinstance(person, Refusal):
        return Decision(person)
    if covers(command.wanted.region, world.region):
        return Decision(
            Refusal(
                code="TRANSFER_REGION_OWN", field="region",
                params={"value": command.wanted.region},
            )
        )  # fmt: skip
    for fact in view.matters.get(command.asked.person_no, {}).values():
        if fact.row.kind is command.kind and fact.state in OPEN:
            number = str(fact.row.matter_no)
            return Decision(Refusal(code="MATTER_OPEN_ALREADY", params={"matter_no": number}))
    refused = matters.room_for(view, command.asked.person_no)
    if refused is not None:
        return Decision(refused)
    fact = matters.opened(command, command.kind, command.wanted, world, moment)
    effects = matters.nothing_else(command)
    return matters.written(
        command, fact, fact.events, world, moment, effects=effects, is_new=True
    )


def move(command: MoveAccount, view: View, world: World, moment: Moment) -> Decision:
    """Book a step. Asked a second time, nothing happens; with another amount, it is refused."""
    person = matters.acting_on(command, view, world, moment)
    if isinstance(person, Refusal):
        return Decision(person)
    known = view.matters.get(command.asked.person_no, {}).get(command.matter_no)
    booked = None if known is None else known.when(command.happening)
    if booked is not None and _said(booked) != _meant(command):
        return Decision(Refusal(code="TRANSFER_BOOKED_OTHERWISE", field="amount"))
    fact = matters.found(command, view, command.matter_no, command.happening)
    if isinstance(fact, Decision):
        return fact
    refused = _movable(command, fact, person)
    if refused is not None:
        return Decision(refused)
    event, entry, change_fen = _booked(command, fact, person, world, moment)
    asked = command.asked
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(), entry=entry,
        account_change_fen=change_fen,
    )  # fmt: skip
    fact.events.append(event)
    return matters.written(command, fact, [event], world, moment, effects=effects)


def _said(event: MatterEventRow) -> tuple[int, str]:
    return event.amount_fen, event.reference


def _meant(command: MoveAccount) -> tuple[int, str]:
    return command.amount_fen, command.reference


def _movable(command: MoveAccount, fact: MatterFact, person: PersonFacts) -> Refusal | None:
    """Nothing is under way that the account is held for; what ends a step has its amount; and
    nobody is left owing."""
    kind, happening = fact.row.kind, command.happening
    first = fact.when(Happening.TAKEN_OUT if kind is _OUT else Happening.PAID)
    if first is not None and command.amount_fen != first.amount_fen:
        return Refusal(
            code="TRANSFER_AMOUNT_DIFFERS", field="amount",
            params={"declared_fen": command.amount_fen, "computed_fen": first.amount_fen},
        )  # fmt: skip
    if not _takes_out(kind, happening):
        return None
    if person.undertaking is not None:
        return Refusal(code="UNDERTAKING_OPEN", field="person_no")
    if command.amount_fen > person.balance_fen:
        return Refusal(
            code="TRANSFER_EXCEEDS_BALANCE", field="amount",
            params={"declared_fen": command.amount_fen, "computed_fen": person.balance_fen},
        )  # fmt: skip
    return None


def _takes_out(kind: MatterKind, happening: Happening) -> bool:
    return (kind, happening) in ((_OUT, Happening.TAKEN_OUT), (_IN, Happening.RETURNED))


def _booked(
    command: MoveAccount, fact: MatterFact, person: PersonFacts, world: World, moment: Moment
) -> tuple[MatterEventRow, Entry | None, int]:
    """The event, the entry behind it, and what it changes for the account. Where there is no money
    only the months of coverage move."""
    event = replace(
        matters.event_of(fact, command.happening, command, moment, note=command.note),
        reference=command.reference, coverage_months=command.coverage_months,
    )  # fmt: skip
    if not command.amount_fen:
        return event, None, 0
    number = world.next_number(fact.row.lane, moment.business_day)
    event = replace(event, entry_id=number, amount_fen=command.amount_fen)
    debit, credit = _legs(fact.row.kind, command.happening, person.account)
    entry = Entry(
        lane=fact.row.lane, entry_id=number, kind=EntryKind.SINGLE,
        code=_CODES[fact.row.kind, command.happening],
        transfers=(Transfer(debit, credit, command.amount_fen),),
        commitment=matter_commitment(event),
    )  # fmt: skip
    if credit == person.account:
        return event, entry, command.amount_fen
    return event, entry, -command.amount_fen if debit == person.account else 0


def _legs(kind: MatterKind, happening: Happening, account: int) -> tuple[int, int]:
    """What is debited and what is credited."""
    match kind, happening:
        case MatterKind.TRANSFER_OUT, Happening.TAKEN_OUT:
            return account, TRANSFERS_OUT
        case MatterKind.TRANSFER_OUT, Happening.PAID:
            return TRANSFERS_OUT, CONTRIBUTIONS_BANK
        case MatterKind.TRANSFER_OUT, Happening.RETURNED:
            return TRANSFERS_OUT, account
        case MatterKind.TRANSFER_IN, Happening.PAID:
            return CONTRIBUTIONS_BANK, account
        case MatterKind.TRANSFER_IN, Happening.RETURNED:
            return account, CONTRIBUTIONS_BANK
    raise ValueError(f"{happening.name} moves nothing of {kind.name}")
