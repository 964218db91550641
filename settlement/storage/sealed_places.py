"""Where personal data lies sealed, and what each piece is bound to: one list for all that goes
through it, which is verification, export, erasure and encrypting anew.

A place is a column of a table that lies by lanes; the number and the part tell its rows apart. A
test holds the list against the schema, so that no new column is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from settlement.books.reimbursement import paper_record
from settlement.storage.cross_city import certificate_record
from settlement.usecases.booking import detail_record
from settlement.usecases.filing_payloads import filing_record
from settlement.usecases.matter_payloads import matter_record
from settlement.usecases.mobile_payloads import notice_record, order_record
from settlement.usecases.payment_payloads import payment_record
from settlement.usecases.remote_payloads import case_record
from settlement.usecases.uploads import upload_record
from settlement.usecases.visit_payloads import visit_record

Record = Callable[[int, int, int], bytes]
"""Of lane, number and part: the associated data."""


class Form(StrEnum):
    """How sealed bytes are put together."""

    DETAIL = "detail"
    """the version of the key in a column of its own, the salt in another"""
    LED = "led"
    """led by the version, two bytes; empty where there is nothing"""
    COMMITTED = "committed"
    """settlement/committed.py"""


class Place(Struct, frozen=True, kw_only=True):
    """A column that holds sealed bytes."""

    table: str
    column: str
    number: str
    """the column that tells rows of a lane apart"""
    part: str = ""
    """a second one, where one number has many rows"""
    form: Form = Form.LED
    record: Record


def _whole(record: Callable[[int, int], bytes]) -> Record:
    return lambda lane, number, part: record(lane, number)


def _first(record: Record, part: int = 0) -> Record:
    return lambda lane, number, _: record(lane, number, part)


def _notice(lane: int, number: int, part: int) -> bytes:
    return notice_record(lane, number, part)


PLACES = (
    Place(
        table="settlement_detail", column="payload", number="setl_id", form=Form.DETAIL,
        record=_whole(detail_record),
    ),
    Place(table="visit", column="payload", number="mdtrt_id", record=_first(visit_record)),
    Place(
        table="visit_event", column="payload", number="mdtrt_id", part="event_no",
        record=visit_record,
    ),
    Place(
        table="filing", column="payload", number="filing_no", record=_whole(filing_record)
    ),
    Place(table="upload", column="payload", number="upload_id", record=_whole(upload_record)),
    Place(
        table="payment", column="plan", number="pay_no", form=Form.COMMITTED,
        record=_first(payment_record),
    ),
    Place(
        table="payment_event", column="exchange", number="pay_no", part="event_no",
        record=payment_record,
    ),
    Place(
        table="mobile_order", column="payload", number="order_no", record=_first(order_record)
    ),
    Place(
        table="mobile_event", column="payload", number="order_no", part="event_no",
        form=Form.COMMITTED, record=_first(order_record, 1),
    ),
    Place(
        table="remote_case", column="payload", number="case_no", form=Form.COMMITTED,
        record=_first(case_record),
    ),
    Place(
        table="remote_event", column="payload", number="case_no", part="event_no",
        record=case_record,
    ),
    Place(
        table="outbox", column="payload", number="case_no", part="notice_no", record=_notice
    ),
    Place(table="matter", column="payload", number="matter_no", record=_whole(matter_record)),
    Place(
        table="insured_elsewhere", column="certificate", number="setl_id",
        record=_whole(certificate_record),
    ),
    Place(
        table="reimbursement_paper", column="payload", number="reimbursement_no", part="paper_no",
        form=Form.COMMITTED, record=paper_record,
    ),
)  # fmt: skip
"""All of them but what a person's own row holds, which its lane's batch alone may change."""
RECORDS = {place.table: place.record for place in PLACES}
