"""Fingerprints: equal requests in any spelling, and the part in which two requests differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from protocol.nhsa.canonical import differs, fingerprint
from protocol.nhsa.codec import decode, decode_typed
from protocol.nhsa.fields import BASELINE, check
from protocol.nhsa.registry import TYPED
from tests.unit.protocol import nhsa_golden as golden

Change = Callable[[dict[str, Any]], object]


def packed(infno: str, change: Change = lambda message: None) -> bytes:
    message = golden.request(infno)
    change(message)
    request = decode_typed(infno, golden.body(message), BASELINE, lines_max=100)
    return fingerprint(request, check(request, BASELINE)).pack()


def head(message: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = message["input"]["druginfo"]
    return node


def line(message: dict[str, Any], index: int) -> dict[str, Any]:
    row: dict[str, Any] = message["input"]["drugdetail"][index]
    return row


TRACE = {"feedetl_sn": "3", "drug_trac_codg": "8", "trdn_flag": "0"}

# fmt: off
SAME = {
    "amount as text":         lambda m: head(m).update(medfee_sumamt="73.8"),
    "amount with zeros":      lambda m: head(m).update(medfee_sumamt="73.8000"),
    "quantity with exponent": lambda m: line(m, 0).update(cnt="0.2E+1"),
    "serial as number":       lambda m: line(m, 0).update(feedetl_sn=1),
    "absent text empty":      lambda m: head(m).update(dise_codg=""),
    "absent text null":       lambda m: head(m).update(dise_codg=None),
    "absent number 0":        lambda m: line(m, 1).update(prd_days=0),
    "another operator":       lambda m: m.update(opter="OP2", opter_name="测试乙", sign_no="SN9"),
    "sent later":             lambda m: m.update(inf_time="2026-11-23 10:01:00"),
    "unknown field":          lambda m: head(m).update(local_extra="x"),
}
DIFFERENT = [
    ("person",     lambda m: head(m).update(psn_no="P2")),
    ("person",     lambda m: head(m).update(mdtrt_cert_no="T2")),
    ("person",     lambda m: head(m).update(certno="999999190001010001")),
    ("header",     lambda m: head(m).update(begntime="2026-11-23 10:00:01")),
    ("header",     lambda m: head(m).update(acct_used_flag="0")),
    ("header",     lambda m: head(m).update(exp_content="{}")),
    ("totals",     lambda m: head(m).update(medfee_sumamt="73.81")),
    ("line 1",     lambda m: line(m, 0).update(feedetl_sn="01")),
    ("line 2",     lambda m: line(m, 1).update(pric="12.300001")),
    ("line 3",     lambda m: line(m, 2).update(durg_trac_info=TRACE)),
    ("line 1",     lambda m: m["input"]["drugdetail"].reverse()),
    ("line count", lambda m: m["input"]["drugdetail"].pop()),
    ("line count", lambda m: m["input"]["drugdetail"].append(golden.drug_line(4))),
]
# fmt: on


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_same_request_in_another_spelling_is_equal(change: Change) -> None:
    assert differs(packed("2102"), packed("2102", change)) is None


@pytest.mark.parametrize(("part", "change"), DIFFERENT)
def test_the_part_that_differs_is_named(part: str, change: Change) -> None:
    assert differs(packed("2102"), packed("2102", change)) == part


@pytest.mark.parametrize("infno", TYPED)
def test_every_transaction_has_a_fingerprint(infno: str) -> None:
    assert packed(infno) == packed(infno)
    assert (len(packed(infno)) - 1) % 8 == 0


def test_a_single_mapping_is_the_same_as_object_or_in_an_array() -> None:
    def alone(message: dict[str, Any]) -> None:
        (message["input"]["catalogcompin"],) = message["input"]["catalogcompin"]

    assert packed("3301", alone) == packed("3301")


def test_a_return_is_not_a_sale() -> None:
    def sold(message: dict[str, Any]) -> None:
        message["input"]["feedetail"][2].update(cnt=2)

    assert differs(packed("2301", sold), packed("2301")) == "line 3"


def test_an_upload_kept_as_sent_is_one_part() -> None:
    def turned(message: dict[str, Any]) -> None:
        message["input"] = dict(reversed(message["input"].items()))

    def changed(message: dict[str, Any]) -> None:
        message["input"]["diseinfo"][0]["diag_code"] = "Z00.001"

    assert differs(packed("4101", turned), packed("4101")) is None
    assert differs(packed("4101", changed), packed("4101")) == "header"


def test_values_cannot_imitate_the_border_between_two_fields() -> None:
    def one(message: dict[str, Any]) -> None:
        head(message).update(dise_codg='a","b', dise_name="c")

    def other(message: dict[str, Any]) -> None:
        head(message).update(dise_codg="a", dise_name='b","c')

    assert differs(packed("2102", one), packed("2102", other)) == "header"


@pytest.mark.parametrize("text", ['""', '\\""', ',""', '[""', '"', "\n", "\\"])
def test_quotes_inside_a_text_are_not_taken_for_an_empty_text(text: str) -> None:
    changed = packed("2102", lambda m: head(m).update(dise_name=text))
    nulled = text.replace('""', "null")
    other = packed("2102", lambda m: head(m).update(dise_name=nulled))
    assert (differs(changed, other) is None) == (text == nulled)


def test_a_key_changes_the_person_part_only() -> None:
    request = decode("2102", golden.body(golden.request("2102")), BASELINE, lines_max=100)
    numbers = check(request, BASELINE)
    plain = fingerprint(request, numbers)
    keyed = fingerprint(request, numbers, person_key=b"k")
    assert differs(plain.pack(), keyed.pack()) == "person"
    assert plain.header == keyed.header


def test_another_format_is_never_compared() -> None:
    with pytest.raises(ValueError, match="format"):
        differs(b"\x00" + packed("2102")[1:], packed("2102"))
