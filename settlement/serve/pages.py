"""Large memory pages for what lives as long as the process.

A gateway touches a few kilobytes here and there in a hundred megabytes of catalogue, code objects
and free lists; with small pages much of its time is spent finding them. Once everything that lives
for long has been made, the kernel is asked to put it on large pages. Linux only, and only a wish:
where the kernel does not grant it nothing is lost but the speed (docs/profile.md).
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

_LARGE_BYTES = 2 * 1024 * 1024
_ADVISE_LARGE = 14
"""MADV_HUGEPAGE: this memory may have large pages from now on."""
_COLLAPSE_NOW = 25
"""MADV_COLLAPSE (Linux 6.1): and what is there already is moved to them."""
_ANONYMOUS = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0\s*(?:\[heap\])?$", re.MULTILINE)


def use_large_pages(maps: Path = Path("/proc/self/maps")) -> int:
    """Ask for large pages for the process's own memory; answers for how many bytes the kernel
    granted it."""
    try:
        text = maps.read_text()
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return 0
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    granted = 0
    for found in _ANONYMOUS.finditer(text):
        start = -(-int(found[1], 16) // _LARGE_BYTES) * _LARGE_BYTES
        length = int(found[2], 16) // _LARGE_BYTES * _LARGE_BYTES - start
        if length <= 0 or advise(start, length, _ADVISE_LARGE):
            continue
        if not advise(start, length, _COLLAPSE_NOW):
            granted += length
    return granted
