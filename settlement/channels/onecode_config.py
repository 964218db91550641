"""A merchant of one-code payment (一码付) as an operator describes it, and its key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

KEY_BYTES_MIN = 16


class OneCodeConfigError(Exception):
    """A merchant cannot be used as it is described; the text says which entry and why."""


class OneCodeMerchant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a merchant. The key is the name of a file beside the file that names it."""

    merchant_no: Annotated[str, Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]
    base_url: str
    """no public host is known"""
    key_file: str
    """the shared key of signatures, both ways"""
    connect_seconds: float = 3.0
    answer_seconds: float = 10.0
    sign_seconds: float = 2.0
    """How long a counter waits to hear whether somebody signed; then a wallet is asked for."""


class OneCodeKey(Struct, frozen=True, kw_only=True, eq=False):
    """The secret of a merchant. Does not show it."""

    key: bytes

    def __repr__(self) -> str:
        """Without the key."""
        return "OneCodeKey()"


def read_merchant(table: Mapping[str, object]) -> OneCodeMerchant:
    """Of a TOML table. Raises OneCodeConfigError."""
    try:
        merchant = msgspec.convert(table, type=OneCodeMerchant)
    except msgspec.ValidationError as exc:
        raise OneCodeConfigError(f"onecode: {exc}") from exc
    if not merchant.base_url.startswith(("http://", "https://")):
        raise OneCodeConfigError("onecode: base_url is no http address")
    return merchant


def load_key(merchant: OneCodeMerchant, folder: Path) -> OneCodeKey:
    """Raises OneCodeConfigError; the text names the file, never what is in it."""
    file = folder / merchant.key_file
    try:
        key = file.read_bytes().strip()
    except OSError as exc:
        raise OneCodeConfigError(f"{file} cannot be read: {exc.strerror}") from exc
    if len(key) < KEY_BYTES_MIN:
        raise OneCodeConfigError(f"{file} has fewer than {KEY_BYTES_MIN} bytes")
    return OneCodeKey(key=key)
