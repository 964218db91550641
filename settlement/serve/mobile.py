"""Mobile payment in one gateway process: whose an order is, then the person's journal (ADR 0032).

What comes is about an order that is named by a number; whose it is is one look-up beside the
journals, as with the order numbers of scan-to-pay.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ledger.postgres.shape import Shape
from settlement.channels.registry import Tills
from settlement.commands import Command
from settlement.desk import DecisionDesk
from settlement.gateway import Caller, Unavailable
from settlement.lanes import lane_of_key
from settlement.payments.mobile_commands import OrderCommand, PlaceOrder, UploadOrder
from settlement.refusal import Refusal
from settlement.serve.asking import Journals, Reply
from settlement.storage.connect import Several
from settlement.storage.errors import StorageError
from settlement.storage.mobile import OrderOwner, find_order
from settlement.storage.payment_finder import Claim, OrderName, PaymentFinder
from settlement.storage.payments import Owner

SIDE_CONNECTIONS = 2


def is_mobile(command: Command | None) -> bool:
    """Whether a command is for this desk."""
    return isinstance(command, UploadOrder | OrderCommand)


class MobileDesk:
    """Carries out the commands of mobile payment. `wallets` says which wallets may confirm."""

    def __init__(
        self, *, journals: Journals, dsn: str, lanes: int, shape: Shape, desk: DecisionDesk,
        wallets: Callable[[], frozenset[str]], tills: Tills,
    ) -> None:  # fmt: skip
        self._submit = journals.ask
        self._side = Several(dsn, "settlement-mobile", count=SIDE_CONNECTIONS)
        self._claim = PaymentFinder(self._side, shape).claim
        self._lanes = lanes
        self._desk = desk
        self._wallets = wallets
        self._tills = tills

    async def carry_out(self, command: Command, caller: Caller | None = None) -> Reply:
        """A command of an institution, or of a wallet that is no caller. Raises Unavailable and
        Overloaded."""
        plain = caller is not None and not caller.through_centre
        if plain and not self._desk.world.profile.mobile_plain:
            return Refusal(code="MOBILE_PLAIN_REFUSED")
        try:
            if isinstance(command, UploadOrder):
                return await self._upload(command)
            if isinstance(command, OrderCommand):
                return await self._of_order(command)
        except StorageError as exc:
            raise Unavailable("later") from exc
        raise TypeError(f"{type(command).__name__} is not for this desk")

    def close(self) -> None:
        """Drop the connections."""
        self._side.close()

    async def _upload(self, command: UploadOrder) -> Reply:
        """The institution's number belongs to one person from now on."""
        asked = command.asked
        key = asked.message_key
        owner = Owner(asked.lane, asked.person_no)
        order = OrderName(lane_of_key(key, self._lanes), key)
        if owner != await self._claim(Claim(order, owner)):
            return Refusal(
                code="MOBILE_ORDER_CONFLICT", field="order_no", params={"part": "person"}
            )
        return await self._submit(command)

    async def owner(self, order_no: int) -> OrderOwner | None:
        """Whose an order is; None where there is none of that number. Raises Unavailable."""
        if not order_no:
            return None
        try:
            async with self._side.use() as connection:
                return await find_order(connection, order_no)
        except StorageError as exc:
            raise Unavailable("later") from exc

    async def _of_order(self, command: OrderCommand) -> Reply:
        if isinstance(command, PlaceOrder) and command.wallet not in ("", *self._wallets()):
            return Refusal(
                code="MOBILE_WALLET_UNKNOWN", field="wallet", params={"value": command.wallet[:20]}
            )
        asked = command.asked
        owner = await self.owner(command.order_no)
        if owner is None or owner.institution != asked.institution.code:
            return Refusal(code="MOBILE_ORDER_UNKNOWN", field="order_no")
        if isinstance(command, PlaceOrder) and command.wallet:
            channel = self._tills.for_agency(asked.institution.code, command.wallet)
            command = replace(command, collected_by="" if channel is None else channel.value)
        return await self._submit(
            replace(command, asked=replace(asked, person_no=owner.person_no))
        )
