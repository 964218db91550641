"""Files of the catalogue, as one process makes them: in pieces, beside everything else, and once.

All institutions that ask for a list get the same bytes, so the newest file of each list is kept in
memory, compressed, until the catalogue changes. It knows nothing of who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from protocol.nhsa.textfile import Packing
from settlement.catalogue import Catalogue
from settlement.refusal import Refusal
from settlement.translate import list_files as words


class Source(Struct, frozen=True):
    """The catalogue in force with its version. The version may be an older one than the items are,
    never a newer one: then they are sent once more."""

    catalogue: Catalogue
    version: int


class ListFile(Struct, frozen=True, kw_only=True):
    """A file as it is given out."""

    version: int
    name: str
    row_count: int
    content: bytes


class ListFiles:
    """The newest file of each list."""

    def __init__(self, source: Callable[[], Source]) -> None:
        self._source = source
        self._made: dict[str, ListFile] = {}
        self._turn = asyncio.Lock()

    async def file(self, infno: str, said: str) -> ListFile | Refusal:
        """The list of a transaction for who has the version `said`: whole, or without rows."""
        source = self._source()
        newest = words.has_newest(said, source.version)
        if isinstance(newest, Refusal):
            return newest
        if newest:
            return await pack_list(infno, Source(Catalogue(()), source.version))
        async with self._turn:
            source = self._source()
            made = self._made.get(infno)
            if made is None or made.version != source.version:
                made = self._made[infno] = await pack_list(infno, source)
        return made


async def pack_list(infno: str, source: Source) -> ListFile:
    """Make a file. Rows are written in pieces, between which others get their turn, and compressed
    in a thread, which is most of the time outside the interpreter's lock."""
    list_type = words.LIST_TYPE_OF_FILE[infno]
    name = f"{infno}_{words.version_text(source.version)}"
    packing = Packing(f"{name}.txt")
    row_count = 0
    for text, count in words.pieces(source.catalogue.all_versions(), list_type, source.version):
        row_count += count
        if count:
            await asyncio.to_thread(packing.add, text)
        else:
            await asyncio.sleep(0)
    return ListFile(
        version=source.version, name=f"{name}.zip", row_count=row_count, content=packing.done()
    )
