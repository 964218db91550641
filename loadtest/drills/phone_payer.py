"""A payer of a drill who pays an order on their own phone, behind its link (pay_on_phone).

They tap again while the page says that the order can be paid, whatever an app or the page said
before: the same order is the same payment. Some open it in one app and pay in another.
"""

from __future__ import annotations

import asyncio

import aiohttp

from loadtest.drills.orders import Planned
from loadtest.institution_client import ClientError
from loadtest.payers_phone import PayersPhone
from loadtest.simulators.payer_codes import Behaviour

AGAIN_SECONDS = 2.0
_OVER = ("paid", "closed", "refunded")
_FAILED = (ClientError, aiohttp.ClientError, TimeoutError)


async def pay(phone: PayersPhone, order: Planned, link: str) -> None:
    """Until it is paid, or cannot be paid any more; who does not pay only looks."""
    if order.left:
        await _tap(phone, link, order.left)
    if order.behaviour is Behaviour.USERPAYING:
        await asyncio.sleep(order.confirm_seconds)
    while True:
        can_be_paid = await _tap(phone, link, order.channel, confirms=order.pays)
        if not (can_be_paid and order.pays):
            return
        await asyncio.sleep(AGAIN_SECONDS)


async def _tap(phone: PayersPhone, link: str, channel: str, *, confirms: bool = False) -> bool:
    """False where the page says that there is nothing to pay any more."""
    try:
        shown = await phone.looks(link)
        if shown.state in _OVER:
            return False
        call = await phone.taps(link, shown, channel)
        if confirms:
            await phone.confirms(call)
    except _FAILED:
        return True
    return True
