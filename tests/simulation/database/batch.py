"""`settlement.write_batch` in memory: everything, or nothing and the same error.

The steps are those of settlement/storage/sql/schema/60-batch.sql, in its order, because the first
that fails is the answer. What the database checks by itself (keys, CHECKs) is checked here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct, structs

from ledger.chain import leaf
from ledger.entry import Entry, EntryKind, Transfer
from ledger.fold import fold_guarded
from ledger.rules import Outcome
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.remote_rows import (
    CaseDueRow,
    CaseEventRow,
    CaseRow,
    ElsewhereRow,
    StrangerRow,
)
from settlement.payments.mobile_rows import MobileDueRow, MobileEventRow, MobileOrderRow, OutboxRow
from settlement.payments.payment_rows import DueRow, PaymentEventRow, PaymentRow
from settlement.people.matter_rows import MatterEventRow, MatterRow
from settlement.rows import (
    MONEY,
    EventRow,
    FilingRow,
    MappingRow,
    MoveKind,
    MoveRow,
    RowKind,
    SettlementRow,
    ShareRow,
    TraceRow,
    UndertakingRow,
    UploadRow,
    VisitRow,
)
from settlement.storage.writer import _PARAMETERS
from tests.simulation.database.tables import Detail, Kept, Message, Person, Tables, as_object

PLACES = {name: place for place, name in enumerate(_PARAMETERS)}
STALE, DAY_CLOSED, NOT_FITTING, NO_ACCOUNT, OTHER_JOURNAL = (
    "MS001", "ML002", "ML003", "ML004", "ML005",
)  # fmt: skip
_ARRAY = msgspec.json.Decoder(list[Any]).decode
_CODES = {
    Outcome.DAY_CLOSED: DAY_CLOSED, Outcome.LANE_OF_OTHER_JOURNAL: OTHER_JOURNAL,
    Outcome.LANE_UNKNOWN: OTHER_JOURNAL, Outcome.DEBIT_ACCOUNT_NOT_FOUND: NO_ACCOUNT,
    Outcome.CREDIT_ACCOUNT_NOT_FOUND: NO_ACCOUNT, Outcome.PENDING_NOT_FOUND: NOT_FITTING,
    Outcome.PENDING_NOT_PENDING: NOT_FITTING,
    Outcome.DIFFERENT_ACCOUNTS_THAN_PENDING: NOT_FITTING,
    Outcome.EXCEEDS_PENDING_AMOUNT: NOT_FITTING, Outcome.VOIDS_DIFFERENT_AMOUNT: NOT_FITTING,
}  # fmt: skip
_UNIQUE = {
    Outcome.EXISTS, Outcome.EXISTS_WITH_DIFFERENT_KIND, Outcome.EXISTS_WITH_DIFFERENT_CODE,
    Outcome.EXISTS_WITH_DIFFERENT_PENDING_ID, Outcome.EXISTS_WITH_DIFFERENT_TRANSFERS,
    Outcome.EXISTS_WITH_DIFFERENT_COMMITMENT, Outcome.PENDING_ALREADY_POSTED,
    Outcome.PENDING_ALREADY_VOIDED,
}  # fmt: skip
_SETTLEMENT_COLUMNS = (
    "p_lanes", "p_setl_ids", "p_mdtrt_ids", "p_undoes", "p_prior_rows", "p_prior_active",
    "p_kinds", "p_service_at", "p_years", "p_person_nos", "p_institutions", "p_infnos",
    "p_msgids", "p_schemes", "p_categories", "p_care_types", "p_clearing_types",
    "p_credential_types", "p_civil_servants", "p_invoice_nos", "p_policies", "p_operators",
    "p_pool_ratios", "p_shares", "p_increments", "p_explanations",
)  # fmt: skip
_SETTLEMENT_FIELDS = (
    "lane", "setl_id", "mdtrt_id", "undoes_setl_id", "prior_row", "prior_active", "kind",
    "service_at", "year", "psn_no", "institution", "infno", "msgid", "scheme", "category",
    "care_type", "clearing_type", "credential_type", "civil_servant", "invoice_no", "policy",
    "operator", "pool_ratio_bp", "shares", "increments", "explanation",
)  # fmt: skip
_MONEY_FIELDS = (*MONEY, "balance_fen")
_MONEY = len(_MONEY_FIELDS)
_SETTLEMENT_CHECKS: dict[str, Callable[[SettlementRow], bool]] = {
    "settlement_undoes_or_settles": lambda r: (r.kind == 1) is (r.undoes_setl_id is None),
    "settlement_lines_add_up": lambda r: r.total_fen == (
        r.full_self_pay_fen + r.over_ceiling_fen + r.pre_self_pay_fen + r.in_scope_fen
    ),
    "settlement_payers_add_up": lambda r: r.total_fen == (
        r.fund_fen + r.personal_fen + r.hospital_fen
    ),
    "settlement_person_adds_up": lambda r: r.personal_fen == r.account_fen + r.cash_fen,
    "settlement_family_inside_account": lambda r: (
        abs(r.family_account_fen) <= abs(r.account_fen)
    ),
}  # fmt: skip
_NOT_SIMULATED: dict[str, type[Struct]] = {
    "p_matters": MatterRow, "p_matter_events": MatterEventRow,
}  # fmt: skip
_DECODERS: dict[type[Struct], Callable[[str], list[Any]]] = {
    kind: msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
    for kind in (
        StrangerRow, FilingRow, UploadRow, MappingRow, TraceRow,
        UndertakingRow, ShareRow, PaymentEventRow, DueRow, MobileOrderRow, MobileDueRow,
        OutboxRow, MatterRow, HomeCaseRow, CaseEventRow, CaseDueRow, ElsewhereRow,
    )
}  # fmt: skip
_DECODERS |= {
    kind: msgspec.json.Decoder(list[as_object(kind)]).decode  # type: ignore[misc]
    for kind in (MoveRow, PaymentRow, MobileEventRow, MatterEventRow, CaseRow)
}


class BrokenError(AssertionError):
    """The batch contradicts itself where PostgreSQL would take its word: a leaf that is not the
    hash of its entry, balances that are not the sums of the entries."""


def refused(code: str, text: str) -> asyncpg.PostgresError:
    """What the driver raises for one of our own SQLSTATEs."""
    error = asyncpg.PostgresError(text)
    error.sqlstate = code
    return error


def violated(constraint: str) -> asyncpg.CheckViolationError:
    """What it raises where a CHECK fails."""
    return asyncpg.CheckViolationError(f"violates check constraint {constraint}")


class Batch:
    """The arguments of one call, by name."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self._arguments = arguments

    def __getitem__(self, name: str) -> Any:
        """As it came."""
        return self._arguments[PLACES[name]]

    def array(self, name: str) -> list[Any]:
        """An array, from its literal."""
        text = self._arguments[PLACES[name]]
        return _ARRAY(f"[{text[1:-1]}]") if text else []


def write_batch(tables: Tables, arguments: Sequence[Any], *, only_try: bool = False) -> None:
    """All of it, or nothing: then the driver's exception for it. `only_try`: nothing either way."""
    batch = Batch(arguments)
    try:
        for write in _STEPS:
            write(tables, batch)
        entries = _entries(batch)
        _check_block(tables, batch, entries)
        for write in _STEPS_AFTER:
            write(tables, batch)
    except BaseException:
        tables.undo()
        raise
    if only_try:
        tables.undo()
        return
    tables.log.clear()
    if entries:
        journal, day, at = batch["p_journal"], batch["p_business_day"], batch["p_booked_at"]
        tables.ledger.book(journal=journal, business_day=day, booked_at=at, entries=entries)


def _strangers(tables: Tables, batch: Batch) -> None:
    for row in _rows(batch, "p_strangers", StrangerRow):
        known = tables.persons.get((row.lane, row.psn_no))
        if known is None:
            person = Person(
                lane=row.lane, psn_no=row.psn_no, account=0, key_version=row.key_version,
                identity=row.identity, enrolments=row.enrolments, home_region=row.home_region,
            )  # fmt: skip
        elif known.home_region == row.home_region:
            person = structs.replace(
                known, key_version=row.key_version, identity=row.identity,
                enrolments=row.enrolments,
            )  # fmt: skip
        else:
            continue
        tables.put(tables.persons, (row.lane, row.psn_no), person)


def _persons(tables: Tables, batch: Batch) -> None:
    numbers = batch.array("p_persons")
    if not numbers:
        return
    undertakings = batch.array("p_undertakings") or [None] * len(numbers)
    columns = zip(
        batch.array("p_person_lanes"), numbers, batch.array("p_versions"),
        batch.array("p_accumulators"), batch.array("p_latest_rows"),
        batch.array("p_latest_visits"), batch.array("p_open_stays"),
        batch.array("p_standing_filings"), undertakings, strict=True,
    )  # fmt: skip
    for lane, number, version, years, row, visit, stay, filings, undertaking in columns:
        person = tables.persons.get((lane, number))
        if person is None or person.version != version:
            raise refused(STALE, "persons of the batch have changed")
        changed = structs.replace(
            person, version=version + 1, accumulators=years, latest_row=row, latest_visit=visit,
            open_stay=stay, filings=filings, undertaking=undertaking,
        )  # fmt: skip
        tables.put(tables.persons, (lane, number), changed)


def _settlements(tables: Tables, batch: Batch) -> None:
    if batch["p_setl_ids"] == "{}":
        return
    money, details = batch.array("p_money"), list(_details(batch))
    keys, commitments = batch["p_business_keys"], batch["p_detail_commitments"]
    columns = dict(zip(_SETTLEMENT_FIELDS, map(batch.array, _SETTLEMENT_COLUMNS), strict=True))
    columns["kind"] = list(map(RowKind, columns["kind"]))
    columns["service_at"] = list(map(datetime.fromisoformat, columns["service_at"]))
    for n, detail in enumerate(details):
        row = SettlementRow(
            **{name: column[n] for name, column in columns.items()},
            **dict(zip(_MONEY_FIELDS, money[_MONEY * n : _MONEY * (n + 1)], strict=True)),
            setl_time=batch["p_booked_at"], business_day=batch["p_business_day"],
            business_key=keys[16 * n : 16 * n + 16],
            detail_commitment=commitments[32 * n : 32 * n + 32],
        )  # fmt: skip
        _keep_settlement(tables, row, detail)


def _keep_settlement(tables: Tables, row: SettlementRow, detail: Detail) -> None:
    broken = next((name for name, holds in _SETTLEMENT_CHECKS.items() if not holds(row)), None)
    if broken is not None:
        raise violated(broken)
    key = row.lane, row.setl_id
    tables.insert(tables.settlements, key, row, "settlement_pkey")
    if row.undoes_setl_id is None:
        tables.append(tables.claims, (row.lane, row.business_key), row.setl_id)
    else:
        undone = row.lane, row.undoes_setl_id
        tables.insert(tables.undone_by, undone, row.setl_id, "settlement_undone_once")
    tables.insert(tables.details, key, detail, "settlement_detail_pkey")


def _details(batch: Batch) -> Iterator[Detail]:
    salts, payloads = batch["p_salts"], batch["p_payloads"]
    begins = 0
    columns = zip(batch.array("p_key_versions"), batch.array("p_payload_ends"), strict=True)
    for n, (version, ends) in enumerate(columns):
        yield Detail(version, salts[16 * n : 16 * n + 16], payloads[begins:ends])
        begins = ends


def _entries(batch: Batch) -> list[Entry]:
    """The entries of the block, each with the legs that are its own."""
    if batch["p_entries"] == "{}":
        return []
    numbers = batch.array("p_entries")
    pending = batch.array("p_pending") or [None] * len(numbers)
    legs = list(
        map(Transfer, *(batch.array(name) for name in ("p_debits", "p_credits", "p_amounts")))
    )
    entries, begins = [], 0
    columns = zip(
        batch.array("p_entry_lanes"), numbers, batch.array("p_entry_kinds"),
        batch.array("p_entry_codes"), pending, batch.array("p_leg_ends"), strict=True,
    )  # fmt: skip
    for n, (lane, number, kind, code, held, ends) in enumerate(columns):
        entries.append(
            Entry(
                lane=lane, entry_id=number, kind=EntryKind(kind), code=code, pending_id=held,
                transfers=tuple(legs[begins:ends]),
                commitment=batch["p_commitments"][32 * n : 32 * n + 32],
            )
        )  # fmt: skip
        begins = ends
    return entries


def _check_block(tables: Tables, batch: Batch, entries: list[Entry]) -> None:
    if not entries:
        return
    ledger = tables.ledger
    refusals = ledger.refusals(batch["p_journal"], batch["p_business_day"], entries)
    if refusals:
        number, outcome = refusals[0]
        told = f"{outcome.name}: {entries[number]}"
        if outcome in _UNIQUE:
            raise asyncpg.UniqueViolationError(told)
        raise refused(_CODES[outcome], told) if outcome in _CODES else violated(told)
    if b"".join(map(leaf, entries)) != batch["p_leaves"]:
        raise BrokenError("a leaf is not the hash of its entry")
    changes = fold_guarded(entries, ledger.pendings_of(entries))
    given = zip(
        batch.array("p_balance_lanes"), batch.array("p_balance_accounts"),
        batch.array("p_balance_debits"), batch.array("p_balance_credits"),
        batch.array("p_balance_debits_pending"), batch.array("p_balance_credits_pending"),
        strict=True,
    )  # fmt: skip
    folded = [
        (lane, account, c.debits, c.credits, c.debits_pending, c.credits_pending)
        for (lane, account), c in changes.items()
    ]
    if list(given) != folded:
        raise BrokenError("the balances of a batch are not the sums of its entries")


def _visits(tables: Tables, batch: Batch) -> None:
    for row in _with_sealed(batch, "p_visits", VisitRow):
        tables.insert(tables.visits, (row.lane, row.mdtrt_id), row, "visit_pkey")


def _events(tables: Tables, batch: Batch) -> None:
    for row in _with_sealed(batch, "p_events", EventRow):
        key = row.lane, row.mdtrt_id
        if any(one.event_no == row.event_no for one in tables.events.get(key, ())):
            raise asyncpg.UniqueViolationError(f"visit_event_pkey {key} {row.event_no}")
        tables.append(tables.events, key, row)


def _filings(tables: Tables, batch: Batch) -> None:
    for row in _rows(batch, "p_filings", FilingRow):
        tables.insert(tables.filings, (row.lane, row.filing_no), row, "filing_pkey")
        if row.withdraws is not None:
            key = row.lane, row.withdraws
            tables.insert(tables.withdrawn, key, row.filing_no, "filing_withdrawn_once")


def _kept(tables: Tables, batch: Batch) -> None:
    """What is only stored, mappings and trace codes."""
    for upload in _rows(batch, "p_uploads", UploadRow):
        tables.insert(tables.uploads, (upload.lane, upload.upload_id), upload, "upload_pkey")
    for mapping in _rows(batch, "p_mappings", MappingRow):
        key = mapping.lane, mapping.institution, mapping.own_code
        tables.append(tables.mappings, key, mapping)
    for trace in _rows(batch, "p_traces", TraceRow):
        tables.append(tables.traces, (trace.lane, trace.key), trace)


def _families(tables: Tables, batch: Batch) -> None:
    at = batch["p_booked_at"]
    for opened in _rows(batch, "p_opened", UndertakingRow):
        key = opened.lane, opened.undertaking_id
        tables.insert(tables.undertakings, key, Kept(opened, at), "undertaking_pkey")
    for share in _rows(batch, "p_family_shares", ShareRow):
        if not share.amount_fen:
            raise violated("family_share_not_zero")
        paid = share.amount_fen > 0
        once = tables.paid_shares if paid else tables.returned_shares
        tables.insert(once, (share.lane, share.hold_id), share.setl_id, "family_share_once")
        tables.append(tables.shares, (share.lane, share.setl_id), share)
    for move in _rows(batch, "p_family_moves", MoveRow):
        resolved = move.kind in (MoveKind.PAID, MoveKind.RETURNED)
        if move.amount_fen <= 0 or move.balance_fen < 0 or resolved is (move.setl_id is None):
            raise violated("family_move")
        moved = move.lane, move.hold_id
        if any(one.row.kind == move.kind for one in tables.moves.get(moved, ())):
            raise asyncpg.UniqueViolationError(f"family_move_pkey {moved} {move.kind}")
        tables.append(tables.moves, moved, Kept(move, at))


def _payments(tables: Tables, batch: Batch) -> None:
    for row in _rows(batch, "p_payments", PaymentRow):
        if row.amount_fen <= 0:
            raise violated("payment_collects_something")
        tables.insert(tables.payments, (row.lane, row.pay_no), row, "payment_pkey")
    for event in _rows(batch, "p_payment_events", PaymentEventRow):
        key = event.lane, event.pay_no
        if any(one.event_no == event.event_no for one in tables.payment_events.get(key, ())):
            raise asyncpg.UniqueViolationError(f"payment_event_pkey {key} {event.event_no}")
        tables.append(tables.payment_events, key, event)
        if event.order_no is not None:
            place = event.pay_no, event.attempt
            named = event.lane, event.order_no
            tables.insert(tables.attempts, named, place, "payment_event_order")
    _due(tables, tables.payment_due, _rows(batch, "p_payment_due", DueRow), "pay_no")


def _due(tables: Tables, table: dict[tuple[int, int], Any], rows: list[Any], name: str) -> None:
    """When something is looked at next; without a time never again."""
    for row in rows:
        key = row.lane, getattr(row, name)
        if row.due_at is None:
            tables.remove(table, key)
        else:
            tables.put(table, key, row)


def _mobile(tables: Tables, batch: Batch) -> None:
    """Orders of mobile payment, and what a batch owes to others."""
    for order in _rows(batch, "p_mobile_orders", MobileOrderRow):
        named = order.lane, order.order_no
        tables.insert(tables.mobile_orders, named, order, "mobile_order_pkey")
    for event in _rows(batch, "p_mobile_events", MobileEventRow):
        named = event.lane, event.order_no
        if any(one.event_no == event.event_no for one in tables.mobile_events.get(named, ())):
            raise asyncpg.UniqueViolationError(f"mobile_event_pkey {named} {event.event_no}")
        tables.append(tables.mobile_events, named, event)
    _due(tables, tables.mobile_due, _rows(batch, "p_mobile_due", MobileDueRow), "order_no")
    for name, kind in _NOT_SIMULATED.items():
        if _rows(batch, name, kind):
            raise NotImplementedError(f"{name} is not simulated")
    for row in _rows(batch, "p_outbox", OutboxRow):
        key = row.lane, row.case_no, row.notice_no
        tables.insert(tables.outbox, key, row, "outbox_pkey")


def _regions(tables: Tables, batch: Batch) -> None:
    for home in _rows(batch, "p_home_cases", HomeCaseRow):
        tables.insert(tables.home_cases, (home.lane, home.setl_id), home, "home_case_pkey")
    for case in _rows(batch, "p_remote_cases", CaseRow):
        if case.total_fen <= 0:
            raise violated("remote_case_costs_something")
        tables.insert(tables.cases, (case.lane, case.case_no), case, "remote_case_pkey")
    for event in _rows(batch, "p_remote_events", CaseEventRow):
        key = event.lane, event.case_no
        if any(one.event_no == event.event_no for one in tables.case_events.get(key, ())):
            raise asyncpg.UniqueViolationError(f"remote_event_pkey {key} {event.event_no}")
        tables.append(tables.case_events, key, event)
    _due(tables, tables.case_due, _rows(batch, "p_remote_due", CaseDueRow), "case_no")
    for beside in _rows(batch, "p_elsewhere", ElsewhereRow):
        beside_of = beside.lane, beside.setl_id
        tables.insert(tables.elsewhere, beside_of, beside, "insured_elsewhere_pkey")


def _messages(tables: Tables, batch: Batch) -> None:
    keys, fingerprints = batch["p_message_keys"], batch["p_fingerprints"]
    begins = 0
    columns = zip(
        batch.array("p_message_lanes"), batch.array("p_message_outcomes"),
        batch.array("p_message_refs"), batch.array("p_fingerprint_ends"), strict=True,
    )  # fmt: skip
    for n, (lane, outcome, ref, ends) in enumerate(columns):
        message = Message(outcome, ref, fingerprints[begins:ends], batch["p_booked_at"])
        key = lane, keys[16 * n : 16 * n + 16]
        tables.insert(tables.messages, key, message, "message_pkey")
        begins = ends


def _rows(batch: Batch, name: str, kind: type[Any]) -> list[Any]:
    """Rows that came as JSON, in their own type."""
    text = batch[name]
    return [] if text is None else _DECODERS[kind](text)


def _with_sealed(batch: Batch, name: str, kind: type[Any]) -> Iterator[Any]:
    """The same where what is sealed came beside them as bytes, by its number."""
    ends = [0, *batch.array("p_sealed_ends")]
    for row in msgspec.json.decode(batch[name] or "[]"):
        number = row["payload"]
        payload = batch["p_sealed"][ends[number - 1] : ends[number]]
        yield msgspec.convert({**row, "payload": payload}, kind, builtin_types=(bytes,))


Step = Callable[[Tables, Batch], None]
_STEPS: tuple[Step, ...] = (_strangers, _persons, _settlements)
_STEPS_AFTER: tuple[Step, ...] = (
    _visits, _events, _filings, _kept, _families, _payments, _mobile, _regions, _messages,
)  # fmt: skip
