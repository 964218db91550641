"""A bill read line by line, so that one of a million rows fits into memory (see `bills`).

Columns are asked for by name. A line that has another number of fields than the first one is given
as `None`: it is the reader's to say what becomes of it. The summary is known after the last row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from protocol.wechat.bills import DamagedBillError

_MARK = b"\xef\xbb\xbf"


class BillStream:
    """See the module. Raises DamagedBillError, from the constructor for the first line."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = enumerate(lines, 1)
        _, first = next(self._lines, (1, b""))
        self.columns = tuple(_text(first.removeprefix(_MARK), 1).split(","))
        self.summary: dict[str, str] = {}
        self.count = 0
        """rows so far, also those that cannot be read"""

    def rows(self, wanted: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        """Each row's line and its values in the columns `wanted`, which are at least two."""
        width, pick = len(self.columns), itemgetter(*map(self.columns.index, wanted))
        for number, line in self._lines:
            if line[:1] != b"`":
                if line.strip():
                    self._read_summary(number, line)
                    return
                continue
            self.count += 1
            try:
                values = line[1:].rstrip(b"\r\n").decode().split(",`")
            except UnicodeDecodeError as exc:
                raise DamagedBillError(f"line {number} is not UTF-8") from exc
            yield number, pick(values) if len(values) == width else None
        raise DamagedBillError("no summary at the end: cut off")

    def _read_summary(self, number: int, line: bytes) -> None:
        names = _text(line, number).split(",")
        if tuple(names) == self.columns:
            raise DamagedBillError(f"line {number} begins another bill: two files in one")
        number, line = next(self._lines, (number, b""))
        if line[:1] != b"`":
            raise DamagedBillError("the summary has no values: cut off")
        values = _text(line[1:], number).split(",`")
        if len(names) != len(values):
            raise DamagedBillError(f"summary has {len(names)} names and {len(values)} values")
        for number, line in self._lines:
            if line.strip():
                raise DamagedBillError(f"line {number} is behind the summary: two files in one")
        self.summary = dict(zip(names, values, strict=True))


def _text(line: bytes, number: int) -> str:
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as exc:
        raise DamagedBillError(f"line {number} is not UTF-8") from exc
