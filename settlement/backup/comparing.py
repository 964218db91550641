"""Holding a database against what a store of backups knows of it."""

from __future__ import annotations

from collections.abc import Sequence

from settlement.backups import Manifest, Mark, Missing, missing_of
from settlement.storage import backups
from settlement.storage.lease import PlainConnection


async def compare(
    connection: PlainConnection, manifest: Manifest, marks: Sequence[Mark]
) -> Missing:
    """What the database lacks of what a base backup and marks know, and what does not fit."""
    heads = {head.journal: head.block_no for head in await backups.heads(connection)}
    known = [*manifest.heads, *(head for mark in marks for head in mark.heads)]
    hashes = await backups.hashes_of(connection, ((one.journal, one.block_no) for one in known))
    return missing_of(
        manifest=manifest, marks=marks, heads=heads, hashes=hashes,
        seals=backups.digests(await backups.seal_heads(connection)),
    )  # fmt: skip
