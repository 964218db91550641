"""A view of the books: just what a batch touches, read once, then updated as it is judged.

Both ledgers fill the same `Snapshot`, so that there is one reading of the rules. A snapshot with
`spendable` None was made without reading balances and existing guarded accounts: it assumes that
they suffice, and the database's own checks have the last word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.account import is_guarded
from ledger.entry import Entry, EntryKind
from ledger.fold import Guarded, Key

ASSUMED_SPENDABLE_FEN = 1 << 62


class Snapshot:
    """A view of the books (账簿快照) for one batch; `judge` records accepted entries in it."""

    def __init__(
        self, *, guarded_owner: str, journals: Mapping[int, int], owners: Mapping[int, str],
        entries: dict[Key, Entry], resolutions: dict[Key, EntryKind],
        spendable: dict[Key, int] | None,
    ) -> None:  # fmt: skip
        self._guarded_owner = guarded_owner
        self._journals = journals
        self._owners = owners
        self._entries = entries
        self._resolutions = resolutions
        self._spendable = spendable

    def journal_of(self, lane: int) -> int | None:
        """The open journal of the lane."""
        return self._journals.get(lane)

    def owner_of(self, lane: int, account: int) -> str | None:
        """Whose book the account is in."""
        if not is_guarded(account):
            return self._owners.get(account)
        known = self._spendable is None or (lane, account) in self._spendable
        return self._guarded_owner if known else None

    def entry(self, lane: int, entry_id: int) -> Entry | None:
        """A booked entry."""
        return self._entries.get((lane, entry_id))

    def resolution(self, lane: int, pending_id: int) -> EntryKind | None:
        """POST or VOID where the pending entry is resolved."""
        return self._resolutions.get((lane, pending_id))

    def spendable_fen(self, lane: int, account: int) -> int:
        """What a guarded account may still pay."""
        if self._spendable is None:
            return ASSUMED_SPENDABLE_FEN
        return self._spendable[lane, account]

    def record(self, entry: Entry, changes: Guarded) -> None:
        """Books the entry in this view."""
        self._entries[entry.lane, entry.entry_id] = entry
        if entry.pending_id is not None:
            self._resolutions[entry.lane, entry.pending_id] = entry.kind
        if self._spendable is not None:
            for key, change in changes.items():
                self._spendable[key] += change.spendable_fen

    def pendings_of(self, entries: Iterable[Entry]) -> dict[Key, Entry]:
        """The pending entries that the given entries resolve."""
        keys = [(e.lane, e.pending_id) for e in entries if e.pending_id is not None]
        return {key: self._entries[key] for key in keys}
