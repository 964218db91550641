"""Bill files of WeChat: unpacked, held against their digest, or said not to be there."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import zlib
from http import HTTPStatus
from io import BytesIO

from protocol.wechat.codes import normal
from settlement.channels.port import BillRefusedError

BILL_BYTES_MAX = 256 * 1024 * 1024
NOTHING_MOVED = frozenset(map(normal, ("NO_STATEMENT_EXIST",)))
NOT_YET = frozenset(map(normal, ("STATEMENT_CREATING", "SYSTEM_ERROR", "FREQUENCY_LIMITED")))


def checked_bill(data: bytes, digest: str) -> bytes:
    """The file, unpacked; the digest is over what was packed. Raises BillRefusedError."""
    content = unpacked(data)
    found = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if not hmac.compare_digest(found, digest.lower()):
        raise BillRefusedError("账单文件摘要不符，请重新下载")
    return content


def unpacked(data: bytes) -> bytes:
    """Of gzip, or as it is. Raises BillRefusedError."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(BytesIO(data)) as file:
            content = file.read(BILL_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as exc:
        raise BillRefusedError("账单压缩文件已损坏，请重新下载") from exc
    if len(content) > BILL_BYTES_MAX:
        raise BillRefusedError("账单文件过大")
    return content


def without_bill(code: str, message: str, *, status: int) -> bytes | None:
    """What the refusal of a bill means: no bytes of a day on which nothing moved, None where it is
    not ready. Raises BillRefusedError for anything else."""
    if normal(code) in NOTHING_MOVED:
        return b""
    if normal(code) in NOT_YET or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    raise BillRefusedError(f"微信支付不提供账单：{code} {message}".rstrip())
