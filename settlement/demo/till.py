"""A till of the story: baskets, test codes of payers' phones, answers awaited, payments told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from loadtest.institution_client import InstitutionClient
from loadtest.institution_inputs import Bought, Patient
from loadtest.world import World
from protocol.scan import Leg, ScanReply
from settlement.demo.scene import Scene, StoryError
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


def order_no(counter: InstitutionClient, number: int) -> str:
    """The number of a till's order: when it was made, and which of the story's."""
    stamp = "".join(filter(str.isdigit, counter.now()))
    return f"S{stamp}{number:02d}"


def pay_code(world: World, channel: str, behaviour: str) -> str:
    """A test code of a simulated channel: what the payer's phone would show."""
    credentials = world.channels.get(channel, {})
    codes = credentials.get("test_auth_codes") or credentials.get("test_codes") or {}
    if not isinstance(codes, Mapping) or behaviour not in codes:
        raise StoryError(f"no {behaviour} code of {channel} in the world")
    return str(codes[behaviour])


def sale(
    order_no: str, basket: Sequence[Bought], pay_code: str, *, patient: Patient | None = None
) -> dict[str, object]:
    """A basket as POST /pay/scan takes it; without a patient nobody is insured."""
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


def expect(reply: ScanReply, status: str) -> ScanReply:
    """The answer, which says so."""
    if reply.status != status:
        raise StoryError(f"{reply.order_no} is {reply.status}, not {status}: {reply.message}")
    return reply


async def until(
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


def told(address: str, chinese: str, english: str, reply: ScanReply, *before: str) -> Scene:
    """The scene of an answer: who paid, and what the answer says."""
    status = f"{_STATUS_ZH[reply.status]}：{reply.message}"
    legs = () if reply.status == "refused" else leg_lines(reply.legs)
    return Scene(infno=address, chinese=chinese, english=english, lines=(*before, *legs, status))


def kind_name(kind: str) -> str:
    """Who pays, in both languages."""
    return _KIND_ZH.get(kind, kind)


def leg_lines(legs: Sequence[Leg]) -> list[str]:
    """What each pays, on one line, and the channel's number on another."""
    parts = [f"{kind_name(leg.kind)} {money(Decimal(leg.amount))}" for leg in legs]
    references = [leg.reference for leg in legs if leg.kind in _CHANNELS]
    shown = "，".join(filter(None, references))
    return [" + ".join(parts), *([f"渠道单号 channel number {shown}"] if shown else [])]


def _on_its_way(reply: ScanReply) -> bool:
    return any(leg.status in ("returning", "collecting", "undoing") for leg in reply.legs)
