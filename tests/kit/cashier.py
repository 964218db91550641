"""A hospital's cashier (收费窗口): deposits, and visits and stays settled and paid in one call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count

import msgspec

from ledger.postgres.fold import balance
from protocol.hospital import AdmissionsReply, DepositsReply
from protocol.scan import ScanReply
from settlement.chart import ChannelAccount, InstitutionAccount, channel_account
from settlement.gateway import Caller, PayReply
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.counter import Message
from tests.kit.scanner import Scanner, pending_fen
from tests.kit.served import HttpGateway, signed
from tests.kit.town import Town

_NUMBERS = count(1)
_DECODE = msgspec.json.Decoder(ScanReply).decode
_DECODE_DEPOSITS = msgspec.json.Decoder(DepositsReply).decode
_DECODE_REQUESTS = msgspec.json.Decoder(AdmissionsReply).decode
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
CASH = {"kind": "cash"}
CARD = {"kind": "card_present", "rrn": "000123456789", "terminal": "00000001", "batch": "000007"}

Order = dict[str, object]


class PayOverHttp:
    """What a service's payments are, asked over HTTP."""

    def __init__(self, gateway: HttpGateway) -> None:
        self._gateway = gateway
        self.payments = self

    async def deposit(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/deposit."""
        return await self._post("/pay/deposit", body, caller)

    async def visit(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/visit."""
        return await self._post("/pay/visit", body, caller)

    async def admission(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/admission."""
        return await self._post("/pay/admission", body, caller)

    async def admissions(self, caller: Caller) -> PayReply:
        """GET /pay/admissions."""
        return await self._get("/pay/admissions", caller)

    async def deposits(self, mdtrt_id: str, caller: Caller) -> PayReply:
        """GET /pay/deposits/{mdtrt_id}."""
        return await self._get(f"/pay/deposits/{mdtrt_id}", caller)

    async def find(self, order_no: str, caller: Caller) -> PayReply:
        """GET /pay/{order_no}."""
        return await self._get(f"/pay/{order_no}", caller)

    async def admit(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/{order_no}/admit."""
        return await self._post(f"/pay/{order_no}/admit", body, caller)

    async def refund(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/{order_no}/refund."""
        return await self._post(f"/pay/{order_no}/refund", body, caller)

    async def _post(self, path: str, body: bytes, caller: Caller) -> PayReply:
        came = await self._gateway.post(path, body, signed(caller))
        return PayReply(came.status, came.body)

    async def _get(self, path: str, caller: Caller) -> PayReply:
        came = await self._gateway.get(path, signed(caller))
        return PayReply(came.status, came.body)


class Cashier(Scanner):
    """The cashier of one hospital, speaking to one service."""

    def __init__(self, service: Service | PayOverHttp) -> None:
        super().__init__(population.HOSPITAL, service)  # type: ignore[arg-type]

    def deposit_order(self, mdtrt_id: str, amount: str, **more: object) -> Order:
        """A deposit with an order number of its own."""
        return {
            "order_no": f"D{next(_NUMBERS):06d}", "operator": "0001", "mdtrt_id": mdtrt_id,
            "amount": amount, **more,
        }  # fmt: skip

    def visit_order(self, settlement: Message, **more: object) -> Order:
        """What 2207 or 2304 would say, as an order."""
        return {
            "order_no": f"V{next(_NUMBERS):06d}", "operator": "0001", "infno": settlement.infno,
            "input": settlement.envelope["input"], **more,
        }  # fmt: skip

    async def deposit(self, order: Mapping[str, object]) -> ScanReply:
        """POST /pay/deposit."""
        return self._heard(await self.service.payments.deposit(_ENCODE(order), self.caller))

    async def pay_in(self, mdtrt_id: str, amount: str, **more: object) -> Order:
        """A deposit that is paid."""
        order = self.deposit_order(mdtrt_id, amount, **more)
        reply = await self.deposit(order)
        assert reply.status == "settled", reply
        return order

    async def visit(self, order: Mapping[str, object]) -> ScanReply:
        """POST /pay/visit."""
        return self._heard(await self.service.payments.visit(_ENCODE(order), self.caller))

    async def ask_for_a_stay(self, order: Mapping[str, object]) -> ScanReply:
        """POST /pay/admission."""
        return self._heard(await self.service.payments.admission(_ENCODE(order), self.caller))

    async def requests(self) -> AdmissionsReply:
        """GET /pay/admissions."""
        reply = await self.service.payments.admissions(self.caller)
        assert reply.status == 200, reply.body
        return _DECODE_REQUESTS(reply.body)

    async def admit(self, order_no: object, admission: Message) -> ScanReply:
        """POST /pay/{order_no}/admit."""
        body = _ENCODE({"operator": "0001", "input": admission.envelope["input"]})
        pay = self.service.payments
        return self._heard(await pay.admit(str(order_no), body, self.caller))

    async def deposits(self, mdtrt_id: str) -> DepositsReply:
        """GET /pay/deposits/{mdtrt_id}; what comes in is all used, gone back, or left."""
        reply = await self.service.payments.deposits(mdtrt_id, self.caller)
        assert reply.status == 200, reply.body
        found = _DECODE_DEPOSITS(reply.body)
        lines = [(one.amount, one.applied, one.returned, one.left) for one in found.deposits]
        for came, *parts in ((found.paid, found.applied, found.returned, found.left), *lines):
            assert sum(map(Decimal, parts)) == Decimal(came), found
        return found

    def _heard(self, reply: PayReply) -> ScanReply:
        self.status = reply.status
        return _DECODE(reply.body)


async def owed_fen(town: Town, account: ChannelAccount, channel: str = "") -> int:
    """Credits less debits of one of the hospital's channel accounts."""
    base = population.HOSPITAL.account_base
    return await _credit(town, channel_account(base, account, channel))


async def taken_fen(town: Town, account: InstitutionAccount) -> int:
    """Debits less credits of one of the hospital's own accounts."""
    return -await _credit(town, population.HOSPITAL.account_base + account)


async def _credit(town: Town, number: int) -> int:
    found = await balance(town.owner, number)
    return found.credits_fen - found.debits_fen


@asynccontextmanager
async def a_cashier(town: Town) -> AsyncIterator[Cashier]:
    """The hospital's; whatever a test left open is brought to its end, and both books agree."""
    town.channels.wechat.plays.clear()
    yield Cashier(town.service)
    town.channels.wechat.silent = False
    town.channels.wechat.undoes = True
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    assert await owed_fen(town, ChannelAccount.COLLECTING) == 0
    for channel in (town.channels.wechat, town.channels.alipay):
        clearing = ChannelAccount.CLEARING
        assert -await owed_fen(town, clearing, channel.name) == channel.book.balance_fen
