"""A town where 医保码 are decoded and pay: simulators over HTTP, and services that ask them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from itertools import count
from pathlib import Path

from loadtest.population.persons import InsuredPerson
from loadtest.simulators import voucher_codes
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Plan
from loadtest.simulators.evoucher import EvoucherSimulator
from loadtest.simulators.insured_region import Someone
from loadtest.simulators.onecode import OneCodeSimulator
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_codes import SOCIAL_CARD, VOUCHER, Decoding
from settlement.channels.onecode import OneCodeChannel
from settlement.channels.onecode_config import OneCodeKey, OneCodeMerchant
from settlement.person import Identity
from settlement.policy.loader import PolicySet
from settlement.region.config import DecoderKind, DecoderSettings
from settlement.region.decoder import Decoders
from settlement.region.evoucher import HttpDecoder
from settlement.region.hub import HubLine
from settlement.serve.service import Service
from tests.kit.population import REGION, Citizen, citizens
from tests.kit.town import Town

ANSWER_SECONDS = 0.5
"""How long a test waits for somebody who is silent."""
MERCHANT_NO = "ONE0000001"
_KEY = b"a key of a test, for both"
_SERIALS = count(1)
GUESTS_FROM = 9_000_000
"""Ordinals of people of other regions, who have none in the town."""
_GUESTS = count(1)


class Centre:
    """Both simulators, and the phones of the town's people. Time is the town's, moved together."""

    last_decoder: HttpDecoder
    """the door of the last process to the centre"""

    def __init__(self, town: Town, folder: Path) -> None:
        people = {one.insured.ordinal: one.insured for _, one in citizens(town.employees)}
        self._people = people
        self._town = town
        self._clock = VirtualClock(town.clock())
        self._doors: list[HttpDecoder | OneCodeChannel] = []
        self.decoder = EvoucherSimulator(
            clock=self._clock, book=ChannelBook(folder / "evoucher.jsonl"), people=people.get,
            region=REGION,
        )  # fmt: skip
        self.onecode = OneCodeSimulator(
            clock=self._clock, book=ChannelBook(folder / "onecode.jsonl"), people=people.get,
            region=REGION,
        )  # fmt: skip
        self.onecode.open_merchant(MERCHANT_NO, _KEY)

    def code(
        self, whom: Citizen, *, prefix: str = VOUCHER, decoding: Decoding = Decoding.OK,
        paying: Behaviour | None = None, province: str = REGION[:2],
    ) -> str:  # fmt: skip
        """What the phone shows now: good for once. Its holder has signed for no wallet unless the
        payer is said to do something."""
        return voucher_codes.make(
            whom.insured.ordinal, province=province, at=self._clock(), serial=next(_SERIALS),
            prefix=prefix, decoding=decoding, paying=paying,
        )  # fmt: skip

    def code_of_guest(self, someone: Someone, region: str) -> str:
        """What the phone of somebody who is insured in another region shows."""
        ordinal = GUESTS_FROM + next(_GUESTS)
        self._people[ordinal] = InsuredPerson(
            ordinal=ordinal, person_no=someone.person_no, enrolments=(), opening_balance_fen=None,
            identity=Identity(
                name=someone.name, certificate_type="01", certificate_no=someone.certificate_no,
                sex="1", ethnic_group="01", born_on=date(1980, 1, 1), card_no="", card_serial="",
                employer="",
            ),
        )  # fmt: skip
        self.decoder.elsewhere[ordinal] = region
        return voucher_codes.make(
            ordinal, province=region[:2], at=self._clock(), serial=next(_SERIALS), prefix=VOUCHER,
            decoding=Decoding.OK, paying=None,
        )  # fmt: skip

    def lasting_code(self, whom: Citizen) -> str:
        """A test code: good as often as one likes; signed for nothing."""
        return voucher_codes.test_code(whom.insured.ordinal, province=REGION[:2], paying=None)

    async def process(
        self, *, dsn: str | None = None, policies: PolicySet | None = None,
        hub: HubLine | None = None,
    ) -> Service:  # fmt: skip
        """One more process of the town, which asks both."""
        decoders = [
            HttpDecoder(
                DecoderSettings(
                    kind=kind, base_url=self.decoder.url, prefix=prefix,
                    answer_seconds=ANSWER_SECONDS,
                )
            )
            for kind, prefix in (
                (DecoderKind.VOUCHER, ""), (DecoderKind.SOCIAL_CARD, SOCIAL_CARD)
            )
        ]  # fmt: skip
        channel = OneCodeChannel(
            OneCodeMerchant(
                merchant_no=MERCHANT_NO, base_url=self.onecode.url, key_file="",
                answer_seconds=ANSWER_SECONDS,
            ),
            OneCodeKey(key=_KEY), clock=self._town.clock,
        )  # fmt: skip
        self._doors += [*decoders, channel]
        self.last_decoder = decoders[0]
        return await self._town.start_service(
            dsn=dsn, policies=policies, decoders=Decoders(decoders), hub=hub,
            tills=self._town.channels.tills_with(channel),
        )  # fmt: skip

    async def pass_by(self, seconds: float, *, by: Service) -> None:
        """So much time passes for everybody, and the resolver does what is due."""
        await self._clock.advance(seconds)
        await self._town.resolve(seconds=seconds, by=by)

    def mend(self) -> None:
        """No more faults."""
        self.decoder.faults.replace(Plan())
        self.onecode.faults.replace(Plan())

    async def start(self) -> None:
        """They listen."""
        await self.decoder.start()
        await self.onecode.start()

    async def stop(self) -> None:
        """Nobody asks them any more."""
        for door in self._doors:
            await door.close()
        await self.decoder.stop()
        await self.onecode.stop()


@asynccontextmanager
async def a_centre(town: Town, folder: Path) -> AsyncIterator[Centre]:
    """One that knows everybody in town."""
    centre = Centre(town, folder)
    await centre.start()
    yield centre
    await centre.stop()
