"""Decoding what names an insured person: 医保码 (医保电子凭证), and cards on a phone.

The wire is that of the national `localQrCodeQuery` (Way B: over HTTP, transType `ec.query`). What
public text shows of it are the names below; where it shows none (how the scanned text is called in
a request, which code means expired or used) ours are marked [?], and a code that is not known here
says nothing about the person.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import UNSET, Struct, UnsetType

PATH = "/localcfc/api/hsecfc/localQrCodeQuery"
DECODE = "ec.query"
"""transType: a code to a person and a token"""
DECODE_CARD = "ssc.query"
"""[?] the same for an electronic social security card (电子社保卡); nobody published one"""

DONE = "0"
"""[?] of `code`: decoded"""
NOT_A_VOUCHER = "500159"
"""what was scanned is no e-voucher"""
EXPIRED = "500160"
"""[?] its time is over"""
USED = "500161"
"""[?] it was decoded before: a code is good for once"""


class BusinessType(StrEnum):
    """What the code was scanned for (用码业务类型)."""

    REGISTRATION = "01101"
    """挂号"""
    ADMISSION_FILE = "01102"
    """住院建档"""
    ADMISSION = "01103"
    """入院登记"""
    DEPOSIT = "01104"
    """预缴金"""
    CONSULTATION = "01201"
    """问诊"""
    EXAMINATION_BOOKING = "01202"
    """预约检查"""
    EXAMINATION = "01203"
    """检查"""
    TREATMENT = "01204"
    """治疗"""
    OUTPATIENT_SETTLEMENT = "01301"
    """门诊结算"""
    DISPENSING = "01302"
    """取药"""
    PHARMACY_SALE = "02121"
    """药店购药"""
    PRESCRIPTION_DOWNLOAD = "02122"
    """下载外购处方"""


class DecodeData(Struct, frozen=True, kw_only=True):
    """`data` of a request."""

    orgId: str
    businessType: str
    operatorId: str
    operatorName: str
    officeId: str
    officeName: str
    deviceType: str = ""
    ecQrCode: str
    """[?] the scanned text; an answer calls it so"""

    def __repr__(self) -> str:
        """Without the code."""
        return f"DecodeData({self.orgId} {self.businessType})"


class DecodeRequest(Struct, frozen=True, kw_only=True):
    """One code, by one institution."""

    orgId: str
    transType: str = DECODE
    data: DecodeData


class Holder(Struct, frozen=True, kw_only=True):
    """`data` of an answer: whose the code is. Prints itself without the person."""

    userName: str = ""
    idNo: str = ""
    idType: str = ""
    insuOrg: str = ""
    """where the person is insured: six digits of a region"""
    ecIndexNo: str = ""
    ecToken: str = ""
    gender: str = ""
    birthday: str = ""
    nationality: str = ""
    chnlId: str = ""
    ecQrCode: str = ""
    authNo: str = ""
    email: str = ""

    def __repr__(self) -> str:
        """Without the person."""
        return f"Holder(of {self.insuOrg})"


class DecodeReply(Struct, frozen=True, kw_only=True):
    """An answer, whose `code` is a number or text [?]."""

    code: int | str
    message: str = ""
    data: Holder | UnsetType | None = UNSET

    @property
    def number(self) -> str:
        """The code as text."""
        return str(self.code)

    @property
    def holder(self) -> Holder | None:
        """Whose it is, where it was decoded and names one."""
        holder = self.data
        if self.number != DONE or not isinstance(holder, Holder):
            return None
        return holder if holder.idNo and holder.ecToken else None


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(DecodeReply).decode


def request_body(
    code: str, *, institution: str, business: BusinessType, operator: str, device: str = "",
    trans_type: str = DECODE,
) -> bytes:  # fmt: skip
    """The request that decodes a code for an institution. The office of a counter is its operator's
    where the institution names none."""
    data = DecodeData(
        orgId=institution, businessType=business.value, operatorId=operator,
        operatorName=operator, officeId=operator, officeName=operator, deviceType=device,
        ecQrCode=code,
    )  # fmt: skip
    return _ENCODE(DecodeRequest(orgId=institution, transType=trans_type, data=data))


def read_reply(body: bytes) -> DecodeReply:
    """Raises ValueError for what is no answer."""
    try:
        return _DECODE(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise ValueError("not an answer of the decoder") from exc
