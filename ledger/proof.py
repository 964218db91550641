"""Merkle trees after RFC 6962 section 2.1: root, inclusion proof, verification.

Takes leaf *hashes* (ledger/chain.py makes them, with the 0x00 prefix), so that a holder of one
entry can prove it is inside a sealed root without seeing any other entry. The tree does not
duplicate an odd node: n leaves split at the largest power of two below n. Knows neither what a
leaf stands for nor who signs a root.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 section 2.1)."""


def root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of the leaf hashes, in their order."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        # Pairing from the left gives RFC 6962's shape: an odd last node moves up unchanged. Nodes
        # are hashed in place, because a month has millions of them.
        nodes = iter(level)
        above = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(nodes, nodes, strict=False)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The audit path of the leaf at `index`: sibling hashes from the leaf up to the root."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    path = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        above = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
        index //= 2
    return tuple(path)


def is_included(
    *, leaf: bytes, index: int, count: int, path: Sequence[bytes], expected_root: bytes
) -> bool:
    """Whether `leaf` is number `index` of the `count` leaves under `expected_root`."""
    if not 0 <= index < count:
        return False
    value, last, steps = leaf, count - 1, iter(path)
    while last:
        if index % 2 or index < last:
            sibling = next(steps, None)
            if sibling is None:
                return False
            value = _node(sibling, value) if index % 2 else _node(value, sibling)
        index //= 2
        last //= 2
    return next(steps, None) is None and value == expected_root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
