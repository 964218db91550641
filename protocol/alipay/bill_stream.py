"""A file of details read line by line, so that one of a million rows fits into memory (`bills`).

The frame is the same: title, account, period, a line that opens the list, names of columns, rows, a
line that closes it, totals. GB 18030 holds all of GBK; no second byte of it is a line's end, so
lines are cut before they are decoded.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from operator import itemgetter
from typing import NamedTuple

from protocol.alipay.amounts import fen
from protocol.alipay.bills import (
    ACCOUNT_LIST,
    ACCOUNT_TITLE,
    LIST_END,
    TRADE_LIST,
    TRADE_TITLE,
    BillFormError,
)

LISTS = {TRADE_TITLE: TRADE_LIST, ACCOUNT_TITLE: ACCOUNT_LIST}
HEAD_LINES_MAX = 20
_TOTAL = re.compile(r"#(?P<name>\w+)：(?P<count>\d{1,9})笔，[^\d-]*(?P<yuan>-?[\d.]+)元")
_DAY = re.compile(r"\[(\d{4})年(\d{2})月(\d{2})日")


class Total(NamedTuple):
    """What the file states of its rows."""

    rows: int
    amount_fen: int
    """without its sign, which differs by age of the file"""


class DetailStream:
    """See the module. Raises BillFormError, from the constructor for the frame's beginning."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = enumerate(lines, 1)
        self.title = self._next().strip().removeprefix("\ufeff")
        if self.title not in LISTS:
            raise BillFormError(f"begins with {self.title[:30]!r}")
        self.account = ""
        self.day: date | None = None
        self.totals: dict[str, Total] = {}
        self._read_head()
        self.columns = tuple(cell.strip() for cell in self._next().split(","))

    def rows(self, wanted: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        """Each row's line and its values in the columns `wanted`, at least two; None for a row of
        another width. The totals are known after the last one."""
        width, pick = len(self.columns), itemgetter(*map(self.columns.index, wanted))
        for number, line in self._lines:
            text = _text(line, number)
            if text.startswith("#"):
                self._read_end(text)
                return
            cells = _quoted(text, number) if '"' in text else text.split(",")
            if not text:
                continue
            yield number, pick(cells) if len(cells) == width else None
        raise BillFormError("the frame is incomplete: the file is cut off")

    def _read_head(self) -> None:
        opening = LISTS[self.title]
        for _ in range(HEAD_LINES_MAX):
            line = self._next()
            if line.startswith("#--") and opening in line:
                return
            if line.startswith("#账号"):
                self.account = "".join(re.findall(r"\[([^\[\]]*)\]", line))
            elif line.startswith("#起始日期"):
                self.day = _day(line)
        raise BillFormError(f"the list {opening} does not begin")

    def _read_end(self, text: str) -> None:
        if LISTS[self.title] not in text or LIST_END not in text:
            raise BillFormError("another list begins inside the list: two files in one")
        for number, line in self._lines:
            text = _text(line, number)
            if text.startswith("#支付宝"):
                raise BillFormError(f"line {number} begins another bill: two files in one")
            if found := _TOTAL.match(text):
                try:
                    amount_fen = abs(fen(found["yuan"]))
                except ValueError as exc:
                    raise BillFormError(f"line {number}: {exc}") from exc
                self.totals[found["name"]] = Total(int(found["count"]), amount_fen)

    def _next(self) -> str:
        number, line = next(self._lines, (0, b""))
        if not number:
            raise BillFormError("the frame is incomplete: the file is cut off")
        return _text(line, number)


def _day(line: str) -> date:
    """The day of a period of one day. Longer ones are bills of months."""
    try:
        begin, end = (date(*map(int, found)) for found in _DAY.findall(line))
    except ValueError as exc:
        raise BillFormError(f"no period: {line[:60]!r}") from exc
    if end - begin > timedelta(days=1):
        raise BillFormError(f"of {begin} to {end}, not of a day")
    return begin


def _quoted(text: str, number: int) -> list[str]:
    try:
        return next(csv.reader((text,)), [])
    except csv.Error as exc:
        raise BillFormError(f"line {number}: {exc}") from exc


def _text(line: bytes, number: int) -> str:
    try:
        return line.rstrip(b"\r\n").decode("gb18030")
    except UnicodeDecodeError as exc:
        raise BillFormError(f"line {number} is not in GBK") from exc
