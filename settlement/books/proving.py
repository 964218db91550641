"""Proofs for institutions (结算证明): what an institution needs to check, without us, that its
claims of a month are in the sealed books and are as they were booked.

Pure, and all that `settlement verify-proof` needs: no database, no server. A proof opens the
leaves of the institution's own settlements, which have accounting fields and a commitment and no
personal data, and has for each the path to the signed root. Of others it has only hashes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import msgspec
from msgspec import Struct

from ledger.chain import HASH_BYTES, leaf
from ledger.entry import Entry, EntryKind, Transfer
from ledger.proof import inclusion, is_included, root
from settlement.books.seal_keys import Algorithm, PublicKey, is_signed
from settlement.books.sealing import Root, Span, seal_of
from settlement.chart import InstitutionAccount

FORMAT = "settlement-proof/1"


class ProvenEntry(Struct, frozen=True, kw_only=True):
    """A settlement's leaf, opened."""

    setl_id: str
    index: int
    """its place among the institution's leaves, from 0"""
    lane: int
    kind: int
    pending: str = ""
    """the entry that it posts; empty for most"""
    code: int
    """1 settled, 2 cancelled, 3 reversed"""
    transfers: tuple[tuple[int, int, int], ...]
    """debit account, credit account, fen"""
    commitment: str
    """to the settlement's row, whose personal part is salted"""
    leaf: str
    path: tuple[str, ...] | None = None
    """hashes from the leaf to the root; none where all leaves are here"""


class Proof(Struct, frozen=True, kw_only=True):
    """See the module."""

    format: str
    region: str
    institution: str
    name: str
    account_base: int
    """first of the institution's accounts"""
    begins_on: date
    ends_on: date
    settlements: int
    """how many there are under the root"""
    root: str
    seal: str
    algorithm: Algorithm
    public_key: str
    signature: str
    entries: tuple[ProvenEntry, ...]


class Verdict(StrEnum):
    """What is true of a settlement of a proof."""

    INCLUDED = "included"
    ALTERED = "altered"
    """its fields do not give its leaf"""
    ABSENT = "absent"
    """its leaf is not under the signed root"""


VERDICT_ZH = {
    Verdict.INCLUDED: "在内，未改动", Verdict.ALTERED: "已被改动", Verdict.ABSENT: "不在封存之内",
}  # fmt: skip


class Figures(Struct, frozen=True, kw_only=True):
    """What a settlement moves in the institution's own book, fen; negative where it is undone."""

    total_fen: int
    fund_fen: int
    account_fen: int


class Checked(Struct, frozen=True, kw_only=True):
    """What a proof came to."""

    seal_holds: bool
    """root, number and span give the seal"""
    signature_holds: bool
    key: PublicKey
    verdicts: tuple[Verdict, ...]
    """in the order of its entries"""

    @property
    def holds(self) -> bool:
        """Whether everything does."""
        return self.seal_holds and self.signature_holds and all(
            verdict is Verdict.INCLUDED for verdict in self.verdicts
        )


class UnreadableProofError(Exception):
    """It is no proof; the text says why."""


def proven(
    entries: Sequence[Entry], leaves: Sequence[bytes], chosen: Sequence[int] | None
) -> tuple[ProvenEntry, ...]:
    """The entries of a proof: all, by which the root is computed, or some with their paths."""
    places = range(len(entries)) if chosen is None else chosen
    return tuple(
        _opened(entries[place], place, leaves[place],
                None if chosen is None else inclusion(leaves, place))
        for place in places
    )  # fmt: skip


def _opened(
    entry: Entry, place: int, hashed: bytes, path: tuple[bytes, ...] | None
) -> ProvenEntry:
    return ProvenEntry(
        setl_id=str(entry.entry_id), index=place, lane=entry.lane, kind=int(entry.kind),
        code=entry.code, pending="" if entry.pending_id is None else str(entry.pending_id),
        transfers=tuple((one.debit, one.credit, one.amount_fen) for one in entry.transfers),
        commitment=entry.commitment.hex(), leaf=hashed.hex(),
        path=None if path is None else tuple(step.hex() for step in path),
    )  # fmt: skip


def read_proof(content: bytes) -> Proof:
    """A proof from its file. UnreadableProofError."""
    try:
        proof = msgspec.json.decode(content, type=Proof)
    except msgspec.DecodeError as exc:
        raise UnreadableProofError(str(exc)) from exc
    if proof.format != FORMAT:
        raise UnreadableProofError(f"format {proof.format!r}")
    return proof


def check_proof(proof: Proof, key: PublicKey | None) -> Checked:
    """Check everything; without a key, by the one that the proof names."""
    by = key or PublicKey(algorithm=proof.algorithm, public=proof.public_key)
    expected_root = _bytes(proof.root)
    span = Span(begins_on=proof.begins_on, ends_on=proof.ends_on)
    one = Root(
        institution=proof.institution, settlements=proof.settlements, root=expected_root
    )
    seal = seal_of(proof.region, span, one)
    together = _together(proof, expected_root)
    return Checked(
        seal_holds=seal.hex() == proof.seal,
        signature_holds=is_signed(seal, _bytes(proof.signature), by),
        key=by,
        verdicts=tuple(
            _verdict(entry, proof, expected_root, together=together) for entry in proof.entries
        ),
    )


def _together(proof: Proof, expected_root: bytes) -> bool:
    """Whether the leaves that are here are all, and give the root."""
    if [entry.index for entry in proof.entries] != list(range(proof.settlements)):
        return False
    return root([_bytes(entry.leaf) for entry in proof.entries]) == expected_root


def _verdict(
    entry: ProvenEntry, proof: Proof, expected_root: bytes, *, together: bool
) -> Verdict:
    if _leaf_of(entry) != _bytes(entry.leaf):
        return Verdict.ALTERED
    if entry.path is None:
        return Verdict.INCLUDED if together else Verdict.ABSENT
    inside = is_included(
        leaf=_bytes(entry.leaf), index=entry.index, count=proof.settlements,
        path=[_bytes(step) for step in entry.path], expected_root=expected_root,
    )  # fmt: skip
    return Verdict.INCLUDED if inside else Verdict.ABSENT


def _leaf_of(entry: ProvenEntry) -> bytes:
    """The hash of an entry's fields; of fields that no entry can have, none."""
    commitment = _bytes(entry.commitment)
    if len(commitment) != HASH_BYTES or not entry.setl_id.isdecimal():
        return b""
    try:
        return leaf(
            Entry(
                lane=entry.lane, entry_id=int(entry.setl_id), kind=EntryKind(entry.kind),
                code=entry.code, commitment=commitment,
                pending_id=int(entry.pending) if entry.pending else None,
                transfers=tuple(Transfer(*one) for one in entry.transfers),
            )
        )  # fmt: skip
    except (ValueError, struct.error):
        return b""


def figures_of(entry: ProvenEntry, account_base: int) -> Figures:
    """What a settlement comes to in the institution's book."""
    funds = account_base + InstitutionAccount.RECEIVABLE_FUNDS
    accounts = account_base + InstitutionAccount.RECEIVABLE_ACCOUNTS
    revenue = account_base + InstitutionAccount.REVENUE
    sums = {funds: 0, accounts: 0, revenue: 0}
    for debit, credit, fen in entry.transfers:
        if debit in sums:
            sums[debit] += fen
        if credit in sums:
            sums[credit] -= fen
    return Figures(
        total_fen=-sums[revenue], fund_fen=sums[funds], account_fen=sums[accounts]
    )


def _bytes(text: str) -> bytes:
    """Hex as bytes; none where it is not hex."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
