"""Files of the interface (section 6): a zip with one UTF-8 text, rows of values between tabs.

Bytes to rows and back, in memory: no disk, no clock. The layouts of the detail reconciliation are
here; what a row means is not. A fault names the row and the column, both from 1.
"""

from __future__ import annotations

import io
import re
import zipfile
from base64 import b64decode
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from protocol.nhsa.amounts import scaled
from protocol.nhsa.errors import WireError
from protocol.zipped import BROKEN

DETAIL_COLUMNS = {
    "setl_id": "结算ID",
    "mdtrt_id": "就诊ID",
    "psn_no": "人员编号",
    "medfee_sumamt": "医疗费总额",
    "fund_pay_sumamt": "基金支付总额",
    "acct_pay": "个人账户支出",
    "refd_setl_flag": "退费结算标志",
}
"""What 3202 takes, in this order (Jilin and others; the same in all sources)."""
RESULT_COLUMNS = (
    "psn_no", "mdtrt_id", "setl_id", "msgid", "stmt_rslt", "refd_setl_flag", "memo",
    "medfee_sumamt", "fund_pay_sumamt", "acct_pay",
)  # fmt: skip
"""What its result file has."""

EMPTY = "null"
"""How an empty value is written."""
MEMO_LENGTH_MAX = 500

_BYTE_ORDER_MARK = "\ufeff"
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN_NUMBER = re.compile(r"-?\d{1,14}(?:\.\d{1,8})?", re.ASCII)


class FileFault(StrEnum):
    """What may be wrong with a file."""

    NOT_ZIP = "FILE_NOT_ZIP"
    NOT_ONE = "FILE_NOT_ONE"
    TOO_LARGE = "FILE_TOO_LARGE"
    NOT_UTF8 = "FILE_NOT_UTF8"
    ROWS_TOO_MANY = "FILE_ROWS_TOO_MANY"
    COLUMNS = "FILE_COLUMNS_WRONG"
    VALUE = "FILE_VALUE_WRONG"


class FileError(Exception):
    """A file that cannot be taken as it is; `params` name row, column and what was found."""

    def __init__(self, fault: FileFault, **params: str | int) -> None:
        super().__init__(fault.value, params)
        self.fault = fault
        self.params = params


def bytes_of(sent: str | Sequence[int]) -> bytes:
    """The bytes of a file as 9101 carries them: Base64, or numbers that may be signed."""
    if not isinstance(sent, str):
        return bytes(byte & 0xFF for byte in sent)
    try:
        return b64decode("".join(sent.split()), validate=True)
    except ValueError as fault:
        raise FileError(FileFault.NOT_ZIP) from fault


def unpack(content: bytes, *, bytes_max: int) -> str:
    """The one text in a zip. It is unpacked only as far as it may be long, whatever it says."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(inside) != 1:
                raise FileError(FileFault.NOT_ONE, found=len(inside))
            [entry] = inside
            if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
                raise FileError(FileFault.NOT_ZIP)
            with archive.open(entry) as text:
                data = text.read(bytes_max + 1)
    except BROKEN as fault:
        raise FileError(FileFault.NOT_ZIP) from fault
    if len(data) > bytes_max:
        raise FileError(FileFault.TOO_LARGE, limit=bytes_max)
    try:
        return data.decode("utf-8").removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as fault:
        row = data.count(b"\n", 0, fault.start) + 1
        raise FileError(FileFault.NOT_UTF8, row=row) from fault


def pack(name: str, text: str) -> bytes:
    """A zip with one text."""
    packing = Packing(name)
    packing.add(text)
    return packing.done()


class Packing:
    """A zip with one text that comes in pieces, so that others may have their turn in between. The
    same pieces give the same bytes: the entry has no time of its own."""

    def __init__(self, name: str) -> None:
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED
        self._packed = io.BytesIO()
        self._archive = zipfile.ZipFile(self._packed, "w")
        self._entry = self._archive.open(entry, "w")

    def add(self, text: str) -> None:
        """Add a piece."""
        self._entry.write(text.encode())

    def done(self) -> bytes:
        """The bytes of the zip; nothing is added after that."""
        self._entry.close()
        self._archive.close()
        return self._packed.getvalue()


def rows_of(text: str, columns: Sequence[str], *, rows_max: int) -> list[list[str]]:
    """The rows of a text, each with as many values as there are columns; `null` is empty."""
    lines = text.split("\n")
    if lines[-1] == "":
        del lines[-1]
    if len(lines) > rows_max:
        raise FileError(FileFault.ROWS_TOO_MANY, found=len(lines), limit=rows_max)
    rows = []
    for number, line in enumerate(lines, 1):
        values = line.removesuffix("\r").split("\t")
        if len(values) != len(columns):
            raise FileError(
                FileFault.COLUMNS, row=number, found=len(values), expected=len(columns)
            )
        rows.append(["" if value == EMPTY else value for value in values])
    return rows


def text_of(rows: Iterable[Sequence[str]]) -> str:
    """Rows as a text; what would break a row becomes a blank."""
    return "".join(
        "\t".join([_CONTROL.sub(" ", value) or EMPTY for value in row]) + "\n" for row in rows
    )


class DetailRow:
    """One row of an upload for 3202, its values checked; amounts in fen."""

    __slots__ = ("account_fen", "fund_fen", "mdtrt_id", "psn_no", "refund", "setl_id", "total_fen")

    def __init__(self, number: int, values: Sequence[str]) -> None:
        setl_id, mdtrt_id, psn_no, total, fund, account, refund = values
        self.setl_id = _name(number, "setl_id", setl_id)
        self.mdtrt_id = _name(number, "mdtrt_id", mdtrt_id)
        self.psn_no = _name(number, "psn_no", psn_no)
        self.total_fen = _fen(number, "medfee_sumamt", total)
        self.fund_fen = _fen(number, "fund_pay_sumamt", fund)
        self.account_fen = _fen(number, "acct_pay", account)
        if refund not in ("0", "1"):
            raise _wrong(number, "refd_setl_flag", refund)
        self.refund = refund == "1"


def detail_rows(text: str, *, rows_max: int) -> list[DetailRow]:
    """The rows of an upload for 3202; FileError names the first that is wrong."""
    rows = rows_of(text, tuple(DETAIL_COLUMNS), rows_max=rows_max)
    return [DetailRow(number, values) for number, values in enumerate(rows, 1)]


def _name(row: int, column: str, value: str) -> str:
    if not 1 <= len(value) <= 30 or _CONTROL.search(value):
        raise _wrong(row, column, value)
    return value


def _fen(row: int, column: str, value: str) -> int:
    if not _PLAIN_NUMBER.fullmatch(value):
        raise _wrong(row, column, value)
    try:
        return scaled(Decimal(value), 2, column)
    except WireError as fault:
        raise _wrong(row, column, value) from fault


def _wrong(row: int, column: str, value: str) -> FileError:
    place = tuple(DETAIL_COLUMNS).index(column) + 1
    return FileError(
        FileFault.VALUE, row=row, column=place, name_zh=DETAIL_COLUMNS[column],
        found=_CONTROL.sub(" ", value[:30]),
    )  # fmt: skip
