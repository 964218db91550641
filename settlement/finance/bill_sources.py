"""Which bill a file is, and its lines: packed or not, named or not, whatever an operator has.

A file is told by what it begins with, never by its ending; only UnionPay's statements are told by
their names, because nothing in them says what they are. Nothing is unpacked into memory.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from itertools import chain
from typing import IO, BinaryIO, cast

from msgspec import Struct

from protocol.onecode_bills import BEGINS
from protocol.unionpay.archive import StatementKind, statement_named
from protocol.zipped import BROKEN
from settlement.books.bill import BillError, BillKind, Nothing, Reading
from settlement.translate.alipay_bills import IS_DETAILS, alipay_reading
from settlement.translate.onecode_bills import OneCodeTrade
from settlement.translate.unionpay_bills import UnionPayAdjusted, UnionPayTrade
from settlement.translate.wechat_bills import WechatFunds, WechatTrade

UNPACKED_BYTES_MAX = 1024 * 1024 * 1024
"""Of one file: 1.7 million transactions of the longest form. A bomb ends here."""
LINE_BYTES_MAX = 64 * 1024
MEMBERS_MAX = 100
"""Of a ZIP."""
_BUFFER_BYTES = 1024 * 1024
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_DAMAGED = "压缩文件已损坏或被截断，请重新下载 | the packed file is damaged or cut off"


class Claimed(Struct, frozen=True, kw_only=True):
    """What whoever brings a file says of it; empty and None where nothing."""

    channel: str = ""
    merchant: str = ""
    day: date | None = None
    kind: BillKind | None = None
    """said by a fetch; of a day without movements nothing else says it"""


class Received(Struct, frozen=True, kw_only=True):
    """A file as it came. `open` gives a new handle at its beginning."""

    name: str
    open: Callable[[], BinaryIO]


def readings_of(received: Received, claimed: Claimed, held: ExitStack) -> list[Reading]:
    """What is in a file: one bill, or the two of UnionPay. Handles are given back by `held`.
    Raises BillError."""
    file = held.enter_context(received.open())
    head = file.read(4)
    file.seek(0)
    if not head:
        return [_nothing(claimed)]
    if head == _ZIP:
        return _in_zip(file, claimed, held)
    if head.startswith(_GZIP):
        unpacked = held.enter_context(gzip.GzipFile(fileobj=file))
        return [_plain(_buffered(unpacked), received.name, claimed)]
    return [_plain(file, received.name, claimed)]


def _nothing(claimed: Claimed) -> Reading:
    if not claimed.channel or claimed.kind is None:
        raise BillError("文件是空的，请重新下载 | the file is empty: download it again")
    return Nothing(claimed.channel, claimed.kind)


def _in_zip(file: BinaryIO, claimed: Claimed, held: ExitStack) -> list[Reading]:
    try:
        archive = held.enter_context(zipfile.ZipFile(file))
        members = [one for one in archive.infolist() if not one.is_dir()]
        if (
            len(members) > MEMBERS_MAX
            or sum(one.file_size for one in members) > UNPACKED_BYTES_MAX
        ):
            raise BillError("解压后过大，不是账单 | unpacked it would be too large for a bill")
        found = [
            reading
            for one in members
            if (
                reading := _member(
                    held.enter_context(archive.open(one)), one.filename, claimed
                )
            )
        ]
    except BROKEN as exc:
        raise BillError(_DAMAGED) from exc
    if not found:
        raise BillError("压缩包里没有认识的账单 | there is no bill that is known in the ZIP")
    return found


def _member(member: IO[bytes], name: str, claimed: Claimed) -> Reading | None:
    """A bill in a ZIP; None for whatever else lies in it."""
    return _reading(_buffered(member), name, claimed)


def _buffered(file: IO[bytes] | gzip.GzipFile) -> IO[bytes]:
    """What is unpacked finds its lines' ends in Python; a buffer in front does not."""
    return io.BufferedReader(cast("io.RawIOBase", file), _BUFFER_BYTES)


def _plain(file: IO[bytes], name: str, claimed: Claimed) -> Reading:
    try:
        reading = _reading(file, name, claimed)
    except BROKEN as exc:
        raise BillError(_DAMAGED) from exc
    if reading is None:
        raise BillError(
            "不是认识的账单；若被表格软件另存过，请用原始文件 | not a bill that is known; if it "
            "was saved by a spreadsheet, take the file as it came"
        )
    return reading


def _reading(file: IO[bytes], name: str, claimed: Claimed) -> Reading | None:
    named = statement_named(name)
    if named is not None:
        return _statement(named, _lines(file), claimed)
    lines = _lines(file)
    first = next(lines, b"")
    return _by_first_line(first, chain((first,), lines))


def _by_first_line(first: bytes, lines: Iterator[bytes]) -> Reading | None:
    for charset in ("utf-8-sig", "gb18030"):
        try:
            text = first.decode(charset).strip()
        except UnicodeDecodeError:
            continue
        if text.startswith(BEGINS):
            return OneCodeTrade(lines)
        is_wechat, is_details = text.startswith(("交易时间,", "记账时间,")), text in IS_DETAILS
        if is_wechat and charset != "utf-8-sig":
            raise BillError(
                "文件是 GBK 编码，微信账单应为 UTF-8：多半被表格软件另存过，请用原始文件 | in GBK, "
                "not UTF-8: probably saved by a spreadsheet; take the file as it came"
            )
        if is_details and charset == "utf-8-sig":
            raise BillError(
                "文件是 UTF-8 编码，支付宝账单应为 GBK：请用原始 ZIP | in UTF-8, not GBK: take "
                "the ZIP as it came"
            )
        if is_wechat:
            return WechatTrade(lines) if text.startswith("交易") else WechatFunds(lines)
        if is_details:
            return alipay_reading(lines)
    return None


def _statement(
    named: tuple[StatementKind, str, str], lines: Iterator[bytes], claimed: Claimed
) -> Reading:
    kind, shown, merchant = named
    day = _day_of(shown) or claimed.day
    if day is None:
        raise BillError(
            "文件名里没有清算日，请用 --day 指明 | the name has no clearing day: say --day"
        )
    if kind is StatementKind.NORMAL:
        return UnionPayTrade(lines, merchant, day)
    return UnionPayAdjusted(lines, merchant, day)


def _day_of(shown: str) -> date | None:
    try:
        return date(2000 + int(shown[:2]), int(shown[2:4]), int(shown[4:]))
    except ValueError:
        return None


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """One after the other, as far as a bill may be long; the checksum is checked at its end."""
    left, read = UNPACKED_BYTES_MAX, file.readline
    try:
        while line := read(LINE_BYTES_MAX):
            left -= len(line)
            if left < 0:
                raise BillError("解压后过大，不是账单 | unpacked it is too large for a bill")
            yield line
    except BROKEN as exc:
        raise BillError(_DAMAGED) from exc
