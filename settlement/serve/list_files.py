"""Files of the catalogue and of lists of codes, as one process makes them: in pieces, beside
everything else, and once.

All institutions that ask for a list get the same bytes, so the newest file of each list is kept in
memory, compressed, until it changes. It knows nothing of who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping

from msgspec import Struct

from protocol.nhsa.list_layouts import ListLayout
from protocol.nhsa.textfile import Packing
from settlement.catalogue import Catalogue
from settlement.refusal import Refusal
from settlement.storage import code_lists as store
from settlement.storage.connect import Reconnecting
from settlement.translate import list_files as words
from settlement.translate.code_lists import row_texts


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


class CodeLists(Struct, frozen=True):
    """What the region says of lists of codes: their columns, and its own code."""

    layouts: Mapping[str, ListLayout]
    region: str


class CodeListFiles:
    """The newest file of each list of codes; its rows are read from the database when it is made.
    """

    def __init__(self, reading: Reconnecting, lists: Callable[[], CodeLists]) -> None:
        self._reading = reading
        self._lists = lists
        self._made: dict[str, tuple[ListLayout, ListFile]] = {}

    async def file(self, infno: str, said: str) -> ListFile | Refusal:
        """The list of a transaction for who has the version `said`: whole, or without rows."""
        lists = self._lists()
        layout = lists.layouts[infno]
        async with (
            self._reading.use() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            version = await store.version(connection)
            newest = words.has_newest(said, version)
            if isinstance(newest, Refusal):
                return newest
            if newest:
                return await _packed(infno, version, _in_turns(()))
            made = self._made.get(infno)
            if made is None or made[0] != layout or made[1].version != version:
                told, name = words.version_text(version), words.file_name(infno, version)
                texts = (
                    row_texts(piece, layout, version=told, version_name=name, region=lists.region)
                    async for piece in store.pieces(connection, infno)
                )
                made = self._made[infno] = layout, await _packed(infno, version, texts)
        return made[1]


async def pack_list(infno: str, source: Source) -> ListFile:
    """Make a file. Rows are written in pieces, between which others get their turn, and compressed
    in a thread, which is most of the time outside the interpreter's lock."""
    list_type = words.LIST_TYPE_OF_FILE[infno]
    pieces = words.pieces(source.catalogue.all_versions(), list_type, source.version)
    return await _packed(infno, source.version, _in_turns(pieces))


async def _packed(
    infno: str, version: int, texts: AsyncIterable[tuple[str, int]]
) -> ListFile:
    name = words.file_name(infno, version)
    packing = Packing(f"{name}.txt")
    row_count = 0
    async for text, count in texts:
        row_count += count
        if count:
            await asyncio.to_thread(packing.add, text)
    return ListFile(
        version=version, name=f"{name}.zip", row_count=row_count, content=packing.done()
    )


async def _in_turns(pieces: Iterable[tuple[str, int]]) -> AsyncIterator[tuple[str, int]]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)
