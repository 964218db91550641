"""Who must sign, what is opened, and that nothing is carried out that was not what was signed."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from protocol.nhsa import cainfo
from protocol.nhsa.cainfo import BodyRules, Signed, Signer
from protocol.nhsa.gm import Sm2PrivateKey
from settlement.refusal import Refusal
from settlement.seals import (
    Demand,
    Keys,
    SealRules,
    Unsealed,
    WithoutKey,
    key_is_missing,
    keys_of,
    seal_answer,
    stored_keys,
    unseal,
)

PRIVATE = Sm2PrivateKey.of_number(4_711)
SM4 = b"0123456789abcdef"
SIGNER = Signer(access_key="paas-1", secret="s3cret", public_key=PRIVATE.public)
KEYLESS = Signer(access_key="paas-1", secret="s3cret")
BOTH = Keys(signer=SIGNER, sm4=SM4, required=False)
MUST = structs.replace(BOTH, required=True)
ONLY_SM3 = Keys(signer=KEYLESS, sm4=None, required=True)
ONLY_SM4 = Keys(signer=KEYLESS, sm4=SM4, required=False)
RULES = SealRules()
REQUIRED = SealRules(demand=Demand.REQUIRED)
INPUT = '{"data":{"psn_no":"1"}}'


def message(
    *, signature: str = "", signtype: str = "", enc_type: str = "", data: str = INPUT
) -> bytes:
    """An envelope as a client writes it."""
    return (
        f'{{"infno":"2102","msgid":"M1","cainfo":"{signature}","signtype":"{signtype}",'
        f'"enc_type":"{enc_type}","input":{data}}}'
    ).encode()


def signed_by(private: Sm2PrivateKey, **changes: str) -> bytes:
    """Signed over `input` as RULES want it."""
    signature = cainfo.sm2_cainfo(INPUT.encode(), private, SIGNER, RULES.body)
    return message(signature=signature, **{"signtype": "SM2", **changes})


def code(seen: Unsealed | Refusal) -> str:
    """The refusal's code, or what was accepted."""
    return seen.code if isinstance(seen, Refusal) else "encrypted" if seen.encrypted else "plain"


SM3_SIGNED = message(
    signature=cainfo.sm3_cainfo(INPUT.encode(), "s3cret", RULES.body), signtype="SM3"
)
OTHER = signed_by(Sm2PrivateKey.of_number(4_712))
REFUSING = SealRules(without_key=WithoutKey.REFUSE)

CASES = [
    # keys,    rules,    message,                                  seen
    (BOTH,     RULES,    message(),                                "plain"),
    (MUST,     RULES,    message(),                                "CAINFO_MISSING"),
    (BOTH,     REQUIRED, message(),                                "CAINFO_MISSING"),
    (ONLY_SM4, REQUIRED, message(),                                "plain"),
    (BOTH,     RULES,    signed_by(PRIVATE),                       "plain"),
    (MUST,     REQUIRED, signed_by(PRIVATE),                       "plain"),
    (MUST,     RULES,    signed_by(PRIVATE, signtype=""),          "plain"),
    (MUST,     RULES,    signed_by(PRIVATE, signtype="SM3withSM2"), "plain"),
    (MUST,     RULES,    signed_by(PRIVATE, signtype="SM3"),       "CAINFO_TYPE_WRONG"),
    (MUST,     RULES,    SM3_SIGNED,                               "CAINFO_TYPE_WRONG"),
    (BOTH,     RULES,    OTHER,                                    "CAINFO_WRONG"),
    (MUST,     RULES,    OTHER,                                    "CAINFO_WRONG"),
    (BOTH,     RULES,    signed_by(PRIVATE, data=INPUT + " "),     "plain"),
    (BOTH,     RULES,    signed_by(PRIVATE, data='{"data": {}}'),  "CAINFO_WRONG"),
    (BOTH,     RULES,    message(signature="00"),                  "CAINFO_WRONG"),
    (ONLY_SM3, RULES,    SM3_SIGNED,                               "plain"),
    (ONLY_SM3, RULES,    message(),                                "CAINFO_MISSING"),
    (ONLY_SM3, RULES,    message(signature="00" * 32),             "CAINFO_WRONG"),
    (ONLY_SM3, RULES,    signed_by(PRIVATE),                       "CAINFO_TYPE_WRONG"),
    (ONLY_SM4, RULES,    OTHER,                                    "plain"),
    (ONLY_SM4, REFUSING, OTHER,                                    "CAINFO_KEY_MISSING"),
    (ONLY_SM3, RULES,    message(enc_type="SM4", data='"AAAA"'),   "BODY_KEY_MISSING"),
    (BOTH,     RULES,    message(enc_type="SM4", data='"AAAA"'),   "BODY_UNDECIPHERABLE"),
    (BOTH,     RULES,    message(enc_type="SM4"),                  "plain"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "rules", "body", "seen"), CASES)
def test_message_is_taken_or_refused(
    keys: Keys, rules: SealRules, body: bytes, seen: str
) -> None:
    assert code(unseal(body, keys, rules)) == seen


def test_signature_is_over_the_plaintext_and_the_message_is_put_together_plain() -> None:
    ciphertext = cainfo.encrypted(INPUT.encode(), SM4, RULES.body)
    seen = unseal(signed_by(PRIVATE, enc_type="sm4", data=f'"{ciphertext}"'), MUST, RULES)
    assert isinstance(seen, Unsealed) and seen.encrypted
    told = json.loads(seen.body)
    assert told["input"] == json.loads(INPUT) and told["msgid"] == "M1"


def test_byte_order_mark_is_tolerated_as_elsewhere() -> None:
    assert code(unseal(b"\xef\xbb\xbf" + signed_by(PRIVATE), MUST, RULES)) == "plain"


def test_of_a_member_sent_twice_the_one_that_counts_is_the_one_that_is_checked() -> None:
    """The decoder of messages takes the last one too (the next test)."""
    body = signed_by(PRIVATE)
    twice = body[:-1] + b',"input":{"data":{"psn_no":"2"}}}'
    assert code(unseal(twice, MUST, RULES)) == "CAINFO_WRONG"
    escaped = body[:-1] + b',"\\u0069nput":{"data":{"psn_no":"2"}}}'
    assert code(unseal(escaped, MUST, RULES)) == "CAINFO_WRONG"
    emptied = body[:-1] + b',"cainfo":""}'
    assert code(unseal(emptied, MUST, RULES)) == "CAINFO_MISSING"


def test_decoder_of_messages_takes_the_last_of_two() -> None:
    from protocol.nhsa.codec import peek_infno

    assert peek_infno(b'{"infno":"2101","\\u0069nfno":"2102"}') == "2102"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"input":}'])
def test_what_cannot_be_taken_apart_is_left_to_the_decoder(body: bytes) -> None:
    with pytest.raises(ValueError):
        unseal(body, MUST, RULES)


def test_too_deep_an_input_is_never_taken_for_signed() -> None:
    rules = SealRules(body=BodyRules(signed=Signed.INPUT_SORTED))
    body = message(signature="x", data='{"a":' * 3_000 + "1" + "}" * 3_000)
    with pytest.raises((ValueError, RecursionError)):
        unseal(body, MUST, rules)


def test_answer_has_its_output_encrypted_and_a_refusal_stays_readable() -> None:
    wire = b'{"infcode":0,"inf_refmsgid":"1","err_msg":"","output":{"setlinfo":{"a":1.50}}}'
    sealed = seal_answer(wire, BOTH, RULES)
    assert sealed.startswith(b'{"infcode":0,')
    told = json.loads(sealed)
    assert told["enctype"] == "SM4"
    opened = cainfo.decrypted(told["output"], SM4, RULES.body)
    assert opened == b'{"setlinfo":{"a":1.50}}'
    refused = b'{"infcode":-1,"err_msg":"x","err_code":"Y","retry":"never"}'
    assert seal_answer(refused, BOTH, RULES) == refused


def test_keys_are_checked_before_they_are_kept() -> None:
    kept = stored_keys(sm2=PRIVATE.public.point[1:].hex(), sm4=SM4.hex(), required=True)
    keys = keys_of(kept, access_key="paas-1", secret="s3cret")
    assert keys.signer.public_key is not None
    assert keys.signer.public_key.point == PRIVATE.public.point
    assert (keys.sm4, keys.required) == (SM4, True)
    for sm2, sm4 in (("00", ""), ("", "00")):
        with pytest.raises(ValueError):
            stored_keys(sm2=sm2, sm4=sm4, required=False)


def test_message_that_was_encrypted_for_us_is_known_as_such() -> None:
    assert key_is_missing(message(enc_type="SM4", data='"AAAA"'))
    for body in (message(enc_type="SM4"), message(data='"AAAA"'), b"{", b"[]"):
        assert not key_is_missing(body)
