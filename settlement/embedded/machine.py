"""What this machine or container grants: memory, processors, /dev/shm."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from settlement.embedded.postgres_settings import Machine

CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def read_machine() -> Machine:
    """Ask the kernel. A container's own limit counts where it is lower than the machine."""
    ram_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kernel = os.uname()
    return Machine(
        ram_bytes=min([ram_bytes, *_container_limits()]),
        cpu_count=len(os.sched_getaffinity(0)),
        shared_memory_disk_bytes=_shared_memory_disk_bytes(),
        tells_sync_errors=tells_sync_errors(kernel.sysname, kernel.release),
    )


def tells_sync_errors(system: str, release: str) -> bool:
    """Whether syncfs tells of errors: of Linux 5.8 and later, by a release such as `6.1.0-9-amd64`.
    Before, it kept silent about data that never reached the disk."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return system == "Linux" and found is not None and tuple(map(int, found.groups())) >= (5, 8)


def _container_limits() -> list[int]:
    texts = [path.read_text().strip() for path in CGROUP_LIMITS if path.exists()]
    return [int(text) for text in texts if text.isdigit()]


def _shared_memory_disk_bytes() -> int:
    try:
        return shutil.disk_usage("/dev/shm").total  # noqa: S108 - asked for its size only
    except OSError:
        return 0
