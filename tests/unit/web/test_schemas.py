"""The schemas of /openapi.json allow what the server takes and describe what it answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest

from protocol.nhsa.envelope import NoOutput
from protocol.nhsa.registry import TYPED
from settlement.refusals import REFUSALS
from settlement.web import openapi
from settlement.web.hospital_documents import HOSPITAL_OPERATIONS
from settlement.web.import_documents import IMPORT_OPERATIONS, ImportOperation
from settlement.web.pay_documents import PAY_OPERATIONS, PayOperation
from settlement.web.schema_parts import Schema, refer
from settlement.web.schemas import message_schemas
from tests.unit.protocol import nhsa_golden as golden
from tests.unit.protocol.nhsa_golden_replies import REPLIES

ANSWERING = [infno for infno, entry in TYPED.items() if entry.reply is not NoOutput]
SCHEMAS = message_schemas(TYPED)
HEAD = {"infcode": 0, "inf_refmsgid": "R1", "refmsg_time": "T", "respond_time": "T"}


def objections(schema: Schema, value: object) -> list[str]:
    """What a schema of ours has against a value."""
    components = {**SCHEMAS.components, "ErrorCode": {"enum": list(REFUSALS)}}
    whole = {**schema, "components": {"schemas": components}}
    found = jsonschema_rs.validator_for(whole).iter_errors(value)
    return [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in found]


def sent(transaction: str, /, **changes: object) -> list[str]:
    """The objections to a golden request, with other values in its head or its first line."""
    message = golden.request(transaction)
    for name, value in changes.items():
        nodes = [message, *message["input"].values()]
        rows = [node[0] if isinstance(node, list) else node for node in nodes]
        next(row for row in rows if name in row)[name] = value
    return objections(refer(SCHEMAS.requests[transaction]), message)


@pytest.mark.parametrize("infno", TYPED)
def test_golden_request_is_valid(infno: str) -> None:
    assert sent(infno) == []


@pytest.mark.parametrize("infno", ANSWERING)
def test_golden_reply_is_valid(infno: str) -> None:
    schema = refer(SCHEMAS.outputs[infno])
    one: Schema = {"type": "array", "items": schema} if TYPED[infno].reply_is_array else schema
    assert objections(one, REPLIES[infno]) == []


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({"medfee_sumamt": 73.8},                  True),
        ({"medfee_sumamt": "73.80"},               True),
        ({"medfee_sumamt": "73.805"},              False),
        ({"medfee_sumamt": -1},                    False),
        ({"medfee_sumamt": 10**14},                False),
        ({"medfee_sumamt": None},                  False),
        ({"acct_used_flag": "9"},                  False),
        ({"begntime": "2026-11-23 10:00:00"},      True),
        ({"begntime": "2026-11-23"},               False),
        ({"insuplc_admdvs": None},                 True),
        ({"infno": "2103"},                        False),
        ({"feedetl_sn": 1},                        True),
        ({"feedetl_sn": -1},                       False),
    ],
)  # fmt: skip
def test_value_of_a_purchase_is_valid_or_not(changes: dict[str, Any], valid: bool) -> None:
    assert (sent("2102", **changes) == []) == valid


ORDER = {"order_no": "T1", "operator": "0001"}
LINE = {"med_list_codg": "X", "medins_list_codg": "Y", "cnt": 1, "pric": "12.50"}


@pytest.mark.parametrize(
    "one", (*PAY_OPERATIONS, *HOSPITAL_OPERATIONS), ids=lambda one: one.name
)
def test_samples_of_payments_are_valid(one: PayOperation) -> None:
    assert one.request is None or objections(refer(one.request.__name__), one.sample) == []
    assert objections(refer(one.reply.__name__), one.answer) == []


@pytest.mark.parametrize("one", IMPORT_OPERATIONS, ids=lambda one: one.name)
def test_sample_row_of_an_import_is_valid(one: ImportOperation) -> None:
    assert objections(refer(one.row), one.sample) == []
    assert objections(refer(one.row), {**one.sample, "colour": "red"})
    needed = next(column.name for column in one.columns if column.required)
    assert objections(refer(one.row), {**one.sample, needed: None}) == []
    assert objections(refer(one.row), {k: v for k, v in one.sample.items() if k != needed})


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({"cnt": 1.5},                       True),
        ({"cnt": "1.23456"},                 False),
        ({"pric": -1},                       False),
        ({"det_item_fee_sumamt": None},      True),
        ({"det_item_fee_sumamt": "12.505"},  False),
        ({"det_item_fee_sumamt": ""},        False),
        ({"nonsense": 1},                    False),
    ],
)  # fmt: skip
def test_value_of_a_scanned_line_is_valid_or_not(changes: dict[str, Any], valid: bool) -> None:
    order = {**ORDER, "lines": [{**LINE, **changes}]}
    assert (objections(refer("ScanRequest"), order) == []) == valid


def test_at_least_one_line_is_demanded() -> None:
    message = golden.request("2102")
    message["input"]["drugdetail"] = []
    assert objections(refer(SCHEMAS.requests["2102"]), message)


def test_amounts_of_answers_are_numbers() -> None:
    reply = json.loads(json.dumps(REPLIES["2102"]))
    reply["setlinfo"]["medfee_sumamt"] = str(Decimal("24.60"))
    assert objections(refer(SCHEMAS.outputs["2102"]), reply)


def test_refusals_are_told_by_their_codes() -> None:
    row = next(iter(REFUSALS.values()))
    told = {**HEAD, "infcode": -1, "err_msg": row.wrong, "err_code": row.code, "retry": row.retry}
    assert objections(refer("Refused"), told) == []
    assert objections(refer("Refused"), {**told, "err_code": "NO_SUCH_CODE"})
    assert objections(refer("Done"), HEAD) == []
    assert objections(refer("Done"), {**HEAD, "infcode": -1})


def test_download_is_told_to_answer_a_file() -> None:
    document = json.loads(openapi.openapi_document())
    answered = document["paths"]["/hsa/hgs/9102"]["post"]["responses"]["200"]["content"]
    assert set(answered) == {"application/zip", "application/json"}
