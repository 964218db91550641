"""What is sealed is made smaller first, because ciphertext does not get smaller any more.

Lines of a visit say the same names and codes again and again: eight of them take a sixth of their
JSON, for some microseconds, and whatever carries them from there on has less to carry: messages to
the database, its log, its pages, the way back. What is short stays as it is.
"""

from __future__ import annotations

import zlib

PACKED_BYTES_MIN = 512
"""Less is not worth it."""
_FASTEST = 1
_MARK = b"x\x01"
"""How what was packed at this level begins, and no JSON."""


def packed(plain: bytes) -> bytes:
    """JSON as it is to be sealed."""
    return plain if len(plain) < PACKED_BYTES_MIN else zlib.compress(plain, _FASTEST)


def unpacked(kept: bytes) -> bytes:
    """The JSON again. Raises zlib.error for what was cut off."""
    return zlib.decompress(kept) if kept.startswith(_MARK) else kept
