"""Orders for payers' phones at the simulated UnionPay (申请二维码, 主扫): an address, and no
transaction before somebody pays.

Assumptions, because the public text is silent: the same order asked for again is a duplicate (12),
a query of one that nobody paid says that there is none (34), a reversal ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from loadtest.simulators.phone_window import QR_PATH, Shown, Window
from loadtest.simulators.unionpay_state import DONE, DUPLICATE, WRONG_STATE, Key, State, Transaction
from loadtest.simulators.virtual_clock import VirtualClock

LIVES_SECONDS = 2 * 3600
"""Where the merchant does not say how long."""


class Offer(Struct, kw_only=True):
    """What was asked for, and what became of it."""

    key: Key
    fields: Mapping[str, str]
    expires_at: datetime
    paid: Transaction | None = None


class Offers:
    """See the module. `settle` is told of what was paid."""

    def __init__(
        self, clock: VirtualClock, state: State, own_url: Callable[[], str],
        settle: Callable[[Transaction], None],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._state = state
        self._own_url = own_url
        self._settle = settle
        self._offers: dict[str, Offer] = {}
        self.window = Window("模拟云闪付", self._look, self._pay, self._revive)

    def apply(self, key: Key, fields: Mapping[str, str]) -> dict[str, str]:
        """01/07. What is answered."""
        code = f"{key[0]}{key[1]}{key[2]}"
        if code in self._offers or self._state.find(key) is not None:
            return {"respCode": DUPLICATE}
        if self._state.is_reversed(key):
            return {"respCode": WRONG_STATE}
        seconds = int(fields.get("qrValidTime") or LIVES_SECONDS)
        expires_at = self._clock() + timedelta(seconds=seconds)
        self._offers[code] = Offer(key=key, fields=dict(fields), expires_at=expires_at)
        self._state.offer(key)
        return {"respCode": DONE, "qrCode": f"{self._own_url()}{QR_PATH}?code={code}"}

    def _look(self, code: str) -> Shown | None:
        offer = self._offers.get(code)
        if offer is None:
            return None
        is_over = self._clock() >= offer.expires_at or self._state.is_reversed(offer.key)
        return Shown(
            merchant=f"商户 {offer.key[0]}", amount_fen=int(offer.fields["txnAmt"]),
            can_be_paid=offer.paid is None and not is_over, is_paid=offer.paid is not None,
        )  # fmt: skip

    def _revive(self, code: str) -> None:
        offer = self._offers[code]
        offer.expires_at = self._clock() + timedelta(seconds=LIVES_SECONDS)
        self._state.revive(offer.key)

    def _pay(self, code: str) -> bool:
        offer = self._offers[code]
        offer.paid = self._state.begin(offer.key, offer.fields, self._clock())
        self._settle(offer.paid)
        return True
