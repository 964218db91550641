"""Whom a scanned person code names: an identity number, or a code that its issuer decodes. Who
somebody is that is insured elsewhere, their own region says (ADR 0075).

A code is decoded once. Whom it named is committed before anything else happens, under the code and
the order it was shown for, so that the same order sent again, here or by another process, needs no
second decoding, and no other order can use it. Codes and tokens are kept as keyed hashes only
(ADR 0031).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from protocol import paycode
from protocol.evoucher import BusinessType
from protocol.hospital import AdmissionAsked
from protocol.paycode import CodeKind, Scanned
from protocol.scan import ScanRequest
from settlement.clock import Clock
from settlement.commands import Credential, Sought
from settlement.desk import DecisionDesk
from settlement.elsewhere.abroad import elsewhere
from settlement.institution import Institution, InstitutionKind
from settlement.keyring import LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.payments.pay_commands import Shown
from settlement.refusal import Refusal
from settlement.region.decoder import Asker, Decoded, Decoder, Decoders, NotDecoded, Why
from settlement.serve.strangers import StrangerDesk
from settlement.storage.lookups import PersonFinder
from settlement.storage.payment_finder import Claim, OrderName, PaymentFinder, Token
from settlement.storage.payments import Owner
from settlement.translate import scans

Asking = ScanRequest | AdmissionAsked
"""What a person code may stand in."""
_BUSINESS = {
    InstitutionKind.PHARMACY: BusinessType.PHARMACY_SALE,
    InstitutionKind.HOSPITAL: BusinessType.OUTPATIENT_SETTLEMENT,
}
_REFUSALS: Mapping[Why, str] = {
    Why.NOT_A_CODE: "PERSON_CODE_INVALID",
    Why.EXPIRED: "PERSON_CODE_EXPIRED",
    Why.USED: "PERSON_CODE_USED",
    Why.UNREACHABLE: "PERSON_CODE_UNDECODED",
}


class PersonCodes:
    """Reads the person codes of scans."""

    def __init__(
        self, *, decoders: Decoders, desk: DecisionDesk, persons: PersonFinder,
        orders: PaymentFinder, lanes: int, read_clock: Clock, strangers: StrangerDesk,
    ) -> None:  # fmt: skip
        self._decoders = decoders
        self._desk = desk
        self._persons = persons
        self._orders = orders
        self._lanes = lanes
        self._clock = read_clock
        self._strangers = strangers
        self._under_way: dict[bytes, asyncio.Task[Shown | Refusal]] = {}

    async def read(
        self, request: Asking, institution: Institution, *, business: BusinessType | None = None
    ) -> Shown | Refusal | None:
        """Whom the request's person code names; None where it has none. `business` is what it is
        shown for, where that is not what the institution sells. Raises StorageError."""
        if not request.person_code:
            return None
        scanned = paycode.read(request.person_code)
        decoder = None if scanned.kind is CodeKind.IDENTITY else self._decoders.of(scanned)
        if decoder is not None:
            asker = Asker(
                institution=institution.code, business=business or _BUSINESS[institution.kind],
                operator=request.operator, device=request.terminal_id,
                sale=isinstance(request, ScanRequest),
            )  # fmt: skip
            return await self._once(scanned, decoder, request.order_no, institution, asker)
        if scanned.is_voucher:
            return Refusal(code="PERSON_CODE_NO_DECODER", field="person_code")
        credential = scans.identity_credential(scanned)
        if credential is None:
            return Refusal(code="PERSON_CODE_UNKNOWN", field="person_code")
        region = ""
        if isinstance(request, ScanRequest):
            region = elsewhere(request.insuplc_admdvs, self._desk.world.region)
        if region:
            return await self._by_number(credential, region, institution, request.operator)
        person_no = await self._person(credential.number)
        return Shown(credential=credential, person_no=person_no)

    async def _by_number(
        self, credential: Credential, region: str, institution: Institution, operator: str
    ) -> Shown:
        """The holder of an identity number who is insured elsewhere."""
        found = await self._strangers.find(credential, region, institution, operator)
        if isinstance(found, Refusal):
            return Shown(credential=credential, person_no=None, undecoded=found)
        return Shown(credential=credential, person_no=found.person_no, region=found.region)

    def is_person(self, scanned: Scanned) -> bool:
        """Whether a code that was shown for paying is one that a decoder reads: it names a person,
        and no channel may hear of it."""
        return self._decoders.of(scanned) is not None

    async def _once(
        self, scanned: Scanned, decoder: Decoder, order_no: str, institution: Institution,
        asker: Asker,
    ) -> Shown | Refusal:  # fmt: skip
        """The same code of the same order at the same time is asked about once."""
        key = self._key(scanned, order_no, institution)
        asking = self._under_way.get(key)
        if asking is None:
            asking = asyncio.ensure_future(
                self._decoded(key, scanned, decoder, institution, asker)
            )
            self._under_way[key] = asking
            asking.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(asking)

    async def _decoded(
        self, key: bytes, scanned: Scanned, decoder: Decoder, institution: Institution,
        asker: Asker,
    ) -> Shown | Refusal:  # fmt: skip
        known = await self._remembered(key, scanned)
        if known is not None:
            return known
        said = await decoder.decode(scanned, asker)
        if isinstance(said, Decoded):
            return await self._remember(key, scanned, said, institution, asker)
        # Another process may have decoded it for the same order meanwhile.
        known = await self._remembered(key, scanned)
        return known or _undecoded(key, scanned, said)

    async def _remembered(self, key: bytes, scanned: Scanned) -> Shown | None:
        """Whom the code named when it was shown for this order before."""
        owner = await self._orders.owner(self._order(key))
        if owner is None:
            return None
        return Shown(
            credential=scans.decoded_credential(scanned), person_no=owner.person_no,
            token_key=key, province=scanned.province or "",
        )  # fmt: skip

    async def _remember(
        self, key: bytes, scanned: Scanned, said: Decoded, institution: Institution, asker: Asker
    ) -> Shown | Refusal:
        """The token first: whoever finds whom the code named finds the token, too."""
        region = elsewhere(said.region, self._desk.world.region)
        if region:
            found = await self._elsewhere(said, region, institution, asker)
            if isinstance(found, Refusal):
                return _unread(key, scanned, found)
            person_no: str | None = found
        else:
            person_no = await self._person(said.identity_no)
        if person_no is None:
            return Refusal(code="PERSON_UNKNOWN", field="person_code")
        lane = lane_of(person_no, self._lanes)
        expires_at = self._clock() + timedelta(seconds=said.life_seconds)
        owner = Owner(lane, person_no)
        await self._orders.remember(Token(owner, key, institution.code, expires_at))
        await self._orders.claim(Claim(self._order(key), owner))
        credential = scans.decoded_credential(
            scanned, identity_no=said.identity_no, name=said.name or None
        )
        return Shown(
            credential=credential, person_no=person_no, token_key=key,
            province=scanned.province or "",
        )  # fmt: skip

    async def _elsewhere(
        self, said: Decoded, region: str, institution: Institution, asker: Asker
    ) -> str | Refusal:
        """Whom a code names that is insured in another region: served where something is sold, and
        nowhere without a way to that region."""
        if not asker.sale or not self._strangers.there:
            return Refusal(
                code="PERSON_CODE_ELSEWHERE", field="person_code", params={"region": region}
            )
        shown = Credential(
            kind="02", number=said.identity_no, card_serial=None, certificate_no=said.identity_no,
            name=said.name or None,
        )  # fmt: skip
        found = await self._strangers.find(shown, region, institution, asker.operator)
        return found if isinstance(found, Refusal) else found.person_no

    async def _person(self, identity_no: str) -> str | None:
        kind = LookupKind.CERTIFICATE
        key = self._desk.world.keyring.lookup_key(kind, identity_no)
        return await self._persons.find(Sought(lane_of_key(key, self._lanes), kind, key))

    def _order(self, key: bytes) -> OrderName:
        return OrderName(lane_of_key(key, self._lanes), key)

    def _key(self, scanned: Scanned, order_no: str, institution: Institution) -> bytes:
        """Under which a code that was shown for an order is remembered."""
        text = f"{institution.code}\n{order_no}\n{scanned.code}"
        return self._desk.world.keyring.lookup_key(LookupKind.TOKEN, text)


_OF_NOBODY = frozenset({"TOKEN_UNKNOWN", "INSURED_REGION_DIFFERS"})
"""What is wrong with an order of a person whom nobody could ask about."""


def instead(refusal: Refusal, shown: Shown | None) -> Refusal:
    """What is said of an order that is not there yet, and whose code could not be decoded."""
    if shown is None or shown.undecoded is None or refusal.code not in _OF_NOBODY:
        return refusal
    return shown.undecoded


def _undecoded(key: bytes, scanned: Scanned, said: NotDecoded) -> Shown:
    """Nobody is named by it, and nothing is charged. An order that is there already is told."""
    refusal = Refusal(
        code=_REFUSALS[said.why], field="person_code", params={"reason": said.code}
    )
    return _unread(key, scanned, refusal)


def _unread(key: bytes, scanned: Scanned, refusal: Refusal) -> Shown:
    """A code that names nobody for us."""
    return Shown(
        credential=scans.decoded_credential(scanned), person_no=None, token_key=key,
        undecoded=refusal,
    )  # fmt: skip
