"""Files and disks: who may read what, and how much space is left. Only looks, as `stat` does."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from settlement.doctor.findings import Code
from settlement.doctor.patient import Patient
from settlement.doctor.thresholds import MEGABYTE
from settlement.embedded.archiving import PLACE_FILE, read_place
from settlement.embedded.directory import FREE_BYTES_MIN, HOME_POINTER, MARKER
from settlement.embedded.errors import ServiceError
from settlement.embedded.identity import owner_of

SECRETS = "secrets"
DISK_PERCENT = 10


def examine_directory(patient: Patient) -> bool:
    """The data directory and what is secret in it; False where there is none."""
    root, examination = patient.data_dir, patient.examination
    if not (root / MARKER).exists():
        examination.found(Code.DATA_DIR_MISSING, path=str(root))
        return False
    mode = root.stat().st_mode
    if mode & stat.S_IWOTH:
        examination.found(Code.DATA_DIR_OPEN, path=str(root), mode=_shown(mode))
    secrets = root / SECRETS
    if secrets.is_dir():
        mode = secrets.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            examination.found(Code.SECRETS_OPEN, path=str(secrets), mode=_shown(mode))
        for path in sorted(secrets.iterdir()):
            examine_secret(patient, path)
    examination.saw("目录 directory", f"{root} ({_shown(root.stat().st_mode)})")
    return True


def examine_secret(patient: Patient, path: Path) -> None:
    """A file that holds a key or a password."""
    if not path.is_file():
        return
    status, examination = path.stat(), patient.examination
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        examination.found(Code.PRIVATE_FILE_OPEN, path=str(path), mode=_shown(status.st_mode))
    if status.st_uid != patient.data_dir.stat().st_uid:
        examination.found(
            Code.PRIVATE_FILE_OWNER, path=str(path), owner=owner_of(path),
            expected=owner_of(patient.data_dir),
        )  # fmt: skip


def examine_disks(patient: Patient) -> None:
    """Where the data, the embedded servers and the backups are; each disk once."""
    root = patient.data_dir
    places = [root]
    pointer = root / HOME_POINTER
    if pointer.exists():
        places.append(Path(pointer.read_text().strip()))
    try:
        place = read_place(root)
    except ServiceError as exc:
        patient.examination.left_out(f"磁盘 disk, {PLACE_FILE}", str(exc))
        place = None
    if place is not None:
        places.append(Path(place.store))
    seen: set[int] = set()
    for path in places:
        if path.exists() and path.stat().st_dev not in seen:
            seen.add(path.stat().st_dev)
            _examine_disk(patient, path)


def _examine_disk(patient: Patient, path: Path) -> None:
    usage, examination = shutil.disk_usage(path), patient.examination
    free_mb, percent = usage.free // MEGABYTE, usage.free * 100 // usage.total
    low = min(patient.thresholds.disk_free_bytes, usage.total * DISK_PERCENT // 100)
    if usage.free < FREE_BYTES_MIN:
        examination.found(
            Code.DISK_FULL, path=str(path), free_mb=free_mb, least_mb=FREE_BYTES_MIN // MEGABYTE
        )
    elif usage.free < max(low, FREE_BYTES_MIN * 2):
        examination.found(Code.DISK_LOW, path=str(path), free_mb=free_mb, percent=percent)
    examination.saw("磁盘 disk", f"{path}: {free_mb} MB 可用 free ({percent}%)")


def _shown(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"
