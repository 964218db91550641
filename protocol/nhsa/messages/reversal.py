"""2601 冲正交易: undo a request whose outcome the sender does not know."""

from __future__ import annotations

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    Need6,
    Need30,
)


class ReversalData(Struct, frozen=True, kw_only=True, gc=False):
    """冲正: names the original by its msgid, infno and person."""

    psn_no: Need30  # 人员编号
    omsgid: Need30  # 原发送方报文ID
    oinfno: Need6  # 原交易编号


class ReversalInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `Reversal`."""

    data: ReversalData


class Reversal(Envelope, frozen=True, kw_only=True, gc=False):
    """2601 冲正交易."""

    input: ReversalInput
