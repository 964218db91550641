"""A purchase in another region through the provincial platform: only its reversal, 2181."""

from __future__ import annotations

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import Need4, Need18, Need20, Need30, Need50


class CrossRegionReversalData(Struct, frozen=True, kw_only=True, gc=False):
    """冲正: which purchase in another region, and which step of it."""

    fixmedins_code: Need30  # 医疗机构编码
    ssn: Need18  # 社会保障号码
    mdtrt_regno: Need20  # 就诊登记号
    status: Need4  # 冲正业务类型
    opter_name: Need50  # 经办人


class CrossRegionReversalInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `CrossRegionReversal`."""

    data: CrossRegionReversalData


class CrossRegionReversal(Envelope, frozen=True, kw_only=True, gc=False):
    """2181 冲正交易（异地购药）."""

    input: CrossRegionReversalInput
