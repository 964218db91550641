"""Who decodes scanned codes, from the file of the payment channels (docs/reference/scan-to-pay.md).

    [[decoder]]
    kind = "voucher"                                  # 医保码
    base_url = "https://decoder.example.org"

    [[decoder]]
    kind = "social_card"                              # 电子社保卡
    prefix = "XY"                                     # how such a code begins
    base_url = "https://cards.example.org"
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from protocol import evoucher


class DecoderKind(StrEnum):
    """What a decoder decodes."""

    VOUCHER = "voucher"
    """医保码, those of partners and 刷脸授权号 among them"""
    SOCIAL_CARD = "social_card"
    """电子社保卡"""


class DecoderConfigError(Exception):
    """A decoder cannot be used as it is described; the text says which and why."""


class DecoderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table `[[decoder]]`."""

    kind: DecoderKind
    base_url: str
    path: str = evoucher.PATH
    prefix: Annotated[str, Meta(max_length=20)] = ""
    """of a social card's codes; required there, since no public text says how they look"""
    provinces: tuple[Annotated[str, Meta(pattern=r"^[0-9]{2}$")], ...] = ()
    """of 医保码: only codes that these provinces issued; empty for all"""
    token_seconds: Annotated[float, Meta(gt=0, le=900)] = 300.0
    """how long a decoded code counts as shown"""
    connect_seconds: Annotated[float, Meta(gt=0)] = 2.0
    answer_seconds: Annotated[float, Meta(gt=0)] = 4.0


class _File(Struct, frozen=True, kw_only=True):
    decoder: tuple[DecoderSettings, ...] = ()


def read_decoders(path: Path) -> tuple[DecoderSettings, ...]:
    """The decoders of a file, in its order. Raises DecoderConfigError."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), type=_File).decoder
    except OSError as exc:
        raise DecoderConfigError(f"{path}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise DecoderConfigError(f"{path}: {exc}") from exc
    for number, one in enumerate(found, 1):
        if one.kind is DecoderKind.SOCIAL_CARD and not one.prefix:
            raise DecoderConfigError(f"{path}: decoder {number}: social_card needs a prefix")
        if not one.base_url.startswith(("http://", "https://")):
            raise DecoderConfigError(f"{path}: decoder {number}: base_url is no http address")
    return found
