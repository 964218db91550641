"""Sampled replies are judged by the interface's own money rules."""

from __future__ import annotations

import json

import pytest

from loadtest.audit import Auditor
from loadtest.generator.request import Request

GOOD: dict[str, object] = {
    "setl_id": "S1",
    "medfee_sumamt": 100.00,
    "fund_pay_sumamt": "70.00",
    "psn_part_amt": 29.50,
    "acct_pay": 20.00,
    "psn_cash_pay": 9.50,
    "hosp_part_amt": 0.50,
}


def check(settlement: dict[str, object], *, settles: bool = True) -> str | None:
    request = Request(payload=b"", institution=0, fee_fen=10_000, settles=settles, ends_unit=True)
    body = {"infcode": 0, "inf_refmsgid": "R1", "output": {"setlinfo": settlement}}
    return Auditor().check(request, json.dumps(body).encode())


def test_a_settlement_that_adds_up_is_right() -> None:
    assert check(GOOD) is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"setl_id": ""}, "without setl_id"),
        ({"medfee_sumamt": 99.99}, "asked to settle 10000 fen"),
        ({"fund_pay_sumamt": 70.01}, "total is not funds"),
        ({"psn_cash_pay": 9.51}, "the person's part"),
    ],
)
def test_what_does_not_add_up_is_said(change: dict[str, object], complaint: str) -> None:
    found = check(GOOD | change)
    assert found is not None
    assert complaint in found


def test_a_quote_is_not_asked_for_a_settlement_number() -> None:
    assert check({"medfee_sumamt": 1}, settles=False) is None


def test_a_settlement_without_its_amounts_is_a_complaint() -> None:
    found = check({"setl_id": "S1"})
    assert found is not None
    assert "missing required field" in found


def test_an_unreadable_reply_is_a_complaint_not_a_crash() -> None:
    request = Request(payload=b"", institution=0, fee_fen=0, settles=False, ends_unit=False)
    found = Auditor().check(request, b'{"infcode":0,')
    assert found is not None
    assert "unreadable" in found


def test_who_took_part_in_paying_is_remembered() -> None:
    auditor = Auditor()
    request = Request(payload=b"", institution=0, fee_fen=10_000, settles=True, ends_unit=True)
    auditor.check(
        request,
        json.dumps({"infcode": 0, "inf_refmsgid": "R1", "output": {"setlinfo": GOOD}}).encode(),
    )
    assert (auditor.settlements, auditor.with_fund, auditor.with_account) == (1, 1, 1)
    assert auditor.settlement_ids == ["S1"]
