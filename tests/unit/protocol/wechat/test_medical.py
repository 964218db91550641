"""Mixed medical-insurance orders: the three sums, the kinds, the digest of an identity number."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.wechat.medical import (
    CashAdd,
    CashReduce,
    MixedOrder,
    MixPayType,
    Person,
    id_digest,
    sum_faults,
)

# The vector of the reference: all three rules hold.
VECTOR = MixedOrder(
    mix_pay_type=MixPayType.CASH_AND_INSURANCE, order_type="DIAG_PAY", appid="wx1", openid="o1",
    payer=Person(name="测试甲", id_digest="0" * 32), out_trade_no="M1", serial_no="S1",
    pay_order_id="ORD1", pay_auth_no="AUTH1", prepay_id="wx1", city_id="441900",
    med_inst_name="测试医院", med_inst_no="H1",
    med_ins_order_create_time="2026-11-23T12:00:00+08:00",
    total_fee=202_000, med_ins_gov_fee=100_000, med_ins_self_fee=45_000, med_ins_other_fee=5_000,
    med_ins_cash_fee=50_000, wechat_pay_cash_fee=42_000,
    cash_add_detail=(CashAdd(cash_add_fee=2_000),),
    cash_reduce_detail=(CashReduce(cash_reduce_fee=10_000),),
)  # fmt: skip


def rules(**changed: object) -> list[str]:
    return [one.rule for one in sum_faults(msgspec.structs.replace(VECTOR, **changed))]


def test_order_of_the_reference_is_in_order() -> None:
    assert rules() == []


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"total_fee": 202_001}, ["R1", "R2"]),
        ({"med_ins_gov_fee": 99_999}, ["R1", "R2"]),
        ({"med_ins_cash_fee": 50_001}, ["R2", "R3"]),
        ({"wechat_pay_cash_fee": 42_001}, ["R1", "R3"]),
        ({"cash_add_detail": ()}, ["R2", "R3"]),
        ({"cash_reduce_detail": ()}, ["R1", "R3"]),
        ({"mix_pay_type": MixPayType.CASH_ONLY}, ["KIND"]),
        ({"mix_pay_type": MixPayType.INSURANCE_ONLY}, ["KIND"]),
        ({"prepay_id": ""}, ["KIND"]),
        ({"med_ins_other_fee": -5_000, "med_ins_self_fee": 55_000}, ["SIGN"]),
    ],
)
def test_broken_rule_is_named(changed: dict[str, object], broken: list[str]) -> None:
    assert rules(**changed) == broken


def test_order_of_one_part_has_fields_of_that_part_only() -> None:
    cash = msgspec.structs.replace(
        VECTOR, mix_pay_type=MixPayType.CASH_ONLY, med_ins_gov_fee=None, med_ins_self_fee=None,
        med_ins_other_fee=None, pay_order_id="", pay_auth_no="", total_fee=52_000,
    )  # fmt: skip
    insurance = msgspec.structs.replace(
        VECTOR, mix_pay_type=MixPayType.INSURANCE_ONLY, prepay_id="", med_ins_cash_fee=0,
        wechat_pay_cash_fee=0, cash_add_detail=(), cash_reduce_detail=(), total_fee=150_000,
    )  # fmt: skip
    assert sum_faults(cash) == () and sum_faults(insurance) == ()


@given(st.lists(st.integers(0, 10**9), min_size=6, max_size=6))
def test_two_rules_that_hold_make_the_third(fees: list[int]) -> None:
    gov, own, other, cash, add, reduce = fees
    order = msgspec.structs.replace(
        VECTOR, med_ins_gov_fee=gov, med_ins_self_fee=own, med_ins_other_fee=other,
        med_ins_cash_fee=cash, cash_add_detail=(CashAdd(cash_add_fee=add),),
        cash_reduce_detail=(CashReduce(cash_reduce_fee=min(reduce, cash + add)),),
        wechat_pay_cash_fee=cash + add - min(reduce, cash + add),
        total_fee=gov + own + other + cash + add,
    )  # fmt: skip
    assert sum_faults(order) == ()


def test_digest_is_that_of_the_reference() -> None:
    # A number that nobody bears: its check character is wrong.
    assert id_digest("44030019000101123x") == "09eb26e839ff3a2e3980352ae45ef09e"
    assert id_digest("44030019000101123X ") == id_digest("44030019000101123x")


def test_number_of_15_digits_is_brought_to_18() -> None:
    assert id_digest("999999800101002") == id_digest("99999919800101002X")


@pytest.mark.parametrize("number", ["", "123", "4403001900010112345", "44030019000101123Y"])
def test_what_is_no_identity_number_has_no_digest(number: str) -> None:
    with pytest.raises(ValueError, match="identity number"):
        id_digest(number)


def test_what_an_order_has_not_is_not_sent() -> None:
    sent = msgspec.json.decode(msgspec.json.encode(VECTOR))
    assert "sub_mchid" not in sent and "relative" not in sent and "callback_url" not in sent
    assert sent["med_ins_other_fee"] == 5_000
