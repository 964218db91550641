"""What simulators that know 医保码 have in common: whose codes there are, and the director's pages.

    GET  /_sim/codes[?person=n]                     test codes of a person, the first for none
    POST /_sim/codes {"person": n, "decoding": "ok", "paying": "ok"}     an ordinary code
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from itertools import count

import msgspec
from aiohttp import web
from msgspec import Struct

from loadtest.population.persons import InsuredPerson
from loadtest.simulators import voucher_codes
from loadtest.simulators.channel import ChannelSimulator
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Faults
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_codes import Decoding

People = Callable[[int], InsuredPerson | None]
"""Whoever has this ordinal."""
_SIGNED_FOR_NOTHING = "not_signed"


class VoucherSimulator(ChannelSimulator):
    """One of them; `region` is where its people are insured, six digits."""

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, people: People, region: str,
        faults: Faults | None = None,
    ) -> None:  # fmt: skip
        super().__init__(clock=clock, book=book, faults=faults)
        self.people = people
        self.region = region
        self.elsewhere: dict[int, str] = {}
        """who of them is insured in another region, six digits"""
        self._serials = count(1)

    @property
    def province(self) -> str:
        """As codes name it."""
        return self.region[:2]

    async def _show_codes(self, request: web.Request) -> web.Response:
        person = request.query.get("person", "1")
        if not person.isdecimal():
            return _json({"message": "person is a number"}, status=HTTPStatus.BAD_REQUEST)
        return _json(voucher_codes.test_codes(int(person), province=self.province))

    async def _make_code(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Wanted)
            decoding = Decoding[asked.decoding.upper()]
            signed = asked.paying != _SIGNED_FOR_NOTHING
            paying = Behaviour[asked.paying.upper()] if signed else None
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError) as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        made = voucher_codes.make(
            asked.person, province=self.province, at=self.clock(), serial=next(self._serials),
            decoding=decoding, paying=paying,
        )  # fmt: skip
        return _json({"code": made})


class _Wanted(Struct, frozen=True):
    person: int = 1
    decoding: str = "ok"
    paying: str = "ok"


def _json(shown: object, *, status: int = HTTPStatus.OK) -> web.Response:
    body = msgspec.json.encode(shown)
    return web.Response(status=status, body=body, content_type="application/json")
