"""How every fen of a settlement came about (结算说明), told from what is stored.

A settlement keeps its steps, the version of its policy and, sealed with its lines, the case itself.
Here the steps become sentences, and the case goes through the engine once more: the answer says
whether the same fen came out. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.benefit import rerun
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.remote_rows import told_by
from settlement.explanation import ExplanationStep, names_of, render_en, render_zh, told
from settlement.keyring import Keyring
from settlement.policy.loader import PolicySet
from settlement.policy.model import Policy
from settlement.rows import RowKind, SettlementRow
from settlement.usecases.booking import detail_record, open_detail
from settlement.usecases.filed_elsewhere import IN_PROVINCE, where_is
from settlement.view import SettlementFact

_DECODE_STEPS = msgspec.json.Decoder(tuple[ExplanationStep, ...]).decode


class Recomputed(StrEnum):
    """What came of computing a stored case again."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_KEPT = "not_kept"
    """a cancel, or a case whose personal data was erased"""
    POLICY_NOT_LOADED = "policy_not_loaded"
    TOLD_ELSEWHERE = "told_elsewhere"
    """a stranger's: the region of insurance computed it"""


class Explained(Struct, frozen=True, kw_only=True):
    """One settlement, explained; amounts are yuan as text, as everywhere outside."""

    settlement_id: str
    undoes: str | None
    """the settlement that this one takes back; the steps are then the original's"""
    undone_by: str | None
    settled_at: str
    policy_version: str
    policy_title: str
    policy_verified: bool
    total: str
    funds: str
    account: str
    cash: str
    hospital_borne: str
    recomputed: Recomputed
    steps: list[dict[str, str]]
    text_zh: str
    text_en: str
    treated_in: str | None = None
    """the other region that treated, by its code; None for care here"""
    filing: str | None = None
    """and by which kind of filing its case was shared; `none` for without one"""


_NO_COUNTERPARTS: Mapping[str, Counterpart] = {}
_FILED = {
    "none": ("未备案", "none"),
    "long_term": ("长期异地就医备案", "long-term"),
    "referral": ("转诊备案", "referral"),
    "emergency": ("急诊，视同已备案", "emergency, which counts as filed"),
    "temporary": ("临时外出就医备案", "temporary"),
}
"""The words of the policy's tables (settlement/policy/table.py, FILINGS), for readers."""


def explain(
    fact: SettlementFact, keyring: Keyring, policies: PolicySet,
    counterparts: Mapping[str, Counterpart] = _NO_COUNTERPARTS,
) -> Explained:  # fmt: skip
    """Explain a settlement; other regions are called by the names of `counterparts`. Raises
    LookupError where its policy's version is not loaded."""
    row, home = fact.row, fact.home
    if told_by(row.policy):
        return _told_elsewhere(fact)
    policy = policies.version(row.policy)
    if policy is None:
        raise LookupError(f"policy {row.policy} is not loaded")
    steps = _DECODE_STEPS(row.explanation)
    names = names_of(policy)
    return Explained(
        settlement_id=str(row.setl_id),
        undoes=None if row.undoes_setl_id is None else str(row.undoes_setl_id),
        undone_by=None if fact.undone_by is None else str(fact.undone_by),
        settled_at=row.setl_time.isoformat(),
        policy_version=policy.version,
        policy_title=policy.title,
        policy_verified=policy.verified,
        total=yuan_text(row.total_fen),
        funds=yuan_text(row.fund_fen),
        account=yuan_text(row.account_fen),
        cash=yuan_text(row.cash_fen),
        hospital_borne=yuan_text(row.hospital_fen),
        recomputed=recompute(fact, keyring, policies),
        steps=told(steps, policy, policy.care[row.care_type]),
        text_zh=_headed(
            _title_zh(row, policy) + _place_zh(home, policy, counterparts), render_zh(steps, names)
        ),
        text_en=_headed(
            _title_en(row, policy) + _place_en(home, policy, counterparts), render_en(steps, names)
        ),
        treated_in=None if home is None else home.treated_region,
        filing=None if home is None else home.filing,
    )


def _told_elsewhere(fact: SettlementFact) -> Explained:
    """Of a settlement that another region decided: its sums, and whose policy it was."""
    row = fact.row
    region = told_by(row.policy)
    sums_zh = (
        f"医疗费 {yuan_text(row.total_fen)} 元 = 基金 {yuan_text(row.fund_fen)}"
        f" + 个人账户 {yuan_text(row.account_fen)} + 现金 {yuan_text(row.cash_fen)}{_borne_zh(row)}"
    )
    borne = f" + hospital {yuan_text(row.hospital_fen)}" if row.hospital_fen else ""
    sums_en = (
        f"total {yuan_text(row.total_fen)} = funds {yuan_text(row.fund_fen)}"
        f" + account {yuan_text(row.account_fen)} + cash {yuan_text(row.cash_fen)}{borne}"
    )
    return Explained(
        settlement_id=str(row.setl_id),
        undoes=None if row.undoes_setl_id is None else str(row.undoes_setl_id),
        undone_by=None if fact.undone_by is None else str(fact.undone_by),
        settled_at=row.setl_time.isoformat(),
        policy_version=row.policy,
        policy_title=f"参保地 {region} 的政策",
        policy_verified=False,
        total=yuan_text(row.total_fen),
        funds=yuan_text(row.fund_fen),
        account=yuan_text(row.account_fen),
        cash=yuan_text(row.cash_fen),
        hospital_borne=yuan_text(row.hospital_fen),
        recomputed=Recomputed.TOLD_ELSEWHERE,
        steps=[],
        text_zh=f"异地就医结算：{sums_zh}\n依据：由参保地 {region} 按其政策计算",
        text_en=f"care elsewhere: {sums_en}\nby {region}, by its own policy",
    )


def recompute(fact: SettlementFact, keyring: Keyring, policies: PolicySet) -> Recomputed:
    """Put the stored case through the engine again and compare every fen and every step."""
    row = fact.row
    if row.kind is not RowKind.SETTLE:
        return Recomputed.NOT_KEPT
    case = open_detail(fact.detail, keyring, detail_record(row.lane, row.setl_id)).case
    if case is None:
        return Recomputed.NOT_KEPT
    try:
        benefit = rerun(case, row.policy, policies)
    except LookupError:
        return Recomputed.POLICY_NOT_LOADED
    same = (
        benefit.explanation == _DECODE_STEPS(row.explanation)
        and benefit.fund_fen == row.fund_fen
        and benefit.account_fen == row.account_fen
        and benefit.cash_fen == row.cash_fen
        and benefit.hospital_fen == row.hospital_fen
        and benefit.deductible_fen == row.deductible_fen
    )
    return Recomputed.SAME if same else Recomputed.DIFFERS


def _headed(title: str, lines: str) -> str:
    return f"{title}\n{lines}"


def _title_zh(row: SettlementRow, policy: Policy) -> str:
    kind = "结算" if row.kind is RowKind.SETTLE else f"撤销结算 {row.undoes_setl_id}（原结算如下）"
    note = "" if policy.verified else "，未经核实的演示政策"
    return (
        f"{kind}：医疗费 {yuan_text(row.total_fen)} 元 = 基金 {yuan_text(row.fund_fen)}"
        f" + 个人账户 {yuan_text(row.account_fen)} + 现金 {yuan_text(row.cash_fen)}"
        f"{_borne_zh(row)}\n依据：{policy.title}（{policy.version}{note}）"
    )


def _title_en(row: SettlementRow, policy: Policy) -> str:
    kind = "settlement" if row.kind is RowKind.SETTLE else f"takes back {row.undoes_setl_id}"
    note = "" if policy.verified else ", a demonstration policy that nobody verified"
    borne = f" + hospital {yuan_text(row.hospital_fen)}" if row.hospital_fen else ""
    return (
        f"{kind}: total {yuan_text(row.total_fen)} = funds {yuan_text(row.fund_fen)}"
        f" + account {yuan_text(row.account_fen)} + cash {yuan_text(row.cash_fen)}{borne}"
        f"\nby {policy.version}{note}"
    )


def _place_zh(
    home: HomeCaseRow | None, policy: Policy, counterparts: Mapping[str, Counterpart]
) -> str:
    """Where care in another region was given, and the filing by which it was shared."""
    if home is None:
        return ""
    near = where_is(home.treated_region, policy.region) == IN_PROVINCE
    return (
        f"\n就医地：{_name_of(home, counterparts)}（{home.treated_region}，"
        f"{'省内' if near else '省外'}）{home.institution_name}（{home.institution}）"
        f"\n异地就医备案：{_FILED[home.filing][0]}；异地结算编号：{home.case_no}"
    )


def _place_en(
    home: HomeCaseRow | None, policy: Policy, counterparts: Mapping[str, Counterpart]
) -> str:
    if home is None:
        return ""
    near = where_is(home.treated_region, policy.region) == IN_PROVINCE
    return (
        f"\ntreated in {_name_of(home, counterparts)} ({home.treated_region}, "
        f"{'the same' if near else 'another'} province) by {home.institution_name} "
        f"({home.institution})\nfiling for care elsewhere: {_FILED[home.filing][1]}; "
        f"case {home.case_no}"
    )


def _name_of(home: HomeCaseRow, counterparts: Mapping[str, Counterpart]) -> str:
    known = counterparts.get(home.treated_region)
    return "" if known is None else known.name


def _borne_zh(row: SettlementRow) -> str:
    return f" + 医院负担 {yuan_text(row.hospital_fen)}" if row.hospital_fen else ""
