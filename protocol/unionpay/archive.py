"""What a file download (76) carries: Base64 of a zlib stream of a ZIP with the statement files.

In the ZIP are `INN…ZM_<merId>` (normal transactions), `INN…ZME_<merId>` (adjustments), and texts
for people. Whatever a file says of itself, it is unpacked only as far as it may be long.
"""

from __future__ import annotations

import binascii
import io
import re
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from enum import StrEnum

from protocol.zipped import BROKEN

UNPACKED_BYTES_MAX = 256 * 1024 * 1024
"""Of one statement file: some 400,000 transactions of one merchant and day."""

_STATEMENT = re.compile(r"(?:.*/)?INN\d*(ZME?)_(\w+?)(?:\.txt)?", re.ASCII)
_NAMED_DAY = re.compile(r"INN(\d{6})", re.ASCII)
_EPOCH = (1980, 1, 1, 0, 0, 0)


class ArchiveError(ValueError):
    """The file is damaged, or is no archive of statements; the text says which."""


class StatementKind(StrEnum):
    """The two statement files."""

    NORMAL = "ZM"
    ADJUSTED = "ZME"


def zip_of(file_content: str, *, bytes_max: int = UNPACKED_BYTES_MAX) -> bytes:
    """The ZIP in a `fileContent`."""
    try:
        packed = b64decode("".join(file_content.split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise ArchiveError("fileContent is no Base64") from fault
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(packed, bytes_max + 1)
    except zlib.error as fault:
        raise ArchiveError("fileContent is no zlib stream") from fault
    if len(unpacked) > bytes_max:
        raise ArchiveError(f"the archive has more than {bytes_max} bytes")
    if not stream.eof:
        raise ArchiveError("fileContent is cut short")
    return unpacked


def content_of(archive: bytes) -> str:
    """A `fileContent` of a ZIP."""
    return b64encode(zlib.compress(archive)).decode("ascii")


def statements(
    archive: bytes, merchant: str, *, bytes_max: int = UNPACKED_BYTES_MAX
) -> dict[StatementKind, bytes]:
    """The statement files of a merchant, each checked against its CRC-32. The normal one is always
    there, also on a day without transactions; ArchiveError where it is not."""
    found: dict[StatementKind, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as entries:
            for entry in entries.infolist():
                match = _STATEMENT.fullmatch(entry.filename)
                if match is None or match[2] != merchant:
                    continue
                kind = StatementKind(match[1])
                if kind in found:
                    raise ArchiveError(f"two {kind} files of one merchant")
                with entries.open(entry) as file:
                    found[kind] = file.read(bytes_max + 1)
    except ArchiveError:
        raise
    except BROKEN as fault:
        raise ArchiveError("the ZIP is damaged") from fault
    if any(len(data) > bytes_max for data in found.values()):
        raise ArchiveError(f"a statement has more than {bytes_max} bytes")
    if StatementKind.NORMAL not in found:
        raise ArchiveError(f"no ZM file of merchant {merchant}")
    return found


def statement_named(name: str) -> tuple[StatementKind, str, str] | None:
    """What a statement file's name says: its kind, the clearing day as YYMMDD (empty where it has
    none), and the merchant. None for a file of another name."""
    match = _STATEMENT.fullmatch(name)
    if match is None:
        return None
    day = _NAMED_DAY.match(name.rpartition("/")[2])
    return StatementKind(match[1]), day[1] if day else "", match[2]


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of files by name; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as entries:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entries.writestr(entry, data)
    return packed.getvalue()


def statement_name(kind: StatementKind, day: str, merchant: str) -> str:
    """A name as UnionPay gives it; `day` is the clearing day as YYMMDD."""
    return f"INN{day}88{kind}_{merchant}"
