"""What the customers of a drill buy, how they pay, and what goes wrong with them: all by seed.

Two of three are insured, and half of these show a 医保码, the others a number. Each pays with
WeChat, Alipay or UnionPay. Most have their phone ready; some must confirm, have too little, or
walk away. Some tills lose their connection right after they sent, some cashiers cancel what takes
long, some customers bring things back. Where a drill wants it, some pay on their own phones behind
a link, and may open the order in one app and pay in another. An order depends on the seed and its
number alone, so that a run can be made again with fewer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.unionpay_codes import QrCodes
from loadtest.world import World, WorldItem
from protocol import paycode

T = TypeVar("T")
LINES_MAX = 3
QUANTITY_MAX = 3
PRICE_YUAN_MAX = 60
CHANNELS = ("wechat", "alipay", "unionpay")
IMPATIENT = 0.2
ON_PHONE = 0.1
"""Of the customers, where a drill wants any: they pay on their own phones."""
_OPEN_TWO = 0.3
"""Of these: they open the order in another app first."""
_PAY_ON_PHONE = frozenset({Behaviour.OK, Behaviour.USERPAYING, Behaviour.LOST_ANSWER})
PATIENCE_SECONDS = 8.0
_SECONDS = (1, 6)
"""How long a payer takes who must confirm."""
_PAYERS = {
    Behaviour.OK: 820,
    Behaviour.USERPAYING: 60,
    Behaviour.NOT_ENOUGH: 50,
    Behaviour.USERPAYING_FAILS: 15,
    Behaviour.USERPAYING_NEVER: 15,
    Behaviour.LOST_ANSWER: 20,
    Behaviour.EXPIRED: 10,
    Behaviour.RISK: 10,
}


class Afterwards(StrEnum):
    """What a customer does later."""

    NOTHING = "nothing"
    REFUND = "refund"
    """everything comes back"""
    REFUND_LINE = "refund_line"
    """the first line comes back"""


_AFTERWARDS = {
    Afterwards.NOTHING: 900,
    Afterwards.REFUND: 50,
    Afterwards.REFUND_LINE: 50,
}


class Planned(Struct, frozen=True, kw_only=True):
    """One order before it happens."""

    order_no: str
    institution: int
    """index into the pharmacies of the world"""
    channel: str
    behaviour: Behaviour
    confirm_seconds: int
    second_code: bool
    """after a refused code another one is shown, of a payer who has the money"""
    vanishes: bool
    """the till's connection is lost right after it sent the order"""
    twice: bool
    """the till sends the order a second time at the end, as after a restart"""
    patience_seconds: float | None
    """so long the cashier waits for a verdict before they cancel; None: as long as it takes"""
    afterwards: Afterwards
    on_phone: bool
    left: str
    """the app that opens it first on a phone, and is left for that of `channel`; empty: none"""
    body: dict[str, object]
    """of the request, without the code"""
    first_line: dict[str, str]
    """what comes back where a line does"""

    def request(self, pay_code: str) -> bytes:
        """The body of `POST /pay/scan`."""
        way: dict[str, object] = {"pay_code": pay_code}
        return msgspec.json.encode(self.body | ({"pay_on_phone": True} if self.on_phone else way))

    @property
    def pays(self) -> bool:
        """Whether a payer pays on the phone in the end."""
        return self.behaviour in _PAY_ON_PHONE


class Customers:
    """The orders of one run by their numbers."""

    def __init__(
        self, world: World, *, seed: int, stamp: int, impatient: float = IMPATIENT,
        on_phone: float = 0.0,
    ) -> None:  # fmt: skip
        """`stamp` begins the order numbers: no two runs on one server may share it. `impatient` is
        the share of cashiers who cancel what takes long, `on_phone` that of payers with a link."""
        self._seed = seed
        self._stamp = stamp
        self._pharmacies = len(world.of_kind("pharmacy"))
        self._persons = world.persons
        self._impatient = impatient
        self._on_phone = on_phone
        self._items = [one for one in world.catalogue if 1 <= one.price <= PRICE_YUAN_MAX]

    def order(self, number: int) -> Planned:
        """The order with this number, from 0 on."""
        chance = random.Random(f"{self._seed}:{number}")
        behaviour = _drawn(chance, _PAYERS)
        afterwards = _drawn(chance, _AFTERWARDS)
        impatient = chance.random() < self._impatient
        lines = [_line(n, chance, self._items) for n in range(1, 1 + chance.randint(1, LINES_MAX))]
        second_code = chance.random() < 0.5
        order_no = f"D{self._stamp:x}{number:08d}"
        body: dict[str, object] = {
            "order_no": order_no, "operator": "0001", "terminal_id": "POS00001",
            "acct_used_flag": chance.choice("01"), "lines": lines,
            "allow_second_code": second_code,
        }  # fmt: skip
        if chance.random() < 2 / 3:
            # Each in turn: nobody stands at two counters at the same time.
            person = self._persons[number % len(self._persons)]
            shown = person.person_code if chance.random() < 0.5 else ""
            body |= {"person_code": shown or person.certno, "insutype": person.insutype}
        planned = Planned(
            order_no=order_no, institution=chance.randrange(self._pharmacies),
            channel=chance.choice(CHANNELS), behaviour=behaviour,
            confirm_seconds=chance.randint(*_SECONDS), second_code=second_code,
            patience_seconds=PATIENCE_SECONDS if impatient else None,
            vanishes=chance.random() < 0.05, twice=chance.random() < 0.03,
            afterwards=afterwards, on_phone=False, left="", body=body,
            first_line={"feedetl_sn": lines[0]["feedetl_sn"], "cnt": lines[0]["cnt"]},
        )  # fmt: skip
        return _on_phone(planned, chance) if chance.random() < self._on_phone else planned


class Wallets:
    """Codes as payers' phones show them, without asking the simulators."""

    def __init__(self) -> None:
        self.codes: dict[str, PayerCodes] = {
            "wechat": PayerCodes("13", 18), "alipay": PayerCodes("28", 18), "unionpay": QrCodes(),
        }  # fmt: skip
        self._serial = count()

    def show(self, channel: str, behaviour: Behaviour, *, seconds: int = 1) -> str:
        """A fresh code. One that looks like an identity number by chance is not shown: a till
        refuses it, and the payer shows another one."""
        while True:
            code = self.codes[channel].make(
                behaviour, at=datetime.now(UTC), serial=next(self._serial), seconds=seconds
            )
            if paycode.read(code).kind.value == channel:
                return code


def _drawn(chance: random.Random, weights: Mapping[T, int]) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]


def _on_phone(planned: Planned, chance: random.Random) -> Planned:
    """The same order, whose payer has a link; cashiers cancel what is not paid."""
    others = [one for one in CHANNELS if one != planned.channel]
    return replace(
        planned, on_phone=True, second_code=False,
        left=chance.choice(others) if chance.random() < _OPEN_TWO else "",
        patience_seconds=planned.patience_seconds if planned.pays else PATIENCE_SECONDS,
    )  # fmt: skip


def _line(number: int, chance: random.Random, items: Sequence[WorldItem]) -> dict[str, str]:
    item = chance.choice(items)
    return {
        "feedetl_sn": str(number),
        "med_list_codg": item.med_list_codg,
        "medins_list_codg": item.medins_list_codg,
        "cnt": str(chance.randint(1, QUANTITY_MAX)),
        "pric": str(item.price),
    }
