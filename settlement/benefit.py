"""Decides who pays a priced claim (待遇计算): funds by rule, then the account, then cash.

`adjudicate` is a pure function of a `Case` and a `Policy`. A case holds everything the answer
depends on and nothing else, so a stored case can be computed again at any time and must give the
same fen. The rules are the policy's steps, in order; a new kind of rule is one Struct in
`policy/model.py` and one function here. It moves no money and knows no ledger.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from ledger.money import share_bp
from settlement.claim import AccountUse
from settlement.entitlement import Entitlement
from settlement.explanation import Closure, ExplanationStep, Rule, share_zh
from settlement.person import YearToDate
from settlement.policy.loader import PolicySet
from settlement.policy.model import AccountRules, AmountField, DeductibleStep, Policy, ShareStep
from settlement.pricing import LineTotals

# Reading a member of an enum costs as much as a whole struct: the settle path reads these.
_FULL = Rule.FULL_SELF_PAY.value
_OVER = Rule.OVER_CEILING.value
_PRE = Rule.PRE_SELF_PAY.value
_IN_SCOPE = Rule.IN_SCOPE.value
_ACCOUNT = Rule.ACCOUNT.value
_CASH = Rule.CASH.value
_CAP_REACHED = Closure.CAP_REACHED.value
_CREDENTIAL = Closure.CREDENTIAL.value
_POOL = AmountField.POOL
_NO_ACCOUNT = AccountUse.NONE


class InvariantError(Exception):
    """Our own fault: a result breaks a money identity. The case must stop and raise an alarm."""


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

    def process_zh(self, fund_name: str) -> str:
        """Say how the amount came about (结算过程信息)."""
        return share_zh(
            fund_name,
            ExplanationStep("", self.in_scope_fen, self.ratio_bp, self.amount_fen, self.note),
        )


class Benefit(Struct, frozen=True, kw_only=True, gc=False):
    """Who pays what for one claim (待遇结果), to the fen; every amount is zero or more."""

    totals: LineTotals
    deductible_fen: int
    """起付线: what this claim used of it"""
    pool_ratio_bp: int
    """基本医保统筹支付比例 (pool_prop_selfpay)"""
    shares: tuple[FundShare, ...]
    fund_fen: int
    """基金支付总额, without the account"""
    hospital_fen: int
    """医院负担"""
    account_fen: int
    """个人账户支付, the family part included (NHSA money rule 3)"""
    family_account_fen: int
    """共济账户支付"""
    cash_fen: int
    """个人现金支付"""
    increments: dict[str, int]
    """what to add to the accumulators (年度累计) of `year`"""
    year: int
    explanation: tuple[ExplanationStep, ...]
    policy_version: str
    clearing_type: str
    """清算类别"""

    @property
    def person_fen(self) -> int:
        """个人负担: account and cash."""
        return self.account_fen + self.cash_fen

    def by_amount_field(self) -> dict[str, int]:
        """Return what each national amount field reports for the funds; fields at 0 are absent."""
        amounts: dict[str, int] = {}
        for share in self.shares:
            if share.amount_fen:
                field = share.amount_field
                amounts[field] = amounts.get(field, 0) + share.amount_fen
        return amounts


class _Sheet(Struct, gc=False):
    """The working sheet of one case: what is still to share, and what the steps wrote down."""

    base_fen: int
    deductible_fen: int = 0
    fund_fen: int = 0
    pool_ratio_bp: int = 0
    shares: list[FundShare] = []
    increments: dict[str, int] = {}
    explanation: list[ExplanationStep] = []

    def so_far(self, case: Case, accumulator: str) -> int:
        """The accumulator with what earlier steps of this claim added."""
        counted = case.year_to_date.values.get(accumulator, 0)
        return counted + self.increments.get(accumulator, 0) if self.increments else counted

    def count(self, accumulator: str, amount_fen: int) -> None:
        """Add to an accumulator of the year."""
        if amount_fen:
            self.increments[accumulator] = self.increments.get(accumulator, 0) + amount_fen


def adjudicate(case: Case, policy: Policy) -> Benefit:
    """Compute who pays; raises InvariantError if the result breaks a money identity.

    `policy` must be the one that made `case.entitlement`, and `case.year_to_date` of its year.
    """
    totals, entitlement = case.totals, case.entitlement
    year = policy.fiscal_year(entitlement.ruling_on)
    if case.year_to_date.year != year:
        raise InvariantError(f"accumulators of {case.year_to_date.year}, ruling year {year}")
    care = policy.care[entitlement.care_type]
    sheet = _Sheet(totals.in_scope_fen)
    _explain_totals(totals, sheet.explanation)
    for step in care.steps:
        match step:
            case ShareStep():
                _apply_share(step, case, sheet)
            case DeductibleStep():
                _apply_deductible(step, case, sheet)
            case _:
                assert_never(step)
    account_fen = _account_part(case, policy.account, sheet)
    cash_fen = totals.total_fen - sheet.fund_fen - account_fen
    if cash_fen:
        sheet.explanation.append(ExplanationStep(_CASH, cash_fen, 0, cash_fen))
    benefit = Benefit(
        totals=totals,
        deductible_fen=sheet.deductible_fen,
        pool_ratio_bp=sheet.pool_ratio_bp,
        shares=tuple(sheet.shares),
        fund_fen=sheet.fund_fen,
        hospital_fen=0,
        account_fen=account_fen,
        family_account_fen=0,
        cash_fen=cash_fen,
        increments=sheet.increments,
        year=year,
        explanation=tuple(sheet.explanation),
        policy_version=policy.version,
        clearing_type=care.clearing_type,
    )
    _check_identities(benefit, case.account_balance_fen)
    return benefit


def rerun(case: Case, policy_version: str, policies: PolicySet) -> Benefit:
    """Compute a stored case again with the policy it was computed with.

    Raises LookupError where that version of the policy is not loaded.
    """
    policy = policies.version(policy_version)
    if policy is None:
        raise LookupError(f"policy {policy_version} is not loaded")
    return adjudicate(case, policy)


def negative_of(benefit: Benefit) -> Benefit:
    """Return the cancel (结算撤销) of a benefit: every amount and increment exactly negated.

    The explanation stays as it was: it says how the original came about.
    """
    totals = benefit.totals
    return Benefit(
        totals=LineTotals(
            total_fen=-totals.total_fen,
            full_self_pay_fen=-totals.full_self_pay_fen,
            over_ceiling_fen=-totals.over_ceiling_fen,
            pre_self_pay_fen=-totals.pre_self_pay_fen,
            in_scope_fen=-totals.in_scope_fen,
        ),
        deductible_fen=-benefit.deductible_fen,
        pool_ratio_bp=benefit.pool_ratio_bp,
        shares=tuple(_negative_share(share) for share in benefit.shares),
        fund_fen=-benefit.fund_fen,
        hospital_fen=-benefit.hospital_fen,
        account_fen=-benefit.account_fen,
        family_account_fen=-benefit.family_account_fen,
        cash_fen=-benefit.cash_fen,
        increments={name: -amount for name, amount in benefit.increments.items()},
        year=benefit.year,
        explanation=benefit.explanation,
        policy_version=benefit.policy_version,
        clearing_type=benefit.clearing_type,
    )


def _apply_deductible(step: DeductibleStep, case: Case, sheet: _Sheet) -> None:
    """起付线: the person bears this much before any fund shares."""
    due_fen = step.standard_fen.at(case.level, case.entitlement.category)
    if step.per_year:
        due_fen = max(due_fen - sheet.so_far(case, step.accumulator), 0)
    taken_fen = min(due_fen, sheet.base_fen)
    if not due_fen:
        return
    sheet.base_fen -= taken_fen
    sheet.deductible_fen += taken_fen
    sheet.count(step.accumulator, taken_fen)
    sheet.explanation.append(ExplanationStep(step.rule_id, due_fen, 0, taken_fen))


def _apply_share(step: ShareStep, case: Case, sheet: _Sheet) -> None:
    """The fund pays its ratio of the base, rounded once, up to what is left of its cap."""
    entitlement = case.entitlement
    fund = step.fund
    base_fen = sheet.base_fen
    ratio_bp = step.ratio_bp.at(case.level, entitlement.category)
    limit_fen = None
    if step.cap_fen is not None:
        used_fen = sheet.so_far(case, step.accumulator)
        limit_fen = max(step.cap_fen[entitlement.category] - used_fen, 0)
    note = entitlement.closed.get(fund.code, "")
    if note:
        amount_fen = limit_fen = ratio_bp = 0
    else:
        amount_fen = share_bp(base_fen, ratio_bp)
        if limit_fen is not None and amount_fen > limit_fen:
            amount_fen = limit_fen
            note = _CAP_REACHED
        if fund.amount_field is _POOL and not sheet.pool_ratio_bp:
            sheet.pool_ratio_bp = ratio_bp
    sheet.base_fen = base_fen - amount_fen
    sheet.fund_fen += amount_fen
    sheet.count(step.accumulator, amount_fen)
    sheet.explanation.append(ExplanationStep(step.rule_id, base_fen, ratio_bp, amount_fen, note))
    sheet.shares.append(
        FundShare(
            fund_pay_type=fund.code,
            amount_field=fund.amount_field,
            ledger_code=fund.ledger_code,
            in_scope_fen=base_fen,
            ratio_bp=ratio_bp,
            limit_before_fen=limit_fen,
            amount_fen=amount_fen,
            note=note,
        )
    )


def _account_part(case: Case, rules: AccountRules | None, sheet: _Sheet) -> int:
    """What the person's own account pays: the parts the policy allows, up to its balance."""
    if rules is None or case.account_use is _NO_ACCOUNT:
        return 0
    payable_fen = _payable_from_account(case.totals, rules, sheet)
    note = case.entitlement.account_closed
    if not note and case.credential_type not in rules.credential_types:
        note = _CREDENTIAL
    paid_fen = 0 if note else max(min(payable_fen, case.account_balance_fen), 0)
    sheet.explanation.append(ExplanationStep(_ACCOUNT, payable_fen, 0, paid_fen, note))
    return paid_fen


def _payable_from_account(totals: LineTotals, rules: AccountRules, sheet: _Sheet) -> int:
    payable_fen = 0
    if rules.pays_deductible:
        payable_fen += sheet.deductible_fen
    if rules.pays_ratio_part:
        payable_fen += totals.in_scope_fen - sheet.deductible_fen - sheet.fund_fen
    if rules.pays_pre_self_pay:
        payable_fen += totals.pre_self_pay_fen
    if rules.pays_over_ceiling:
        payable_fen += totals.over_ceiling_fen
    if rules.pays_full_self_pay:
        payable_fen += totals.full_self_pay_fen
    return payable_fen


def _explain_totals(totals: LineTotals, explanation: list[ExplanationStep]) -> None:
    total_fen = totals.total_fen
    if totals.full_self_pay_fen:
        explanation.append(ExplanationStep(_FULL, total_fen, 0, totals.full_self_pay_fen))
    if totals.over_ceiling_fen:
        explanation.append(ExplanationStep(_OVER, total_fen, 0, totals.over_ceiling_fen))
    if totals.pre_self_pay_fen:
        explanation.append(ExplanationStep(_PRE, total_fen, 0, totals.pre_self_pay_fen))
    explanation.append(ExplanationStep(_IN_SCOPE, total_fen, 0, totals.in_scope_fen))


def _check_identities(benefit: Benefit, account_balance_fen: int) -> None:
    """The identities of the national interface's money rules 1, 2, 4 and 5, and signs."""
    full_fen, over_fen, pre_fen, scope_fen = benefit.totals.parts()
    total_fen, fund_fen = benefit.totals.total_fen, benefit.fund_fen
    account_fen, cash_fen = benefit.account_fen, benefit.cash_fen
    paid_fen = 0
    for share in benefit.shares:
        if share.amount_fen < 0:
            raise InvariantError(f"fund {share.fund_pay_type} pays {share.amount_fen}")
        paid_fen += share.amount_fen
    if total_fen != full_fen + over_fen + pre_fen + scope_fen:
        raise InvariantError("total is not the sum of its four parts")
    if total_fen != fund_fen + account_fen + cash_fen + benefit.hospital_fen:
        raise InvariantError("total is not funds + person + hospital")
    if fund_fen != paid_fen:
        raise InvariantError("fund total is not the sum of the fund shares")
    if full_fen < 0 or over_fen < 0 or pre_fen < 0 or scope_fen < 0 or cash_fen < 0:
        raise InvariantError("an amount is negative")
    if not 0 <= benefit.deductible_fen <= scope_fen - fund_fen:
        raise InvariantError("funds and deductible are more than is in scope")
    if not 0 <= benefit.family_account_fen <= account_fen:
        raise InvariantError("account pays less than its family part")
    if account_fen > account_balance_fen and account_fen:
        raise InvariantError("account pays more than it has")


def _negative_share(share: FundShare) -> FundShare:
    return FundShare(
        fund_pay_type=share.fund_pay_type,
        amount_field=share.amount_field,
        ledger_code=share.ledger_code,
        in_scope_fen=-share.in_scope_fen,
        ratio_bp=share.ratio_bp,
        limit_before_fen=share.limit_before_fen,
        amount_fen=-share.amount_fen,
        note=share.note,
    )
