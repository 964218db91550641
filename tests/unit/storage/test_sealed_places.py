"""No column that holds personal data is forgotten: copy, erasure and encrypting anew go by one
list, which is held against the schema."""

from __future__ import annotations

import re

from settlement.people.personal_report import PLACE_ZH
from settlement.storage.queries import PERSONAL, schema_text
from settlement.storage.sealed_places import PLACES, Form

TABLE = re.compile(r"^create table settlement\.(\w+) \((.*?)^\)", re.MULTILINE | re.DOTALL)
OTHER_BYTES = {
    "person.identity": "the person's own row, under the head of the journal",
    "message.fingerprint": "of a tombstone that says why: storage/rekeying.py, tombstones",
    "console_session.draft": "gone with its session; a key is not retired before",
    **dict.fromkeys(
        ("credential.secret", "credential.body_keys", "import_key.secret", "hub_identity.secret",
         "payout_account.payload", "console_user.totp_key"),
        "no person's: storage/rekeying.py, secrets",
    ),
    **dict.fromkeys(
        ("settlement.business_key", "settlement.detail_commitment", "settlement_detail.salt",
         "message.key", "lookup.key", "token.key", "pay_order.key", "drug_trace.key",
         "payment_event.digest",
         "audit_link.hash", "console_attempt.key", "console_session.token_hash", "seal.root",
         "seal.signature", "seal_list.digest", "day_leaves.leaves", "payout_adjustment.batch",
         "payout_file.digest", "opening_stay.fingerprint", "opening_settlement.fingerprint",
         "cross_city_step.fingerprint", "file.fingerprint", "bill_content.sha256",
         "bill_file.sha256", "institution_file.sha256", "region_file.sha256",
         "hub_identity.signing_key", "archived_year.manifest"),
        "a hash or a public key",
    ),
    **dict.fromkeys(
        ("file.content", "bill_content.content", "region_paper.content"), "files as they were sent"
    ),
}  # fmt: skip
"""Columns of bytes that are no sealed place, with the reason."""


def columns(pattern: str) -> set[str]:
    return {
        f"{table[1]}.{column[1]}"
        for table in TABLE.finditer(schema_text())
        for column in re.finditer(rf"^    (\w+) +{pattern}", table[2], re.MULTILINE)
    }


def test_every_column_of_bytes_is_a_place_or_says_why_not() -> None:
    places = {f"{place.table}.{place.column}" for place in PLACES}
    there = columns("bytea")
    assert places <= there
    assert not places & set(OTHER_BYTES)
    assert there == places | set(OTHER_BYTES)


def test_every_table_that_names_a_person_is_in_the_copy() -> None:
    named = {
        name.split(".")[0]
        for name in columns("text")
        if name.split(".")[1] in ("psn_no", "agent_no", "donor_no", "patient_no")
    }
    told = set(re.findall(r"settlement\.(\w+)", PERSONAL["held_about"])) | {"person"}
    assert named - told == {"pay_order"}, "an order number of an institution, to find its person by"


def test_every_place_is_told_under_a_name_of_its_own() -> None:
    told = set(re.findall(r"^select '(\w+)'", PERSONAL["held_about"], re.MULTILINE))
    assert told == set(PLACE_ZH)
    assert {place.table for place in PLACES} <= told


def test_what_a_detail_is_bound_to_is_no_other_place() -> None:
    """A ciphertext cannot be moved to another row or table."""
    records = {place.table: place.record(3, 11, 1) for place in PLACES}
    shared = {"visit", "visit_event", "payment", "payment_event"}
    own = [record for table, record in records.items() if table not in shared]
    assert len(set(own)) == len(own)
    assert [place.table for place in PLACES if place.form is Form.DETAIL] == ["settlement_detail"]
