"""Half-success of mixed orders: every pair of states, in the order of the reference's table."""

from __future__ import annotations

import itertools

import pytest

from protocol.wechat.medical import MedInsPayStatus, MixedAnswer, SelfPayStatus
from settlement.channels.wechat_medical import mixed_outcome
from settlement.channels.wechat_medical_states import (
    FAILURES,
    NOT_DESCRIBED,
    SITUATIONS,
    Task,
    situation_of,
)
from settlement.payments.payment import Advice, Verdict

CREATED, SUCCESS, FAIL, REFUND = "CREATED", "SUCCESS", "FAIL", "REFUND"

# The table of the reference: self, med_ins, what is to be done.
REFERENCE = [
    (CREATED, CREATED, Task.WAIT),
    (SUCCESS, CREATED, Task.WAIT_THEN_REFUND_CASH),
    (SUCCESS, FAIL,    Task.REFUND_CASH),
    (CREATED, SUCCESS, Task.WAIT_THEN_UNDO_INSURANCE),
    (FAIL,    SUCCESS, Task.WAIT_THEN_UNDO_INSURANCE),
    (SUCCESS, SUCCESS, Task.BOOK),
    (REFUND,  SUCCESS, Task.UNDO_INSURANCE),
    (REFUND,  REFUND,  Task.NOTHING),
]  # fmt: skip


@pytest.mark.parametrize(("self_pay", "med_ins", "task"), REFERENCE)
def test_pair_of_the_reference(self_pay: str, med_ins: str, task: Task) -> None:
    assert situation_of(f"SELF_PAY_{self_pay}", f"MED_INS_PAY_{med_ins}").task is task


def test_every_pair_has_a_row_but_that_of_no_part_at_all() -> None:
    pairs = set(itertools.product(SelfPayStatus, MedInsPayStatus))
    nothing = {(SelfPayStatus.NONE, MedInsPayStatus.NONE)}
    assert pairs - set(SITUATIONS) == nothing


@pytest.mark.parametrize("pair", SITUATIONS, ids=lambda pair: "-".join(pair))
def test_what_came_in_alone_is_never_left_alone(pair: tuple[str, str]) -> None:
    cash, insured = (one.rsplit("_", 1)[-1] for one in pair)
    situation = SITUATIONS[pair]
    both = {cash, insured} <= {SUCCESS, "PAY"}
    if both:
        assert (situation.verdict, situation.task) == (Verdict.SUCCESS, Task.BOOK)
    elif SUCCESS in (cash, insured):
        assert situation.verdict in (Verdict.UNKNOWN, Verdict.PAYER_ACTION)
        assert situation.task not in (Task.NOTHING, Task.BOOK, Task.WAIT)
    elif CREATED in (cash, insured):
        assert situation.verdict in (Verdict.UNKNOWN, Verdict.PAYER_ACTION)
    else:
        assert (situation.verdict, situation.task) == (Verdict.FAILED, Task.NOTHING)


@pytest.mark.parametrize(
    ("self_pay", "med_ins"),
    [("", ""), ("SELF_PAY_NEW", "MED_INS_PAY_SUCCESS"), ("NO_SELF_PAY", "NO_MED_INS_PAY")],
)
def test_pair_that_nobody_described_is_unknown_and_for_an_operator(
    self_pay: str, med_ins: str
) -> None:
    answer = MixedAnswer(self_pay_status=self_pay, med_ins_pay_status=med_ins)
    outcome = mixed_outcome(answer)
    assert (outcome.verdict, outcome.advice) == (Verdict.UNKNOWN, Advice.OPERATOR)
    assert situation_of(self_pay, med_ins) is NOT_DESCRIBED


def test_numbers_of_refusals_have_nine_digits_and_a_chinese_text() -> None:
    assert all(len(number) == 9 and number.isdigit() for number in FAILURES)
    assert all(any("一" <= c <= "鿿" for c in text) for text in FAILURES.values())
