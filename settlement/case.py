"""What the benefit of one claim depends on, and what one fund pays of it: plain data.

A case holds everything the answer depends on and nothing else, so that a stored case can be
computed again at any time. It knows no policy.
"""

from __future__ import annotations

from msgspec import Struct

from ledger.money import yuan_text
from settlement.claim import AccountUse
from settlement.entitlement import Entitlement
from settlement.explanation import ExplanationStep, share_zh
from settlement.person import YearToDate
from settlement.policy.model import AmountField
from settlement.pricing import LineTotals


class Stay(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What earlier segments of the same stay bore of the deductible (分段结算)."""

    deductible_fen: int
    deductible_this_year_fen: int


class FamilyAccount(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A relative's account that may pay (共济账户), in the order in which they are to give."""

    person_no: str
    relation: str
    balance_fen: int


class Case(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """All that the benefit of one claim depends on (结算计算依据), the policy apart."""

    totals: LineTotals
    entitlement: Entitlement
    level: str
    """起付线医院等级 of the institution: what ratio and deductible tables are read by"""
    year_to_date: YearToDate
    account_balance_fen: int
    account_use: AccountUse
    credential_type: str
    """就诊凭证类型 (mdtrt_cert_type): not every credential may spend the account"""
    where: str = "local"
    """就医地: local, in_province, outside"""
    filing: str = "none"
    """异地就医备案: none, long_term, referral, emergency, temporary"""
    transfer: bool = False
    """the stay continues one in another hospital (转院)"""
    tags: tuple[str, ...] = ()
    """person tags (人员标识) that policies name"""
    age: int = 0
    """周岁 on the ruling date; 0 where the policy does not ask"""
    stay: Stay | None = None
    """None for a visit, and for the first or only segment of a stay"""
    family: tuple[FamilyAccount, ...] = ()


class FundShare(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What one fund pays (基金分担), a row of NHSA setldetail; also there when it pays nothing."""

    fund_pay_type: str
    amount_field: AmountField
    ledger_code: int
    in_scope_fen: int
    """what the ratio was taken of"""
    ratio_bp: int
    limit_before_fen: int | None
    """what was left of the yearly cap before this claim; None where there is no cap"""
    amount_fen: int
    note: str = ""
    """Closure, where the fund pays less than its ratio"""
    brackets: int = 0
    """into how many brackets the base fell; 0 where one ratio says it all"""

    def process_zh(self, fund_name: str) -> str:
        """Say how the amount came about (结算过程信息); brackets are told by the explanation."""
        step = ExplanationStep("", self.in_scope_fen, self.ratio_bp, self.amount_fen, self.note)
        if self.brackets:
            return f"{fund_name}：{yuan_text(step.basis_fen)} 元分 {self.brackets} 段计算 → " + (
                f"{yuan_text(step.result_fen)} 元"
            )
        return share_zh(fund_name, step)
