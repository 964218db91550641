"""医保码 in a simulated world: who decodes them and where they pay, and how a server is told so."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from loadtest.simulators import voucher_codes
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.evoucher import EvoucherSimulator
from loadtest.simulators.onecode import OneCodeSimulator
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_pages import People, VoucherSimulator
from protocol import evoucher

MERCHANT_NO = "ONE1900000109"
KEY_FILE = "onecode.key"
SHOWN_PERSON = 1
"""Whose test codes stand in `/demo/world.json`; everybody else's are made alike."""


class Vouchers:
    """The centre that decodes and the platform that pays, and what a server needs to ask both."""

    def __init__(
        self, folder: Path, *, clock: VirtualClock, people: People, region: str
    ) -> None:
        self._key = secrets.token_hex(32)
        self._region = region
        self.decoder = EvoucherSimulator(
            clock=clock, book=ChannelBook(folder / "evoucher.jsonl"), people=people, region=region
        )
        self.onecode = OneCodeSimulator(
            clock=clock, book=ChannelBook(folder / "onecode.jsonl"), people=people, region=region
        )
        self.onecode.open_merchant(MERCHANT_NO, self._key.encode())

    @property
    def all(self) -> tuple[VoucherSimulator, ...]:
        """Both."""
        return self.decoder, self.onecode

    @property
    def world(self) -> dict[str, Mapping[str, object]]:
        """For `/demo/world.json`; a test code is good as often as one likes."""
        codes = voucher_codes.test_codes(SHOWN_PERSON, province=self._region[:2])
        return {
            "evoucher": {
                "base_url": self.decoder.url, "path": evoucher.PATH, "region": self._region,
                "social_card_prefix": voucher_codes.SOCIAL_CARD, "test_person_codes": codes,
            },
            "onecode": {
                "base_url": self.onecode.url, "merchant_no": MERCHANT_NO, "key": self._key,
            },
        }  # fmt: skip

    @property
    def files(self) -> dict[str, object]:
        """Keys, by the names of their files."""
        return {KEY_FILE: self._key}

    @property
    def toml_lines(self) -> list[str]:
        """Their part of `channels.toml`."""
        lines = [
            "", "[[merchant]]", 'channel = "onecode"', "", "[merchant.settings]",
            f'merchant_no = "{MERCHANT_NO}"', f'base_url = "{self.onecode.url}"',
            f'key_file = "{KEY_FILE}"',
        ]  # fmt: skip
        decoder = f'base_url = "{self.decoder.url}"'
        lines += ["", "[[decoder]]", 'kind = "voucher"', decoder]
        lines += ["", "[[decoder]]", 'kind = "social_card"', decoder]
        return [*lines, f'prefix = "{voucher_codes.SOCIAL_CARD}"']
