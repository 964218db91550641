"""What a batch knows: facts as read, then changed in memory while the batch is computed.

A `View` begins with what the database said. Each decision's effects are applied to it, so a later
item of the same batch sees what an earlier one will have done. When the batch is written, the
versions read guarantee that what the view believed was still true. Pure: no I/O, no clock.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType, field, structs

from ledger.entry import Entry
from settlement.commands import LookUpPerson, Sought
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.remote_rows import (
    CaseDueRow,
    CaseEventRow,
    CaseFact,
    CaseRow,
    ElsewhereRow,
    StrangerRow,
)
from settlement.elsewhere.remote_rows import event_of as case_event_of
from settlement.payments.mobile_rows import (
    MobileDueRow,
    MobileEventRow,
    MobileFact,
    MobileOrderRow,
    OutboxRow,
)
from settlement.payments.mobile_rows import event_of as order_event_of
from settlement.payments.payment_rows import (
    DueRow,
    PaymentEventRow,
    PaymentFact,
    PaymentRow,
    event_in,
)
from settlement.people.matter_rows import MatterEventRow, MatterFact, MatterRow
from settlement.person import YEARS_KEPT, Enrolment, FamilyLink, Identity
from settlement.rows import (
    EventKind,
    EventRow,
    FilingRow,
    MappingRow,
    MessageOutcome,
    MessageRow,
    MoveRow,
    RowKind,
    SealedDetail,
    SettlementRow,
    ShareRow,
    TraceRow,
    UndertakingRow,
    UploadRow,
    VisitRow,
)


class YearDoc(Struct, kw_only=True, array_like=True, gc=False):
    """One fiscal year of a person: accumulators, and the newest settlement that stands."""

    values: dict[str, int] = field(default_factory=dict)
    latest: int | None = None
    gaps: dict[int, int | None] = field(default_factory=dict)
    """settlements that were undone while a later one stood, each with the one that stood before
    it: the way back from `latest` leads around them"""

    def without(self, setl_id: int, prior_active: int | None) -> YearDoc:
        """The year once a settlement is undone; its accumulators are changed elsewhere."""
        if self.latest is not None and self.latest != setl_id:
            gaps = {**self.gaps, setl_id: prior_active}
            return YearDoc(values=self.values, latest=self.latest, gaps=gaps)
        gaps, latest = dict(self.gaps), prior_active
        while latest is not None and latest in gaps:
            latest = gaps.pop(latest)
        return YearDoc(values=self.values, latest=latest, gaps=gaps)


_DECODE_YEARS = msgspec.json.Decoder(dict[str, YearDoc]).decode
_ENCODE = msgspec.json.Encoder().encode


class PersonFacts(Struct, kw_only=True, gc=False):
    """A person as read, with their state as the batch changes it."""

    lane: int
    person_no: str
    version: int
    account: int
    identity: Identity
    enrolments: tuple[Enrolment, ...]
    years: dict[str, YearDoc]
    balance_fen: int
    latest_row: int | None
    latest_visit: int | None
    open_stay: int | None = None
    """the stay that the person is in hospital for (在院)"""
    undertaking: int | None = None
    """what is under way for the person (未完结业务); nothing else is settled meanwhile"""
    filings: str = ""
    """the filings (备案) that stand, sealed (usecases/filing_payloads.py); empty for none"""
    home_region: str = ""
    """of somebody insured in another region (异地参保人) which; empty for our own people"""
    changed: bool = False

    def year(self, year: int) -> YearDoc:
        """The document of a fiscal year, empty where nothing counted yet."""
        return self.years.get(str(year)) or YearDoc()

    def enrolment(self, scheme: str) -> Enrolment | None:
        """The membership of a scheme."""
        for enrolment in self.enrolments:
            if enrolment.scheme == scheme:
                return enrolment
        return None


def decode_years(text: str) -> dict[str, YearDoc]:
    """The years of a person from their stored form."""
    return {} if text == "{}" else _DECODE_YEARS(text)


def encode_years(years: dict[str, YearDoc]) -> str:
    """The stored form; years older than `YEARS_KEPT` go (they can be rebuilt from settlements)."""
    if len(years) > YEARS_KEPT:
        years = {year: years[year] for year in sorted(years)[-YEARS_KEPT:]}
    return _ENCODE(years).decode()


class MessageFact(Struct, frozen=True, gc=False):
    """What a message did."""

    outcome: MessageOutcome
    ref: int
    fingerprint: bytes


class SettlementFact(Struct, kw_only=True):
    """A settlement row, its sealed detail (gone once erased), and what undid it."""

    row: SettlementRow
    detail: SealedDetail | None
    undone_by: int | None = None
    undone_kind: RowKind | None = None
    home: HomeCaseRow | None = None
    """what lies beside that of somebody treated in another region"""


class VisitFact(Struct, kw_only=True):
    """A visit and everything that happened to it, in order."""

    row: VisitRow
    events: list[EventRow]


class FilingFact(Struct, kw_only=True):
    """A filing as it was sent, and what took it back."""

    row: FilingRow
    withdrawn_by: int | None = None


class TokenFact(Struct, frozen=True, kw_only=True, gc=False):
    """An e-credential token (电子凭证令牌): where it may be used, until when."""

    institution: str
    expires_at: datetime


class Effects(Struct, frozen=True, kw_only=True, gc=False):
    """What a decision does, if it is written: rows to insert and the person's new state."""

    lane: int
    person_no: str
    messages: tuple[MessageRow, ...]
    settlement: SettlementRow | None = None
    detail: SealedDetail | None = None
    entry: Entry | None = None
    account_change_fen: int = 0
    increments: dict[str, int] = {}
    latest_of_year: int | None = None
    gaps_of_year: dict[int, int | None] | None = None
    """None: as they were"""
    visit: VisitRow | None = None
    events: tuple[EventRow, ...] = ()
    upload: UploadRow | None = None
    mappings: tuple[MappingRow, ...] = ()
    traces: tuple[TraceRow, ...] = ()
    open_stay: int | UnsetType | None = UNSET
    """the stay that the person is now in; unset: as it was"""
    filing: FilingRow | None = None
    filings: str | None = None
    """the filings that now stand, sealed; None: as they were"""
    undertaking: int | UnsetType | None = UNSET
    """what is now under way for the person; unset: as it was"""
    opened: UndertakingRow | None = None
    shares: tuple[ShareRow, ...] = ()
    """what relatives pay of the settlement, or get back"""
    move: MoveRow | None = None
    """what becomes of money of the person's account that is for a relative"""
    pending: Entry | None = None
    """the entry that `entry` posts or voids"""
    entries: tuple[Entry, ...] = ()
    """more of them"""
    payments: tuple[PaymentRow, ...] = ()
    payment_events: tuple[PaymentEventRow, ...] = ()
    due: tuple[DueRow, ...] = ()
    mobile_orders: tuple[MobileOrderRow, ...] = ()
    mobile_events: tuple[MobileEventRow, ...] = ()
    mobile_due: tuple[MobileDueRow, ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
    """what is owed to others by this commit (ADR 0032)"""
    matters: tuple[MatterRow, ...] = ()
    matter_events: tuple[MatterEventRow, ...] = ()
    home_case: HomeCaseRow | None = None
    """what lies beside a settlement of somebody treated in another region (ADR 0033)"""
    stranger: PersonFacts | None = None
    """somebody insured elsewhere as they are told of now, who was not known or has changed"""
    stranger_row: StrangerRow | None = None
    cases: tuple[CaseRow, ...] = ()
    case_events: tuple[CaseEventRow, ...] = ()
    case_due: tuple[CaseDueRow, ...] = ()
    elsewhere: ElsewhereRow | None = None
    """what lies beside `settlement` of somebody insured elsewhere"""
    then: Effects | None = None
    """what follows in the same commit: a remainder settled anew after a cancel"""

    @property
    def steps(self) -> tuple[Effects, ...]:
        """These and those that follow, in order."""
        return (self,) if self.then is None else (self, *self.then.steps)


class View:
    """The facts of one batch, by their keys."""

    __slots__ = (
        "cases", "families", "filings", "found", "mappings", "matters", "messages", "mobile",
        "moves", "payments",
        "persons", "settlements", "shares", "standing", "tokens", "traces", "visits",
    )  # fmt: skip

    def __init__(self) -> None:
        self.persons: dict[str, PersonFacts] = {}
        self.found: dict[Sought, tuple[int, str]] = {}
        """lane and number of whom a credential belongs to"""
        self.messages: dict[tuple[int, bytes], MessageFact] = {}
        self.standing: dict[bytes, int] = {}
        self.settlements: dict[int, SettlementFact] = {}
        self.visits: dict[int, VisitFact] = {}
        self.filings: dict[int, FilingFact] = {}
        self.tokens: dict[tuple[str, bytes], TokenFact] = {}
        self.traces: dict[bytes, list[TraceRow]] = {}
        """sales of boxes that stand, by the key of the trace code"""
        self.mappings: dict[tuple[str, str], list[MappingRow]] = {}
        self.families: dict[str, tuple[FamilyLink, ...]] = {}
        """relatives whose accounts may pay for a person"""
        self.moves: dict[int, list[MoveRow]] = {}
        """what became of a hold, in order"""
        self.payments: dict[int, PaymentFact] = {}
        """payments over channels, by number"""
        self.mobile: dict[int, MobileFact] = {}
        """orders of mobile payment, by number"""
        self.matters: dict[str, dict[int, MatterFact]] = {}
        """what persons have done for them (个人办件), by person and number"""
        self.cases: dict[int, CaseFact] = {}
        """cases of people insured elsewhere, by number"""
        self.shares: dict[int, list[ShareRow]] = {}
        """what relatives paid of a settlement"""

    def apply(self, effects: Effects) -> None:
        """Change the facts as the effects will change the database."""
        for step in effects.steps:
            self._apply(step)

    def _apply(self, effects: Effects) -> None:
        for message in effects.messages:
            fact = MessageFact(message.outcome, message.ref, message.fingerprint)
            self.messages[message.lane, message.key] = fact
        for trace in effects.traces:
            self.traces.setdefault(trace.key, []).append(trace)
        for row in effects.mappings:
            self.mappings.setdefault((row.institution, row.own_code), []).append(row)
        if effects.payment_events:
            self._apply_payments(effects)
        self._apply_mobile(effects)
        self._apply_cases(effects)
        person = self.persons.get(effects.person_no)
        if person is None or effects.upload is not None:  # nothing is decided on an upload
            return
        person.changed = True
        person.balance_fen += effects.account_change_fen
        if effects.settlement is not None:
            self._apply_settlement(person, effects.settlement, effects)
        if effects.visit is not None:
            person.latest_visit = effects.visit.mdtrt_id
            self.visits[effects.visit.mdtrt_id] = VisitFact(row=effects.visit, events=[])
        if effects.open_stay is not UNSET:
            person.open_stay = effects.open_stay
        if effects.filings is not None:
            person.filings = effects.filings
        if effects.filing is not None:
            self._apply_filing(effects.filing)
        if effects.undertaking is not UNSET:
            person.undertaking = effects.undertaking
        if effects.move is not None:
            self.moves.setdefault(effects.move.hold_id, []).append(effects.move)
        if effects.matter_events:
            self._apply_matters(effects)
        if effects.shares:
            self.shares[effects.shares[0].setl_id] = list(effects.shares)
        for event in effects.events:
            self.visits[event.mdtrt_id].events.append(event)

    def _apply_payments(self, effects: Effects) -> None:
        for row in effects.payments:
            self.payments[row.pay_no] = PaymentFact(row=row, events=[])
        for event in effects.payment_events:
            self.payments[event.pay_no].events.append(event_in(event))

    def _apply_mobile(self, effects: Effects) -> None:
        for row in effects.mobile_orders:
            self.mobile[row.order_no] = MobileFact(row=row, events=[])
        for event in effects.mobile_events:
            self.mobile[event.order_no].events.append(
                order_event_of(
                    event_no=event.event_no, kind=event.kind, recorded_at=event.recorded_at,
                    setl_id=event.setl_id, content=event.content, payload=event.payload,
                )
            )  # fmt: skip

    def _apply_matters(self, effects: Effects) -> None:
        known = self.matters.setdefault(effects.person_no, {})
        for row in effects.matters:
            known[row.matter_no] = MatterFact(row=row, events=[])
        for event in effects.matter_events:
            known[event.matter_no].events.append(event)

    def _apply_cases(self, effects: Effects) -> None:
        if effects.stranger is not None:
            self.persons[effects.stranger.person_no] = effects.stranger
        for row in effects.cases:
            self.cases[row.case_no] = CaseFact(row=row, events=[])
        for event in effects.case_events:
            self.cases[event.case_no].events.append(case_event_of(event))

    def _apply_filing(self, row: FilingRow) -> None:
        if row.withdraws is None:
            self.filings[row.filing_no] = FilingFact(row=row)
        else:
            self.filings[row.withdraws].withdrawn_by = row.filing_no

    def _apply_settlement(self, person: PersonFacts, row: SettlementRow, effects: Effects) -> None:
        person.latest_row = row.setl_id
        before = person.year(row.year)
        values = dict(before.values)
        for name, change in effects.increments.items():
            values[name] = values.get(name, 0) + change
        gaps = before.gaps if effects.gaps_of_year is None else effects.gaps_of_year
        person.years[str(row.year)] = YearDoc(
            values=values, latest=effects.latest_of_year, gaps=gaps
        )
        self.settlements[row.setl_id] = SettlementFact(
            row=row, detail=effects.detail, home=effects.home_case
        )
        if row.undoes_setl_id is None:
            self.standing[row.business_key] = row.setl_id
            return
        self.standing.pop(row.business_key, None)
        undone = self.settlements.get(row.undoes_setl_id)
        if undone is not None:
            undone.undone_by, undone.undone_kind = row.setl_id, row.kind


def named(command: LookUpPerson, view: View) -> LookUpPerson | None:
    """The look-up with its person, and in their lane; None where nobody has what was shown."""
    found = view.found.get(command.sought)
    if found is None:
        return None
    lane, person_no = found
    asked = structs.replace(command.asked, lane=lane, person_no=person_no)
    return structs.replace(command, asked=asked)


class VisitState(Struct, frozen=True, kw_only=True):
    """A visit's events folded: what stands now."""

    withdrawn: bool
    diagnosis: EventRow | None
    batches: dict[str, list[EventRow]]
    """Lines uploads that stand, by charge batch."""
    settled: dict[str, int]
    """Charge batches that are settled, with their settlement."""
    held: dict[str, int]
    """Charge batches that wait for their payer, with the settlement that they become."""


def fold_visit(fact: VisitFact) -> VisitState:
    """What stands of a visit after all its events. Pure; the order of events is their number."""
    withdrawn = False
    diagnosis: EventRow | None = None
    batches: dict[str, list[EventRow]] = {}
    settled: dict[str, int] = {}
    held: dict[str, int] = {}
    for event in fact.events:
        match event.kind:
            case EventKind.DIAGNOSIS:
                diagnosis = event
            case EventKind.LINES:
                batches.setdefault(event.batch_no, []).append(event)
            case EventKind.LINES_WITHDRAWN:
                batches.pop(event.batch_no, None)
            case EventKind.WITHDRAWN:
                withdrawn = True
            case EventKind.HELD:
                held[event.batch_no] = event.setl_id or 0
            case EventKind.RELEASED:
                held.pop(event.batch_no, None)
            case EventKind.SETTLED:
                held.pop(event.batch_no, None)
                settled[event.batch_no] = event.setl_id or 0
            case EventKind.UNDONE:
                settled.pop(event.batch_no, None)
    return VisitState(
        withdrawn=withdrawn, diagnosis=diagnosis, batches=batches, settled=settled, held=held
    )
