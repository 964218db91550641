"""QR codes as UnionPay's app would show them: 19 digits from 62, and some for what is only here.

Besides the payers of `payer_codes` there are lines between UnionPay and the bank that leave it
open what happened: the answer is 03, 04 or 05, and behind it the payment was made or was not.
"""

from __future__ import annotations

import zlib

from loadtest.simulators.payer_codes import Behaviour, PayerCodes

PREFIX, LENGTH = "62", 19
UNSURE = ("03", "04", "05")
"""What an answer says that leaves it open."""

_UNKNOWN, _UNKNOWN_PAID, _UNKNOWN_UNPAID = (
    f"{PREFIX}9{'0' * (LENGTH - len(PREFIX) - 2)}{digit}" for digit in (1, 2, 3)
)


class QrCodes(PayerCodes):
    """The codes of UnionPay."""

    def __init__(self) -> None:
        super().__init__(PREFIX, LENGTH)

    def test_codes(self) -> dict[str, str]:
        """Also by the names that the contract uses."""
        codes = super().test_codes()
        return {
            **codes, "slow": codes[Behaviour.USERPAYING.name.lower()], "unknown": _UNKNOWN,
            "unknown_paid": _UNKNOWN_PAID, "unknown_unpaid": _UNKNOWN_UNPAID,
        }  # fmt: skip


def unsure(code: str, order_id: str) -> tuple[str, bool] | None:
    """The response code that leaves it open, and whether it is paid behind it; None for other
    codes. Drawn from the order's number, so that every run is the same."""
    drawn = zlib.crc32(order_id.encode())
    said = UNSURE[drawn % len(UNSURE)]
    match code:
        case _ if code == _UNKNOWN_PAID:
            return said, True
        case _ if code == _UNKNOWN_UNPAID:
            return said, False
        case _ if code == _UNKNOWN:
            return said, bool(drawn // len(UNSURE) % 2)
    return None
