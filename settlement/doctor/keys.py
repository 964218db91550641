"""Keys and certificates in files: are they there, private, of use, and for how long."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import (
    Certificate,
    load_pem_x509_certificate,
    load_pem_x509_certificates,
)

from protocol.unionpay.certificates import CertificateError, signing_key_of
from settlement.channels.config import ChannelsError, load_tills
from settlement.channels.signer import Signer
from settlement.doctor.files import SECRETS, examine_secret
from settlement.doctor.findings import Code
from settlement.doctor.patient import Patient
from settlement.finance.bill_books import channels_file
from settlement.region.hub_config import HubConfigError, hub_file, read_hub
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.platform_key import platform_key_file
from settlement.storage.seal_key import load_seal_keys, seal_key_file
from settlement.web.tls import TlsError, load_context, tls_files

_PEM = re.compile(
    rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)


def examine_keys(patient: Patient) -> None:
    """The keys of personal data, of mobile payment and of seals."""
    secrets, examination = patient.data_dir / SECRETS, patient.examination
    path = key_file(secrets, patient.environment)
    if not path.exists():
        examination.found(Code.KEY_FILE_MISSING, path=str(path))
    else:
        _outside(patient, path)
        try:
            patient.keyring = load_keyring(path)
        except KeyFileError as exc:
            examination.found(Code.KEY_FILE_UNUSABLE, path=str(path), reason=str(exc))
        else:
            _aged(patient, f"密钥文件 {path.name} (key file)", _changed(path))
            examination.saw("密钥 keys", f"{path}, 版本 version {patient.keyring.version}")
    mobile = platform_key_file(secrets, patient.environment)
    if mobile.exists():
        _outside(patient, mobile)
        _aged(patient, f"移动支付签名密钥 {mobile.name} (mobile payment)", _changed(mobile))
    seal = seal_key_file(secrets, patient.environment)
    try:
        seals = load_seal_keys(seal)
    except KeyFileError as exc:
        examination.found(Code.KEY_FILE_UNUSABLE, path=str(seal), reason=str(exc))
        return
    if seals is not None:
        _outside(patient, seal)
        _aged(patient, f"封存签名密钥 {seal.name} (seals)", seals.since)


def examine_channels(patient: Patient) -> None:
    """The merchants of payment channels: keys that nobody else reads, certificates that hold."""
    path, examination = channels_file(patient.data_dir, patient.environment), patient.examination
    if path is None:
        examination.left_out("收款渠道 channels", "未配置 none are described")
        return
    examine_secret(patient, path)
    try:
        load_tills(path, signer=Signer(), clock=patient.clock)
        merchants = tomllib.loads(path.read_text("utf-8")).get("merchant", [])
    except ChannelsError as exc:
        examination.found(Code.CHANNELS_UNUSABLE, reason=str(exc))
        return
    certificates = 0
    for merchant in merchants:
        settings = merchant.get("settings", {})
        for entry, name in _files_named(settings):
            file = path.parent / name
            found = list(_certificates(patient, entry, file, settings))
            if "public" not in entry and (not found or file.read_bytes().find(b"PRIVATE") >= 0):
                examine_secret(patient, file)
            for one in found:
                certificates += 1
                ends_within(patient, f"{merchant['channel']} {entry} {name}", _ends(one))
    examination.saw("收款渠道 channels", f"{path}: {len(merchants)} 商户 merchants, "
                    f"{certificates} 证书 certificates")  # fmt: skip


def examine_hub_file(patient: Patient) -> bytes | None:
    """The pinned key of the hub's authority; None where there is no hub, or it cannot be used."""
    path, examination = hub_file(patient.data_dir, patient.environment), patient.examination
    try:
        settings = read_hub(path)
    except HubConfigError as exc:
        examination.found(Code.HUB_UNUSABLE, reason=str(exc))
        return None
    if settings is None:
        examination.left_out("跨区 hub", "未配置 none is described")
        return None
    examination.saw("跨区 hub", settings.address)
    return settings.root_key


def examine_tls(patient: Patient) -> None:
    """What the gateways speak TLS with, as far as the variables say."""
    examination = patient.examination
    try:
        files = tls_files(None, None, None, patient.environment)
        if files is None:
            examination.left_out("TLS", "未配置环境变量 no variable names its files")
            return
        load_context(files)
    except TlsError as exc:
        examination.found(Code.TLS_UNUSABLE, reason=str(exc))
        return
    _outside(patient, files.key)
    shown = [files.certificate] if files.client_ca is None else [files.certificate, files.client_ca]
    for path in shown:
        for certificate in load_pem_x509_certificates(path.read_bytes()):
            ends_within(patient, f"{path}", _ends(certificate))
    examination.saw("TLS", "；".join(map(str, shown)))


def ends_within(patient: Patient, what: str, ends_at: datetime) -> None:
    """Say it where a certificate has ended or ends soon."""
    left = ends_at - patient.clock()
    if left.total_seconds() <= 0:
        patient.examination.found(
            Code.CERTIFICATE_ENDED, what=what, ends_on=ends_at.date().isoformat()
        )
    elif left < patient.thresholds.certificate_left:
        patient.examination.found(
            Code.CERTIFICATE_ENDS_SOON, what=what, ends_on=ends_at.date().isoformat(),
            days=left.days,
        )  # fmt: skip


def _outside(patient: Patient, path: Path) -> None:
    """A key file that lies elsewhere; those among the secrets are looked at there."""
    if path.parent != patient.data_dir / SECRETS:
        examine_secret(patient, path)


def _aged(patient: Patient, what: str, since: datetime) -> None:
    age = patient.clock() - since
    if age > patient.thresholds.key_age:
        patient.examination.found(Code.KEY_OLD, what=what, days=age.days)


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _files_named(settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Entries of a merchant that name files, with the files."""
    for entry, value in settings.items():
        if entry.endswith("_file") and isinstance(value, str) and value:
            yield entry, value
        if entry.endswith("_files") and isinstance(value, Mapping):
            yield from ((entry, str(name)) for name in value.values())


def _certificates(
    patient: Patient, entry: str, file: Path, settings: Mapping[str, object]
) -> Iterator[Certificate]:
    data = file.read_bytes()
    for number, block in enumerate(_PEM.findall(data), 1):
        try:
            yield load_pem_x509_certificate(block)
        except ValueError as exc:
            patient.examination.left_out(f"证书 certificate {number}, {file}", str(exc))
    if entry == "key_file" and "mer_id" in settings and not _PEM.search(data):
        named = str(settings.get("key_password_file", ""))
        password = (file.parent / named).read_bytes().strip() if named else None
        try:
            yield signing_key_of(data, password).certificate
        except CertificateError as exc:
            patient.examination.left_out(f"证书 certificate, {file}", str(exc))


def _ends(certificate: Certificate) -> datetime:
    return certificate.not_valid_after_utc
