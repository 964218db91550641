"""Flat XML of API v2 and its signature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.wechat import v2

PLAIN = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)
NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,20}", fullmatch=True)


def test_signature_is_that_of_the_official_description() -> None:
    # The example that WeChat's own page on signatures has carried for years.
    fields = {
        "appid": "wxd930ea5d5a258f4f", "mch_id": "10000100", "device_info": "1000",
        "body": "test", "nonce_str": "ibuaiVcKdpRxkhJA", "detail": "",
    }  # fmt: skip
    key = "192006250b4c09247ec02edce69f6a2d"
    assert v2.signature(fields, key, v2.MD5) == "9A0A8659F005D6984697E2CA0A9CF3B7"
    assert v2.signature(fields, key, v2.HMAC_SHA256) == (
        "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
    )


@pytest.mark.parametrize("sign_type", [v2.MD5, v2.HMAC_SHA256])
def test_signed_message_survives_the_wire_and_no_change(sign_type: str) -> None:
    signed = v2.signed({"a": "1", "b": "甲 & <乙>", "empty": ""}, "key", sign_type)
    assert "empty" not in signed
    assert v2.decode(v2.encode(signed)) == signed
    assert v2.is_signed(signed, "key", sign_type)
    assert not v2.is_signed(signed | {"a": "2"}, "key", sign_type)
    assert not v2.is_signed(signed, "other", sign_type)
    assert not v2.is_signed(signed | {"sign": "甲"}, "key", sign_type)


@given(st.dictionaries(NAMES, PLAIN.filter(lambda value: value == value.strip()), max_size=8))
def test_whatever_is_encoded_is_decoded(fields: dict[str, str]) -> None:
    assert v2.decode(v2.encode(fields)) == fields


def test_samples_with_declaration_blanks_and_numbers_without_cdata_are_read() -> None:
    body = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<xml>\n  <return_code><![CDATA[SUCCESS]]>'
        b"</return_code>\n  <total_fee>101</total_fee>\n <attach></attach> <x/>\n</xml>\n"
    )
    assert v2.decode(body) == {
        "return_code": "SUCCESS", "total_fee": "101", "attach": "", "x": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>502</body></html>",
        b'<!DOCTYPE x [<!ENTITY e "boom">]><xml><a>&e;</a></xml>',
        b"<xml><a>&e;</a></xml>",
        b"<xml><a><b>1</b></a></xml>",
        b"<xml><a b='1'>1</a></xml>",
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml><a>1</a>",
        b"<xml><a>1</b></xml>",
        b"<xml>\xff</xml>",
    ],
)
def test_what_is_not_flat_xml_is_refused(body: bytes) -> None:
    with pytest.raises(v2.NotV2Error):
        v2.decode(body)
