"""What `settlement verify` does not guard, or guards in part, and why.

A table, or one of its columns. Whatever is in the catalogue and not here is claimed to be guarded:
the drill (tests/tamper_run.py) changes it, and fails where nobody notices. What is guarded in part
is changed, too, and told.
"""

from __future__ import annotations

from collections.abc import Mapping

_TABLES: Mapping[str, tuple[str, ...]] = {
    "reference data: it decides what is settled next and is no record of what was; who changed it "
    "by command is in the audit, which is guarded": (
        "catalogue_item", "counterpart", "credential", "hub_certificate", "hub_identity",
        "hub_withdrawal", "import_key", "institution", "installation", "item_mapping",
        "list_entry", "lookup", "merchant_fee", "payout_account", "policy_file", "receiver",
        "reference_version", "staff", "suspension", "token", "cancel_approval",
    ),
    "a worklist: it says when to look again, and what it is about is guarded": (
        "bill_asked", "bill_begun", "mobile_due", "outbox_attempt", "outbox_due", "payment_due",
        "person_change", "remote_due", "undertaking",
    ),
    "who may sign in, not what was booked": (
        "console_attempt", "console_session", "console_user", "sign_in",
    ),
    "what was sent or received and only stored: no amount is read from it": (
        "clearing_application", "clearing_cancel", "drug_trace", "file", "import_job", "outbox",
        "sheet_print", "upload",
    ),
    "erasures, and how far encrypting anew is: each step is in the audit, which is guarded": (
        "erasure", "key_rewriting",
    ),
    "a key that answers a message that comes again; what it made is guarded": (
        "message", "pay_order",
    ),
    "what was registered and uploaded on the way to a settlement, which has it in its own sealed "
    "detail": ("mobile_order", "visit"),
    "what a matter is about; what was booked or filed of it is guarded": ("matter",),
    "a file that orders or brings money: its rows and steps are guarded, each with its entry": (
        "money_file", "payout_file", "cutover_file",
    ),
    "derived from payments, made again by each matching": ("channel_day", "channel_row",
        "matched_day", "invoice_row", "cross_city_step"),
    "a stay that was brought along: nothing is booked before it is settled": ("opening_stay",),
    "differences with other regions: a worklist; what was cleared is guarded": (
        "region_clearing_mark", "region_comparison", "region_difference",
        "region_difference_end", "region_difference_step",
    ),
    "papers that went over the wire, as they were; what was taken of them is guarded itself": (
        "region_paper", "region_paper_end", "region_paper_mark",
    ),
    "which bill took the place of which; rows of both are guarded": ("bill_replaced",),
    "rows of a bill that could not be read; their bytes are guarded": ("bill_fault",),
}  # fmt: skip

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "the chart: that an account moves within one owner's book is guarded where it moved": (
        "ledger.account.account", "ledger.account.owner", "ledger.account.code",
        "ledger.account.name", "ledger.account.debit_normal",
    ),
    "says that a chain takes no more blocks": ("ledger.journal.closed_at",),
    "when a day was closed; what is booked on it says its day itself": (
        "ledger.closed_day.business_day", "ledger.closed_day.closed_at",
    ),
    "when it was written down; the block says when it was booked": (
        "settlement.family_move.moved_at",
        "settlement.payout_adjustment.proposed_at", "settlement.payout_adjustment.batch",
        "settlement.payout_adjustment_end.recorded_at",
        "settlement.payout_adjustment_end.booked_on", "settlement.payout_adjustment_end.reason",
    ),
    "what a person brings along to the next settlement, which is refused where it is stale; not "
    "what was booked": (
        "settlement.person.version", "settlement.person.latest_row",
        "settlement.person.latest_visit", "settlement.person.open_stay",
        "settlement.person.undertaking",
    ),
    "what was said to a channel and what it answered: sealed, and nothing is decided by it": (
        "settlement.payment_event.exchange",
    ),
    "the lane of a table that is not spread by it": (
        "settlement.day_leaves.lane", "settlement.day_total.lane", "settlement.seal.lane",
    ),
    "where it comes from, in words": (
        "settlement.opening.source", "settlement.opening_settlement.earlier_no",
        "settlement.opening_settlement.fingerprint", "settlement.opening_settlement.source",
    ),
}  # fmt: skip

UNGUARDED: Mapping[str, str] = {
    f"settlement.{table}": why for why, tables in _TABLES.items() for table in tables
} | {column: why for why, columns in _COLUMNS.items() for column in columns}

PARTLY: Mapping[str, str] = {
    "ledger.fold": "the folds at the ends of days and the newest; others are read by nobody",
    "settlement.listing": "how far each journal is listed",
    "settlement.visit_event": "deposits of stays: paid in, given back, used",
    "settlement.mobile_event": "what holds something",
    "settlement.matter_event": "what was booked, and cancels of filings",
    "settlement.filing": "what the person carries of it: kind, days, and what was taken back",
    "settlement.opening": "accumulators, and the balance with its entry",
    "settlement.opening_payable": "what was booked",
    "settlement.settlement_detail": "what is there, and that what is not was erased or archived by "
    "somebody",
    "settlement.insured_elsewhere": "its settlement, institution and day; not under what number "
    "and region it is cleared",
    "settlement.region_clearing_leg": "what the rows of a step come to",
    "settlement.region_clearing_step": "steps that booked, and sums",
    "settlement.region_prepayment": "what was booked",
    "settlement.reimbursement": "its person; not the matter it came by",
    "settlement.reimbursement_paper": "what was handed in, sealed; not its dates and key version",
    "settlement.reimbursement_step": "steps that booked, what was calculated and confirmed",
    "settlement.reimbursement_invoice": "that each invoice is held once",
    "settlement.home_case": "region, case and day",
    "settlement.month_step": "what two people closed a month by",
    "settlement.seal_list": "digest, counts and key; not the second of sealing",
    "settlement.day_end": "blocks and times of days that had any",
    "settlement.remote_case": "what its hold committed to, and its settlement",
    "settlement.remote_event": "what follows from it",
    "settlement.payout_step": "steps that booked, and their sums",
    "settlement.payout_line": "what is owed by institution and period; not its split by scheme, "
    "type and number of rows",
    "settlement.payout_period": "what is owed by its rows",
    "settlement.bill_content": "every byte; not the number of a piece that is the only one",
    "settlement.bill_file": "sums, length and hash, whose and of which day; not its name, or when "
    "and by whom it was taken; one without rows may be deleted",
    "settlement.bill_row": "sums by file and kind, whose and of which day; the rest is in the "
    "bytes",
    "settlement.bill_movement": "sums by file and direction, whose and of which day; the rest is "
    "in the bytes",
    "settlement.institution_file": "sums, length and hash; not its name, or whose and when",
    "settlement.institution_row": "sums by file; the rest is in the bytes",
    "settlement.region_file": "length and hash; not its name, or whose, of which day and when",
    "settlement.money_file_step": "two people, one of them not the other",
    "settlement.money_taken": "what was taken and is owed",
}
"""What is guarded of these; the drill tells how much of it was found."""

BY_HAND: Mapping[str, str] = {
    "settlement.archived_year": "tests/integration/test_archive.py",
    "settlement.channel_clearing_step": "tests/integration/test_clearing_accounts.py",
    "settlement.channel_clearing_total": "tests/integration/test_clearing_accounts.py",
    "settlement.difference": "tests/integration/test_differences.py",
    "settlement.difference_step": "tests/integration/test_differences.py",
    "settlement.fund_due": "tests/acceptance/test_fund_payers.py",
    "settlement.fund_due_line": "tests/acceptance/test_fund_payers.py",
    "settlement.opening_payable": "tests/acceptance/test_cut_over.py",
}
"""Guarded in part, and filled by no scene: the test that tampers with it by hand."""

DELETED_UNSEEN: Mapping[str, str] = {
    "ledger.account": "one that no transfer moved",
    "ledger.closed_day": "no entry is missed by it",
    "settlement.person": "one that has settled nothing",
}


def is_tried(full: str) -> bool:
    """Whether the drill changes a column, or deletes rows of a table."""
    return full not in UNGUARDED and full.rpartition(".")[0] not in UNGUARDED


def is_partly(full: str) -> bool:
    """Whether a change is found in some rows and in others not."""
    return full in PARTLY or full.rpartition(".")[0] in PARTLY
