"""Signatures, against an implementation of section 5.1.0's rule that shares no code with ours."""

from __future__ import annotations

import random
from base64 import b64decode
from hashlib import sha256

import pytest

from protocol.unionpay.form import answer_body, answer_fields, form_body, form_fields
from protocol.unionpay.signing import SIGNATURE, is_signed, signature, text_to_sign
from tests.unit.protocol.unionpay.conftest import Family

FIELDS = {
    "version": "5.1.0", "txnType": "01", "merId": "777290058110097", "orderId": "TEST20261123001",
    "txnAmt": "4212", "respMsg": "成功[0000000]", "backUrl": "http://127.0.0.1/notify?a=1&b=2",
    "reqReserved": "",
}  # fmt: skip

# DigestInfo of SHA-256 (RFC 8017, 9.2), which PKCS#1 v1.5 puts before the hash.
PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def independently_verified(fields: dict[str, str], modulus: int, exponent: int) -> bool:
    """Textbook RSA on integers."""
    lines = sorted(item for item in fields.items() if item[0] != "signature")
    text = "&".join("=".join(item) for item in lines)
    hashed = sha256(sha256(text.encode("utf-8")).hexdigest().encode()).digest()
    size = (modulus.bit_length() + 7) // 8
    padding = b"\xff" * (size - 3 - len(PREFIX) - len(hashed))
    expected = b"\x00\x01" + padding + b"\x00" + PREFIX + hashed
    number = int.from_bytes(b64decode(fields["signature"]), "big")
    return pow(number, exponent, modulus).to_bytes(size, "big") == expected


def test_text_is_sorted_and_leaves_the_signature_out() -> None:
    fields = {"txnType": "01", "accessType": "0", SIGNATURE: "x", "Z": "", "merId": "1"}
    assert text_to_sign(fields) == "Z=&accessType=0&merId=1&txnType=01"


def test_signature_is_that_of_the_independent_rule(family: Family) -> None:
    signed = {**FIELDS, SIGNATURE: signature(FIELDS, family.alone.key)}
    public = family.alone.key.public_key().public_numbers()
    assert independently_verified(signed, public.n, public.e)
    assert is_signed(signed, family.alone.key.public_key())


def test_any_change_breaks_the_signature(family: Family, rng: random.Random) -> None:
    key = family.alone.key
    signed = {**FIELDS, SIGNATURE: signature(FIELDS, key)}
    name = rng.choice(sorted(FIELDS))
    changed = [
        {**signed, name: signed[name] + "1"},
        {k: v for k, v in signed.items() if k != name},
        {**signed, "more": "1"},
        {**signed, SIGNATURE: ""},
        {**signed, SIGNATURE: "no Base64!"},
        {k: v for k, v in signed.items() if k != SIGNATURE},
    ]
    assert not [one for one in changed if is_signed(one, key.public_key())]
    assert not is_signed(signed, family.root.key.public_key())


@pytest.mark.parametrize("travel", [form_body, answer_body])
def test_signature_survives_the_way(family: Family, travel: object) -> None:
    """`+`, `=` and `/` of Base64 are what a form would spoil in an answer."""
    key = family.alone.key
    fields = {name: value for name, value in FIELDS.items() if name != "backUrl"}
    signed = {**fields, SIGNATURE: signature(fields, key)}
    came = (
        form_fields(form_body(signed))
        if travel is form_body
        else answer_fields(answer_body(signed))
    )
    assert came == signed and is_signed(came, key.public_key())
