"""A file that a form brings, onto the shelf: sealed as it arrives, known by its digest."""

from __future__ import annotations

import asyncio

from settlement.console.asking import TooLargeError
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.storage.console_files import KeptFile

NO_FILE = Words("请选择文件。", "Please choose a file.")
EMPTY = Words("文件是空的。", "The file is empty.")
TOO_LARGE = Words("文件超过 256 MB，未处理。", "The file is larger than 256 MB; nothing was done.")
NO_ROOM = Words(
    "文件没有存下（磁盘可能已满），请联系运维。",
    "The file could not be kept (the disk may be full): tell the operators.",
)


async def received(visit: Visit) -> KeptFile | Words:
    """The file, kept; or what is wrong with it."""
    arrival = visit.asked.arrival
    if arrival is None or not arrival.name:
        return NO_FILE
    try:
        arriving = await asyncio.to_thread(visit.desk.shelf.receive, arrival.name)
    except OSError:
        return NO_ROOM
    try:
        async for piece in arrival.pieces():
            await asyncio.to_thread(arriving.take, piece)
        if not arriving.size_bytes:
            return EMPTY
        kept = await asyncio.to_thread(arriving.keep, visit.who.name, visit.at)
        await asyncio.to_thread(visit.desk.shelf.sweep, visit.at)
        return kept
    except TooLargeError:
        return TOO_LARGE
    except OSError:
        return NO_ROOM
    finally:
        arriving.drop()
