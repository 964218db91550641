"""Which certificates are believed, and which key files can be used."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from loadtest.simulators.unionpay_keys import (
    OWNER,
    certificate_pem,
    make_signing_key,
    signing_key_pem,
    unionpay_name,
)
from protocol.unionpay.certificates import (
    CertificateError,
    SigningKey,
    Trust,
    certificates_of,
    signing_key_of,
)
from tests.unit.protocol.unionpay.conftest import NOW, Family


def believed(trust: Trust, signer: SigningKey, at: datetime = NOW) -> bool:
    key = trust.key_of(certificate_pem(signer), at)
    assert key is None or key == signer.key.public_key()
    return key is not None


def test_own_trusted_certificate_is_believed_and_a_stranger_is_not(family: Family) -> None:
    trust = Trust([family.alone.certificate])
    assert believed(trust, family.alone)
    assert not believed(trust, family.unionpay)
    assert not believed(trust, make_signing_key(unionpay_name(), at=NOW))


def test_certificate_that_leads_to_the_root_is_believed(family: Family) -> None:
    root, middle = family.root.certificate, family.middle.certificate
    assert believed(Trust([root], intermediates=[middle]), family.unionpay)
    assert not believed(Trust([root]), family.unionpay), "the link between is missing"
    assert not believed(Trust([root], intermediates=[middle]), family.alone)


def test_intermediate_alone_is_no_anchor(family: Family) -> None:
    trust = Trust([family.alone.certificate], intermediates=[family.middle.certificate])
    assert not believed(trust, family.unionpay)


def test_owner_must_be_unionpay_where_only_a_root_is_known(family: Family) -> None:
    root, middle = family.root.certificate, family.middle.certificate
    trust = Trust([root], intermediates=[middle], owner=OWNER)
    assert believed(trust, family.unionpay)
    assert not believed(trust, family.short_lived), "a root issues for others too"


def test_who_is_no_authority_issues_nothing(family: Family) -> None:
    forged = make_signing_key(unionpay_name(), at=NOW, issuer=family.unionpay)
    root, middle = family.root.certificate, family.middle.certificate
    trust = Trust([root], intermediates=[middle, family.unionpay.certificate])
    assert believed(trust, family.unionpay)
    assert not believed(trust, forged)


def test_certificate_is_believed_while_it_is_valid(family: Family) -> None:
    trust = Trust([family.root.certificate])
    assert believed(trust, family.short_lived)
    assert not believed(trust, family.short_lived, NOW + timedelta(days=2)), "known, and over"
    assert not believed(Trust([family.root.certificate]), family.alone, NOW - timedelta(days=2))


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN CERTIFICATE-----\r\nAA==\r\n"])
def test_what_is_no_certificate_is_not_believed(family: Family, pem: str) -> None:
    assert Trust([family.root.certificate]).key_of(pem, NOW) is None


def test_signer_comes_from_pem_or_pkcs12(family: Family) -> None:
    signer = family.alone
    packed = serialize_key_and_certificates(
        b"merchant", signer.key, signer.certificate, None, BestAvailableEncryption(b"000000")
    )
    for read in (
        signing_key_of(signing_key_pem(signer).encode()),
        signing_key_of(packed, b"000000"),
    ):
        assert read.cert_id == signer.cert_id == str(signer.certificate.serial_number)
        assert read.cert_id.isdecimal() and len(read.cert_id) == 10
        assert "PRIVATE" not in repr(read)


def test_key_file_that_cannot_be_used_says_why(family: Family) -> None:
    alone, other = family.alone, family.root
    certificate = alone.certificate.public_bytes(Encoding.PEM)

    def file_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate

    packed = serialize_key_and_certificates(
        None, alone.key, alone.certificate, None, BestAvailableEncryption(b"000000")
    )
    bare = serialize_key_and_certificates(None, alone.key, None, None, NoEncryption())
    for data, password, said in (
        (b"", None, "no PKCS#12"),
        (packed, b"111111", "password is wrong"),
        (bare, None, "no certificate beside"),
        (file_of(other.key), None, "do not belong together"),
        (file_of(ec.generate_private_key(ec.SECP256R1())), None, "no RSA key"),
    ):
        with pytest.raises(CertificateError, match=said):
            signing_key_of(data, password)
    with pytest.raises(CertificateError, match="no certificate"):
        certificates_of(b"nothing")
