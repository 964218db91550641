"""Reading the facts of a batch: one round trip for a batch of claims, more only where asked.

Turns rows into facts (settlement/view.py) and knows nothing of decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from asyncpg import Connection, Record
from msgspec import structs

from ledger.postgres import literals
from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape, one_lane
from settlement.commands import HISTORY_ROWS_MAX, Command, History, LookUpPerson
from settlement.elsewhere.home_rows import HUB
from settlement.keyring import Keyring
from settlement.keys import NO_KEY
from settlement.numbers import lane_in
from settlement.payments.admission import admitted_as
from settlement.people.filing import FilingKind
from settlement.person import Enrolment, Identity, person_record
from settlement.rows import (
    EventKind,
    EventRow,
    FilingRow,
    MappingKind,
    MappingRow,
    MessageOutcome,
    RowKind,
    SealedDetail,
    SettlementRow,
    TraceRow,
    VisitKind,
    VisitRow,
)
from settlement.storage import families, matters
from settlement.storage.home_cases import read_home_cases
from settlement.storage.mobile import read_orders
from settlement.storage.payment_reader import read_payments
from settlement.storage.queries import QUERIES, SHAPED
from settlement.storage.remote import cases_wanted, read_cases
from settlement.usecases.filing_payloads import standing_filings
from settlement.usecases.lines_needed import lines_needed, payments_needed, places_of_lines
from settlement.view import (
    FilingFact,
    MessageFact,
    PersonFacts,
    SettlementFact,
    TokenFact,
    View,
    VisitFact,
    decode_years,
    named,
)

_DECODE_IDENTITY = msgspec.json.Decoder(Identity).decode
_DECODE_ENROLMENTS = msgspec.json.Decoder(tuple[Enrolment, ...]).decode
_ENROLMENTS_SEEN: dict[str, tuple[Enrolment, ...]] = {}
_ENROLMENTS_SEEN_MAX = 20_000
_OUTCOMES = {int(x): x for x in MessageOutcome}
_VISIT_KINDS = {int(x): x for x in VisitKind}
_EVENT_KINDS = {int(x): x for x in EventKind}
_ROW_FIELDS = SettlementRow.__struct_fields__


async def read_view(
    connection: Connection[Record], commands: Sequence[Command], keyring: Keyring, shape: Shape
) -> View:
    """Everything the commands of a batch need, at one moment for each statement.

    In the cluster's shape the commands are of one lane, but for whom somebody looks up.
    """
    view = View()
    commands = await _with_names(connection, commands, view, shape)
    for together in [commands] if shape is Shape.ONE_MACHINE else _by_lane(commands):
        await _read_claims(connection, together, keyring, view, shape)
    await _read_named(connection, commands, view, shape)
    visits: set[int] = set()
    settlements: set[int] = set()
    for command in commands:
        if command.history is not None:
            await _read_history(connection, command, command.history, settlements, visits)
    payments = {n for c in commands for n in c.pay_nos} | _refs(view, MessageOutcome.PAYMENT)
    if payments:
        await read_payments(connection, payments, view, shape)
        returns = {n for p in view.payments.values() for n in p.returns} - payments
        if returns:
            await read_payments(connection, returns, view, shape)
        settlements |= {n for p in view.payments.values() for n in p.settlements}
        visits |= {p.row.mdtrt_id for p in view.payments.values() if p.row.mdtrt_id is not None}
    orders = {n for c in commands for n in c.mobile_nos} | _refs(view, MessageOutcome.MOBILE)
    if orders:
        await read_orders(connection, orders, view, shape)
        settlements |= {n for o in view.mobile.values() for n in o.settlements}
        visits |= {o.row.mdtrt_id for o in view.mobile.values()}
    cases = cases_wanted(commands, view)
    if cases:
        await read_cases(connection, cases, view, shape)
        settlements |= {case.row.case_no for case in view.cases.values() if case.settled}
        rows = [case.row for case in view.cases.values()]
        visits |= {row.mdtrt_id for row in rows if row.mdtrt_id != row.case_no}  # else a sale
    settlements |= {n for c in commands for n in c.setl_ids}
    settlements |= _refs(view, MessageOutcome.SETTLEMENT) | _refs(view, MessageOutcome.HOME_CASE)
    settlements |= {
        n for c in commands if c.standing and (n := view.standing.get(c.business_key)) is not None
    }
    if settlements:
        await read_settlements(connection, settlements, view, shape)
        cancelled = {n for c in commands if c.standing and (n := _before(c, view)) is not None}
        if cancelled:
            await read_settlements(connection, cancelled, view, shape)
        undoing = {
            f.undone_by for f in view.settlements.values() if f.undone_by and _is_home_case(f)
        }
        if undoing:
            await read_settlements(connection, undoing, view, shape)
        await families.read_shares(connection, view, shape)
    visits |= (
        {n for c in commands for n in c.visit_ids}
        | _refs(view, MessageOutcome.VISIT)
        | _refs(view, MessageOutcome.EVENT)
        | {f.row.mdtrt_id for f in view.settlements.values() if f.row.mdtrt_id != f.row.setl_id}
    )
    if visits:
        await _read_visits_and_more(connection, commands, visits, view, shape)
    filings = _filings_wanted(commands, view, keyring)
    if filings:
        await _read_filings(connection, filings, view, shape)
    return view


async def _with_names(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> Sequence[Command]:
    """The commands, look-ups with whom they are about; those that find nobody are left out."""
    sought = {c.sought for c in commands if type(c) is LookUpPerson}
    if not sought:
        return commands
    rows = await fetch_keys(
        connection, SHAPED[shape], "find_by_credential",
        [one.lane for one in sought], [one.kind for one in sought], [one.key for one in sought],
    )  # fmt: skip
    found = {(kind, key): (lane, person_no) for kind, key, person_no, lane in rows}
    view.found = {one: found[one.kind, one.key] for one in sought if (one.kind, one.key) in found}
    known = (named(c, view) if type(c) is LookUpPerson else c for c in commands)
    return [command for command in known if command is not None]


def _by_lane(commands: Sequence[Command]) -> list[list[Command]]:
    lanes: dict[int, list[Command]] = {}
    for command in commands:
        lanes.setdefault(command.asked.lane, []).append(command)
    return list(lanes.values())


async def _read_named(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> None:
    """What commands name beside the person and what it leads to."""
    others = [c for c in commands if c.other_keys]
    if others:
        await _read_messages(connection, others, view, shape)
    mapped = [c for c in commands if c.mapping_keys]
    if mapped:
        await _read_mappings(connection, mapped, view, shape)
    traced = [c for c in commands if c.trace_keys]
    if traced:
        await _read_traces(connection, traced, view, shape)
    sharing = [c for c in commands if c.pledge is not None]
    if sharing:
        await families.read_families(connection, sharing, view, shape)
    holds = {n for c in commands for n in c.hold_ids}
    if holds:
        await families.read_moves(connection, holds, view, shape)
    about = {(c.asked.lane, c.asked.person_no) for c in commands if c.matters}
    if about:
        await matters.read_matters(connection, about, view, shape)
    tokens = [c for c in commands if c.token_key]
    if tokens:
        await _read_tokens(connection, tokens, view, shape)


async def _read_visits_and_more(
    connection: Connection[Record], commands: Sequence[Command], visits: set[int], view: View,
    shape: Shape,
) -> None:  # fmt: skip
    """Visits; the stays that requests became; lines that are asked for; what paid deposits."""
    await read_visits(connection, visits, view, shape)
    admitted = {n for v in view.visits.values() if (n := admitted_as(v)) is not None}
    if admitted - view.visits.keys():
        await read_visits(connection, admitted - view.visits.keys(), view, shape)
    wanted = [place for command in commands for place in lines_needed(command, view)]
    if wanted:
        await _read_payloads(connection, wanted, view, shape)
    collected = {n for command in commands for n in payments_needed(command, view)}
    if collected - view.payments.keys():
        await read_payments(connection, collected - view.payments.keys(), view, shape)


def reads_more(command: Command) -> bool:
    """Whether its facts come from more than the first statement, and so from several moments."""
    return bool(
        command.setl_ids or command.visit_ids or command.history or command.other_keys
        or command.token_key or command.pledge or command.hold_ids or command.pay_nos
        or command.mobile_nos or command.matters or command.case_nos or command.standing
        or command.asked.insured_region
    )  # fmt: skip


async def stale_persons(
    connection: Connection[Record], persons: Iterable[PersonFacts], shape: Shape
) -> set[str]:
    """Whom of these persons somebody else has changed since they were read."""
    read = {p.person_no: p for p in persons}
    lanes = [p.lane for p in read.values()]
    rows = await connection.fetch(
        SHAPED[shape]["read_versions"],
        one_lane(set(lanes)) if shape is Shape.CLUSTER else literals.plain(lanes),
        literals.texts(list(read)),
    )
    return {person_no for person_no, version in rows if version != read[person_no].version}


async def _read_history(
    connection: Connection[Record], command: Command, wanted: History, settlements: set[int],
    visits: set[int],
) -> None:  # fmt: skip
    person = command.asked.lane, command.asked.person_no, HISTORY_ROWS_MAX, wanted.institution
    if wanted.settlements:
        rows = await connection.fetch(
            QUERIES["list_settlements"], *person, wanted.since, wanted.standing
        )
        settlements.update(row["setl_id"] for row in rows)
    if wanted.visits:
        rows = await connection.fetch(QUERIES["list_visits"], *person, wanted.stays_only)
        visits.update(row["mdtrt_id"] for row in rows)


def _before(command: Command, view: View) -> int | None:
    """The row before the settlement that the command came to when it was sent before: what was
    cancelled so that a part could stay sold."""
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    if message is None or message.outcome is not MessageOutcome.SETTLEMENT:
        return None
    return view.settlements[message.ref].row.prior_row


def _refs(view: View, outcome: MessageOutcome) -> set[int]:
    return {m.ref for m in view.messages.values() if m.outcome is outcome}


async def _read_claims(
    connection: Connection[Record], commands: Sequence[Command], keyring: Keyring, view: View,
    shape: Shape,
) -> None:  # fmt: skip
    asked_all = [c.asked for c in commands]
    lanes = [asked.lane for asked in asked_all]
    rows = await connection.fetch(
        SHAPED[shape]["read_claims"],
        one_lane(set(lanes)) if shape is Shape.CLUSTER else literals.plain(lanes),
        literals.texts([asked.person_no for asked in asked_all]),
        b"".join([asked.message_key for asked in asked_all]),
        b"".join([c.business_key or NO_KEY for c in commands]),
    )
    for row in rows:
        (n, account, key_version, identity, enrolments, version, years, latest_row, latest_visit,
         open_stay, filings, undertaking, home_region, family, balance, outcome, ref, fingerprint,
         standing) = row  # fmt: skip
        command = commands[n - 1]
        asked = command.asked
        if outcome is not None:
            fact = MessageFact(_OUTCOMES[outcome], ref, fingerprint)
            view.messages[asked.lane, asked.message_key] = fact
        if standing is not None:
            view.standing[command.business_key] = standing
        if version is None or asked.person_no in view.persons:
            continue
        record = person_record(
            asked.lane, asked.person_no, account=account, home_region=home_region,
            enrolments=enrolments, family=family,
        )  # fmt: skip
        plain = keyring.open(identity, record, key_version)
        view.persons[asked.person_no] = PersonFacts(
            lane=asked.lane,
            person_no=asked.person_no,
            version=version,
            account=account,
            identity=_DECODE_IDENTITY(plain),
            enrolments=_enrolments(enrolments),
            years=decode_years(years),
            balance_fen=balance or 0,
            latest_row=latest_row,
            latest_visit=latest_visit,
            open_stay=open_stay,
            undertaking=undertaking,
            filings=filings,
            home_region=home_region,
        )


def _enrolments(text: str) -> tuple[Enrolment, ...]:
    """Memberships repeat from person to person, so the decoded form is shared."""
    found = _ENROLMENTS_SEEN.get(text)
    if found is None:
        if len(_ENROLMENTS_SEEN) >= _ENROLMENTS_SEEN_MAX:
            _ENROLMENTS_SEEN.clear()
        found = _ENROLMENTS_SEEN[text] = _DECODE_ENROLMENTS(text)
    return found


async def _read_messages(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> None:
    """On a cluster first where a message should be, which is the batch's own lane; then only what
    is not there is looked for in all others, a statement a lane."""
    keys = [(c.asked.lane, place) for c in commands for place in c.other_keys]
    if shape is Shape.ONE_MACHINE:
        await _read_keys(connection, [place for _, place in keys], view, shape)
        return
    await _read_keys(connection, [place for own, place in keys if place[0] == own], view, shape)
    missing = [
        (lane, key)
        for own, (lane, key) in keys
        if lane != own and (own, key) not in view.messages
    ]
    await _read_keys(connection, missing, view, shape)


async def _read_keys(
    connection: Connection[Record], keys: Sequence[tuple[int, bytes]], view: View, shape: Shape
) -> None:
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_messages",
        [lane for lane, _ in keys], [key for _, key in keys],
    )  # fmt: skip
    for lane, key, outcome, ref, fingerprint in rows:
        view.messages[lane, key] = MessageFact(_OUTCOMES[outcome], ref, fingerprint)


async def _read_mappings(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> None:
    keys = {(lane, c.asked.institution.code, own) for c in commands for lane, own in c.mapping_keys}
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_mappings", *map(list, zip(*sorted(keys), strict=True))
    )
    for row in rows:
        fields = dict(row)
        mapping = MappingRow(**{**fields, "kind": MappingKind(fields["kind"])})
        view.mappings.setdefault((mapping.institution, mapping.own_code), []).append(mapping)


async def _read_traces(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> None:
    keys = sorted({key for command in commands for key in command.trace_keys})
    lanes = range(max(command.trace_lanes for command in commands))
    statement = SHAPED[shape]["read_traces"]
    if shape is Shape.ONE_MACHINE:
        rows = await connection.fetch(statement, lanes, keys)
    else:
        rows = [row for lane in lanes for row in await connection.fetch(statement, lane, keys)]
    for lane, key, setl_id, whole in rows:
        row = TraceRow(lane=lane, key=key, setl_id=setl_id, whole=whole)
        view.traces.setdefault(key, []).append(row)


async def _read_tokens(
    connection: Connection[Record], commands: Sequence[Command], view: View, shape: Shape
) -> None:
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_tokens",
        [c.asked.lane for c in commands],
        [c.asked.person_no for c in commands],
        [c.token_key for c in commands],
    )  # fmt: skip
    for _, person_no, key, institution, expires_at in rows:
        view.tokens[person_no, key] = TokenFact(institution=institution, expires_at=expires_at)


async def read_settlements(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Settlement rows by number, into the view."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_settlements", lanes, wanted):
        fields = {name: row[name] for name in _ROW_FIELDS}
        fields["kind"] = RowKind(fields["kind"])
        detail = None
        if row["salt"] is not None:
            detail = SealedDetail(
                key_version=row["key_version"], salt=row["salt"], payload=row["payload"],
                commitment=row["detail_commitment"],
            )  # fmt: skip
        view.settlements[row["setl_id"]] = SettlementFact(
            row=SettlementRow(**fields),
            detail=detail,
            undone_by=row["undone_by"],
            undone_kind=None if row["undone_kind"] is None else RowKind(row["undone_kind"]),
        )
    elsewhere = [number for number in wanted if _is_home_case(view.settlements.get(number))]
    if elsewhere:
        await read_home_cases(connection, elsewhere, view, shape)


def _is_home_case(fact: SettlementFact | None) -> bool:
    return fact is not None and fact.row.infno == HUB


async def read_visits(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Visits by number with their events, into the view."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_visits", lanes, wanted):
        (lane, mdtrt_id, prior_visit, person_no, institution, scheme, begun_at, payload,
         visit_kind, event_no, kind, batch_no, setl_id, head, event_payload) = row  # fmt: skip
        fact = view.visits.get(mdtrt_id)
        if fact is None:
            visit = VisitRow(
                lane=lane, mdtrt_id=mdtrt_id, prior_visit=prior_visit, psn_no=person_no,
                institution=institution, scheme=scheme, begun_at=begun_at, payload=payload,
                kind=_VISIT_KINDS[visit_kind],
            )  # fmt: skip
            fact = view.visits[mdtrt_id] = VisitFact(row=visit, events=[])
        if event_no is not None:
            fact.events.append(
                EventRow(
                    lane=lane,
                    mdtrt_id=mdtrt_id,
                    event_no=event_no,
                    kind=_EVENT_KINDS[kind],
                    batch_no=batch_no,
                    setl_id=setl_id,
                    payload=event_payload,
                    head=head,
                )
            )


async def read_with_lines(
    connection: Connection[Record], setl_id: int, view: View, shape: Shape
) -> None:
    """One settlement row, into the view, with what its lines are opened from."""
    await read_settlements(connection, [setl_id], view, shape)
    mdtrt_id = view.settlements[setl_id].row.mdtrt_id
    await read_visits(connection, [mdtrt_id], view, shape)
    uploads = places_of_lines(mdtrt_id, setl_id, view)
    if uploads:
        await _read_payloads(connection, uploads, view, shape)


def _filings_wanted(commands: Sequence[Command], view: View, keyring: Keyring) -> set[int]:
    """Those that commands name, and of persons whose filings are asked for all that stand."""
    wanted = {n for c in commands for n in c.filing_ids}
    for command in commands:
        person = view.persons.get(command.asked.person_no)
        if command.standing_filings and person is not None:
            wanted |= {filing.filing_no for filing in standing_filings(person, keyring)}
    return wanted


async def _read_filings(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Filings by number, into the view."""
    wanted = list(numbers)
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_filings", lanes, wanted):
        filing = FilingRow(
            lane=row["lane"], filing_no=row["filing_no"], recorded_at=row["recorded_at"],
            withdraws=None, kind=FilingKind(row["kind"]), psn_no=row["psn_no"],
            institution=row["institution"], begins_on=row["begins_on"], ends_on=row["ends_on"],
            payload=row["payload"],
        )  # fmt: skip
        view.filings[filing.filing_no] = FilingFact(row=filing, withdrawn_by=row["withdrawn_by"])


async def _read_payloads(
    connection: Connection[Record], places: Sequence[tuple[int, int]], view: View, shape: Shape
) -> None:
    """The content of events of stays, by stay and number, into the view."""
    rows = await fetch_keys(
        connection, SHAPED[shape], "read_event_payloads",
        [lane_in(mdtrt_id) for mdtrt_id, _ in places],
        [mdtrt_id for mdtrt_id, _ in places],
        [event_no for _, event_no in places],
    )  # fmt: skip
    for mdtrt_id, event_no, payload in rows:
        events = view.visits[mdtrt_id].events
        events[event_no - 1] = structs.replace(events[event_no - 1], payload=payload)
