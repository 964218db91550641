"""Certificates of an authority that lives as long as a test, and files of them."""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from settlement.clock import system_clock
from settlement.web.tls import TlsFiles


class Issued:
    """A key and its certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.key = key
        self.certificate = certificate

    @property
    def certificate_pem(self) -> bytes:
        """As it lies in a file."""
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password: bytes = b"") -> bytes:
        """As it lies in a file."""
        sealed: KeySerializationEncryption = NoEncryption()
        if password:
            sealed = BestAvailableEncryption(password)
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)


class Authority:
    """Signs certificates for this machine, and for whoever calls it."""

    def __init__(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.own = Issued(key, _signed(_name(name), key, _name(name), key, days=30, is_ca=True))

    def issue(self, name: str, *, days: int = 30) -> Issued:
        """One more; it has ended where `days` are below zero."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.own.certificate.subject
        return Issued(key, _signed(_name(name), key, issuer, self.own.key, days=days, is_ca=False))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey, *, days: int, is_ca: bool,
) -> x509.Certificate:  # fmt: skip
    now = system_clock()
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(here, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


class Folder:
    """Where a server has its files."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        self.client_ca = folder / "clients.pem"
        self._turn = 0

    def put(self, issued: Issued, *, key: bytes = b"") -> None:
        """The server's own; another key than its own where one is given."""
        self._write(self.certificate, issued.certificate_pem)
        self._write(self.key, key or issued.key_pem())

    def trust(self, *authorities: Authority) -> None:
        """Whose certificates senders must show."""
        self._write(self.client_ca, b"".join(one.own.certificate_pem for one in authorities))

    def files(self, *, mutual: bool = False) -> TlsFiles:
        """As they are given to a server."""
        return TlsFiles(
            certificate=self.certificate, key=self.key,
            client_ca=self.client_ca if mutual else None,
        )  # fmt: skip

    def _write(self, path: Path, content: bytes) -> None:
        """As whoever renews certificates does it: a new file takes the place of the old one."""
        self._turn += 1
        new = path.with_suffix(f".{self._turn}")
        new.write_bytes(content)
        os.replace(new, path)


def caller(trusted: Authority, folder: Path, shows: Issued | None = None) -> ssl.SSLContext:
    """What a sender connects with: whom it trusts, and what it shows."""
    context = ssl.create_default_context(cadata=trusted.own.certificate_pem.decode())
    if shows is not None:
        path = folder / f"{shows.certificate.serial_number}.pem"
        path.write_bytes(shows.certificate_pem + shows.key_pem())
        context.load_cert_chain(path)
    return context
