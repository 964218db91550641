"""What `cainfo` covers under each of a region's choices."""

from __future__ import annotations

from base64 import b64encode

import pytest

from protocol.nhsa import cainfo, gm
from protocol.nhsa.cainfo import BodyRules, Signed, Signer, Sm3Use, TextForm, UserId
from protocol.nhsa.gm import Sm2PrivateKey, Sm4Mode

KEY = Sm2PrivateKey.of_number(4_711)
SIGNER = Signer(access_key="paas-1", secret="s3cret", public_key=KEY.public)
KEYLESS = Signer(access_key="paas-1", secret="s3cret")
BODY = (
    '{"msgid":"M1", "infno":"2102","cainfo":"x","sign_no":"","dev_no":null,"signtype":"SM2", '
    '"input": {"b": [{"z":1.50,"a":"药"},{"n":null}], "a":{"c":"","d":""},"e":2} ,"opter":"01="}'
).encode()
PARTS = cainfo.parts_of(BODY)

TEXTS = [
    (Signed.INPUT, '{"b": [{"z":1.50,"a":"药"},{"n":null}], "a":{"c":"","d":""},"e":2}'),
    (Signed.INPUT_SORTED, '{"a":{},"b":[{"a":"药","z":1.50},{}],"e":2}'),
    (Signed.ENVELOPE, "infno=2102&msgid=M1&opter=01=&signtype=SM2"),
    (
        Signed.MESSAGE,
        'infno=2102&input={"a":{},"b":[{"a":"药","z":1.50},{}],"e":2}'
        "&msgid=M1&opter=01=&signtype=SM2",
    ),
]


@pytest.mark.parametrize(("signed", "text"), TEXTS)
def test_sign_text_is_the_chosen_one(signed: Signed, text: str) -> None:
    assert cainfo.sign_text(PARTS, BodyRules(signed=signed)).decode() == text


USER_IDS = [
    (UserId.DEFAULT, b"1234567812345678"),
    (UserId.ACCESS_KEY, b"paas-1"),
    (UserId.SECRET, b"s3cret"),
]


@pytest.mark.parametrize(("chosen", "user_id"), USER_IDS)
def test_signature_counts_for_the_chosen_user_id_only(chosen: UserId, user_id: bytes) -> None:
    for other, _ in USER_IDS:
        rules = BodyRules(user_id=other)
        signature = gm.signature_text(KEY.sign(b"text", user_id))
        assert cainfo.is_right(signature, b"text", SIGNER, rules) is (other is chosen)


def test_signature_may_be_written_as_numbers_or_as_der() -> None:
    raw = KEY.sign(b"text")
    for text in (raw.hex(), b64encode(raw).decode(), b64encode(gm.der_signature(raw)).decode()):
        assert cainfo.is_right(text, b"text", SIGNER, BodyRules())
    assert not cainfo.is_right(b64encode(raw[:-1]).decode(), b"text", SIGNER, BodyRules())
    assert not cainfo.is_right("假", b"text", SIGNER, BodyRules())


@pytest.mark.parametrize("use", list(Sm3Use))
def test_sm3_is_keyed_with_the_secret_unless_the_region_says_digest(use: Sm3Use) -> None:
    rules = BodyRules(sm3=use)
    said = cainfo.sm3_cainfo(b"text", "s3cret", rules)
    assert said == (
        gm.sm3(b"text") if use is Sm3Use.DIGEST else gm.hmac_sm3(b"s3cret", b"text")
    ).hex()
    in_base64 = b64encode(bytes.fromhex(said)).decode()
    for spelling in (said, said.upper(), in_base64):
        assert cainfo.is_right(spelling, b"text", KEYLESS, rules)
    for wrong in ("", said[:-1], said + "0", in_base64[:-1], "签名"):
        assert not cainfo.is_right(wrong, b"text", KEYLESS, rules)
    assert not cainfo.is_right(said, b"other text", KEYLESS, rules)


@pytest.mark.parametrize(
    ("said", "expected", "same"),
    [
        ("", "SM2", True), ("SM2", "SM2", True), ("sm3withSM2", "SM2", True), ("", "SM3", True),
        ("SM3", "SM3", True), ("SM3", "SM2", False), ("SM2", "SM3", False), ("RSA", "SM2", False),
    ],
)  # fmt: skip
def test_types_have_several_spellings(said: str, expected: str, same: bool) -> None:
    assert cainfo.is_type(said, expected) is same


@pytest.mark.parametrize("mode", list(Sm4Mode))
@pytest.mark.parametrize("form", list(TextForm))
def test_ciphertext_is_opened_under_the_same_rules_only(mode: Sm4Mode, form: TextForm) -> None:
    rules, key = BodyRules(sm4_mode=mode, sm4_text=form), b"0123456789abcdef"
    text = cainfo.encrypted(b'{"data":{}}', key, rules)
    assert cainfo.decrypted(text, key, rules) == b'{"data":{}}'
    for wrong in ("", text[:-4], text + "AAAA", "密文"):
        with pytest.raises(gm.UndecipherableTextError):
            cainfo.decrypted(wrong, key, rules)
    with pytest.raises(gm.UndecipherableTextError):
        cainfo.decrypted(text, b"fedcba9876543210", rules)


@pytest.mark.parametrize("plaintext", [b"", b"[]", b'"x"', b"{", b"\xff", b"[" * 5_000])
def test_plaintext_that_is_no_object_is_not_told_from_a_wrong_key(plaintext: bytes) -> None:
    text = cainfo.encrypted(plaintext, b"0123456789abcdef", BodyRules())
    with pytest.raises(gm.UndecipherableTextError):
        cainfo.decrypted(text, b"0123456789abcdef", BodyRules())


def test_jilin_and_mobile_payments_can_be_said() -> None:
    """S7: user id and SM4 key from the client id. The payment centre: hex, id is the secret."""
    client_id = "client-id-of-jilin-hospital"
    key = client_id.encode()[:16]
    jilin = BodyRules(user_id=UserId.ACCESS_KEY)
    assert cainfo.decrypted(cainfo.encrypted(b"{}", key, jilin), key, jilin) == b"{}"
    centre = BodyRules(signed=Signed.MESSAGE, user_id=UserId.SECRET, sm4_text=TextForm.HEX)
    text = cainfo.encrypted(b"{}", key, centre)
    assert text == text.upper() and bytes.fromhex(text)
