"""The key file is made whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from settlement.storage.keyfile import KeyFileError, load_keyring, make_key_file


def test_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    make_key_file(path)
    made = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    load_keyring(path)
    with pytest.raises(KeyFileError, match="cannot be made"):
        make_key_file(path)
    assert path.read_bytes() == made


def test_full_disk_leaves_no_half_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "keys.json"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(KeyFileError, match="No space left"):
            make_key_file(path)
    assert not path.exists()
    make_key_file(path)
    load_keyring(path)
