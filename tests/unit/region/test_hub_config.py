"""`hub.toml`: what it may say, and that what it says wrongly is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.region.hub_config import (
    FILE_NAME,
    VARIABLE,
    HubConfigError,
    HubSettings,
    hub_file,
    read_hub,
)

ROOT = "ab" * 32
GOOD = f'address = "https://hub.test"\nroot = "{ROOT}"\n'


def written(folder: Path, text: str) -> Path:
    """The file."""
    path = folder / FILE_NAME
    path.write_text(text, "utf-8")
    return path


def test_file_lies_in_the_data_directory_unless_it_is_named(tmp_path: Path) -> None:
    assert hub_file(tmp_path, {}) == tmp_path / "hub.toml"
    assert hub_file(tmp_path, {VARIABLE: "/etc/hub.toml"}) == Path("/etc/hub.toml")
    assert read_hub(tmp_path / "hub.toml") is None


def test_address_and_root_are_enough(tmp_path: Path) -> None:
    found = read_hub(written(tmp_path, GOOD))
    assert found == HubSettings(address="https://hub.test", root=ROOT)
    assert found.root_key == bytes.fromhex(ROOT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "address"),
        ('address = "hub.test"\nroot = "x"\n', "address"),
        (f'address = "https://hub.test"\nroot = "{ROOT[2:]}"\n', "31 bytes"),
        ('address = "https://hub.test"\nroot = "zz"\n', "not hexadecimal"),
        (GOOD + "window_seconds = 5\n", "window_seconds"),
        (GOOD + "colour = 1\n", "colour"),
        ("address\n", "hub.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(HubConfigError, match=told):
        read_hub(written(tmp_path, text))
