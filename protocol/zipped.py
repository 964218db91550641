"""What Python's reader of ZIP files raises for bytes that are no good ZIP.

Found by trying (`make fuzz`): a struct.error is a BadZipFile, but a directory that would lie before
the file's beginning is a ValueError, an unknown method a NotImplementedError, a password a
RuntimeError, and each way of packing has errors of its own.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib

BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError,
    OSError, ValueError, IndexError, KeyError, OverflowError, MemoryError,
)  # fmt: skip
