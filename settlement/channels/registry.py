"""Which merchant collects for which institution, and under whose custody (DOMAIN 1)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from settlement.channels.port import Channel
from settlement.payments.payment import ChannelName, Custody

EVERYBODY = "*"
"""Stands for every institution that has no merchant of its own."""


class Place(Struct, frozen=True, kw_only=True):
    """A merchant that collects for an institution."""

    merchant_no: str
    custody: Custody


class Tills:
    """All merchants of a process. `notify_base` is where channels reach us, `cashier_base` where
    payers' phones do; empty where nowhere."""

    def __init__(
        self, merchants: Mapping[tuple[ChannelName, str], Channel],
        places: Mapping[tuple[str, ChannelName], Place], *, notify_base: str = "",
        cashier_base: str = "",
    ) -> None:  # fmt: skip
        self._merchants = merchants
        self._places = places
        self._notify_base = notify_base.rstrip("/")
        self._cashier_base = cashier_base.rstrip("/")

    def place(self, institution: str, channel: ChannelName) -> Place | None:
        """The merchant of an institution at a channel."""
        own = self._places.get((institution, channel))
        return own or self._places.get((EVERYBODY, channel))

    def for_agency(self, institution: str, wallet: str) -> ChannelName | None:
        """The channel of a wallet's name, where the agency's merchant collects at it for an
        institution (平台代收); None where the institution's own does, or there is no such channel.
        """
        for channel in ChannelName:
            if channel.value == wallet.lower():
                place = self.place(institution, channel)
                return channel if place is not None and place.custody is Custody.AGENCY else None
        return None

    def merchant(self, channel: str, merchant_no: str) -> Channel | None:
        """The door of a merchant; None where it is not configured."""
        try:
            return self._merchants.get((ChannelName(channel), merchant_no))
        except ValueError:
            return None

    def merchants(self) -> dict[tuple[ChannelName, str], Channel]:
        """The doors of all merchants, by channel and number."""
        return dict(self._merchants)

    def cashier_url(self, token: str) -> str:
        """The page where a payer pays the order of a token; empty where payers cannot reach us."""
        return f"{self._cashier_base}/cashier/{token}" if self._cashier_base else ""

    def notify_url(self, channel: ChannelName, merchant_no: str) -> str:
        """Where a channel tells us about a merchant's payments; it may not have a query string."""
        base = self._notify_base
        return f"{base}/notify/{channel.value}/{merchant_no}" if base else ""


NO_TILLS = Tills({}, {})
"""Where no channel is configured."""
