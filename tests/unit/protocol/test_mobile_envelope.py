"""The envelope of the mobile-payment centre: what is signed, what hides it, what is refused."""

from __future__ import annotations

import json

import pytest

from protocol.nhsa import gm, mobile_envelope
from protocol.nhsa.gm import Sm2PrivateKey
from protocol.nhsa.mobile_envelope import EnvelopeError, Party

PARTY = Party(app_id="TESTAPP0000000000001", secret="test-secret-0001")
KEY = Sm2PrivateKey.of_number(441_900)
DATA = b'{"payOrdId":"ORD1","feeSumamt":24.60,"empty":"","inner":{"b":2,"a":"x"}}'


def sealed() -> dict[str, object]:
    """An envelope as it leaves."""
    wire = mobile_envelope.sealed(DATA, PARTY, KEY, stamp="20261123100000", more={"code": 0})
    found: dict[str, object] = json.loads(wire)
    return found


def test_sign_text_is_sorted_without_empties_and_ends_with_the_secret() -> None:
    members = {
        "version": "2.0.1", "appId": "A", "data": {"b": 1, "a": {"d": "", "c": 2}}, "extra": "no",
        "signData": "no", "encData": "no", "timestamp": "",
    }  # fmt: skip
    text = mobile_envelope.sign_text(members, "S")
    assert text == b'appId=A&data={"a":{"c":2},"b":1}&version=2.0.1&key=S'


def test_key_is_the_head_of_the_secret_under_the_head_of_the_app_id() -> None:
    hidden = gm.sm4_encrypt(b"TESTAPP000000000", b"test-secret-0001", gm.Sm4Mode.ECB)
    assert PARTY.sm4_key == hidden.hex().upper()[:16].encode()


def test_app_id_that_is_too_short_for_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        _ = Party(app_id="short", secret="s").sm4_key


def test_what_was_sealed_opens_and_its_signature_is_right() -> None:
    wire = sealed()
    assert "data" not in wire
    assert str(wire["encData"]).isupper()
    opened = mobile_envelope.opened(json.dumps(wire).encode(), PARTY)
    assert json.loads(opened.data) == json.loads(DATA)
    assert mobile_envelope.is_signed(opened, PARTY, KEY.public)
    assert not mobile_envelope.is_signed(opened, PARTY, Sm2PrivateKey.of_number(5).public)


@pytest.mark.parametrize("name", ["timestamp", "code", "appId", "version"])
def test_altered_member_is_noticed(name: str) -> None:
    wire = {**sealed(), name: "other"}
    opened = mobile_envelope.opened(json.dumps(wire).encode(), PARTY)
    assert not mobile_envelope.is_signed(opened, PARTY, KEY.public)


def test_plain_data_is_taken_and_signed_alike() -> None:
    wire = sealed()
    del wire["encData"]
    wire["data"] = json.loads(DATA)
    opened = mobile_envelope.opened(json.dumps(wire).encode(), PARTY)
    # 24.60 in JSON is not what json writes of 24.6: the text as it is read counts.
    assert mobile_envelope.opened(json.dumps(wire).encode(), PARTY).data == opened.data


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"appId":""}', b'{"appId":"A"}', b'{"appId":"A","data":"text"}',
        b'{"appId":"A","encData":"zz"}', b'{"appId":"A","encData":"00"}',
    ],
)  # fmt: skip
def test_what_is_no_envelope_is_told_apart(body: bytes) -> None:
    with pytest.raises(EnvelopeError):
        mobile_envelope.app_id_in(body)
        mobile_envelope.opened(body, PARTY)
