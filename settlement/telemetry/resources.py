"""What this process takes of its machine, read from the kernel."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

from settlement.telemetry.numbers import Sample

_PAGE_BYTES = resource.getpagesize()
_STATM = Path("/proc/self/statm")
_DESCRIPTORS = Path("/proc/self/fd")


def process_samples(place: str, *, starts: int) -> dict[str, list[Sample]]:
    """Memory, processor time, open files and starts of the process in this place."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resident_pages = int(_STATM.read_text("ascii").split()[1])
    figures: dict[str, int | float] = {
        "settlement_process_resident_bytes": resident_pages * _PAGE_BYTES,
        "settlement_process_cpu_seconds_total": used.ru_utime + used.ru_stime,
        "settlement_process_open_files": len(os.listdir(_DESCRIPTORS)),
        "settlement_process_open_files_max": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "settlement_process_starts_total": starts,
    }
    return {name: [((place,), value)] for name, value in figures.items()}


def disk_samples(directory: Path) -> dict[str, list[Sample]]:
    """The disk that a directory lies on."""
    disk = shutil.disk_usage(directory)
    return {
        "settlement_disk_free_bytes": [((), disk.free)],
        "settlement_disk_size_bytes": [((), disk.total)],
    }
