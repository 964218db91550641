"""What the outside is told of: the transactions that are served, and each of them rightly."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from protocol.nhsa.codec import decode_typed
from protocol.nhsa.fields import BASELINE
from protocol.nhsa.registry import TRANSACTIONS, TYPED
from settlement.web import openapi, pages
from settlement.web.hospital_documents import HOSPITAL_OPERATIONS
from settlement.web.pay_documents import PAY_OPERATIONS, PayOperation
from settlement.web.samples import sample_request

REFERENCE = Path(__file__).parents[3] / "docs/reference"
SCAN_TO_PAY = REFERENCE / "scan-to-pay.md"
HOSPITAL_PAYMENTS = REFERENCE / "hospital-payments.md"
INTERFACE = Path(__file__).parents[3] / "docs/reference/interface.md"
ROW = re.compile(r"^\| ([0-9A-Z, ]+) \|[^|]*\|[^|]*\| (read|write) \| ?(\w*) ?\| ?(\w*) ?\|$", re.M)


def test_the_reference_lists_what_is_served_and_nothing_else() -> None:
    listed = {
        infno: (effect, undone_by, reversible == "yes")
        for numbers, effect, undone_by, reversible in ROW.findall(INTERFACE.read_text())
        for infno in numbers.split(", ")
    }
    assert listed == {
        infno: (entry.effect.value, entry.undone_by or "", entry.reversible)
        for infno, entry in TRANSACTIONS.items()
    }


def test_the_machine_readable_document_lists_what_is_served() -> None:
    paths = set(json.loads(openapi.openapi_document())["paths"])
    assert {f"/hsa/hgs/{infno}" for infno in TYPED} & paths == {
        f"/hsa/hgs/{infno}" for infno in TRANSACTIONS
    }


def test_both_documents_can_be_made_of_every_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, make in ((openapi, openapi.openapi_document), (pages, pages.docs_page)):
        monkeypatch.setattr(module, "TRANSACTIONS", TYPED)
        page = make.__wrapped__().decode()
        assert all(infno in page for infno in TYPED), module.__name__


def test_payments_stand_in_both_documents() -> None:
    paths = json.loads(openapi.openapi_document())["paths"]
    page = pages.docs_page().decode()
    for reference, operations in (
        (SCAN_TO_PAY, PAY_OPERATIONS), (HOSPITAL_PAYMENTS, HOSPITAL_OPERATIONS),
    ):  # fmt: skip
        shown = reference.read_text()
        for one in operations:
            assert paths[one.path][one.method.lower()]["operationId"] == one.name
            assert f'data-method="{one.method}" data-path="{one.path}"' in page
            assert f"| `{one.method} {one.path}` |" in shown


@pytest.mark.parametrize(
    "one", (*PAY_OPERATIONS, *HOSPITAL_OPERATIONS), ids=lambda one: one.name
)
def test_a_sample_of_payments_reads_as_its_types(one: PayOperation) -> None:
    if one.request is not None:
        assert msgspec.json.decode(json.dumps(one.sample), type=one.request)
    answer = msgspec.json.decode(json.dumps(one.answer), type=one.reply)
    assert msgspec.to_builtins(answer) == one.answer


@pytest.mark.parametrize("infno", TYPED)
def test_a_sample_request_would_be_accepted(infno: str) -> None:
    sample = json.dumps(sample_request(TYPED[infno])).encode()
    assert decode_typed(infno, sample, BASELINE, lines_max=1).infno == infno
