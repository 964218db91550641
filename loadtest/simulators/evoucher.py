"""A simulated centre that decodes 医保码 (`localQrCodeQuery`) and, as a stand-in for an interface
that nobody published, codes of electronic social security cards.

It knows whose a code is, lets each be decoded once, and gives a token with every decoding. Money
never passes here: its book stays empty. Faults are those of `channel_faults` under `other`.
"""

from __future__ import annotations

from itertools import count

import msgspec
from msgspec import Struct

from loadtest.population.persons import InsuredPerson
from loadtest.simulators import voucher_codes
from loadtest.simulators.channel import PAGE_502, Reply
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Faults, Operation
from loadtest.simulators.plain_http import Call
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_codes import SOCIAL_CARD, Decoding, UsedCodes, VoucherCode
from loadtest.simulators.voucher_pages import People, VoucherSimulator
from protocol import evoucher
from protocol.evoucher import DecodeReply, DecodeRequest, Holder

REGION_ELSEWHERE = "999900"
"""Where people are insured who are insured elsewhere."""
_BUSY, _RATE_LIMITED = "500500", "500429"
_TRANSACTIONS = {True: evoucher.DECODE_CARD, False: evoucher.DECODE}

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(DecodeRequest).decode


class Handed(Struct, frozen=True, kw_only=True):
    """A token that was handed out."""

    token: str
    institution: str
    business: str
    person: int


class EvoucherSimulator(VoucherSimulator):
    """See the module."""

    name = "evoucher"

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, people: People, region: str,
        faults: Faults | None = None,
    ) -> None:  # fmt: skip
        """See the base."""
        super().__init__(clock=clock, book=book, people=people, region=region, faults=faults)
        self.handed: list[Handed] = []
        self._used = UsedCodes()
        self._tokens = count(1)

    def routes(self) -> tuple[tuple[str, str], ...]:
        """See the base."""
        return (("POST", evoucher.PATH),)

    def classify(self, call: Call) -> tuple[Operation, str]:
        """See the base. A question has no number but the code itself."""
        try:
            return Operation.OTHER, _DECODE(call.body).data.ecQrCode
        except msgspec.MsgspecError:
            return Operation.OTHER, ""

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See the base."""
        try:
            asked = _DECODE(call.body)
        except msgspec.MsgspecError:
            return _said("400", "请求格式错误")
        code = asked.data.ecQrCode
        read = voucher_codes.read(code)
        if read is None or asked.transType != _TRANSACTIONS[read.prefix == SOCIAL_CARD]:
            return _said(evoucher.NOT_A_VOUCHER, "非医保电子凭证")
        if read.decoding is Decoding.BROKEN:
            return Reply(status=502, body=PAGE_502, content_type="text/html")
        if read.decoding is Decoding.NOT_ONE:
            return _said(evoucher.NOT_A_VOUCHER, "非医保电子凭证")
        if read.decoding is Decoding.EXPIRED or voucher_codes.is_old(read, at=self.clock()):
            return _said(evoucher.EXPIRED, "二维码已过期")
        if self._used.is_used(code, read):
            return _said(evoucher.USED, "二维码已使用")
        person = self.people(read.person)
        if person is None:
            return _said(evoucher.NOT_A_VOUCHER, "非医保电子凭证")
        self._used.take(code)
        reply = self._handed_out(read, person, asked, code)
        body = reply.body[: len(reply.body) // 2] if fault is Fault.NOT_JSON else reply.body
        return Reply(body=body, lost=read.decoding is Decoding.LOST_ANSWER)

    async def refusal(self, call: Call, fault: Fault) -> Reply:
        """See the base."""
        if fault is Fault.RATE_LIMITED:
            return _said(_RATE_LIMITED, "请求过于频繁")
        return _said(_BUSY, "系统繁忙")

    def _handed_out(
        self, read: VoucherCode, person: InsuredPerson, asked: DecodeRequest, code: str
    ) -> Reply:
        token = f"{read.province}ecmecib{next(self._tokens):024d}"
        self.handed.append(
            Handed(
                token=token, institution=asked.orgId, business=asked.data.businessType,
                person=read.person,
            )
        )  # fmt: skip
        identity = person.identity
        region = self.elsewhere.get(read.person, self.region)
        if read.decoding is Decoding.ELSEWHERE:
            region = REGION_ELSEWHERE
        holder = Holder(
            userName=identity.name, idNo=identity.certificate_no, idType=identity.certificate_type,
            insuOrg=region,
            ecIndexNo=f"{read.person:032d}", ecToken=token, gender=identity.sex,
            birthday=f"{identity.born_on:%Y-%m-%d}", nationality=identity.ethnic_group,
            chnlId="SIM", ecQrCode=code,
        )  # fmt: skip
        return Reply(body=_ENCODE(DecodeReply(code=0, message="成功", data=holder)))


def _said(code: str, message: str) -> Reply:
    return Reply(body=_ENCODE(DecodeReply(code=int(code), message=message)))
