"""Platform certificates (GET /v3/certificates): encrypted under the APIv3 key, known by serial."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from protocol.wechat.messages import rfc3339
from protocol.wechat.sealing import Sealed, UndecipherableError, unseal
from protocol.wechat.signing import VerifyingKey


class PlatformCertificate(Struct, frozen=True, kw_only=True):
    """One of those that are in use."""

    serial_no: str
    effective_time: str
    expire_time: str
    encrypt_certificate: Sealed


class Certificates(Struct, frozen=True, kw_only=True):
    """The answer."""

    data: tuple[PlatformCertificate, ...]


def read_certificates(body: bytes, key: bytes, *, now: datetime) -> dict[str, VerifyingKey]:
    """Keys by serial of the certificates that hold now. ValueError for an unreadable answer."""
    try:
        answer = msgspec.json.decode(body, type=Certificates)
        return {
            one.serial_no: VerifyingKey(unseal(key, one.encrypt_certificate))
            for one in answer.data
            if _holds(one, now)
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError(f"certificates: {exc}") from exc
    except UndecipherableError as exc:
        raise ValueError("certificates: not under this APIv3 key") from exc


def _holds(certificate: PlatformCertificate, now: datetime) -> bool:
    begin, end = rfc3339(certificate.effective_time), rfc3339(certificate.expire_time)
    return begin is not None and end is not None and begin <= now < end
