"""The scene of an order that its payer pays on their own phone (手机支付), behind a link."""

from __future__ import annotations

from loadtest.payers_phone import a_phone
from settlement.demo import till
from settlement.demo.cast import Cast, Props
from settlement.demo.scene import Scene, StoryError


async def paid_behind_a_link(cast: Cast, _props: Props) -> Scene:
    """A pensioner's medicine: the fund's part is held, the rest is paid on a page."""
    counter, patient = cast.pharmacy, cast.retired
    number = till.order_no(counter, 11)
    body = till.sale(number, cast.drugs[:2], "", patient=patient) | {"pay_on_phone": True}
    reply = till.expect(await counter.pay("POST", "/pay/scan", body), "payer_action")
    link = str(reply.cashier_url)
    async with a_phone(str(cast.world.channels["wechat"]["base_url"])) as phone:
        shown = await phone.looks(link)
        said = await phone.confirms(await phone.taps(link, shown))
        reply = await till.until(counter, reply, "settled")
        after = await phone.looks(link)
    if after.state != "paid":
        raise StoryError(f"the page says {after.state} of what is paid")
    return till.told(
        "POST /pay/scan → /cashier/…", "本人手机付款", "paid on the payer's own phone", reply,
        f"{counter.institution.name} · {patient.person.psn_name}，订单 {number}",
        f"付款链接 link {link}",
        f"付款页 its page: {shown.title}，本次应付 to pay {shown.amount}，"
        f"{round(shown.seconds_left / 60)} 分钟内有效 minutes left",
        f"微信确认 WeChat confirms: {said} → {after.title}",
    )  # fmt: skip


PHONE_SCENES = (paid_behind_a_link,)
