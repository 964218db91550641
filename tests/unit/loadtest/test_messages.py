"""The inputs that are sent: complete, and their money adds up."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from loadtest import messages

from .worlds import make_item, make_person

AT = b"2026-11-23 10:00:00"
PERSON = messages.parts_of(make_person(5))
PICKS = [(make_item(number), number % 3 + 1) for number in range(1, 9)]
BASKET = messages.basket_of(PICKS)


def decode(content: bytes) -> Any:
    return json.loads(content, parse_float=Decimal)


def test_a_pharmacy_sale_carries_its_lines_and_their_exact_sum() -> None:
    sale = decode(messages.pharmacy_sale(PERSON, BASKET, serial=b"77", at=AT))
    lines = sale["drugdetail"]
    for line, (item, quantity) in zip(lines, PICKS, strict=True):
        exact = (item.price * quantity).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        assert line["det_item_fee_sumamt"] == exact
        assert (line["pric"], line["cnt"]) == (item.price, quantity)
        assert line["medins_list_codg"] == item.medins_list_codg  # has a per cent sign
    assert sale["druginfo"]["medfee_sumamt"] == sum(line["det_item_fee_sumamt"] for line in lines)
    assert sale["druginfo"]["medfee_sumamt"] * 100 == BASKET.total_fen
    assert len({line["feedetl_sn"] for line in lines}) == len(lines)


def test_a_pharmacy_sale_names_every_required_field() -> None:
    sale = decode(messages.pharmacy_sale(PERSON, BASKET, serial=b"77", at=AT))
    assert sale["druginfo"].keys() == {
        *("psn_no", "mdtrt_cert_type", "mdtrt_cert_no", "psn_cert_type", "certno", "psn_type"),
        *("psn_name", "begntime", "medfee_sumamt", "insutype", "acct_used_flag", "med_type"),
    }
    assert sale["drugdetail"][0].keys() == {
        *("feedetl_sn", "rx_circ_flag", "fee_ocur_time", "med_list_codg", "medins_list_codg"),
        *("det_item_fee_sumamt", "cnt", "pric"),
    }


def test_the_messages_of_a_visit_name_visit_and_charge_batch() -> None:
    lines = decode(messages.fee_lines(PERSON, BASKET, visit_id=b"V1", charge_no=b"C1", at=AT))[
        "feedetail"
    ]
    quote = decode(messages.quote(PERSON, BASKET, visit_id=b"V1", charge_no=b"C1"))["data"]
    assert {(line["mdtrt_id"], line["chrg_bchno"]) for line in lines} == {("V1", "C1")}
    assert (quote["mdtrt_id"], quote["chrg_bchno"]) == ("V1", "C1")
    assert quote["medfee_sumamt"] == sum(line["det_item_fee_sumamt"] for line in lines)
    assert quote.keys() >= {"psn_no", "psn_setlway", "acct_used_flag", "insutype", "psn_type"}


def test_the_settlement_of_a_visit_cites_the_splits_of_its_quote() -> None:
    reply = (
        b'{"infcode":0,"output":{"setldetail":[{"inscp_scp_amt":9.99}],"setlinfo":'
        b'{"fulamt_ownpay_amt":1.20,"overlmt_selfpay":0,"preselfpay_amt":"0.30",'
        b'"inscp_scp_amt":8.50}}}'
    )
    splits = messages.splits_in(reply)
    assert splits is not None
    content = messages.settlement(PERSON, BASKET, visit_id=b"V", charge_no=b"C", splits=splits)
    data = decode(content)["data"]
    assert data["fulamt_ownpay_amt"] == Decimal("1.20")
    assert data["overlmt_selfpay"] == 0
    assert data["preselfpay_amt"] == "0.30"
    assert data["inscp_scp_amt"] == Decimal("8.50")


def test_a_quote_without_all_four_parts_has_no_splits() -> None:
    assert messages.splits_in(b'{"setlinfo":{"fulamt_ownpay_amt":1.20}}') is None


def test_lookup_registration_and_visit_data_are_json_with_their_required_fields() -> None:
    lookup = decode(messages.person_lookup(PERSON))["data"]
    opened = decode(messages.registration(PERSON, visit_no=b"N1", at=AT))["data"]
    visit = decode(messages.visit_data(PERSON, visit_id=b"V1", at=AT))
    assert lookup.keys() == {
        *("mdtrt_cert_type", "mdtrt_cert_no", "psn_cert_type", "certno", "psn_name"),
    }
    assert opened.keys() >= {"psn_no", "insutype", "begntime", "ipt_otp_no", "dept_code", "caty"}
    assert visit["mdtrtinfo"]["mdtrt_id"] == "V1"
    assert visit["diseinfo"][0]["vali_flag"] == "1"


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (b'{"a":{"mdtrt_id":"123","b":1}}', b'"123"'),
        (b'{"mdtrt_id":12.50}', b"12.50"),
        (b'{"mdtrt_id":12,"c":0}', b"12"),
        (b'{"other":1}', None),
    ],
)
def test_a_value_is_cut_out_of_a_reply_as_it_stands(reply: bytes, value: bytes | None) -> None:
    assert messages.value_in(reply, b"mdtrt_id") == value


@pytest.mark.parametrize(
    ("amount", "fen"), [("0.005", 1), ("0.0049", 0), ("1.005", 101), ("12.34", 1234)]
)
def test_amounts_are_rounded_half_up(amount: str, fen: int) -> None:
    assert messages.fen_half_up(Decimal(amount)) == fen
