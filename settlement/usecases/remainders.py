"""What stays sold once some lines of a paid order came back (DOMAIN 12): settled anew on the
original day, in the commit that cancels the whole.

Of a purchase the remainder is one, too. Of a visit it is the same charge batch with fewer lines:
the visit learns that the old ones are withdrawn and others uploaded, as if the hospital had done so
between a cancel and another settlement. Boxes of a line that came back whole are free again, those
of a line of which something stays remain sold: nobody says which of them came back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from settlement import chart
from settlement.claim import PRICE_SCALE, QUANTITY_SCALE, Claim, ClaimLine
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.entitlement import dates_of
from settlement.institution import Institution
from settlement.postings import collecting_transfers, settlement_transfers
from settlement.refusal import Refusal
from settlement.rows import (
    Detail,
    EventKind,
    EventRow,
    KeptLine,
    SettlementRow,
    commitment,
)
from settlement.trace import Mark, boxes_of, marks_text
from settlement.translate.pieces import marks_kept
from settlement.usecases import booking
from settlement.usecases.adjudication import Adjudicated, adjudicate_claim, however_old
from settlement.usecases.at_once import detail_of
from settlement.usecases.settle import disease_of
from settlement.usecases.traces import trace_rows
from settlement.usecases.visit_money import event_of
from settlement.usecases.visit_payloads import (
    Upload,
    UploadedLine,
    open_description,
    seal_payload,
    visit_record,
)
from settlement.view import Effects, PersonFacts, SettlementFact, View, VisitFact, fold_visit
from settlement.world import World

_FEN_PER_PRICE = PRICE_SCALE // 100 * QUANTITY_SCALE
Back = Sequence[tuple[str, int]]
"""Numbers of lines, and how much of each comes back (four decimals)."""


def rest_of(
    back: Back, claim: Claim, fact: SettlementFact, view: View, world: World
) -> Claim | Refusal:
    """What stays sold: the lines as they stand, less what comes back."""
    coming = dict(back)
    if len(coming) < len(back):
        return no_line(back[0][0])
    detail = detail_of(fact, world)
    lines = []
    for settled in detail.lines:
        line = settled.priced.line
        quantity_e4 = coming.pop(line.line_no, None)
        if quantity_e4 is None:
            lines.append(line)
            continue
        if not 0 < quantity_e4 <= line.quantity_e4:
            return no_line(line.line_no)
        if quantity_e4 < line.quantity_e4:
            lines.append(_less(line, quantity_e4))
    if coming:
        return no_line(next(iter(coming)))
    total_fen = sum(line.amount_fen for line in lines)
    disease = claim.disease or _disease(fact, detail, view, world)
    return replace(claim, lines=tuple(lines), total_fen=total_fen, disease=disease)


def no_line(line_no: str) -> Refusal:
    """The order has no such line, or less of it."""
    return Refusal(code="REFUND_LINE_UNKNOWN", field="lines", params={"line_no": line_no})


def as_left_by(view: View, effects: Effects) -> View:
    """The person as a cancel leaves them; the view itself is not changed."""
    after = View()
    person = view.persons[effects.person_no]
    after.persons[effects.person_no] = replace(person, years=dict(person.years))
    after.settlements = {number: replace(fact) for number, fact in view.settlements.items()}
    after.visits = view.visits
    after.apply(replace(effects, events=(), messages=()))
    return after


class Rest(Struct, frozen=True):
    """How what stays sold is settled, on what is known once the whole is cancelled."""

    decided: Adjudicated
    after: View


def decided_anew(
    asked: Asked, fact: SettlementFact, rest: Claim, cancelled: Effects, view: View,
    world: World, moment: Moment,
) -> Rest | Refusal:  # fmt: skip
    """The rest on the original service date, decided on the year as the cancel leaves it. It may
    not cost more than the whole did. How late it may be the window of cancels has decided, as long
    as the sums of that year are kept."""
    if str(fact.row.year) in view.persons[asked.person_no].years:
        world = however_old(world, dates_of(rest).earliest, moment)
    after = as_left_by(view, cancelled)
    person = after.persons[asked.person_no]
    decided = adjudicate_claim(
        rest, credential_kind=fact.row.credential_type, person=person,
        institution=_when_sold(asked.institution, rest), world=world, moment=moment,
    )  # fmt: skip
    if isinstance(decided, Refusal):
        return decided
    before_fen, after_fen = fact.row.cash_fen, decided.benefit.cash_fen
    if after_fen > before_fen:
        return Refusal(
            code="REFUND_COSTS_MORE", field="lines",
            params={"before_fen": before_fen, "after_fen": after_fen},
        )  # fmt: skip
    return Rest(decided, after)


def resettled(
    asked: Asked, fact: SettlementFact, decided: Adjudicated, cancelled: Effects, after: View,
    world: World, moment: Moment, *, by_channel: bool,
) -> tuple[SettlementRow, Effects]:  # fmt: skip
    """The settlement of what stays sold. Nobody pays anything: it was collected before, by a
    channel or by the institution itself."""
    setl_id = world.next_number(asked.lane, moment.business_day)
    person = after.persons[asked.person_no]
    visit = after.visits.get(fact.row.mdtrt_id)
    before = detail_of(fact, world)
    kept = {one.priced.line.line_no: one.kept for one in before.lines}
    kept_lines = tuple(kept[one.line.line_no] for one in decided.lines)
    detail = booking.detail_of(decided, kept_lines, before.kept)
    sealed = booking.seal_detail(
        detail, world.keyring, booking.detail_record(asked.lane, setl_id)
    )
    row = booking.settlement_row(
        decided, asked=asked, person=person, moment=moment, setl_id=setl_id,
        mdtrt_id=setl_id if visit is None else visit.row.mdtrt_id,
        business_key=fact.row.business_key, invoice_no=fact.row.invoice_no,
        credential_type=fact.row.credential_type, detail_commitment=sealed.commitment,
    )  # fmt: skip
    reads = world.profile.traces.are_read
    lines = decided.claim.lines if reads else ()
    marks = marks_kept(lines, kept_lines[: len(lines)], world.keyring.digest_key)
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no, messages=(), settlement=row, detail=sealed,
        entry=_entry(asked, decided, row, person, by_channel=by_channel),
        account_change_fen=-row.account_fen, increments=decided.benefit.increments,
        latest_of_year=setl_id,
        traces=trace_rows(boxes_of(marks), asked.lane, setl_id),
        events=() if visit is None else _uploaded_anew(
            asked, fact, visit, decided, kept_lines, marks, setl_id, len(cancelled.events), world
        ),
    )  # fmt: skip
    return row, effects


def _when_sold(institution: Institution, rest: Claim) -> Institution:
    """The institution with an agreement in force that has this care: it had one when the whole was
    settled, and what became of it since takes nothing from what stays sold (DOMAIN 19)."""
    return replace(
        institution, suspended=False, agreement_from=date.min, agreement_to=date.max,
        care_types=institution.care_types | {rest.care_type},
    )  # fmt: skip


def _less(line: ClaimLine, quantity_e4: int) -> ClaimLine:
    """The line without so much of it; its amount is price times what is left (DOMAIN 23)."""
    left_e4 = line.quantity_e4 - quantity_e4
    amount_fen = (2 * line.price_e6 * left_e4 + _FEN_PER_PRICE) // (2 * _FEN_PER_PRICE)
    return replace(line, quantity_e4=left_e4, amount_fen=amount_fen)


def _disease(fact: SettlementFact, detail: Detail, view: View, world: World) -> str:
    """Of a visit, that of its lines or of its description; a purchase's is in its claim."""
    visit = view.visits.get(fact.row.mdtrt_id)
    if visit is None:
        return ""
    diagnosis = fold_visit(visit).diagnosis
    if diagnosis is None:
        return ""
    description = open_description(diagnosis, world.keyring)
    return disease_of([one.kept for one in detail.lines], description)


def _entry(
    asked: Asked, decided: Adjudicated, row: SettlementRow, person: PersonFacts, *,
    by_channel: bool,
) -> Entry:  # fmt: skip
    base = asked.institution.account_base
    transfers = settlement_transfers(
        funds=booking.fund_legs(decided.benefit.shares), account_fen=row.account_fen,
        cash_fen=0 if by_channel else row.cash_fen, hospital_fen=row.hospital_fen,
        institution_base=base, personal_account=person.account,
    )  # fmt: skip
    if row.cash_fen and by_channel:
        transfers += collecting_transfers(amount_fen=row.cash_fen, institution_base=base)
    return Entry(
        lane=row.lane, entry_id=row.setl_id, kind=EntryKind.SINGLE,
        code=chart.EntryCode.SETTLEMENT, transfers=transfers, commitment=commitment(row),
    )  # fmt: skip


def _uploaded_anew(
    asked: Asked, fact: SettlementFact, visit: VisitFact, decided: Adjudicated,
    kept_lines: Sequence[KeptLine], marks: list[Mark], setl_id: int, after: int, world: World,
) -> tuple[EventRow, ...]:  # fmt: skip
    """What the visit learns once it knows that the batch is open again: fewer lines, settled."""
    settled = fold_visit(visit).settled.items()
    batch_no = next(batch for batch, number in settled if number == fact.row.setl_id)
    gone = event_of(visit, EventKind.LINES_WITHDRAWN, batch_no=batch_no, after=after)
    come = event_of(visit, EventKind.LINES, marks_text(marks), batch_no=batch_no, after=after + 1)
    upload = Upload(
        msgid=f"{asked.infno} {asked.msgid}",  # no message's: whoever sends 2204 again sees its own
        lines=tuple(
            UploadedLine(position=n, priced=line, kept=kept)
            for n, (line, kept) in enumerate(zip(decided.lines, kept_lines, strict=True))
        ),
    )
    record = visit_record(come.lane, come.mdtrt_id, come.event_no)
    payload = seal_payload(upload, world.keyring, record)
    done = event_of(visit, EventKind.SETTLED, batch_no=batch_no, after=after + 2)
    return gone, replace(come, payload=payload), replace(done, setl_id=setl_id)
