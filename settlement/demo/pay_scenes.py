"""The scenes at the till: one scan pays with fund, account and wallet, and what may go wrong.

The channels are simulated ones that speak the real wires. As in scenes.py, a scene that does not go
as the rules say ends the story.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from loadtest.institution_client import InstitutionClient
from loadtest.institution_inputs import Bought, Patient
from loadtest.world import World
from protocol.scan import Leg, ScanReply
from settlement.demo.scenes import Cast, Props, Scene, StoryError
from settlement.demo.table import money

POLLS_MAX = 60
POLL_SECONDS = 1.0
_KIND_ZH = {
    "fund": "统筹基金 fund", "account": "个人账户 account", "family": "共济账户 family",
    "wechat": "微信 WeChat", "alipay": "支付宝 Alipay", "unionpay": "银联 UnionPay",
    "onecode": "一码付 one code", "cash": "现金 cash",
}  # fmt: skip
_CHANNELS = frozenset({"wechat", "alipay", "unionpay", "onecode"})
_STATUS_ZH = {
    "settled": "已结算 settled", "payer_action": "待付款人确认 waits for the payer",
    "unknown": "待确认 not known", "refused": "未收款 nothing collected",
    "refunded": "已退款 refunded", "refunding": "退款中 being refunded",
}  # fmt: skip


async def scan(cast: Cast, props: Props) -> Scene:
    """An employee's medicine: one scan for the insurance, one for the wallet."""
    order_no, code = _order(cast, 1), _code(cast.world, "wechat", "ok")
    body = _sale(order_no, cast.drugs[:2], code, patient=cast.employee)
    reply = _is(await cast.pharmacy.pay("POST", "/pay/scan", body), "settled")
    props.scanned = order_no
    return _scene(
        "POST /pay/scan", "扫码结算，微信付款", "scan-to-pay, the rest by WeChat", reply,
        f"{cast.pharmacy.institution.name} · {cast.employee.person.psn_name}，订单 {order_no}",
    )  # fmt: skip


async def one_code(cast: Cast, _props: Props) -> Scene:
    """A colleague signed for a wallet: the 医保码 that names them pays the rest, too."""
    body = _sale(_order(cast, 7), cast.drugs[:2], "", patient=cast.colleague)
    body["person_code"] = cast.colleague.person.one_code
    reply = _is(await cast.pharmacy.pay("POST", "/pay/scan", body), "settled")
    return _scene(
        "POST /pay/scan", "一码付：一个医保码，认人并付款", "one code identifies and pays", reply,
        f"{cast.pharmacy.institution.name} · {cast.colleague.person.psn_name}",
    )  # fmt: skip


async def plain(cast: Cast, _props: Props) -> Scene:
    """Two customers without insurance: Alipay and a UnionPay wallet."""
    told = []
    for number, channel in ((2, "alipay"), (3, "unionpay")):
        body = _sale(_order(cast, number), cast.drugs[:1], _code(cast.world, channel, "ok"))
        reply = await cast.pharmacy.pay("POST", "/pay/scan", body)
        reply = await _until(cast.pharmacy, reply, "settled")
        told += _legs(reply.legs)
    return Scene(
        infno="POST /pay/scan", chinese="自费购药，支付宝和银联",
        english="self-pay by Alipay and UnionPay", lines=tuple(told),
    )  # fmt: skip


async def confirmed(cast: Cast, _props: Props) -> Scene:
    """The payer's phone asks for the password; meanwhile nobody else may settle for them."""
    body = _sale(
        _order(cast, 4), cast.drugs[:2], _code(cast.world, "wechat", "userpaying"),
        patient=cast.colleague,
    )  # fmt: skip
    waiting = _is(await cast.pharmacy.pay("POST", "/pay/scan", body), "payer_action")
    reply = await _until(cast.pharmacy, waiting, "settled")
    return _scene(
        "POST /pay/scan, GET /pay/…", "付款人确认后结算",
        "once the payer confirmed", reply, f"先答复 first answer: {waiting.message}",
    )  # fmt: skip


async def hung(cast: Cast, _props: Props) -> Scene:
    """The answer of the channel is lost. Nothing is paid twice, and soon it is known: at once where
    the channel's own word is here before we have missed the answer."""
    body = _sale(_order(cast, 5), cast.drugs[:1], _code(cast.world, "alipay", "lost_answer"))
    first = await cast.pharmacy.pay("POST", "/pay/scan", body)
    if first.status != "settled":
        _is(first, "unknown")
    reply = await _until(cast.pharmacy, first, "settled")
    return _scene(
        "POST /pay/scan, GET /pay/…", "渠道答复丢失，自动查明",
        "a payment that hung, and was resolved", reply, f"先答复 first answer: {first.message}",
    )  # fmt: skip


async def given_up(cast: Cast, _props: Props) -> Scene:
    """The payer walks away; the cashier cancels, and everything that was held is free again."""
    order_no = _order(cast, 6)
    body = _sale(
        order_no, cast.drugs[:2], _code(cast.world, "alipay", "userpaying_never"),
        patient=cast.colleague,
    )  # fmt: skip
    _is(await cast.pharmacy.pay("POST", "/pay/scan", body), "payer_action")
    cancelled = await cast.pharmacy.pay("POST", f"/pay/{order_no}/cancel", {})
    reply = await _until(cast.pharmacy, cancelled, "refused")
    return _scene(
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
    reply = await _until(cast.pharmacy, reply, "settled", "refunded", order_no=order_no)
    back = [leg for leg in reply.legs if leg.amount.startswith("-")]
    if not back or any(leg.status != "returned" for leg in back):
        raise StoryError(f"the money is not back: {reply.legs}")
    return Scene(
        infno="POST /pay/…/refund", chinese="退一种药：先撤医保，再退微信",
        english="one item comes back",
        lines=(f"退回 back: {first.item.name} × {first.quantity:f}", *_legs(back)),
    )  # fmt: skip


PAY_SCENES = (scan, one_code, plain, confirmed, hung, given_up, refunded)


def _order(cast: Cast, number: int) -> str:
    stamp = "".join(filter(str.isdigit, cast.pharmacy.now()))
    return f"S{stamp}{number:02d}"


def _code(world: World, channel: str, behaviour: str) -> str:
    """A test code of a simulated channel: what the payer's phone would show."""
    credentials = world.channels.get(channel, {})
    codes = credentials.get("test_auth_codes") or credentials.get("test_codes") or {}
    if not isinstance(codes, Mapping) or behaviour not in codes:
        raise StoryError(f"no {behaviour} code of {channel} in the world")
    return str(codes[behaviour])


def _sale(
    order_no: str, basket: Sequence[Bought], pay_code: str, *, patient: Patient | None = None
) -> dict[str, object]:
    body: dict[str, object] = {
        "order_no": order_no, "operator": "0001", "terminal_id": "POS00001", "pay_code": pay_code,
        "acct_used_flag": "0",
        "lines": [
            {
                "med_list_codg": one.item.med_list_codg,
                "medins_list_codg": one.item.medins_list_codg,
                "cnt": str(one.quantity),
                "pric": str(one.item.price),
            }
            for one in basket
        ],
    }  # fmt: skip
    if patient is not None:
        code = patient.person.person_code or patient.person.certno
        body |= {"person_code": code, "insutype": patient.person.insutype}
    return body


def _is(reply: ScanReply, status: str) -> ScanReply:
    if reply.status != status:
        raise StoryError(f"{reply.order_no} is {reply.status}, not {status}: {reply.message}")
    return reply


async def _until(
    counter: InstitutionClient, reply: ScanReply, *statuses: str, order_no: str = ""
) -> ScanReply:
    """Ask as a till would, until the order has one of these states and nothing is on its way."""
    number = order_no or reply.order_no
    for _ in range(POLLS_MAX):
        if reply.status in statuses and not _on_its_way(reply):
            return reply
        await asyncio.sleep(POLL_SECONDS)
        reply = await counter.pay("GET", f"/pay/{number}", None)
    raise StoryError(f"{number} is still {reply.status}: {reply.message}")


def _on_its_way(reply: ScanReply) -> bool:
    return any(leg.status in ("returning", "collecting", "undoing") for leg in reply.legs)


def _scene(
    address: str, chinese: str, english: str, reply: ScanReply, *before: str
) -> Scene:
    status = f"{_STATUS_ZH[reply.status]}：{reply.message}"
    legs = () if reply.status == "refused" else _legs(reply.legs)
    return Scene(
        infno=address, chinese=chinese, english=english, lines=(*before, *legs, status)
    )


def _legs(legs: Sequence[Leg]) -> list[str]:
    """What each pays, on one line, and the channel's number on another."""
    parts = [f"{_KIND_ZH.get(leg.kind, leg.kind)} {money(Decimal(leg.amount))}" for leg in legs]
    references = [leg.reference for leg in legs if leg.kind in _CHANNELS]
    shown = "，".join(filter(None, references))
    return [" + ".join(parts), *([f"渠道单号 channel number {shown}"] if shown else [])]
