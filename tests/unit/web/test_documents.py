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
from settlement.intake.cells import values_of
from settlement.intake.faults import Fault
from settlement.intake.order import KINDS
from settlement.intake.source import rows_of
from settlement.refusals import REFUSALS
from settlement.web import openapi, pages
from settlement.web.hospital_documents import HOSPITAL_OPERATIONS
from settlement.web.import_documents import (
    CSV,
    FORMAT_OF_TYPE,
    IMPORT_OPERATIONS,
    JOB_PATH,
    NDJSON,
    ImportOperation,
    example_of,
)
from settlement.web.my_documents import MY_OPERATIONS, my_components
from settlement.web.pay_documents import PAY_OPERATIONS, PayOperation
from settlement.web.samples import sample_request
from settlement.web.schemas import message_schemas

REFERENCE = Path(__file__).parents[3] / "docs/reference"
SCAN_TO_PAY = REFERENCE / "scan-to-pay.md"
HOSPITAL_PAYMENTS = REFERENCE / "hospital-payments.md"
IMPORTS = Path(openapi.__file__).with_name("imports.py")
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


def test_imports_of_every_kind_stand_in_both_documents() -> None:
    paths = json.loads(openapi.openapi_document())["paths"]
    page = pages.docs_page().decode()
    assert tuple(one.kind for one in IMPORT_OPERATIONS) == KINDS
    for one in IMPORT_OPERATIONS:
        assert paths[one.path]["post"]["operationId"] == one.name
        assert f'data-method="POST" data-path="{one.path}"' in page
    assert f'data-method="GET" data-path="{JOB_PATH}"' in page and JOB_PATH in paths


def test_imports_document_each_refusal_of_the_door() -> None:
    by_address = {"NOT_FOUND", "METHOD_NOT_ALLOWED"}
    answered = set(re.findall(r'problem\(\s*"([A-Z_]+)"', IMPORTS.read_text())) - by_address
    paths = json.loads(openapi.openapi_document())["paths"]
    described = {
        (status, code)
        for path in ("/imports/persons", JOB_PATH)
        for operation in paths[path].values()
        for status, answer in operation["responses"].items()
        for code in answer["description"].split("、")
        if code in REFUSALS
    }
    assert described == {(str(REFUSALS[code].http_status), code) for code in answered}


@pytest.mark.parametrize("one", IMPORT_OPERATIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("media", (CSV, NDJSON))
def test_a_sample_of_an_import_reads_as_its_columns(
    one: ImportOperation, media: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text(example_of(one, media))
    faults: list[Fault] = []
    for row, texts in rows_of(path, FORMAT_OF_TYPE[media], one.columns, faults):
        values_of(one.columns, texts, row, faults)
    assert faults == []


@pytest.mark.parametrize("infno", TYPED)
def test_a_sample_request_would_be_accepted(infno: str) -> None:
    sample = json.dumps(sample_request(TYPED[infno])).encode()
    assert decode_typed(infno, sample, BASELINE, lines_max=1).infno == infno


def test_self_service_stands_in_all_three_documents() -> None:
    document = json.loads(openapi.openapi_document())
    page = pages.docs_page().decode()
    shown = (REFERENCE / "my.md").read_text()
    for one in MY_OPERATIONS:
        operation = document["paths"][one.path][one.method.lower()]
        assert operation["operationId"] == one.name
        assert operation["security"] == [{"app": []}]
        assert f'data-method="{one.method}" data-path="{one.path}"' in page
        assert f"| `{one.method} {one.path}` |" in shown
        if one.request is not None:
            assert msgspec.convert(one.sample, one.request)


def test_no_shape_has_the_name_of_another() -> None:
    others = message_schemas(TRANSACTIONS).components
    assert not others.keys() & my_components().keys()
