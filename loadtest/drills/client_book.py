"""What the client of a drill of faults believes: a file that is only ever added to.

A line is written before a message that moves money is sent, and another one when it is known what
became of it. The client learns from answers alone, never from the server's database, so that the
file is evidence: `read_book` gives it back as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import Struct

from loadtest.books import Amounts
from loadtest.institution_client import Reply

Key = tuple[str, str]
"""Institution and msgid: one message for ever."""


class Outcome(StrEnum):
    """What is known of a message."""

    OPEN = "open"
    """sent, or about to be, and no answer yet"""
    DONE = "done"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"
    """no answer came, and 2601 took back whatever it had become"""


class Entry(Struct, kw_only=True, omit_defaults=True):
    """A message that moves money, and what became of it."""

    institution: str
    msgid: str
    infno: str
    psn_no: str
    outcome: Outcome = Outcome.OPEN
    undoes: str = ""
    """setl_id that a cancel cancels"""
    setl_id: str = ""
    mdtrt_id: str = ""
    amounts: Amounts | None = None
    refusal: str = ""
    silences: int = 0
    """how often it was sent and nothing definite came back"""
    trouble: str = ""
    """an answer that contradicts another one"""

    @property
    def key(self) -> Key:
        """What it is booked by."""
        return self.institution, self.msgid


class ClientBook:
    """The book while it is written. A context manager that closes its file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self.entries: dict[Key, Entry] = {}
        self.unknown: set[Key] = set()
        """of messages of which it is not known what became of them"""
        self.done = 0
        """messages that were carried out"""
        self._fresh: list[Entry] = []

    def __enter__(self) -> ClientBook:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._file.close()

    def begin(self, entry: Entry) -> Entry:
        """It is about to be sent."""
        self.entries[entry.key] = entry
        self.unknown.add(entry.key)
        self._fresh.append(entry)
        self._write(entry)
        return entry

    def heard(self, entry: Entry, reply: Reply) -> None:
        """Its verdict. One that differs from an earlier one is trouble, and changes nothing."""
        told = _told(reply)
        earlier = (entry.outcome, entry.setl_id, entry.amounts)
        if entry.outcome is not Outcome.OPEN:
            if earlier != told[:3]:
                entry.trouble = f"told {earlier}, then {told[:3]} {reply.err_code}"
                self._write(entry)
            return
        entry.outcome, entry.setl_id, entry.amounts, entry.mdtrt_id = told
        entry.refusal = reply.err_code
        self.done += entry.outcome is Outcome.DONE
        self._close(entry)

    def taken_back(self, entry: Entry) -> None:
        """2601 says that it never was."""
        entry.outcome = Outcome.TAKEN_BACK
        self._close(entry)

    def contradicted(self, entry: Entry, trouble: str) -> None:
        """Something that the server says does not fit to what it said."""
        entry.trouble = trouble
        self._write(entry)

    def fresh(self) -> list[Entry]:
        """What was begun since this was asked last."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def _close(self, entry: Entry) -> None:
        self.unknown.discard(entry.key)
        self._write(entry)

    def _write(self, entry: Entry) -> None:
        self._file.write(msgspec.json.encode(entry) + b"\n")


def read_book(path: Path) -> dict[Key, Entry]:
    """What a book says in the end. A last line that was cut short by a crash counts as unwritten:
    the line before it said that the message was sent."""
    entries: dict[Key, Entry] = {}
    decoder = msgspec.json.Decoder(Entry)
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                entry = decoder.decode(line)
                entries[entry.key] = entry
    return entries


def amounts_of(paid: Mapping[str, object], *, cash: str = "psn_cash_pay") -> Amounts:
    """From a setlinfo; 5203 has a name of its own for the cash."""
    names = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", cash)
    return Amounts(*(_fen(paid[name]) for name in names))


def _told(reply: Reply) -> tuple[Outcome, str, Amounts | None, str]:
    if not reply.is_done:
        return Outcome.REFUSED, "", None, ""
    paid = reply.node("setlinfo")
    return Outcome.DONE, str(paid["setl_id"]), amounts_of(paid), str(paid["mdtrt_id"])


def _fen(amount: object) -> int:
    return int(Decimal(str(amount)).scaleb(2))
