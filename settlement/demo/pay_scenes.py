"""The scenes at the till: one scan pays with fund, account and wallet, and what may go wrong.

The channels are simulated ones that speak the real wires. As in scenes.py, a scene that does not go
as the rules say ends the story.
"""

from __future__ import annotations

from settlement.demo import till
from settlement.demo.cast import Cast, Props
from settlement.demo.scene import Scene, StoryError


async def scan(cast: Cast, props: Props) -> Scene:
    """An employee's medicine: one scan for the insurance, one for the wallet."""
    order_no = till.order_no(cast.pharmacy, 1)
    code = till.pay_code(cast.world, "wechat", "ok")
    body = till.sale(order_no, cast.drugs[:2], code, patient=cast.employee)
    reply = till.expect(await cast.pharmacy.pay("POST", "/pay/scan", body), "settled")
    props.scanned = order_no
    return till.told(
        "POST /pay/scan", "扫码结算，微信付款", "scan-to-pay, the rest by WeChat", reply,
        f"{cast.pharmacy.institution.name} · {cast.employee.person.psn_name}，订单 {order_no}",
    )  # fmt: skip


async def one_code(cast: Cast, _props: Props) -> Scene:
    """A colleague signed for a wallet: the 医保码 that names them pays the rest, too."""
    body = till.sale(till.order_no(cast.pharmacy, 7), cast.drugs[:2], "", patient=cast.colleague)
    body["person_code"] = cast.colleague.person.one_code
    reply = till.expect(await cast.pharmacy.pay("POST", "/pay/scan", body), "settled")
    return till.told(
        "POST /pay/scan", "一码付：一个医保码，认人并付款", "one code identifies and pays", reply,
        f"{cast.pharmacy.institution.name} · {cast.colleague.person.psn_name}",
    )  # fmt: skip


async def plain(cast: Cast, _props: Props) -> Scene:
    """Two customers without insurance: Alipay and a UnionPay wallet."""
    told = []
    for number, channel in ((2, "alipay"), (3, "unionpay")):
        code = till.pay_code(cast.world, channel, "ok")
        body = till.sale(till.order_no(cast.pharmacy, number), cast.drugs[:1], code)
        reply = await cast.pharmacy.pay("POST", "/pay/scan", body)
        reply = await till.until(cast.pharmacy, reply, "settled")
        told += till.leg_lines(reply.legs)
    return Scene(
        infno="POST /pay/scan", chinese="自费购药，支付宝和银联",
        english="self-pay by Alipay and UnionPay", lines=tuple(told),
    )  # fmt: skip


async def confirmed(cast: Cast, _props: Props) -> Scene:
    """The payer's phone asks for the password; meanwhile nobody else may settle for them."""
    code = till.pay_code(cast.world, "wechat", "userpaying")
    # Other drugs than by one code: the same ones in the same second would be the same claim.
    body = till.sale(till.order_no(cast.pharmacy, 4), cast.drugs[1:], code, patient=cast.colleague)
    waiting = till.expect(await cast.pharmacy.pay("POST", "/pay/scan", body), "payer_action")
    reply = await till.until(cast.pharmacy, waiting, "settled")
    return till.told(
        "POST /pay/scan, GET /pay/…", "付款人确认后结算",
        "once the payer confirmed", reply, f"先答复 first answer: {waiting.message}",
    )  # fmt: skip


async def hung(cast: Cast, _props: Props) -> Scene:
    """The answer of the channel is lost. Nothing is paid twice, and soon it is known."""
    # WeChat, because it tells nobody of such a payment: the other channels may do so at once.
    code = till.pay_code(cast.world, "wechat", "lost_answer")
    body = till.sale(till.order_no(cast.pharmacy, 5), cast.drugs[:1], code)
    unknown = till.expect(await cast.pharmacy.pay("POST", "/pay/scan", body), "unknown")
    reply = await till.until(cast.pharmacy, unknown, "settled")
    return till.told(
        "POST /pay/scan, GET /pay/…", "渠道答复丢失，自动查明",
        "a payment that hung, and was resolved", reply, f"先答复 first answer: {unknown.message}",
    )  # fmt: skip


async def given_up(cast: Cast, _props: Props) -> Scene:
    """The payer walks away; the cashier cancels, and everything that was held is free again."""
    order_no = till.order_no(cast.pharmacy, 6)
    code = till.pay_code(cast.world, "alipay", "userpaying_never")
    body = till.sale(order_no, cast.drugs[:2], code, patient=cast.colleague)
    till.expect(await cast.pharmacy.pay("POST", "/pay/scan", body), "payer_action")
    cancelled = await cast.pharmacy.pay("POST", f"/pay/{order_no}/cancel", {})
    reply = await till.until(cast.pharmacy, cancelled, "refused")
    return till.told(
        "POST /pay/…/cancel", "付款人离开，收银员取消", "given up by the cashier", reply
    )


async def refunded(cast: Cast, props: Props) -> Scene:
    """The first customer brings one line back: insurance first, then the money."""
    order_no = props.scanned
    first = cast.drugs[0]
    lines = [{"feedetl_sn": "1", "cnt": str(first.quantity)}]
    reply = await cast.pharmacy.pay(
        "POST", f"/pay/{order_no}/refund",
        {"refund_no": f"R{order_no}", "operator": "0001", "lines": lines},
    )  # fmt: skip
    reply = await till.until(cast.pharmacy, reply, "settled", "refunded", order_no=order_no)
    back = [leg for leg in reply.legs if leg.amount.startswith("-")]
    if not back or any(leg.status != "returned" for leg in back):
        raise StoryError(f"the money is not back: {reply.legs}")
    return Scene(
        infno="POST /pay/…/refund", chinese="退一种药：先撤医保，再退微信",
        english="one item comes back",
        lines=(f"退回 back: {first.item.name} × {first.quantity:f}", *till.leg_lines(back)),
    )  # fmt: skip


PAY_SCENES = (scan, one_code, plain, confirmed, hung, given_up, refunded)
