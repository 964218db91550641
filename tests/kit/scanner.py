"""A scanner at a counter: makes scan-to-pay requests and reads their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count

import msgspec

from ledger.postgres.fold import balance, trial_balance
from protocol.scan import ScanReply
from settlement.chart import ChannelAccount, channel_account
from settlement.gateway import Caller
from settlement.institution import Institution
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.population import Citizen, some
from tests.kit.till import MERCHANT
from tests.kit.town import Town

_NUMBERS = count(1)
_DECODE = msgspec.json.Decoder(ScanReply).decode
_ENCODE = msgspec.json.Encoder().encode


class Scanner:
    """The scanner of one institution, speaking to one service."""

    def __init__(self, institution: Institution, service: Service) -> None:
        self.caller = Caller(
            institution_code=institution.code, access_key=f"test-{institution.code}"
        )
        self.service = service
        self.status = 0

    def order(
        self, whom: Citizen | None, item: object, quantity: int = 1, *, pay_code: str = "",
        **more: object,
    ) -> dict[str, object]:  # fmt: skip
        """A request with an order number of its own."""
        bought = some(item, quantity)  # type: ignore[arg-type]
        lines = [
            {
                "med_list_codg": bought.item.med_list_codg,
                "medins_list_codg": bought.item.medins_list_codg,
                "cnt": quantity, "pric": str(bought.item.price),
            }
        ]  # fmt: skip
        order: dict[str, object] = {
            "order_no": f"T{next(_NUMBERS):06d}", "operator": "0001", "terminal_id": "POS01",
            "lines": lines, "pay_code": pay_code, **more,
        }  # fmt: skip
        if whom is not None:
            order |= {"person_code": whom.patient.person.certno, "insutype": "310"}
        return order

    async def scan(self, order: Mapping[str, object]) -> ScanReply:
        """POST /pay/scan."""
        reply = await self.service.payments.scan(_ENCODE(order), self.caller)
        self.status = reply.status
        return _DECODE(reply.body)

    async def find(self, order_no: object) -> ScanReply:
        """GET /pay/{order_no}."""
        reply = await self.service.payments.find(str(order_no), self.caller)
        self.status = reply.status
        return _DECODE(reply.body)

    async def cancel(self, order_no: object) -> ScanReply:
        """POST /pay/{order_no}/cancel."""
        reply = await self.service.payments.cancel(str(order_no), b"", self.caller)
        self.status = reply.status
        return _DECODE(reply.body)

    async def refund(self, order_no: object, refund_no: str, **more: object) -> ScanReply:
        """POST /pay/{order_no}/refund."""
        body = _ENCODE({"refund_no": refund_no, "operator": "0001", **more})
        reply = await self.service.payments.refund(str(order_no), body, self.caller)
        self.status = reply.status
        return _DECODE(reply.body)

    async def notify(self, channel: str, order_no: str) -> tuple[int, bytes, str] | None:
        """POST /notify/{channel}/{merchant}: what the town's channel would send."""
        return await self.service.payments.notified(channel, MERCHANT, {}, order_no.encode())


def leg(reply: ScanReply, kind: str) -> tuple[str, str]:
    """Amount and status of a leg."""
    return next(((one.amount, one.status) for one in reply.legs if one.kind == kind), ("", ""))


async def pending_fen(town: Town) -> int:
    """What is held anywhere."""
    held = 0
    for owner in ("agency", population.PHARMACY.code):
        for row in (await trial_balance(town.owner, owner)).rows:
            held += row.balance.debits_pending_fen + row.balance.credits_pending_fen
    return held


async def clearing_fen(town: Town, channel: str) -> int:
    """What our books say that a channel has of the pharmacy's."""
    base = population.PHARMACY.account_base
    number = channel_account(base, ChannelAccount.CLEARING, channel)
    found = await balance(town.owner, number)
    return found.debits_fen - found.credits_fen


@asynccontextmanager
async def a_scanner(town: Town) -> AsyncIterator[Scanner]:
    """The pharmacy's; whatever a test left open is brought to its end, and both books agree."""
    town.channels.wechat.plays.clear()
    yield Scanner(population.PHARMACY, town.service)
    town.channels.wechat.silent = False
    town.channels.wechat.undoes = True
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    for channel in (town.channels.wechat, town.channels.alipay):
        assert await clearing_fen(town, channel.name) == channel.book.balance_fen
