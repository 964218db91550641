"""The scenes of mobile payment (移动支付): who is registered, an order paid by phone, its refund.

The hospital's platform speaks to the server, its small program to WeChat, and WeChat, for the
insurance part, to the server. What the hospital is told arrives at its own receiver.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtest import mobile_inputs as inputs
from loadtest.mobile_inputs import Held, Uploaded
from loadtest.simulators.receiver import Entry, fetch_book
from loadtest.world import World
from settlement.demo import till
from settlement.demo.cast import Cast, Phoned, Props, SceneMaker
from settlement.demo.mixed_shop import MixedSale, MixedShop, open_shop
from settlement.demo.scene import ORDERED, Scene, StoryError, amount_of, done, who
from settlement.demo.table import money

IN_FORCE_SECONDS = 2.0
"""What an operator sets is known to every process within a second."""
HELD, PAID, ALL_BACK = "1", "6", "7"
"""ordStas"""
_REGISTERED = ("公钥 key", "回调 receiver", "钱包 wallet")
_TOPICS = {"6204": "订单信息 order", "6302": "结算结果 result"}


async def registered(cast: Cast, _props: Props) -> Scene:
    """What an operator does once for a hospital and for a wallet."""
    mobile = _mobile(cast)
    with TemporaryDirectory() as directory:
        commands = await asyncio.to_thread(_commands, mobile, Path(directory))
        said = [await cast.operator(command) for command in commands]
    await asyncio.sleep(IN_FORCE_SECONDS)
    return Scene(
        infno="settlement keys, outbox receiver, mobile wallet",
        chinese="移动支付：运维登记", english="an operator registers",
        lines=tuple(
            f"{what}：{text.strip()}" for what, text in zip(_REGISTERED, said, strict=True)
        ),
    )  # fmt: skip


async def paid_on_the_phone(cast: Cast, props: Props) -> Scene:
    """Uploaded, held for the wallet, paid at WeChat, which has the insurance part settled."""
    hospital, patient, token = cast.hospital, cast.employee, await _token(cast)
    code, number = hospital.institution.code, till.order_no(hospital, 10)
    content = inputs.upload(
        patient, cast.treatment, institution=code, order_no=number, token=token, at=hospital.now()
    )
    order = Uploaded.of(done(await hospital.ask("6201", content)).node("data"))
    wallet = str(_mobile(cast)["wallet"])
    content = inputs.payment(
        order, institution=code, serial=number, authorisation=token, wallet=wallet
    )
    held = _held(done(await hospital.ask("6202", content)).node("data"))
    sale = MixedSale.of(order.order_id, number, held)
    async with _shop(cast) as shop:
        made = await shop.sell(sale, patient=patient, institution=hospital.institution)
        paid = await shop.paid(sale)
    props.phoned = Phoned(uploaded=order, held=held, sale=sale, token=token)
    await _expect(cast, order, PAID)
    told = await _told(cast, order, "6204", "6302")
    return Scene(
        infno="6201 → 6202 → wallet/confirm → 6302",
        chinese="手机付款：微信确认后医保结算", english="paid on the phone",
        lines=(
            who(patient, hospital),
            f"上传 uploaded {order.order_id}",
            f"预留 held: 统筹基金 fund {money(held.fund)}，待微信付 for WeChat {money(held.own)}",
            f"微信 WeChat: {made.text} → {paid.text}，{paid.mix_trade_no}",
            *(f"通知医院 told {one.topic} {_TOPICS[one.topic]}，{one.notice_id}" for one in told),
        ),
    )  # fmt: skip


async def taken_back(cast: Cast, props: Props) -> Scene:
    """The patient does not come: insurance by 6203, then the hospital gives the cash back."""
    phoned = props.phoned
    if phoned is None:
        raise StoryError("nothing was paid on the phone")
    hospital, held = cast.hospital, phoned.held
    content = inputs.refund(
        phoned.uploaded, held, refund_no=f"R{phoned.sale.number}", token=phoned.token,
        at=hospital.now(),
    )  # fmt: skip
    back = done(await hospital.ask("6203", content)).node("data")
    async with _shop(cast) as shop:
        ended = await shop.give_back(phoned.sale)
    await _expect(cast, phoned.uploaded, ALL_BACK)
    *_, told = await _told(cast, phoned.uploaded, "6204", "6302", "6302")
    return Scene(
        infno="6203 → 6302", chinese="医保退费，微信退款", english="and taken back",
        lines=(
            f"退费 refund {back['refdSn']}：{back['refStatus']}，"
            f"统筹基金 fund {money(-held.fund)}，微信 WeChat {money(-held.own)}",
            f"微信 WeChat: {ended.text}",
            f"通知医院 told {told.topic} 已退费 taken back，{told.notice_id}",
        ),
    )  # fmt: skip


def mobile_scenes(world: World) -> tuple[SceneMaker, ...]:
    """Those that can be played: none where the machine has no SM2, and so nobody is told."""
    return (registered, paid_on_the_phone, taken_back) if "mobile" in world.channels else ()


def _commands(mobile: Mapping[str, object], folder: Path) -> list[Sequence[str]]:
    """What is typed; keys are handed in as files."""
    files = {}
    for name in ("sm2_public", "wallet_sm2_public", "wallet_secret"):
        files[name] = folder / name
        files[name].write_text(str(mobile[name]), "ascii")
    access_key, hospital = str(mobile["access_key"]), str(mobile["institution"])
    return [
        ("keys", access_key, "--sm2-public", str(files["sm2_public"]), *ORDERED),
        ("outbox", "receiver", hospital, "mobile", "--url", f"{mobile['receiver_url']}/notify",
         "--access-key", access_key, *ORDERED),
        ("mobile", "wallet", str(mobile["wallet"]), "--access-key",
         str(mobile["wallet_access_key"]), "--secret-file", str(files["wallet_secret"]),
         "--sm2-public", str(files["wallet_sm2_public"]), *ORDERED),
    ]  # fmt: skip


async def _token(cast: Cast) -> str:
    """The patient opens the e-credential (电子凭证) on the phone."""
    person, hospital = cast.employee.person, cast.hospital.institution
    said = json.loads(await cast.operator(("token", person.psn_no, hospital.code)))
    return str(said["mdtrt_cert_no"])


def _held(answer: Mapping[str, object]) -> Held:
    if answer["ordStas"] != HELD:
        raise StoryError(f"the order is not held: {answer['ordStas']}")
    fund, account, own = (
        amount_of(answer, name) for name in ("fundPay", "psnAcctPay", "ownPayAmt")
    )
    if Decimal(0) in (fund, own):
        raise StoryError("of a mixed order fund and patient pay both")
    return Held(fund=fund, account=account, own=own)


async def _expect(cast: Cast, order: Uploaded, state: str) -> None:
    content = inputs.enquiry(order, cast.employee, institution=cast.hospital.institution.code)
    found = done(await cast.hospital.ask("6301", content)).node("data")
    if found["ordStas"] != state:
        raise StoryError(f"{order.order_id} is {found['ordStas']}, not {state}")


async def _told(cast: Cast, order: Uploaded, *topics: str) -> list[Entry]:
    """What the hospital's receiver took of an order, once it has heard all of these."""
    url = str(_mobile(cast)["receiver_url"])
    for _ in range(till.POLLS_MAX):
        book = await asyncio.to_thread(fetch_book, url)
        if book.refused:
            raise StoryError(f"the hospital does not take what it is told: {book.refused}")
        heard = [one for one in book.entries if order.order_id.encode() in bytes(one.data)]
        if [one.topic for one in heard] == list(topics):
            return heard
        await asyncio.sleep(till.POLL_SECONDS)
    raise StoryError(f"the hospital was told {[one.topic for one in heard]}, not {topics}")


def _shop(cast: Cast) -> AbstractAsyncContextManager[MixedShop]:
    merchant = _mobile(cast)["merchant"]
    if not isinstance(merchant, Mapping):
        raise StoryError("the hospital has no merchant at WeChat")
    return open_shop(
        merchant, region=cast.world.region, notify_url=f"{merchant['base_url']}/unheard"
    )


def _mobile(cast: Cast) -> Mapping[str, object]:
    mobile = cast.world.channels["mobile"]
    if mobile["institution"] != cast.hospital.institution.code:
        raise StoryError("the receiver is another hospital's")
    return mobile
