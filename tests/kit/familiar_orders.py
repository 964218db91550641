"""Puts what a town knows into requests of scan-to-pay that were made from a schema alone.

As tests/kit/familiar.py does for messages: persons, wallets, items and order numbers that exist,
more often than not; all else stays as it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any

from tests.kit.population import CLASS_A, CLASS_C, DEAR, Citizen

_NUMBERS = count(1)
KEPT_ORDERS_MAX = 30
_OF_HOSPITALS = frozenset({"/pay/deposit", "/pay/visit", "/pay/admission"})


class FamiliarOrders:
    """What the town knows, the orders of one counter included. `wallets` are codes that payers
    show, `stays` those that a hospital has."""

    def __init__(
        self, people: Sequence[Citizen], wallets: Sequence[str], stays: Sequence[str] = ()
    ) -> None:
        self._people = people
        self._wallets = wallets
        self._stays = stays
        self._orders: list[str] = []

    def order_no(self, made: str, random: Random) -> str:
        """An order of this town, mostly."""
        return random.choice(self._orders) if self._orders and random.random() < 0.8 else made

    def move_in(self, body: Any, operation: str, random: Random) -> Any:
        """The body, mostly with the town's people, wallets and items."""
        if not isinstance(body, dict):
            return body
        if "refund" in operation:
            return body | {"refund_no": f"SR{next(_NUMBERS):06d}"} | _refunded(body, random)
        if operation in _OF_HOSPITALS:
            return self._at_the_hospital(body, random)
        if "scan" not in operation:
            return body
        moved = body | {"order_no": f"SC{next(_NUMBERS):06d}"}
        if random.random() < 0.9:
            moved |= self._shown(random)
        lines = moved.get("lines")
        if isinstance(lines, list) and random.random() < 0.9:
            moved["lines"] = [
                line | _bought(random) if isinstance(line, dict) else line for line in lines
            ]
        return moved

    def stay_no(self, made: str, random: Random) -> str:
        """A stay of this hospital, mostly."""
        return random.choice(self._stays) if self._stays and random.random() < 0.8 else made

    def _at_the_hospital(self, body: dict[str, Any], random: Random) -> dict[str, Any]:
        """What is named in it and known here: a stay, a wallet, a person, a few yuan."""
        wallet = random.choice(self._wallets)
        known: dict[str, Any] = {
            "mdtrt_id": self.stay_no("1", random),
            "amount": random.choice(("1.00", "0.01", 20)),
            "pay_code": random.choice((wallet, "")),
            "tender": random.choice((None, {"kind": "cash"})),
            "person_code": random.choice(self._people).patient.person.certno,
            "insutype": "310",
        }
        moved = {
            name: known[name] if name in known and random.random() < 0.9 else value
            for name, value in body.items()
        }
        return moved | {"order_no": f"SH{next(_NUMBERS):06d}"}

    def an_order(self, random: Random) -> dict[str, Any]:
        """One that is paid, or waits for the payer."""
        return {
            "order_no": f"SC{next(_NUMBERS):06d}", "operator": "0001", **self._shown(random),
            "lines": [{"medins_list_codg": "A001", **_bought(random)}],
        }  # fmt: skip

    def remember(self, answer: dict[str, Any]) -> None:
        """Orders that were made are found, cancelled and refunded later."""
        if answer.get("order_no") and answer.get("status") != "refused":
            self._orders.append(str(answer["order_no"]))
            del self._orders[:-KEPT_ORDERS_MAX]

    def _shown(self, random: Random) -> dict[str, Any]:
        """Who is insured and who pays; one of them at least."""
        person = random.choice(self._people).patient.person.certno
        wallet = random.choice(self._wallets)
        shown = random.choice(
            (
                {"person_code": person, "pay_code": wallet},
                {"person_code": person, "pay_code": ""},
                {"person_code": "", "pay_code": wallet},
            )
        )  # fmt: skip
        return {**shown, "insutype": "310", "med_type": "41", "dise_codg": "", "tender": None}


def _bought(random: Random) -> dict[str, Any]:
    item = random.choice((CLASS_A, CLASS_C, DEAR)).item
    return {
        "med_list_codg": item.code, "cnt": random.randint(1, 3), "pric": random.randint(1, 99),
        "det_item_fee_sumamt": None, "feedetl_sn": None, "fee_ocur_time": None,
        "durg_trac_info": None, "rx_circ_flag": "0",
    }  # fmt: skip


def _refunded(body: dict[str, Any], random: Random) -> dict[str, Any]:
    """All of it, a line of it, an amount, or whatever was made."""
    whole: dict[str, Any] = {"lines": [], "amount": None}
    line = {"lines": [{"feedetl_sn": "1", "cnt": 1}], "amount": None}
    amount = {"lines": [], "amount": "1.00"}
    kept = {name: body[name] for name in ("lines", "amount") if name in body}
    return random.choice((whole, line, amount, kept))
