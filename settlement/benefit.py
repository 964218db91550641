"""Decides who pays a priced claim (待遇计算): funds by rule, then the account, then cash.

`adjudicate` is a pure function of a `Case` and a `Policy`. A case holds everything the answer
depends on and nothing else, so a stored case can be computed again at any time and must give the
same fen. The rules are the policy's, in order (`sharing.py` has one function a kind); what they
leave is the person's, and the account pays of it what it may. It moves no money, knows no ledger.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import assert_never, cast

from msgspec import Struct
from msgspec.structs import replace

from settlement.case import Case, FamilyAccount, FundShare
from settlement.claim import AccountUse
from settlement.explanation import Closure, ExplanationStep, Rule
from settlement.policy.loader import PolicySet
from settlement.policy.model import AccountRules, CareRules, Part, Policy
from settlement.policy.plan import Ceiling, Deductible, FirstOff, Plan, Share, keep, read
from settlement.policy.table import Facts
from settlement.pricing import LineTotals
from settlement.sharing import (
    Sheet,
    apply_ceiling,
    apply_deductible,
    apply_first_off,
    apply_share,
    draw,
)

# Reading a member of an enum costs as much as a whole struct: the settle path reads these.
_FULL = Rule.FULL_SELF_PAY.value
_OVER = Rule.OVER_CEILING.value
_PRE = Rule.PRE_SELF_PAY.value
_IN_SCOPE = Rule.IN_SCOPE.value
_ACCOUNT = Rule.ACCOUNT.value
_FAMILY = Rule.FAMILY_ACCOUNT.value
_CASH = Rule.CASH.value
_CREDENTIAL = Closure.CREDENTIAL.value
_NO_ACCOUNT = AccountUse.NONE
_FAMILY_TOO = AccountUse.FAMILY
_APART = Part.APART.value
_NO_TAGS: frozenset[str] = frozenset()
_BOUNDLESS_FEN = 10**15


class InvariantError(Exception):
    """Our own fault: a result breaks a money identity. The case must stop and raise an alarm."""


class FamilyPayment(Struct, frozen=True, array_like=True, gc=False):
    """What one relative's account pays."""

    person_no: str
    amount_fen: int


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
    family: tuple[FamilyPayment, ...]
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


def adjudicate(case: Case, policy: Policy) -> Benefit:
    """Compute who pays; raises InvariantError if the result breaks a money identity.

    `policy` must be the one that made `case.entitlement`, and `case.year_to_date` of its year.
    """
    totals, entitlement = case.totals, case.entitlement
    year = policy.fiscal_year(entitlement.ruling_on)
    if case.year_to_date.year != year:
        raise InvariantError(f"accumulators of {case.year_to_date.year}, ruling year {year}")
    care = policy.care[entitlement.care_type]
    sheet = Sheet(totals)
    _explain_totals(totals, sheet.explanation)
    admission = _admission(case, care)
    for step in _plan(case, policy, care, admission):
        if isinstance(step, Share):
            apply_share(step, case, sheet)
        elif isinstance(step, Deductible):
            apply_deductible(step, case, admission, sheet)
        elif isinstance(step, FirstOff):
            apply_first_off(step, sheet)
        elif isinstance(step, Ceiling):
            apply_ceiling(step, totals, sheet)
        else:
            assert_never(step)
    if care.counts:
        _count_case(case, care, sheet)
    account_fen = _account_part(case, policy.account, sheet)
    family: tuple[FamilyPayment, ...] = ()
    family_fen = 0
    if case.family:
        family = _family_part(case, policy.account, sheet)
        family_fen = sum(payment.amount_fen for payment in family)
    account_fen += family_fen
    cash_fen = totals.total_fen - sheet.fund_fen - sheet.hospital_fen - account_fen
    if cash_fen:
        sheet.explanation.append(ExplanationStep(_CASH, cash_fen, 0, cash_fen))
    benefit = Benefit(
        totals=totals,
        deductible_fen=sheet.deductible_fen,
        pool_ratio_bp=sheet.pool_ratio_bp,
        shares=tuple(sheet.shares),
        fund_fen=sheet.fund_fen,
        hospital_fen=sheet.hospital_fen,
        account_fen=account_fen,
        family_account_fen=family_fen,
        family=family,
        cash_fen=cash_fen,
        increments=sheet.increments,
        year=year,
        explanation=tuple(sheet.explanation),
        policy_version=policy.version,
        clearing_type=care.clearing_type,
    )
    _check_identities(benefit, sheet.parts, case.account_balance_fen)
    return benefit


def payable_by_family(case: Case, policy: Policy) -> int:
    """What relatives would pay of a case (家庭共济) if there were no end to their accounts."""
    rules = policy.account
    if rules is None or rules.family is None:
        return 0
    relation = min(rules.family.relations)
    boundless = FamilyAccount(person_no="", relation=relation, balance_fen=_BOUNDLESS_FEN)
    return adjudicate(replace(case, family=(boundless,)), policy).family_account_fen


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
        family=tuple(FamilyPayment(x.person_no, -x.amount_fen) for x in benefit.family),
        cash_fen=-benefit.cash_fen,
        increments={name: -amount for name, amount in benefit.increments.items()},
        year=benefit.year,
        explanation=benefit.explanation,
        policy_version=benefit.policy_version,
        clearing_type=benefit.clearing_type,
    )


def _plan(case: Case, policy: Policy, care: CareRules, admission: int) -> Plan:
    """The rules as they read for this kind of case. What no table looks at tells no kinds apart:
    numbers count by the limits they lie between."""
    entitlement = case.entitlement
    ages, totals = policy.age_breaks, policy.stay_total_breaks
    kind = (
        entitlement.care_type, case.level, entitlement.category, case.where, case.filing,
        case.transfer, case.tags,
        bisect_right(policy.admission_breaks, admission),
        bisect_right(ages, case.age) if ages else 0,
        bisect_right(totals, case.totals.total_fen) if totals else 0,
    )  # fmt: skip
    plan = policy.plans.get(kind)
    if plan is None:
        return keep(policy, kind, read(care, _facts(case, policy, admission)))
    return cast(Plan, plan)


def _facts(case: Case, policy: Policy, admission: int) -> Facts:
    """What the policy's tables are read by."""
    return Facts(
        level=policy.level(case.level),
        category=case.entitlement.category,
        where=case.where,
        filing=case.filing,
        transfer=case.transfer,
        tags=frozenset(case.tags) if case.tags else _NO_TAGS,
        admission=admission,
        age=case.age,
        stay_total_fen=case.totals.total_fen,
    )


def _admission(case: Case, care: CareRules) -> int:
    """Which admission of the year this is; later segments of a stay are the same one."""
    if not care.admissions_accumulator:
        return 1
    counted = case.year_to_date.values.get(care.admissions_accumulator, 0)
    return max(counted, 1) if case.stay is not None else counted + 1


def _count_case(case: Case, care: CareRules, sheet: Sheet) -> None:
    """What this case adds to the person's year beside what each fund pays."""
    increments = sheet.increments
    in_scope_fen = case.totals.in_scope_fen - sheet.apart_fen
    own_share_fen = sum(sheet.parts[:_APART]) if care.own_share_accumulator else 0
    for name, amount in (
        (care.in_scope_accumulator, in_scope_fen),
        (care.deductible_accumulator, sheet.deductible_fen),
        (care.own_share_accumulator, own_share_fen),
        (care.admissions_accumulator, 1 if case.stay is None else 0),
    ):
        if name and amount:
            increments.setdefault(name, amount)


def _account_part(case: Case, rules: AccountRules | None, sheet: Sheet) -> int:
    """What the person's own account pays: the parts the policy allows, up to its balance."""
    if rules is None or case.account_use is _NO_ACCOUNT:
        return 0
    payable_fen = sum(sheet.parts[part] for part in rules.parts)
    note = _account_closure(case, rules)
    paid_fen = 0 if note else max(min(payable_fen, case.account_balance_fen), 0)
    draw(sheet.parts, rules.parts, paid_fen)
    sheet.explanation.append(ExplanationStep(_ACCOUNT, payable_fen, 0, paid_fen, note))
    return paid_fen


def _family_part(case: Case, rules: AccountRules | None, sheet: Sheet) -> tuple[FamilyPayment, ...]:
    """What relatives' accounts pay after the own one, in the order stated (DOMAIN 24)."""
    if rules is None or rules.family is None:
        return ()
    if case.account_use is not _FAMILY_TOO or _account_closure(case, rules):
        return ()
    paid: list[FamilyPayment] = []
    for relative in case.family:
        payable_fen = sum(sheet.parts[part] for part in rules.family.parts)
        amount_fen = max(min(payable_fen, relative.balance_fen), 0)
        if amount_fen and relative.relation in rules.family.relations:
            draw(sheet.parts, rules.family.parts, amount_fen)
            paid.append(FamilyPayment(relative.person_no, amount_fen))
            rule = f"{_FAMILY}:{len(paid)}"
            sheet.explanation.append(ExplanationStep(rule, payable_fen, 0, amount_fen))
    return tuple(paid)


def _account_closure(case: Case, rules: AccountRules) -> str:
    if case.entitlement.account_closed:
        return case.entitlement.account_closed
    return "" if case.credential_type in rules.credential_types else _CREDENTIAL


def _explain_totals(totals: LineTotals, explanation: list[ExplanationStep]) -> None:
    total_fen = totals.total_fen
    if totals.full_self_pay_fen:
        explanation.append(ExplanationStep(_FULL, total_fen, 0, totals.full_self_pay_fen))
    if totals.over_ceiling_fen:
        explanation.append(ExplanationStep(_OVER, total_fen, 0, totals.over_ceiling_fen))
    if totals.pre_self_pay_fen:
        explanation.append(ExplanationStep(_PRE, total_fen, 0, totals.pre_self_pay_fen))
    explanation.append(ExplanationStep(_IN_SCOPE, total_fen, 0, totals.in_scope_fen))


def _check_identities(benefit: Benefit, left: Sequence[int], account_balance_fen: int) -> None:
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
    if fund_fen + benefit.hospital_fen != paid_fen:
        raise InvariantError("fund total is not the sum of the fund shares")
    if full_fen < 0 or over_fen < 0 or pre_fen < 0 or scope_fen < 0 or cash_fen < 0:
        raise InvariantError("an amount is negative")
    if min(left) < 0 or sum(left) != cash_fen:
        raise InvariantError("what is left of the parts is not the cash")
    if not 0 <= benefit.deductible_fen <= scope_fen:
        raise InvariantError("the deductible is more than is in scope")
    own_fen = account_fen - benefit.family_account_fen
    if benefit.family_account_fen < 0 or own_fen < 0:
        raise InvariantError("account pays less than its family part")
    if own_fen > account_balance_fen and own_fen:
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
        brackets=share.brackets,
    )
