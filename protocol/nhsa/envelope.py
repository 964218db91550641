"""The envelope around every request and reply (section 1.1 and 1.2 of the interface).

`Envelope` is the base of every request type; the reply encoders put an output node into a reply
envelope in one pass. Which text an error gets is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Encoder

from protocol.nhsa.messages.text import (
    May6,
    May10,
    May30,
    May100,
    May200,
    May1024,
    May2000,
    Need3,
    Need6,
    Need10,
    Need30,
    Need50,
    Need200,
    NeedTime,
)
from protocol.nhsa.times import compact_millis, compact_seconds

DONE = 0
FAILED = -1

ERR_MSG_LENGTH_MAX = 200

Output = Struct | Sequence[Struct] | Raw
"""The output node of a reply: a struct, a bare array of them, or JSON that was written already."""


class Envelope(Struct, frozen=True, kw_only=True, gc=False):
    """请求报文: who sends what to whom. Each request type adds its own `input`.

    Longer than printed, because real senders need it: infno 6 (2203A), fixmedins_code 30,
    fixmedins_name 200. The last three fields exist in some provinces only.
    """

    infno: Need6  # 交易编号
    msgid: Need30  # 发送方报文ID
    mdtrtarea_admvs: Need6  # 就医地医保区划
    insuplc_admdvs: May6 = None  # 参保地医保区划, empty means local business
    recer_sys_code: Need10  # 接收方系统代码
    dev_no: May100 = None  # 设备编号
    dev_safe_info: May2000 = None  # 设备安全信息
    cainfo: May1024 = None  # 数字签名信息
    signtype: May10 = None  # 签名类型
    infver: Need6  # 接口版本号
    opter_type: Need3  # 经办人类别
    opter: Need30  # 经办人
    opter_name: Need50  # 经办人姓名
    inf_time: NeedTime  # 交易时间
    fixmedins_code: Need30  # 定点医药机构编号
    fixmedins_name: Need200  # 定点医药机构名称
    sign_no: May30 = None  # 交易签到流水号
    enc_type: May10 = None  # 加密类型
    fixmedins_soft_fcty: May200 = None  # 软件厂商
    app_id: May100 = None  # 应用标识


class NoOutput(Struct, frozen=True, gc=False):
    """The output of a transaction that answers with its envelope only: an empty object."""


NO_OUTPUT = NoOutput()


def refmsgid(region: str, at: datetime, serial: int) -> str:
    """The receiver's message id (接收方报文ID): region 6, `yyyyMMddHHmmss` 14, serial 10."""
    return f"{region}{compact_seconds(at)}{serial % 10_000_000_000:010d}"


def encode_success(
    *,
    refmsgid: str,
    received_at: datetime,
    responded_at: datetime,
    output: Output,
    warn_msg: str | UnsetType = UNSET,
) -> bytes:
    """A reply with infcode 0."""
    return _ENCODER.encode(
        _Success(
            infcode=DONE,
            inf_refmsgid=refmsgid,
            refmsg_time=compact_millis(received_at),
            respond_time=compact_millis(responded_at),
            output=output,
            warn_msg=warn_msg,
        )
    )


def encode_failure(
    *,
    refmsgid: str,
    received_at: datetime,
    responded_at: datetime,
    err_code: str,
    err_msg: str,
    retry: str,
    err_field: str | None = None,
    infcode: int = FAILED,
    warn_msg: str | UnsetType = UNSET,
) -> bytes:
    """A reply that refuses. `err_field` is left out when no field is at fault; a text longer than
    the interface allows is cut, because some readers drop the whole reply otherwise."""
    return _ENCODER.encode(
        _Failure(
            infcode=infcode,
            inf_refmsgid=refmsgid,
            refmsg_time=compact_millis(received_at),
            respond_time=compact_millis(responded_at),
            err_msg=err_msg[:ERR_MSG_LENGTH_MAX],
            err_code=err_code,
            err_field=UNSET if err_field is None else err_field,
            retry=retry,
            warn_msg=warn_msg,
        )
    )


class _Success(Struct, frozen=True, kw_only=True, gc=False):
    infcode: int
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str = ""
    warn_msg: str | UnsetType = UNSET
    output: Output


class _Failure(Struct, frozen=True, kw_only=True, gc=False):
    infcode: int
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str
    err_code: str
    err_field: str | UnsetType
    retry: str
    warn_msg: str | UnsetType = UNSET


_ENCODER = Encoder()
