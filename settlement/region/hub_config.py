"""How this region reaches the hub: `hub.toml` (docs/reference/hub.md).

    address = "https://hub.example.org"      # of the hub; a counterpart may have another one
    root = "…"                               # public key of its authority, 64 hexadecimal digits

`SETTLEMENT_HUB_FILE` names it; without that it lies in the data directory. Where there is none,
this region speaks to no other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from protocol.hub.certificates import CertificateError, read_root

VARIABLE = "SETTLEMENT_HUB_FILE"
FILE_NAME = "hub.toml"


class HubConfigError(Exception):
    """The hub cannot be used as it is described; the text says why."""


class HubSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    address: Annotated[str, Meta(pattern=r"^https?://[!-~]+$")]
    root: str
    """public key of the authority that signs certificates, hexadecimal"""
    connect_seconds: Annotated[float, Meta(gt=0, le=60)] = 2.0
    window_seconds: Annotated[int, Meta(ge=10, le=3600)] = 300
    """how far a message's time may be from our clock, either side"""

    @property
    def root_key(self) -> bytes:
        """The pinned key."""
        return read_root(self.root)


def hub_file(data_dir: Path, environment: Mapping[str, str]) -> Path:
    """Where the file is, or would be."""
    named = environment.get(VARIABLE)
    return Path(named) if named else data_dir / FILE_NAME


def read_hub(path: Path) -> HubSettings | None:
    """What the file says; None where there is none. Raises HubConfigError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise HubConfigError(f"{path}: {exc}") from exc
    try:
        settings = msgspec.convert(tomllib.loads(text), type=HubSettings)
        read_root(settings.root)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, CertificateError) as exc:
        raise HubConfigError(f"{path}: {exc}") from exc
    return settings
