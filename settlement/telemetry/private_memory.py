"""The memory of a process that holds keys stays in it: no core dump, and nobody traces it.

A crash would otherwise write keys, secrets and decrypted names into a file that nobody guards, or
hand them to whatever collects dumps on the machine. Two locks, for each misses something: the limit
is inherited by what the process starts, and a collector to which dumps are piped does not look at
it; the kernel's mark covers that, forbids other processes of the same user to read the memory, and
ends with `exec`. Linux only; elsewhere there is the limit.
"""

from __future__ import annotations

import ctypes
import resource

_SET_DUMPABLE = 4
"""PR_SET_DUMPABLE of prctl(2)."""


def keep_memory_private() -> bool:
    """For this process and what it starts; whether the kernel's mark was taken as well."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        control = ctypes.CDLL(None).prctl
    except AttributeError:
        return False
    marked: int = control(_SET_DUMPABLE, 0, 0, 0, 0)
    return marked == 0
