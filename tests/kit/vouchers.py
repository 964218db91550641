"""A town where 医保码 are decoded: the simulated centre over HTTP, and a service that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from loadtest.simulators import voucher_codes
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.evoucher import EvoucherSimulator
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_codes import SOCIAL_CARD, VOUCHER, Decoding
from settlement.region.config import DecoderKind, DecoderSettings
from settlement.region.decoder import Decoders
from settlement.region.evoucher import HttpDecoder
from tests.kit.population import REGION, Citizen, citizens
from tests.kit.town import Town

ANSWER_SECONDS = 0.5
"""How long a test waits for a decoder that is silent."""
_SERIALS = count(1)


class Centre:
    """The simulated centre, and the phones of the town's people."""

    def __init__(self, simulator: EvoucherSimulator) -> None:
        self.simulator = simulator
        self._doors: list[HttpDecoder] = []

    def code(
        self, whom: Citizen, *, prefix: str = VOUCHER, decoding: Decoding = Decoding.OK,
        paying: Behaviour | None = None, province: str = REGION[:2],
    ) -> str:  # fmt: skip
        """What the phone shows now: good for once."""
        return voucher_codes.make(
            whom.insured.ordinal, province=province, at=self.simulator.clock(),
            serial=next(_SERIALS), prefix=prefix, decoding=decoding, paying=paying,
        )  # fmt: skip

    def lasting_code(self, whom: Citizen, *, decoding: Decoding = Decoding.OK) -> str:
        """A test code: good as often as one likes."""
        return voucher_codes.test_code(
            whom.insured.ordinal, province=REGION[:2], decoding=decoding
        )

    def open_doors(self) -> Decoders:
        """New connections to it, for one service."""
        doors = [
            HttpDecoder(
                DecoderSettings(
                    kind=kind, base_url=self.simulator.url, prefix=prefix,
                    answer_seconds=ANSWER_SECONDS,
                )
            )
            for kind, prefix in (
                (DecoderKind.VOUCHER, ""), (DecoderKind.SOCIAL_CARD, SOCIAL_CARD)
            )
        ]  # fmt: skip
        self._doors += doors
        return Decoders(doors)

    async def close(self) -> None:
        """Nobody asks it any more."""
        for door in self._doors:
            await door.close()
        await self.simulator.stop()


@asynccontextmanager
async def a_centre(town: Town, folder: Path) -> AsyncIterator[Centre]:
    """One that knows everybody in town."""
    people = {one.insured.ordinal: one.insured for _, one in citizens(town.employees)}
    simulator = EvoucherSimulator(
        clock=VirtualClock(), book=ChannelBook(folder / "evoucher.jsonl"), people=people.get,
        region=REGION,
    )  # fmt: skip
    await simulator.start()
    centre = Centre(simulator)
    yield centre
    await centre.close()
