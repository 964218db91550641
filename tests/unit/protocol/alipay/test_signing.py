"""RSA2 over three texts, keys in every form they are given in, and serials of certificates."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from protocol.alipay import signing
from protocol.alipay.signing import KeyFormError, PrivateKey, PublicKey
from tests.unit.protocol.alipay import keys

KEY = PrivateKey.of(keys.private_pem("merchant"))
TEXT = "药店 & 收款".encode()


def test_request_is_signed_over_what_is_not_empty_sorted_and_not_encoded() -> None:
    parameters = {
        "method": "m", "app_id": "2026", "notify_url": "", "biz_content": '{"subject":"药 & 店"}',
        "sign": "old",
    }  # fmt: skip
    assert signing.request_text(parameters).decode() == (
        'app_id=2026&biz_content={"subject":"药 & 店"}&method=m'
    )


def test_notice_is_signed_over_all_but_signature_and_its_type() -> None:
    fields = {"b": "", "a": "1+1=2 %", "sign": "x", "sign_type": "RSA2"}
    assert signing.notice_text(fields) == b"a=1+1=2 %&b="


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("is_bare", [False, True])
def test_private_key_is_read_in_each_form(form: PrivateFormat, is_bare: bool) -> None:
    pem = keys.private_pem("merchant", form)
    key = PrivateKey.of(keys.bare(pem) if is_bare else pem)
    assert KEY.public.verifies(TEXT, key.sign(TEXT))


@pytest.mark.parametrize(
    "data",
    [
        keys.public_pem("merchant"),
        keys.bare(keys.public_pem("merchant")),
        keys.certificate_pem("merchant"),
    ],
    ids=["PEM", "bare", "certificate"],
)
def test_public_key_is_read_in_each_form(data: bytes) -> None:
    assert PublicKey.of(data).verifies(TEXT, KEY.sign(TEXT))


def test_signature_of_anybody_else_or_of_anything_else_does_not_count() -> None:
    signature = KEY.sign(TEXT)
    assert KEY.public.verifies(TEXT, signature)
    assert not KEY.public.verifies(TEXT + b" ", signature)
    assert not PublicKey.of(keys.public_pem("alipay")).verifies(TEXT, signature)
    for wrong in ("", "!", "签名", signature[:-4], signature + "AAAA", f"{signature}\n"):
        assert not KEY.public.verifies(TEXT, wrong)


@pytest.mark.parametrize("data", [b"", b"no key", b"-----BEGIN", keys.public_pem("merchant")])
def test_what_is_no_private_key_is_refused(data: bytes) -> None:
    with pytest.raises(KeyFormError):
        PrivateKey.of(data)


@pytest.mark.parametrize("data", [b"", b"no key", b"-----BEGIN CERTIFICATE", b"-----BEGIN X"])
def test_what_is_no_public_key_is_refused(data: bytes) -> None:
    with pytest.raises(KeyFormError):
        PublicKey.of(data)


def test_key_of_another_kind_is_refused() -> None:
    key = generate_private_key(SECP256R1())
    with pytest.raises(KeyFormError):
        PrivateKey.of(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyFormError):
        PublicKey.of(
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )


def test_root_serial_joins_the_certificates_with_rsa() -> None:
    one, other = (keys.certificate_pem("root", number=number) for number in (1, 2))
    elliptic = keys.certificate_pem("root", number=3, elliptic=True)
    serials = [signing.certificate_serial(pem) for pem in (one, other)]
    assert signing.root_serial(one + elliptic + other) == "_".join(serials)
    with pytest.raises(KeyFormError):
        signing.root_serial(b"no certificate")
