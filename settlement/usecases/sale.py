"""A pharmacy sale (药店结算), or the quote of one (药店预结算): 2101, 2102.

Decided in steps (usecases/steps.py). Guards come in the order in which a caller can mend them; a
quote stops before it books and leaves nothing behind.
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from settlement.clock import Moment
from settlement.commands import Purchase
from settlement.decision import Answer, Decision
from settlement.entitlement import dates_of
from settlement.pricing import price, totals_of
from settlement.refusal import Refusal
from settlement.rows import Detail, MessageOutcome, SealedDetail, SettlementRow
from settlement.translate import answers
from settlement.usecases import booking, checks, family, mappings, remote_settle, traces
from settlement.usecases.adjudication import Adjudicated, adjudicate_claim
from settlement.usecases.remote_drafts import EXTENDED, Bill
from settlement.usecases.replay import replayed
from settlement.usecases.steps import Steps
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)


class Sale:
    """A sale on its way through the steps; what a step finds out, the next ones use."""

    __slots__ = ("command", "decided", "detail", "effects", "person", "row", "sealed", "setl_id",
                 "warning")  # fmt: skip

    command: Purchase
    person: PersonFacts
    decided: Adjudicated
    detail: Detail
    setl_id: int
    sealed: SealedDetail
    row: SettlementRow
    effects: Effects | None

    def __init__(self, command: Purchase) -> None:
        self.command = command
        self.effects = None
        self.warning = ""


def admit(sale: Sale, view: View, world: World, moment: Moment) -> Decision | None:
    """The message is new, the person and the credential are right, the claim was not settled."""
    command = sale.command
    if not command.quote:
        again = replayed(command, view, world, moment)
        if again is not None:
            return again
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = checks.check_credential(command, command.credential, person, view, moment)
    if refused is not None:
        return Decision(refused)
    if person.home_region:
        again = remote_settle.under_way(command, person, view, world)
        if again is not None:
            return again
    if person.undertaking is not None and not command.quote:
        refused = family.open_undertaking(person, command)
        if refused is not None:
            return Decision(refused)
    if person.open_stay is not None:
        refused = checks.in_hospital(person, command.claim.care_type, world)
        if refused is not None:
            return Decision(refused)
    standing = view.standing.get(command.business_key)
    if standing is not None and not command.quote:
        return Decision(checks.already_settled(standing))
    sale.person = person
    return None


def adjudicate(sale: Sale, view: View, world: World, moment: Moment) -> Decision | None:
    """Price, entitle, share."""
    command = sale.command
    claim = command.claim
    if world.profile.reads_mappings:
        checked = mappings.check_lines(claim.lines, command.asked, view, world)
        if isinstance(checked, Refusal):
            return Decision(checked)
        claim, sale.warning = replace(claim, lines=checked.lines), checked.warning
    if world.profile.traces.are_read:
        said = traces.check_traces(command.traces, claim.lines, view, world)
        if isinstance(said, Refusal):
            return Decision(said)
        sale.warning = traces.joined(sale.warning, said)
    if sale.person.home_region:
        return _sell_abroad(replace(command, claim=claim), sale.person, view, world, moment)
    decided = adjudicate_claim(
        claim, credential_kind=command.credential.kind, person=sale.person,
        institution=command.asked.institution, world=world, moment=moment,
        family=family.accounts_of(command.pledge) if command.pledge else (),
    )  # fmt: skip
    if isinstance(decided, Refusal):
        return Decision(decided)
    sale.decided = decided
    if command.pledge is None and sale.person.undertaking is None:
        return None
    said = family.warning_of(command, decided, sale.person, quote=command.quote)
    sale.warning = "；".join(filter(None, (sale.warning, said)))
    return family.ask_relatives(
        command, decided, sale.person, view, moment, quote=command.quote
    )


def _sell_abroad(
    command: Purchase, person: PersonFacts, view: View, world: World, moment: Moment
) -> Decision:
    """The same for somebody whose region shares it."""
    claim = command.claim
    lines = price(claim, world.catalogue, command.asked.institution, world.profile)
    if isinstance(lines, Refusal):
        return Decision(lines)
    bill = Bill(
        claim=claim, totals=totals_of(lines), dates=dates_of(claim), lines=lines,
        kept_lines=command.kept_lines, business_key=command.business_key,
        boxes=traces.boxes_sold(command.traces), said=(command.kept.get(EXTENDED),),
    )  # fmt: skip
    return remote_settle.decide(command, bill, person, view, world, moment)


def seal(sale: Sale, view: View, world: World, moment: Moment) -> None:
    """Give it a number, and seal what is personal; a quote gets neither."""
    command = sale.command
    sale.detail = booking.detail_of(sale.decided, command.kept_lines, command.kept)
    if command.quote:
        sale.setl_id = _UNNUMBERED
        return
    lane = command.asked.lane
    sale.setl_id = world.next_number(lane, moment.business_day)
    sale.sealed = booking.seal_detail(
        sale.detail, world.keyring, booking.detail_record(lane, sale.setl_id)
    )


def write_row(sale: Sale, view: View, world: World, moment: Moment) -> None:
    """The settlement row, from which every answer is rendered."""
    command = sale.command
    sale.row = booking.settlement_row(
        sale.decided, asked=command.asked, person=sale.person, moment=moment,
        setl_id=sale.setl_id, mdtrt_id=sale.setl_id, business_key=command.business_key,
        invoice_no=command.invoice_no, credential_type=command.credential.kind,
        detail_commitment=_UNCOMMITTED if command.quote else sale.sealed.commitment,
    )  # fmt: skip


def book(sale: Sale, view: View, world: World, moment: Moment) -> None:
    """The ledger entry, and all that is to be written."""
    if sale.command.quote:
        return
    asked, row = sale.command.asked, sale.row
    sale.effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, row.setl_id),),
        settlement=row,
        detail=sale.sealed,
        entry=booking.settlement_entry(sale.decided, row, asked, sale.person.account),
        account_change_fen=-booking.own_account_fen(row),
        increments=sale.decided.benefit.increments,
        latest_of_year=row.setl_id,
        traces=traces.trace_rows(
            traces.boxes_sold(sale.command.traces), asked.lane, row.setl_id
        ) if sale.command.traces else (),
    )
    if sale.command.pledge is not None:
        sale.effects = family.settled_with(sale.command, row, sale.effects)


def answer(sale: Sale, view: View, world: World, moment: Moment) -> Decision:
    """What the sender will read, written while the database writes."""
    decided = sale.decided
    later = partial(
        answers.purchase_reply, sale.row, sale.detail.lines, sale.person.identity, decided.policy,
        world.profile, decided.benefit.shares,
    )  # fmt: skip
    return Decision(Answer(later=later, warning=sale.warning), sale.effects)


TOGETHER = 128
"""A sale brings its few lines with it; whole batches were fastest."""
STEPS = Steps(Sale, (admit, adjudicate, seal, write_row, book, answer), TOGETHER)
purchase = STEPS.decide
"""Decide one sale by itself."""
