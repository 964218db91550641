"""A form that brings a file, as HTTP has it (multipart/form-data): fields first, then the file.

Our forms have their file last, so that whose form it is and whether it is one of ours is known
before a byte of the file is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web

from settlement.console.asking import TooLargeError
from settlement.web.console import FILE_BYTES_MAX, FORM_BYTES_MAX

PIECE_BYTES = 64 * 1024
FIELDS_MAX = 40


class Multipart:
    """`settlement.console.asking.Arrival` of one request."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._file: BodyPartReader | None = None
        self.name = ""
        self.is_welcome = False

    async def fields(self) -> dict[str, str] | None:
        """The fields before the file; the first of a name counts."""
        found: dict[str, str] = {}
        left = FORM_BYTES_MAX
        try:
            reader = await self._request.multipart()
            for _ in range(FIELDS_MAX):
                part = await reader.next()
                if not isinstance(part, BodyPartReader):
                    return found
                if part.filename is not None:
                    self._file, self.name = part, part.filename
                    return found
                value = await self._text(part, left)
                if value is None:
                    return None
                left -= len(value)
                found.setdefault(part.name or "", _clean(value))
        except ValueError:
            return None
        return None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file."""
        size = 0
        while self._file is not None and (piece := await self._file.read_chunk(PIECE_BYTES)):
            size += len(piece)
            if size > FILE_BYTES_MAX:
                raise TooLargeError
            yield piece

    async def drain(self) -> bool:
        """Read what nobody wanted, where whoever sends it is one of ours; whether all is read."""
        content = self._request.content
        if content.at_eof():
            return True
        if not self.is_welcome:
            return False
        size = 0
        async for piece in content.iter_chunked(PIECE_BYTES):
            size += len(piece)
            if size > FILE_BYTES_MAX:
                return False
        return True

    async def _text(self, part: BodyPartReader, bytes_max: int) -> bytes | None:
        value = b""
        while piece := await part.read_chunk(PIECE_BYTES):
            value += piece
            if len(value) > bytes_max:
                return None
        return value


def _clean(value: bytes) -> str:
    """As fields of other forms: no control characters."""
    return "".join(c for c in value.decode("utf-8", "replace") if c >= " " or c == "\n")
