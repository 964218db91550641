"""Orders of mobile payment (移动支付): upload, place, confirm, find (ADR 0032).

An order is a visit with one charge batch: the use cases of visits price its lines and settle them.
Here their effects become one commit, and a settlement that is not confirmed yet becomes a hold.
How an order ends otherwise is in `mobile_ending`.
"""

from __future__ import annotations

import copy
from datetime import timedelta

from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from protocol.nhsa import canonical
from settlement import chart, keys
from settlement.claim import CareKind
from settlement.clock import Moment
from settlement.commands import SettleVisit
from settlement.decision import Answer, Decision
from settlement.institution import InstitutionKind
from settlement.payments.mobile_commands import (
    ConfirmOrder,
    FindMobileOrder,
    PlaceOrder,
    UploadOrder,
)
from settlement.payments.mobile_rows import (
    MobileDueRow,
    MobileFact,
    MobileOrderRow,
    event_row,
    hold_commitment,
)
from settlement.payments.mobile_states import NEXT, SAME, Happening, OrderEvent, State
from settlement.payments.mobile_timers import HOLD_SECONDS, SAVED_SECONDS
from settlement.refusal import Refusal
from settlement.rows import (
    EventKind,
    EventRow,
    MessageOutcome,
    MessageRow,
    SettlementRow,
    commitment,
)
from settlement.translate import mobile_answers
from settlement.usecases import booking, checks, mobile_custody, settle, visit_lines, visits
from settlement.usecases.mobile_notices import told
from settlement.usecases.mobile_payloads import (
    Held,
    Uploaded,
    is_same_token,
    open_held,
    open_uploaded,
    pay_token,
    seal_held,
    seal_uploaded,
)
from settlement.view import Effects, View, VisitFact, fold_visit
from settlement.world import World


def upload(command: UploadOrder, view: View, world: World, moment: Moment) -> Decision:
    """Register, describe, upload lines and quote, in one commit (6201)."""
    again = _uploaded_before(command, view, world)
    if again is not None:
        return again
    asked = command.asked
    if not command.same_order:
        return Decision(Refusal(code="MOBILE_LINES_DIFFER", field="lines"))
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    own = _of_person(view, asked.person_no)
    opened = _opened(command, own, world, moment)
    if isinstance(opened, Refusal):
        return Decision(opened)
    effects, mdtrt_id, warning = opened
    kind = _care_kind(command)
    quote = replace(command.quote, mdtrt_id=mdtrt_id, kind=kind)
    quoted = settle.settle_visit(quote, own, world, moment)
    if isinstance(quoted.reply, Refusal):
        return Decision(quoted.reply)
    order_no = world.next_number(asked.lane, moment.business_day)
    uploaded = Uploaded(
        scheme=quote.scheme, care_type=quote.care_type, kind=kind,
        account_use=quote.account_use, invoice_no=quote.invoice_no, kept=quote.kept,
        token_key=command.token_key, own_visit=command.register is not None,
    )  # fmt: skip
    row = MobileOrderRow(
        lane=asked.lane, order_no=order_no, opened_at=moment.at, psn_no=asked.person_no,
        institution=asked.institution.code, institution_order_no=command.order_no,
        mdtrt_id=mdtrt_id, batch_no=quote.batch_no, total_fen=quote.total_fen,
        payload=seal_uploaded(uploaded, world.keyring, asked.lane, order_no),
    )  # fmt: skip
    event = OrderEvent(number=1, happening=Happening.UPLOADED, at=moment.at)
    due_at = moment.at + timedelta(seconds=SAVED_SECONDS)
    effects = replace(
        effects,
        messages=(booking.message_of(asked, MessageOutcome.MOBILE, order_no),),
        mobile_orders=(row,),
        mobile_events=(event_row(asked.lane, order_no, event),),
        mobile_due=(MobileDueRow(lane=asked.lane, order_no=order_no, due_at=due_at),),
    )
    output = mobile_answers.uploaded(row, world)
    return Decision(Answer(output=output, warning=warning), effects)


def _uploaded_before(command: UploadOrder, view: View, world: World) -> Decision | None:
    """The first answer, to an order that was uploaded before; None for a new one."""
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    if message is None:
        return None
    part = canonical.differs(message.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(
            Refusal(code="MOBILE_ORDER_CONFLICT", field="order_no", params={"part": part})
        )
    output = mobile_answers.uploaded(view.mobile[message.ref].row, world)
    return Decision(Answer(output=output, replayed=True))


def _of_person(view: View, person_no: str) -> View:
    """What is known of one person, to try several steps on: perhaps none of them is written."""
    own = View()
    person = copy.copy(view.persons[person_no])
    person.years = dict(person.years)
    own.persons = {person_no: person}
    own.visits = {
        number: VisitFact(row=fact.row, events=list(fact.events))
        for number, fact in view.visits.items()
    }
    own.tokens, own.mappings, own.traces = view.tokens, view.mappings, view.traces
    return own


def _opened(
    command: UploadOrder, own: View, world: World, moment: Moment
) -> tuple[Effects, int, str] | Refusal:
    """The visit with its lines: effects of all steps together, its number, and a warning."""
    mdtrt_id, visit, warnings = command.describe.mdtrt_id, None, []
    if command.register is not None:
        registered = visits.register(command.register, own, world, moment)
        if registered.effects is None or registered.effects.visit is None:
            return _refusal_of(registered)
        own.apply(_without_message(registered.effects))
        visit = registered.effects.visit
        mdtrt_id = visit.mdtrt_id
        warnings.append(_warning_of(registered))
    else:
        taken = _batch_taken(command, own)
        if taken is not None:
            return taken
    described = visits.describe(
        replace(command.describe, mdtrt_id=mdtrt_id), own, world, moment
    )
    if described.effects is None:
        return _refusal_of(described)
    own.apply(_without_message(described.effects))
    lines = visit_lines.upload(replace(command.upload, mdtrt_id=mdtrt_id), own, world, moment)
    if lines.effects is None:
        return _refusal_of(lines)
    own.apply(_without_message(lines.effects))
    warnings.append(_warning_of(lines))
    asked = command.asked
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(), visit=visit,
        events=(*described.effects.events, *lines.effects.events),
    )  # fmt: skip
    return effects, mdtrt_id, "；".join(filter(None, warnings))


def _without_message(effects: Effects) -> Effects:
    """A step's effects; the message is that of the order, not of the step."""
    return replace(effects, messages=())


def _batch_taken(command: UploadOrder, own: View) -> Refusal | None:
    """An order brings the whole of a charge batch: lines that are there already would be settled
    with it, and perhaps by another order too."""
    visit = own.visits.get(command.describe.mdtrt_id)
    batch_no = command.quote.batch_no
    if visit is None or batch_no not in fold_visit(visit).batches:
        return None
    return Refusal(code="MOBILE_BATCH_TAKEN", field="batch_no", params={"value": batch_no})


def _care_kind(command: UploadOrder) -> CareKind:
    """A pharmacy's orders are decided as its sales are."""
    pharmacy = command.asked.institution.kind is InstitutionKind.PHARMACY
    return CareKind.PHARMACY if pharmacy else CareKind.OUTPATIENT


def _refusal_of(decision: Decision) -> Refusal:
    if isinstance(decision.reply, Refusal):
        return decision.reply
    raise AssertionError("a step of an upload had no effect and was not refused")


def _warning_of(decision: Decision) -> str:
    return decision.reply.warning if isinstance(decision.reply, Answer) else ""


def known_order(
    command: PlaceOrder | FindMobileOrder | ConfirmOrder, view: View, world: World
) -> MobileFact | Refusal:
    """The order, if the caller may know of it; a fact of the caller's own."""
    fact = view.mobile.get(command.order_no)
    if fact is None or fact.row.institution != command.asked.institution.code:
        return Refusal(code="MOBILE_ORDER_UNKNOWN", field="order_no")
    if not is_same_token(pay_token(world.keyring, command.order_no), command.pay_token):
        return Refusal(code="MOBILE_TOKEN_WRONG", field="pay_token")
    return fact


def place(command: PlaceOrder, view: View, world: World, moment: Moment) -> Decision:
    """The payer agrees (6202): the insurance pays, or is held until a wallet says so."""
    fact = known_order(command, view, world)
    if isinstance(fact, Refusal):
        return Decision(fact)
    row, standing = fact.row, fact.standing
    if command.mdtrt_id != row.mdtrt_id or command.batch_no not in ("", row.batch_no):
        return Decision(Refusal(code="MOBILE_ORDER_OTHER_VISIT", field="mdtrt_id"))
    follows = NEXT[standing.state, Happening.HELD if command.wallet else Happening.PAID]
    if follows is SAME or standing.state is State.HELD:
        output = mobile_answers.ordered(fact, view, world)
        return Decision(Answer(output=output, replayed=True))
    if not isinstance(follows, State):
        return Decision(Refusal(code=follows, field="order_no"))
    if moment.at >= row.opened_at + timedelta(seconds=SAVED_SECONDS):
        return Decision(Refusal(code="MOBILE_ORDER_EXPIRED", field="order_no"))
    refused = _authorised(command, view)
    if refused is not None:
        return Decision(refused)
    decided = settle.settle_visit(_settling(command, fact, world), view, world, moment)
    effects = decided.effects
    settled = None if effects is None else effects.settlement
    if effects is None or settled is None:
        return Decision(_refusal_of(decided))
    used = MessageRow(
        lane=row.lane, key=command.authorisation_key, outcome=MessageOutcome.DONE,
        ref=row.order_no, fingerprint=b"",
    )  # fmt: skip
    if command.wallet:
        return _held(command, fact, replace(effects, messages=(used,)), view, world, moment)
    effects = replace(effects, messages=(*effects.messages, used))
    return _paid(fact, effects, settled, "", view, world, moment)


def _authorised(command: PlaceOrder, view: View) -> Refusal | None:
    """An authorisation pays for one order; that it lives and is the person's the credential's check
    says."""
    if not command.credential.number:
        return Refusal(code="MOBILE_AUTHORISATION_MISSING", field="credential_number")
    used = view.messages.get((command.asked.lane, command.authorisation_key))
    if used is None or used.ref == command.order_no:
        return None
    return Refusal(code="MOBILE_AUTHORISATION_USED", field="credential_number")


def _settling(command: PlaceOrder, fact: MobileFact, world: World) -> SettleVisit:
    """The settlement that the order is: as 2207 asks for it."""
    row = fact.row
    uploaded = open_uploaded(row.payload, world.keyring, row.lane, row.order_no)
    return SettleVisit(
        asked=command.asked, token_key=command.token_key,
        business_key=keys.visit_key(row.mdtrt_id, row.batch_no, world.keyring.digest_key),
        visit_ids=(row.mdtrt_id,), mdtrt_id=row.mdtrt_id, batch_no=row.batch_no,
        scheme=uploaded.scheme, care_type=uploaded.care_type, kind=uploaded.kind,
        account_use=uploaded.account_use, total_fen=row.total_fen, declared_split=None,
        credential=command.credential, invoice_no=uploaded.invoice_no, kept=uploaded.kept,
        quote=False,
    )  # fmt: skip


def _held(
    command: PlaceOrder, fact: MobileFact, effects: Effects, view: View, world: World,
    moment: Moment,
) -> Decision:  # fmt: skip
    """What would have been booked is held: nothing of it is in force yet, and the charge batch and
    the person are not free until it is confirmed or ends."""
    row, settled = fact.row, effects.settlement
    if settled is None or effects.detail is None or effects.entry is None:
        raise AssertionError("a settlement has a row, a detail and an entry")
    transfers = effects.entry.transfers
    if command.collected_by:
        base = command.asked.institution.account_base
        transfers = mobile_custody.to_collect(transfers, base)
    held = Held(
        transfers=transfers, settlement=settled, detail=effects.detail,
        increments=effects.increments, traces=effects.traces, collected_by=command.collected_by,
    )  # fmt: skip
    event = OrderEvent(
        number=len(fact.events) + 1, happening=Happening.HELD, at=moment.at,
        setl_id=settled.setl_id, wallet=command.wallet,
        payload=seal_held(held, world.keyring, row.lane, row.order_no),
    )  # fmt: skip
    stored = event_row(row.lane, row.order_no, event)
    locked = EventRow(
        lane=row.lane, mdtrt_id=row.mdtrt_id,
        event_no=len(view.visits[row.mdtrt_id].events) + 1, kind=EventKind.HELD,
        batch_no=row.batch_no, setl_id=settled.setl_id, payload=b"",
    )  # fmt: skip
    entry = Entry(
        lane=row.lane, entry_id=row.order_no, kind=EntryKind.PENDING,
        code=chart.EntryCode.MOBILE_HOLD, transfers=held.transfers,
        commitment=hold_commitment(stored),
    )  # fmt: skip
    after = MobileFact(row=row, events=[*fact.events, event])
    due_at = moment.at + timedelta(seconds=HOLD_SECONDS)
    written = Effects(
        lane=row.lane, person_no=row.psn_no, messages=effects.messages, entry=entry,
        account_change_fen=effects.account_change_fen, undertaking=row.order_no,
        events=(locked,), mobile_events=(stored,),
        mobile_due=(MobileDueRow(lane=row.lane, order_no=row.order_no, due_at=due_at),),
        outbox=told(after, Happening.HELD, settled, view, world, moment),
    )  # fmt: skip
    output = mobile_answers.ordered(after, view, world)
    return Decision(Answer(output=output), written)


def confirm(command: ConfirmOrder, view: View, world: World, moment: Moment) -> Decision:
    """The wallet of a held order says that the payer paid there: the insurance pays, once."""
    fact = known_order(command, view, world)
    if isinstance(fact, Refusal):
        return Decision(fact)
    standing = fact.standing
    if standing.held is None or standing.wallet != command.wallet:
        return Decision(Refusal(code="MOBILE_WALLET_DIFFERS", field="order_no"))
    follows = NEXT[standing.state, Happening.DONE]
    if follows is SAME:
        output = mobile_answers.ordered(fact, view, world)
        return Decision(Answer(output=output, replayed=True))
    if not isinstance(follows, State):
        return Decision(Refusal(code=follows, field="order_no"))
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    row = fact.row
    held = open_held(standing.held.payload, world.keyring, row.lane, row.order_no)
    if command.split_fen != split_of(held.settlement):
        return Decision(Refusal(code="MOBILE_SPLIT_DIFFERS", field="amounts"))
    settled: SettlementRow = replace(
        held.settlement, setl_time=moment.at, business_day=moment.business_day,
        prior_row=person.latest_row, prior_active=person.year(held.settlement.year).latest,
    )  # fmt: skip
    entry = Entry(
        lane=row.lane, entry_id=settled.setl_id, kind=EntryKind.POST,
        code=chart.EntryCode.SETTLEMENT, transfers=held.transfers, pending_id=row.order_no,
        commitment=commitment(settled),
    )  # fmt: skip
    unlocked = EventRow(
        lane=row.lane, mdtrt_id=row.mdtrt_id,
        event_no=len(view.visits[row.mdtrt_id].events) + 1, kind=EventKind.SETTLED,
        batch_no=row.batch_no, setl_id=settled.setl_id, payload=b"",
    )  # fmt: skip
    effects = Effects(
        lane=row.lane, person_no=row.psn_no, messages=(), settlement=settled,
        detail=held.detail, entry=entry, pending=pending_of(fact, held),
        increments=held.increments, latest_of_year=settled.setl_id, traces=held.traces,
        undertaking=None, events=(unlocked,),
    )  # fmt: skip
    return _paid(
        fact, effects, settled, command.wallet_order_no, view, world, moment,
        collected_by=held.collected_by,
    )  # fmt: skip


def _paid(
    fact: MobileFact, effects: Effects, settled: SettlementRow, reference: str, view: View,
    world: World, moment: Moment, *, collected_by: str = "",
) -> Decision:  # fmt: skip
    """The settlement is booked with these effects: the order knows, and the institution is told."""
    row, wallet = fact.row, fact.standing.wallet
    done = bool(wallet) or not settled.cash_fen
    event = OrderEvent(
        number=len(fact.events) + 1, happening=Happening.DONE if done else Happening.PAID,
        at=moment.at, setl_id=settled.setl_id, reference=reference, wallet=wallet,
    )  # fmt: skip
    after = MobileFact(row=row, events=[*fact.events, event])
    effects = replace(
        effects,
        mobile_events=(event_row(row.lane, row.order_no, event),),
        mobile_due=(MobileDueRow(lane=row.lane, order_no=row.order_no, due_at=None),),
        outbox=told(after, event.happening, settled, view, world, moment),
        entries=mobile_custody.collected(after, collected_by, settled.cash_fen, world, moment),
    )
    output = mobile_answers.ordered(after, view, world, settled=settled)
    return Decision(Answer(output=output), effects)


def pending_of(fact: MobileFact, held: Held) -> Entry:
    """The pending entry of a hold, as it was booked."""
    event, row = fact.standing.held, fact.row
    if event is None:
        raise AssertionError("a hold has an event")
    return Entry(
        lane=row.lane, entry_id=row.order_no, kind=EntryKind.PENDING,
        code=chart.EntryCode.MOBILE_HOLD, transfers=held.transfers,
        commitment=hold_commitment(event_row(row.lane, row.order_no, event)),
    )  # fmt: skip


def split_of(row: SettlementRow) -> tuple[int, int, int, int]:
    """Total, funds, account and own part of a settlement."""
    return row.total_fen, row.fund_fen, row.account_fen, row.cash_fen


def find(command: FindMobileOrder, view: View, world: World, moment: Moment) -> Decision:
    """What stands of an order (6301)."""
    fact = known_order(command, view, world)
    if isinstance(fact, Refusal):
        return Decision(fact)
    person = view.persons.get(fact.row.psn_no)
    if person is None or not is_person(command.identity, view, fact):
        return Decision(Refusal(code="IDENTITY_MISMATCH", field="certificate_no"))
    return Decision(Answer(output=mobile_answers.shown(fact, view, world, moment)))


def is_person(identity: tuple[str, str, str], view: View, fact: MobileFact) -> bool:
    """Whether certificate type, number and name are those of the order's person."""
    found = view.persons[fact.row.psn_no].identity
    return identity == (found.certificate_type, found.certificate_no, found.name)
