"""A platform that sells an institution's care on the phone: orders as it uploads and pays them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count

import msgspec
from msgspec import Struct

from ledger.postgres.fold import trial_balance
from loadtest.institution_inputs import Bought, total
from protocol.nhsa import mobile_envelope
from protocol.nhsa.gm import Sm2PrivateKey
from protocol.nhsa.mobile_envelope import Party
from settlement.seals import stored_keys
from settlement.storage.body_keys import set_body_keys
from tests.kit.counter import Counter, Message
from tests.kit.population import Citizen
from tests.kit.reply import Reply
from tests.kit.sealing import PRIVATE, public_pem
from tests.kit.town import PLATFORM, Town
from tests.kit.townhall import Townhall
from tests.kit.waiting import until

_NUMBERS = count(1)
SECRET = "测试密钥-0123456789abcdef"
CARE_TYPE = {"H": "11", "P": "41"}


class Platform:
    """The platform of one institution; it speaks to one service in the plain envelope."""

    def __init__(self, town: Townhall, counter: Counter) -> None:
        self.town = town
        self.counter = counter
        self._owner = asyncio.Lock()
        """the town's one connection"""

    async def token(self, whom: Citizen, *, seconds: int = 300) -> str:
        """The person opens the e-credential, and the platform has a token of it."""
        token = f"EC{next(_NUMBERS):08d}"
        async with self._owner:
            await self.town.issue_token(
                whom, token, institution=self.counter.code, seconds=seconds
            )
        return token

    async def order(self, whom: Citizen, *basket: Bought, **changes: object) -> Message:
        """6201: an order of its own, with a fresh token."""
        number = next(_NUMBERS)
        at = self.counter.clock.tick()
        care_type = CARE_TYPE[self.counter.code[0]]
        person = whom.patient.person
        batch = f"MB{number}"
        data: dict[str, object] = {
            "orgCodg": self.counter.code, "psnNo": person.psn_no, "insutype": person.insutype,
            "medOrgOrd": f"MO{number:08d}", "begntime": at, "idNo": person.certno,
            "userName": person.psn_name, "idType": person.psn_cert_type,
            "ecToken": await self.token(whom), "iptOtpNo": f"OP{number}", "deptName": "内科",
            "deptCode": "0300", "caty": "A03", "medType": care_type, "feeType": "01",
            "medfeeSumamt": total(basket), "acctUsedFlag": "1", "diseCodg": "J00",
            "psnSetlway": "01", "chrgBchno": batch, "extData": {},
            "feedetailList": [
                _line(bought, f"{number}-{place}", batch, person.psn_no, care_type, at)
                for place, bought in enumerate(basket, 1)
            ],
            "diseinfoList": [_diagnosis(at)],
            **changes,
        }  # fmt: skip
        return self.counter.message("6201", {"data": data})

    async def upload(self, whom: Citizen, *basket: Bought, **changes: object) -> Order:
        """6201, sent once."""
        message = await self.order(whom, *basket, **changes)
        reply = await self.counter.send(message)
        return Order(self, whom, message, reply)


class Order:
    """An order that was uploaded, and what may be done with it."""

    def __init__(
        self, platform: Platform, whom: Citizen, uploaded: Message, reply: Reply
    ) -> None:
        self.platform = platform
        self.whom = whom
        self.uploaded = uploaded
        self.number = reply.text("payOrdId", "data")
        self.pay_token = reply.text("payToken", "data")
        extra = reply.node("data")["extData"]
        assert isinstance(extra, Mapping)
        self.mdtrt_id, self.batch_no = str(extra["mdtrtId"]), str(extra["chrgBchno"])
        sent = uploaded.envelope["input"]
        assert isinstance(sent, dict)
        self.token = str(sent["data"]["ecToken"])

    @property
    def order_no(self) -> int:
        """Its number here."""
        return int(self.number[-19:])

    def payment(self, authorisation: str, *, wallet: str = "", **changes: object) -> Message:
        """6202."""
        data: dict[str, object] = {
            "payAuthNo": authorisation, "payOrdId": self.number, "payToken": self.pay_token,
            "orgCodg": self.platform.counter.code, "orgBizSer": f"S{next(_NUMBERS)}",
            "mdtrtId": self.mdtrt_id, "chrgBchno": self.batch_no, **changes,
        }  # fmt: skip
        if wallet:
            data["extData"] = {"thdPayType": wallet}
        return self.platform.counter.message("6202", {"data": data})

    async def pay(self, *, wallet: str = "") -> Reply:
        """6202 with a fresh authorisation, sent once."""
        authorisation = await self.platform.token(self.whom)
        return await self.platform.counter.send(self.payment(authorisation, wallet=wallet))

    def enquiry(self, infno: str = "6301", **changes: object) -> Message:
        """6301, or 6401 which says the same."""
        person = self.whom.patient.person
        data: dict[str, object] = {
            "payOrdId": self.number, "orgCodg": self.platform.counter.code,
            "payToken": self.pay_token, "idNo": person.certno, "userName": person.psn_name,
            "idType": person.psn_cert_type, **changes,
        }  # fmt: skip
        return self.platform.counter.message(infno, {"data": data})

    async def ask(self) -> Reply:
        """6301."""
        return await self.platform.counter.send(self.enquiry())

    async def state(self) -> str:
        """ordStas."""
        return (await self.ask()).text("ordStas", "data")

    async def withdraw(self) -> Reply:
        """6401."""
        return await self.platform.counter.send(self.enquiry("6401"))

    def refund(self, paid: Reply, kind: str = "ALL", **changes: object) -> Message:
        """6203 of what 6202 answered."""
        money = {name: paid.money(name, "data") for name in ("ownPayAmt", "psnAcctPay", "fundPay")}
        insured = {"ALL": 1, "HI": 1, "CASH": 0}[kind]
        own = {"ALL": 1, "HI": 0, "CASH": 1}[kind]
        parts = {
            "psnAcctRefdAmt": money["psnAcctPay"] * insured,
            "fundRefdAmt": money["fundPay"] * insured,
            "cashRefdAmt": money["ownPayAmt"] * own,
        }
        data: dict[str, object] = {
            "payOrdId": self.number, "appRefdSn": f"R{next(_NUMBERS):08d}",
            "appRefdTime": "20261123100000", "totlRefdAmt": sum(parts.values()), **parts,
            "ecToken": self.token, "refdType": kind, **changes,
        }  # fmt: skip
        return self.platform.counter.message("6203", {"data": data})


def _line(
    bought: Bought, serial: str, batch: str, psn_no: str, care_type: str, at: str
) -> dict[str, object]:
    return {
        "feedetlSn": serial, "mdtrtId": "NONE", "psnNo": psn_no, "chrgBchno": batch,
        "rxCircFlag": "0", "feeOcurTime": at, "medListCodg": bought.item.med_list_codg,
        "medinsListCodg": bought.item.medins_list_codg, "detItemFeeSumamt": bought.amount,
        "cnt": bought.quantity, "pric": bought.item.price, "bilgDeptCodg": "0300",
        "bilgDeptName": "内科", "bilgDrCodg": "D0001", "bilgDrName": "测试医师",
        "hospApprFlag": "1", "medType": care_type,
    }  # fmt: skip


def _diagnosis(at: str) -> dict[str, object]:
    return {
        "diagType": "1", "diagSrtNo": 1, "diagCode": "J00.x00", "diagName": "测试诊断",
        "diagDept": "内科", "diseDorNo": "D0001", "diseDorName": "测试医师", "diagTime": at,
        "valiFlag": "1",
    }  # fmt: skip


async def held_fen(town: Town, institution: str) -> int:
    """What is held anywhere for an institution's orders."""
    held = 0
    for owner in ("agency", institution):
        for row in (await trial_balance(town.owner, owner)).rows:
            held += row.balance.debits_pending_fen + row.balance.credits_pending_fen
    return held


def confirmation(order: Order, reply: Reply, **changes: object) -> dict[str, object]:
    """What a wallet says once it was paid."""
    names = ("feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt")
    money = {name: reply.money(name, "data") for name in names}
    return {"payOrdId": order.number, "thdTrnsNo": "W1", **money, **changes}


class Caller(Struct, frozen=True, kw_only=True):
    """Somebody who speaks the centre's envelope: an institution's platform, or a wallet."""

    town: Town
    party: Party
    key: Sm2PrivateKey

    def sealed(self, data: Mapping[str, object], **changes: object) -> bytes:
        """A request."""
        content = msgspec.json.Encoder(decimal_format="number").encode(data)
        stamp = f"{self.town.clock.local:%Y%m%d%H%M%S}"
        return mobile_envelope.sealed(
            content, self.party, self.key, stamp=str(changes.pop("stamp", stamp)), more=changes
        )

    async def send(
        self, operation: str, data: Mapping[str, object], *, wallet: bool = False
    ) -> Answered:
        """Sent, and the answer opened, its signature checked."""
        centre = self.town.service.mobile_centre
        assert centre is not None
        act = centre.wallet if wallet else centre.institution
        reply = await act(operation, self.sealed(data))
        assert reply is not None
        return self.opened(reply.body)

    def opened(self, wire: bytes) -> Answered:
        """An answer of the centre."""
        opened = mobile_envelope.opened(wire, self.party)
        assert mobile_envelope.is_signed(opened, self.party, PLATFORM.public)
        code = opened.members["code"]
        assert isinstance(code, int)
        data = msgspec.json.decode(opened.data, type=dict[str, object])
        return Answered(code=code, message=opened.text("message"), data=data)


class Answered(Struct, frozen=True, kw_only=True):
    """What the centre says."""

    code: int
    message: str
    data: dict[str, object]


async def a_caller(town: Town, owner: str, access_key: str) -> Caller:
    """A credential with a registered key, known to the services."""
    await keep_credential(town, owner, access_key)

    async def known() -> bool:
        found = town.service.credential(access_key)
        return found is not None and found.keys is not None

    await until(known)
    return Caller(
        town=town, party=Party(app_id=access_key, secret=SECRET), key=PRIVATE
    )


async def keep_credential(town: Townhall, owner: str, access_key: str) -> None:
    """A credential of an institution or a wallet, its SM2 key registered."""
    sealed = town.keyring.seal(SECRET.encode(), f"credential/{access_key}".encode())
    await town.owner.execute(
        "insert into settlement.credential (access_key, institution, key_version, secret)"
        " values ($1, $2, $3, $4) on conflict (access_key) do nothing",
        access_key, owner, town.keyring.version, sealed,
    )  # fmt: skip
    stored = stored_keys(sm2=public_pem(), sm4="", required=False)
    assert await set_body_keys(
        town.owner, town.keyring, access_key, stored, reason="测试", actor="测试操作员",
        at=town.clock(),
    )  # fmt: skip
