"""Signatures of API v3, and what WeChat encrypts."""

from __future__ import annotations

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from protocol.wechat.sealing import (
    Sealed,
    UndecipherableError,
    decrypt_field,
    encrypt_field,
    seal,
    seal_v2,
    unseal,
    unseal_v2,
)
from protocol.wechat.signing import (
    PROBE_PREFIX,
    Authorization,
    SignatureFault,
    SigningKey,
    VerifyingKey,
    answer_headers,
    read_authorization,
    request_text,
    signature_fault,
)

NOW = 1_795_406_400
BODY = '{"code":"SUCCESS","message":"成功"}'.encode()


def pems() -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public


PRIVATE, PUBLIC = pems()
SIGNING, VERIFYING = SigningKey(PRIVATE), VerifyingKey(PUBLIC)
KEYS = {"PUB_KEY_ID_1": VERIFYING}


def headers(**changed: str) -> dict[str, str]:
    made = answer_headers(SIGNING, "PUB_KEY_ID_1", at=NOW, nonce="abc", body=BODY)
    return {name.lower(): value for name, value in made.items()} | changed


def test_text_of_a_request_has_five_lines_each_with_its_end() -> None:
    text = request_text("GET", "/v3/a?mchid=1", "1795406400", "n", b"")
    assert text == b"GET\n/v3/a?mchid=1\n1795406400\nn\n\n"


def test_authorization_is_read_as_it_was_written() -> None:
    one = Authorization(
        mchid="1900000001", serial_no="AB", nonce_str="n", timestamp="1", signature="s+/="
    )
    assert read_authorization(one.header()) == one
    assert read_authorization("Basic abc") is None
    assert read_authorization('WECHATPAY2-SHA256-RSA2048 mchid="1"') is None


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, None),
        ({"wechatpay-signature": ""}, SignatureFault.MISSING),
        ({"wechatpay-timestamp": ""}, SignatureFault.MISSING),
        ({"wechatpay-timestamp": "soon"}, SignatureFault.MISSING),
        ({"wechatpay-signature": PROBE_PREFIX + "abc"}, SignatureFault.PROBE),
        ({"wechatpay-timestamp": str(NOW - 301)}, SignatureFault.CLOCK),
        ({"wechatpay-timestamp": str(NOW + 301)}, SignatureFault.CLOCK),
        ({"wechatpay-timestamp": "9" * 30}, SignatureFault.CLOCK),
        ({"wechatpay-serial": "PUB_KEY_ID_2"}, SignatureFault.UNKNOWN_KEY),
        ({"wechatpay-nonce": "abd"}, SignatureFault.WRONG),
        ({"wechatpay-timestamp": str(NOW - 1)}, SignatureFault.WRONG),
        ({"wechatpay-signature": "not base64!"}, SignatureFault.WRONG),
        ({"wechatpay-signature": b64encode(b"x" * 256).decode()}, SignatureFault.WRONG),
    ],
)
def test_signature_of_an_answer(changed: dict[str, str], fault: SignatureFault | None) -> None:
    assert signature_fault(KEYS, headers(**changed), BODY, now=NOW) == fault


def test_one_changed_byte_breaks_a_signature() -> None:
    assert signature_fault(KEYS, headers(), BODY + b" ", now=NOW) is SignatureFault.WRONG


def test_public_key_is_no_private_key() -> None:
    with pytest.raises(ValueError, match=r"private|key"):
        SigningKey(PUBLIC)


def test_sealed_resource_opens_under_its_key_only() -> None:
    key, sealed = b"k" * 32, seal(b"k" * 32, BODY, nonce="123456789012", about="refund")
    assert unseal(key, sealed) == BODY
    for broken in (
        Sealed(algorithm="AES", ciphertext=sealed.ciphertext, nonce=sealed.nonce),
        Sealed(algorithm=sealed.algorithm, ciphertext=sealed.ciphertext, nonce=sealed.nonce),
        Sealed(algorithm=sealed.algorithm, ciphertext="?", nonce="1", associated_data="refund"),
    ):
        with pytest.raises(UndecipherableError):
            unseal(key, broken)
    with pytest.raises(UndecipherableError):
        unseal(b"x" * 32, sealed)


def test_field_is_read_by_the_platform_only() -> None:
    assert decrypt_field(SIGNING.rsa, encrypt_field(VERIFYING.rsa, "测试甲")) == "测试甲"
    with pytest.raises(UndecipherableError):
        decrypt_field(SIGNING.rsa, "AAAA")


def test_refund_notice_of_v2_opens_under_its_key_only() -> None:
    assert unseal_v2("key", seal_v2("key", BODY)) == BODY
    with pytest.raises(UndecipherableError):
        unseal_v2("other", seal_v2("key", BODY))
    with pytest.raises(UndecipherableError):
        unseal_v2("key", "not base64!")
