"""The client's own book (客户端账) of a load: a file that is only ever added to.

One line for every settlement, and for every one taken back, as it was *answered*; and one for what
was sent and never became known. It never sees the server's database, so that it is evidence. Either
runner writes it in the same words, and the audit reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

BUFFER_BYTES = 1 << 20


class What(StrEnum):
    """What a line says."""

    SETTLED = "settled"
    UNDONE = "undone"
    """a settlement was taken back: amounts are negative"""
    REFUSED = "refused"
    """a definite no to a message that would have settled"""
    UNKNOWN = "unknown"
    """sent, and no answer ever came"""
    WRONG = "wrong"
    """an answer that contradicts another one"""


class Line(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One line. Amounts in fen; `said` is for people."""

    what: What
    institution: str
    msgid: str
    psn_no: str = ""
    setl_id: str = ""
    undoes: str = ""
    total_fen: int = 0
    fund_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0
    channel: str = ""
    """that collected the cash, or gave it back; empty where the institution did"""
    reference: str = ""
    """of the channel"""
    said: str = ""
    insured_in: str = ""
    """region of insurance, where it is not ours"""

    @property
    def moves(self) -> bool:
        """Whether the ledger must have it."""
        return self.what in (What.SETTLED, What.UNDONE)

    @property
    def mark(self) -> int:
        """Eight bytes that stand for what the ledger must have."""
        return mark_of(
            self.institution, self.msgid, self.setl_id, self.undoes,
            (self.total_fen, self.fund_fen, self.account_fen, self.cash_fen),
        )  # fmt: skip


class LoadBook:
    """The book while it is written. A context manager that closes its file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=BUFFER_BYTES)
        self._encode = msgspec.json.Encoder().encode

    def __enter__(self) -> LoadBook:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()

    def write(self, line: Line) -> None:
        """Add a line."""
        self._file.write(self._encode(line) + b"\n")


def read_book(path: Path) -> Iterator[Line]:
    """What it says, line by line. Raises msgspec.DecodeError where a line is cut short."""
    decoder = msgspec.json.Decoder(Line)
    with path.open("rb") as file:
        for text in file:
            yield decoder.decode(text)


def mark_of(
    institution: str, msgid: str, setl_id: str, undoes: str, amounts: tuple[int, int, int, int]
) -> int:
    """Of a settlement: its message, number and amounts. Of what takes one back: which, and how
    much; nothing is undone twice, and a till is not told under which message a refund is booked."""
    said = (institution, undoes) if undoes else (institution, msgid, setl_id)
    text = f"{said}{amounts}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
