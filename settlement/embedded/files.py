"""Writing small files so that neither a crash nor a neighbour can spoil them.

Some folders belong to the servers' user while we may be root: no link in them is ever followed.
"""

from __future__ import annotations

import os
from pathlib import Path

from settlement.embedded.identity import ServiceUser

TAIL_BYTES = 64 * 1024


def write_durably(path: Path, text: str, *, owner: ServiceUser | None = None) -> None:
    """Replace a file: after a crash it holds all of the old or all of the new text."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(partial, flags, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if owner is not None:
        owner.own(partial)
    partial.rename(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LogMark:
    """Remembers how long the logs of one server are, to read later only what came after."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._sizes = {path: path.lstat().st_size for path in self._files()}

    def text(self) -> str:
        """What was written since, the oldest file first, at most the end of each."""
        return "".join(self._since(path) for path in self._files())

    def last_line(self, marks: tuple[str, ...] = ("",)) -> str:
        """The last line that holds one of the marks, empty when there is none."""
        lines = [line for line in self.text().splitlines() if any(mark in line for mark in marks)]
        return lines[-1].strip() if lines else ""

    def _files(self) -> list[Path]:
        files = [path for path in self._folder.glob(self._pattern) if not path.is_symlink()]
        return sorted(files, key=lambda path: path.lstat().st_mtime_ns)

    def _since(self, path: Path) -> str:
        size = path.lstat().st_size
        seen = self._sizes.get(path, 0)
        start = seen if seen <= size else 0
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(start, size - TAIL_BYTES))
            return file.read().decode(errors="replace")
