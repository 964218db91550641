"""The file format of region profiles (TOML), and turning one into a `RegionProfile`.

Decoded strictly: an unknown key, a number of the wrong type or an unknown code stops the loading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from msgspec import Meta

from protocol.nhsa.cainfo import BodyRules, Signed, Sm3Use, TextForm, UserId
from protocol.nhsa.gm import Sm4Mode
from settlement.claim import CareKind
from settlement.policy.errors import PolicyError
from settlement.policy.format import Code, Strict, Text
from settlement.policy.region import (
    CANCELS,
    CancelOrder,
    CancelWindow,
    RegionProfile,
    RulingDate,
    UnknownItem,
)
from settlement.seals import Demand, SealRules, WithoutKey

_Value = TypeVar("_Value")

_ONE_OF = {
    CareKind.OUTPATIENT_SPECIAL: CareKind.OUTPATIENT,
    CareKind.DAY_SURGERY: CareKind.INPATIENT,
    CareKind.MATERNITY: CareKind.INPATIENT,
}

_REVERSIBLE = frozenset({"2102", "2207", "2207A"})
"""What the core can reverse; 2304 and 2401 join with inpatient care."""


class SealsFile(Strict, frozen=True, kw_only=True):
    """The table `national_crypto`: signed and encrypted bodies (国密)."""

    cainfo: Demand = Demand.OPTIONAL
    cainfo_without_key: WithoutKey = WithoutKey.IGNORE
    cainfo_signed: Signed = Signed.INPUT
    cainfo_user_id: UserId = UserId.DEFAULT
    cainfo_sm3: Sm3Use = Sm3Use.HMAC
    sm4_mode: Sm4Mode = Sm4Mode.ECB
    sm4_text: TextForm = TextForm.BASE64


class RegionFile(Strict, frozen=True, kw_only=True, tag_field="format", tag="region-profile/1"):
    """A file with `format = "region-profile/1"`."""

    code: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    name: Text
    line_tolerance_fen: Annotated[int, Meta(ge=0, le=100)] = 1
    unknown_item: UnknownItem
    unknown_item_charge_kind: Code
    item_code_pattern: Text
    refund_lines: tuple[CareKind, ...] = ()
    scheme_order: Annotated[tuple[Code, ...], Meta(min_length=1)]
    ruling_date: dict[CareKind, RulingDate]
    backdating_days_max: dict[CareKind, Annotated[int, Meta(ge=0)]]
    cancel_order: CancelOrder = CancelOrder.LATEST_FIRST
    cancel_window: CancelWindow = CancelWindow.YEAR
    reversible: Annotated[tuple[Code, ...], Meta(min_length=1)] = ("2102", "2207", "2207A")
    fund_total_includes_account: bool
    national_crypto: SealsFile = SealsFile()


def compile_region(file: RegionFile) -> RegionProfile:
    """Compile one region profile."""
    ruling_date = _every_kind("ruling_date", file.ruling_date)
    backdating_days_max = _every_kind("backdating_days_max", file.backdating_days_max)
    try:
        item_code = re.compile(file.item_code_pattern)
    except re.error as error:
        raise PolicyError(f"item_code_pattern 不是有效的表达式: {error}") from error
    if file.fund_total_includes_account:
        raise PolicyError("fund_total_includes_account = true 尚不支持：基金支付总额不含个人账户")
    _check_reversible(frozenset(file.reversible))
    return RegionProfile(
        code=file.code,
        name=file.name,
        line_tolerance_fen=file.line_tolerance_fen,
        unknown_item=file.unknown_item,
        unknown_item_charge_kind=file.unknown_item_charge_kind,
        item_code=item_code,
        refund_lines=frozenset(file.refund_lines),
        scheme_order=file.scheme_order,
        ruling_date=ruling_date,
        backdating_days_max=backdating_days_max,
        cancel_order=file.cancel_order,
        cancel_window=file.cancel_window,
        reversible=frozenset(file.reversible),
        seals=_seals(file.national_crypto),
        fund_total_includes_account=file.fund_total_includes_account,
    )


def _seals(file: SealsFile) -> SealRules:
    return SealRules(
        demand=file.cainfo,
        without_key=file.cainfo_without_key,
        body=BodyRules(
            signed=file.cainfo_signed,
            user_id=file.cainfo_user_id,
            sm3=file.cainfo_sm3,
            sm4_mode=file.sm4_mode,
            sm4_text=file.sm4_text,
        ),
    )


def _every_kind(title: str, given: Mapping[CareKind, _Value]) -> dict[CareKind, _Value]:
    """A special kind of care that is not named goes as the ordinary kind that it is one of."""
    values: dict[CareKind, _Value] = {}
    for kind in CareKind:
        value = given.get(kind, given.get(_ONE_OF.get(kind, kind)))
        if value is None:
            raise PolicyError(f"{title} 缺少 {kind}")
        values[kind] = value
    return values


def _check_reversible(infnos: frozenset[str]) -> None:
    """Some provinces' lists name cancels too, but no source says whether the settlement then stands
    again, and the account may have been spent since: such a list is not guessed at."""
    cancels = sorted(infnos & CANCELS)
    if cancels:
        raise PolicyError(f"reversible 中的撤销交易 {cancels} 不能冲正：原结算是否恢复没有依据")
    unknown = sorted(infnos - _REVERSIBLE)
    if unknown:
        raise PolicyError(f"reversible 中的交易 {unknown} 尚不支持冲正")
