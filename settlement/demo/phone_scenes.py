"""Scenes of orders that their payers pay on their own phones (手机支付), behind a link."""

from __future__ import annotations

from urllib.parse import urlsplit

from loadtest.institution_client import ClientError
from loadtest.payers_phone import a_phone
from loadtest.world import World
from settlement.demo import till
from settlement.demo.cast import Cast, Props
from settlement.demo.scene import Scene, StoryError


async def paid_behind_a_link(cast: Cast, _props: Props) -> Scene:
    """A pensioner's medicine: the fund's part is held, the rest is paid on a page."""
    return await _paid(
        cast, 11, "wechat", ("微信确认", "WeChat confirms"),
        ("本人手机付款", "paid on the payer's own phone"),
    )  # fmt: skip


async def paid_in_alipay(cast: Cast, _props: Props) -> Scene:
    """The same page, opened in Alipay."""
    return await _paid(
        cast, 12, "alipay", ("支付宝确认", "Alipay confirms"),
        ("本人手机付款（支付宝）", "paid on the phone, in Alipay"),
    )  # fmt: skip


async def paid_in_unionpay_after_alipay(cast: Cast, _props: Props) -> Scene:
    """A payer opens the order in Alipay, leaves it, and pays with 云闪付: the first is closed
    before there is a second, and pays no more."""
    return await _paid(
        cast, 13, "unionpay", ("云闪付确认", "云闪付 confirms"),
        ("更换支付方式（云闪付）", "another channel on the phone (云闪付)"), left="alipay",
    )  # fmt: skip


async def _paid(
    cast: Cast, nth: int, channel: str, confirms: tuple[str, str], title: tuple[str, str], *,
    left: str = "",
) -> Scene:  # fmt: skip
    counter, patient = cast.pharmacy, cast.retired
    number = till.order_no(counter, nth)
    body = till.sale(number, cast.drugs[:2], "", patient=patient) | {"pay_on_phone": True}
    reply = till.expect(await counter.pay("POST", "/pay/scan", body), "payer_action")
    link = str(reply.cashier_url)
    changed = ""
    async with a_phone(_places(cast.world)) as phone:
        shown = await phone.looks(link)
        first = await phone.taps(link, shown, left) if left else None
        said = await phone.confirms(await phone.taps(link, shown, channel))
        reply = await till.until(counter, reply, "settled")
        after = await phone.looks(link)
        if first is not None:
            late = await phone.confirms(first)
            if late == "ok":
                raise StoryError(f"{left} took money for an order that was left there")
            changed = f"先打开的{till.kind_name(left)} was closed first: {late}"
    if after.state != "paid":
        raise StoryError(f"the page says {after.state} of what is paid")
    lines = [
        f"{counter.institution.name} · {patient.person.psn_name}，订单 {number}",
        f"付款链接 link {link}",
        f"付款页 its page: {shown.title}，本次应付 to pay {shown.amount}，"
        f"{round(shown.seconds_left / 60)} 分钟内有效 minutes left",
        f"{confirms[0]} {confirms[1]}: {said} → {after.title}",
    ]
    return till.told(
        "POST /pay/scan → /cashier/…", *title, reply, *lines, *([changed] if changed else [])
    )


def _places(world: World) -> dict[str, str]:
    """Where the simulated channels are."""
    places = {}
    for channel in ("wechat", "alipay", "unionpay"):
        credentials = world.channels.get(channel, {})
        url = str(credentials.get("base_url") or credentials.get("gateway_url") or "")
        parts = urlsplit(url)
        if not parts.netloc:
            raise ClientError(f"no {channel} in the world")
        places[channel] = f"{parts.scheme}://{parts.netloc}"
    return places


PHONE_SCENES = (paid_behind_a_link, paid_in_alipay, paid_in_unionpay_after_alipay)
