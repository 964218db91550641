"""The door of the mobile-payment centre: its envelope opened, the message carried out as any other,
the answer sealed (ADR 0032).

What institutions send becomes a message of the interface in the plain envelope, so that both
envelopes mean the same. Wallets come through the same door with credentials of their own, and can
only confirm or close the orders that name them. An SM2 signature costs much: it is checked, and
made, in a thread beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count

import msgspec
from msgspec import Raw, Struct

from protocol.nhsa import mobile_envelope
from protocol.nhsa.amounts import scaled
from protocol.nhsa.errors import WireError
from protocol.nhsa.gm import Sm2PrivateKey, Sm2PublicKey
from protocol.nhsa.messages.mobile import WalletClosed, WalletConfirmed
from protocol.nhsa.mobile_envelope import EnvelopeError, Opened, Party
from protocol.nhsa.times import compact_seconds, format_datetime
from settlement import keys, refusals
from settlement.clock import CHINA, Clock, local_time
from settlement.commands import Asked
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.gateway import Caller, CredentialFact, NotYours, PayReply
from settlement.numbers import lane_in
from settlement.payments.mobile_commands import CloseOrder, ConfirmOrder
from settlement.payments.mobile_states import Happening
from settlement.payments.wallets import wallet_of
from settlement.refusal import Refusal
from settlement.serve.mobile import MobileDesk
from settlement.translate.mobile import PLACE, WITHDRAW, order_number
from settlement.unreadable import unread
from settlement.usecases.mobile_payloads import pay_token

INFNO_OF = {
    "uldFeeInfo": "6201", "pay_order": "6202", "refund_Order": "6203",
    "query_order_info": "6301", "revoke_order": "6401",
}  # fmt: skip
"""What the centre's addresses are about (`/org/local/api/hos/…`)."""
CONFIRM, CLOSE = "confirm", "close"
STAMP_SECONDS_MAX = 1_800
"""How far the timestamp may be from our clock, either side: as the window of CSB headers."""
RECEIVER_SYSTEM, OPERATOR_TYPE = "MOBILE", "3"
_SERIALS = 10_000
Ask = Callable[[str, bytes, Caller], "asyncio.Future[bytes]"]


class _Reply(Struct):
    infcode: int
    err_msg: str = ""
    err_code: str = ""
    err_field: str = ""
    retry: str = ""
    warn_msg: str = ""
    output: dict[str, Raw] = {}


_DECODE_REPLY = msgspec.json.Decoder(_Reply).decode
_DECODE_CONFIRMED = msgspec.json.Decoder(WalletConfirmed).decode
_DECODE_CLOSED = msgspec.json.Decoder(WalletClosed).decode
_ENCODE = msgspec.json.Encoder().encode


class Said(Struct, frozen=True, kw_only=True):
    """An answer before it is sealed."""

    code: int
    message: str
    data: bytes


class MobileDoor:
    """One a process. Everything raises Unavailable and Overloaded."""

    def __init__(
        self, *, platform_key: Sm2PrivateKey, ask: Ask, desk: DecisionDesk, orders: MobileDesk,
        credential: Callable[[str], CredentialFact | None], read_clock: Clock,
    ) -> None:  # fmt: skip
        self._key = platform_key
        self._ask = ask
        self._desk = desk
        self._orders = orders
        self._credential = credential
        self._clock = read_clock
        self._serial = count(1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mobile-signatures")

    async def institution(self, operation: str, body: bytes) -> PayReply | None:
        """A message of an institution; None where there is no such address. Raises NotYours,
        WireError."""
        infno = INFNO_OF.get(operation)
        if infno is None:
            return None
        fact, party, opened = await self._opened(body)
        if wallet_of(fact.institution_code):
            raise NotYours("INSTITUTION_NOT_YOURS")
        caller = Caller(
            institution_code=fact.institution_code, access_key=party.app_id, through_centre=True
        )
        wire = await self._ask(infno, self._message(infno, opened.data, caller), caller)
        return await self._sealed(_said(wire), party)

    async def wallet(self, operation: str, body: bytes) -> PayReply | None:
        """A message of a wallet; None where there is no such address. Raises as above."""
        if operation not in (CONFIRM, CLOSE):
            return None
        fact, party, opened = await self._opened(body)
        wallet = wallet_of(fact.institution_code)
        if not wallet:
            raise NotYours("INSTITUTION_NOT_YOURS")
        reply = await self._of_wallet(operation, wallet, opened.data)
        return await self._sealed(self._told(reply), party)

    def close(self) -> None:
        """Give the thread up."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _opened(self, body: bytes) -> tuple[CredentialFact, Party, Opened]:
        """Whose it is, deciphered, its signature and time checked."""
        try:
            app_id = mobile_envelope.app_id_in(body)
        except EnvelopeError as exc:
            raise NotYours("MOBILE_ENVELOPE_UNREADABLE") from exc
        fact = self._credential(app_id)
        if fact is None:
            raise NotYours("ACCESS_KEY_UNKNOWN")
        if fact.suspended:
            raise NotYours("CREDENTIAL_SUSPENDED")
        public_key = None if fact.keys is None else fact.keys.signer.public_key
        if public_key is None:
            raise NotYours("CAINFO_KEY_MISSING")
        party = Party(app_id=app_id, secret=fact.secret)
        loop = asyncio.get_running_loop()
        try:
            opened, signed = await loop.run_in_executor(
                self._thread, _look, body, party, public_key
            )
        except (EnvelopeError, ValueError) as exc:
            raise NotYours("MOBILE_ENVELOPE_UNREADABLE") from exc
        if not signed:
            raise _not_yours(Refusal(
                code="SIGNATURE_WRONG",
                params={"header": "signData", "formula": "SM2签名的Base64，原文按接口规范排序拼接"},
            ))  # fmt: skip
        if not self._is_timely(opened.text("timestamp")):
            now = f"{local_time(self._clock()):%Y%m%d%H%M%S}"
            raise _not_yours(Refusal(
                code="TIMESTAMP_REFUSED",
                params={"window": STAMP_SECONDS_MAX, "now": now, "unit": "yyyyMMddHHmmss"},
            ))  # fmt: skip
        return fact, party, opened

    def _is_timely(self, stamp: str) -> bool:
        try:
            at = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
        except ValueError:
            return False
        return abs(at - self._clock()) <= timedelta(seconds=STAMP_SECONDS_MAX)

    def _message(self, infno: str, data: bytes, caller: Caller) -> bytes:
        """The same in the envelope of the interface."""
        local = local_time(self._clock())
        institution = self._desk.world.institutions.get(caller.institution_code)
        code = caller.institution_code
        return _ENCODE(
            {
                "infno": infno,
                "msgid": f"{code}{compact_seconds(local)}{next(self._serial) % _SERIALS:04d}",
                "mdtrtarea_admvs": self._desk.world.region,
                "recer_sys_code": RECEIVER_SYSTEM, "infver": mobile_envelope.VERSION,
                "opter_type": OPERATOR_TYPE, "opter": caller.access_key[:30],
                "opter_name": "移动支付", "inf_time": format_datetime(local),
                "fixmedins_code": code,
                "fixmedins_name": code if institution is None else institution.name,
                "input": {"data": Raw(data)},
            }
        )  # fmt: skip

    async def _of_wallet(
        self, operation: str, wallet: str, data: bytes
    ) -> Answer | Refusal:
        """A wallet knows the order by its number; whose it is is found as for everybody."""
        try:
            if operation == CLOSE:
                return await self._close(wallet, _DECODE_CLOSED(data).payOrdId)
            said = _DECODE_CONFIRMED(data)
            split = (said.feeSumamt, said.fundPay, said.psnAcctPay, said.ownPayAmt)
            total, funds, account, own = (scaled(one, 2, "amounts") for one in split)
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, WireError) as exc:
            return Refusal(code="MOBILE_WALLET_UNREADABLE", params={"found": unread(exc).text})
        asked = await self._asked(wallet, said.payOrdId, PLACE)
        if isinstance(asked, Refusal):
            return asked
        order_no = order_number(said.payOrdId)
        return await self._orders.carry_out(
            ConfirmOrder(
                asked=asked, mobile_nos=(order_no,), order_no=order_no,
                pay_token=pay_token(self._desk.world.keyring, order_no), wallet=wallet,
                wallet_order_no=said.thdTrnsNo or "", split_fen=(total, funds, account, own),
            )
        )  # fmt: skip

    async def _close(self, wallet: str, pay_order_id: str) -> Answer | Refusal:
        asked = await self._asked(wallet, pay_order_id, WITHDRAW)
        if isinstance(asked, Refusal):
            return asked
        order_no = order_number(pay_order_id)
        return await self._orders.carry_out(
            CloseOrder(
                asked=asked, mobile_nos=(order_no,), order_no=order_no,
                pay_token=pay_token(self._desk.world.keyring, order_no),
                happening=Happening.WITHDRAWN, identity=None, wallet=wallet,
            )
        )  # fmt: skip

    async def _asked(self, wallet: str, pay_order_id: str, infno: str) -> Asked | Refusal:
        """In the name of the institution whose order it is."""
        order_no = order_number(pay_order_id)
        owner = await self._orders.owner(order_no)
        institution = None if owner is None else self._desk.world.institutions.get(
            owner.institution
        )
        if owner is None or institution is None:
            return Refusal(code="MOBILE_ORDER_UNKNOWN", field="order_no")
        return Asked(
            infno=infno, institution=institution, msgid=pay_order_id, operator=wallet,
            lane=lane_in(order_no), person_no=owner.person_no,
            message_key=keys.message_key(institution.code, infno, pay_order_id, 0),
            fingerprint=b"",
        )  # fmt: skip

    def _told(self, reply: Answer | Refusal) -> Said:
        if isinstance(reply, Refusal):
            text = refusals.text(reply, self._desk.world.profile)
            return _refused(reply.code, text.message, text.retry, "")
        node = msgspec.json.decode(_ENCODE(reply.output), type=dict[str, Raw])
        return Said(code=0, message="成功", data=bytes(node["data"]))

    async def _sealed(self, said: Said, party: Party) -> PayReply:
        stamp = compact_seconds(local_time(self._clock()))
        more = {"code": said.code, "success": said.code == 0, "message": said.message}
        loop = asyncio.get_running_loop()
        sealed = await loop.run_in_executor(
            self._thread,
            lambda: mobile_envelope.sealed(said.data, party, self._key, stamp=stamp, more=more),
        )
        return PayReply(200, sealed)


def mobile_door(
    platform_key: Sm2PrivateKey | None, *, ask: Ask, desk: DecisionDesk, orders: MobileDesk,
    credential: Callable[[str], CredentialFact | None], read_clock: Clock,
) -> MobileDoor | None:  # fmt: skip
    """The door, where there is a key to sign as the centre."""
    if platform_key is None:
        return None
    return MobileDoor(
        platform_key=platform_key, ask=ask, desk=desk, orders=orders, credential=credential,
        read_clock=read_clock,
    )  # fmt: skip


def _look(body: bytes, party: Party, public_key: Sm2PublicKey) -> tuple[Opened, bool]:
    opened = mobile_envelope.opened(body, party)
    return opened, mobile_envelope.is_signed(opened, party, public_key)


def _said(wire: bytes) -> Said:
    """What a reply of the interface says, in the centre's words."""
    reply = _DECODE_REPLY(wire)
    if reply.infcode == 0:
        message = reply.warn_msg or "成功"
        return Said(code=0, message=message, data=bytes(reply.output.get("data", Raw(b"{}"))))
    field = reply.err_field.removeprefix("input.data.").removeprefix("input.")
    return _refused(reply.err_code, reply.err_msg, reply.retry, field)


def _refused(code: str, message: str, retry: str, field: str) -> Said:
    data = {"err_code": code, "err_field": field, "retry": retry}
    return Said(code=-1, message=message, data=_ENCODE(data))


def _not_yours(refusal: Refusal) -> NotYours:
    return NotYours(refusal.code, refusals.text(refusal).message)
