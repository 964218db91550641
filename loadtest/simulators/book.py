"""What a counter believes: every message written down before it is sent, and what became of it.

A file of JSON lines, so that a crash loses nothing. It learns only from answers, never from the
server's database.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from settlement.client import Done, Message, Refused, Resolution, Settlement, TakenBack
from settlement.client.institution import SETTLING

CANCELS = frozenset({"2103", "2208", "2305"})
OPEN, DONE, REFUSED, TAKEN_BACK = "open", "done", "refused", "taken back"


class Entry(Struct, kw_only=True):
    """A message and what became of it."""

    message: Message
    state: str = OPEN
    settled: Settlement | None = None
    """of a settlement, or of a cancel"""
    cancels: str = ""
    """setl_id that a cancel cancels"""
    refusal: str = ""
    mdtrt_id: str = ""


class Book:
    """The book of one counter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries: dict[str, Entry] = {}
        if path.exists():
            for line in path.read_bytes().splitlines():
                entry = msgspec.json.decode(line, type=Entry)
                self.entries[entry.message.msgid] = entry

    def begin(self, message: Message, *, cancels: str = "") -> None:
        """It is about to be sent."""
        self._write(Entry(message=message, cancels=cancels))

    def end(self, outcome: Resolution) -> None:
        """It is known what became of it."""
        entry = self.entries[outcome.message.msgid]
        match outcome:
            case Done():
                entry.state = DONE
                if entry.message.infno in SETTLING or entry.message.infno in CANCELS:
                    entry.settled = outcome.settlement
                entry.mdtrt_id = _visit_of(outcome)
            case Refused(code=code):
                entry.state, entry.refusal = REFUSED, code
            case TakenBack():
                entry.state = TAKEN_BACK
            case _:
                return
        self._write(entry)

    def open_messages(self) -> list[Message]:
        """What was sent, or was about to be, and is not known."""
        return [one.message for one in self.entries.values() if one.state == OPEN]

    def settlements(self) -> list[Entry]:
        """Settlements and cancels that were carried out, in their order."""
        return [one for one in self.entries.values() if one.settled is not None]

    def standing(self) -> dict[str, Entry]:
        """Settlements that no cancel undid, by setl_id."""
        gone = {one.cancels for one in self.settlements()}
        return {
            one.settled.setl_id: one
            for one in self.settlements()
            if one.settled is not None and not one.cancels and one.settled.setl_id not in gone
        }

    def _write(self, entry: Entry) -> None:
        self.entries[entry.message.msgid] = entry
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")


def _visit_of(done: Done) -> str:
    """mdtrt_id, where the answer gives one."""
    if isinstance(done.output, dict):
        for node in done.output.values():
            if isinstance(node, dict) and isinstance(node.get("mdtrt_id"), str):
                return str(node["mdtrt_id"])
    return ""
