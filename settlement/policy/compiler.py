"""Turns a decoded policy file into a `Policy` or `RegionProfile`, resolving every name.

What passes here is complete: each name stands for something, each table answers every level and
every person category, each fund code is mapped to an amount field, and nothing in the file is
left unused (an unused table is nearly always a misspelt name). It knows no other file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import asdict

from settlement.claim import CareKind
from settlement.policy.format import (
    AccountEntry,
    CareEntry,
    DeductiblePeriod,
    DeductibleRule,
    PolicyFile,
    RegionFile,
    ShareRule,
)
from settlement.policy.model import (
    CANCELS,
    OTHER_LEVEL,
    AccountRules,
    AmountField,
    CareRules,
    DeductibleStep,
    Fund,
    FundKind,
    LevelTable,
    Policy,
    RegionProfile,
    ShareStep,
    Step,
)

_FIELD_OF_KIND = {
    FundKind.ACCOUNT: AmountField.ACCOUNT,
    FundKind.HOSPITAL: AmountField.HOSPITAL,
}

_REVERSIBLE = frozenset({"2102", "2207", "2207A"})
"""What the core can reverse; 2304 and 2401 join with inpatient care."""

_Entry = TypeVar("_Entry")


class PolicyError(ValueError):
    """A policy file cannot be used; the text names the file and what to correct."""


def compile_policy(file: PolicyFile) -> Policy:
    """Compile one policy. Its version changes with any figure or text, but not with a comment."""
    content = msgspec.json.encode(file, order="deterministic")
    return _Compiler(file).policy(hashlib.sha256(content).hexdigest()[:8])


def compile_region(file: RegionFile) -> RegionProfile:
    """Compile one region profile."""
    for kind in CareKind:
        if kind not in file.ruling_date or kind not in file.backdating_days_max:
            raise PolicyError(f"ruling_date 和 backdating_days_max 缺少 {kind}")
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
        ruling_date=file.ruling_date,
        backdating_days_max=file.backdating_days_max,
        cancel_order=file.cancel_order,
        cancel_window=file.cancel_window,
        reversible=frozenset(file.reversible),
        fund_total_includes_account=file.fund_total_includes_account,
    )


def _check_reversible(infnos: frozenset[str]) -> None:
    """Some provinces' lists name cancels too, but no source says whether the settlement then stands
    again, and the account may have been spent since: such a list is not guessed at."""
    cancels = sorted(infnos & CANCELS)
    if cancels:
        raise PolicyError(f"reversible 中的撤销交易 {cancels} 不能冲正：原结算是否恢复没有依据")
    unknown = sorted(infnos - _REVERSIBLE)
    if unknown:
        raise PolicyError(f"reversible 中的交易 {unknown} 尚不支持冲正")


class _Compiler:
    """Holds one file while its names are resolved, and remembers which of them were used."""

    def __init__(self, file: PolicyFile) -> None:
        self._file = file
        self._categories = frozenset(entry.name for entry in file.categories)
        self._funds = _funds(file)
        self._used: set[str] = set()

    def policy(self, digest: str) -> Policy:
        file = self._file
        if file.effective_to < file.effective_from:
            raise PolicyError("effective_to 早于 effective_from")
        care = self._care()
        account = None if file.account is None else self._account(file.account)
        self._refuse_unused()
        return Policy(
            version=f"{file.name}@{file.effective_from.isoformat()}#{digest}",
            name=file.name,
            title=file.title,
            region=file.region,
            scheme=file.scheme,
            effective_from=file.effective_from,
            effective_to=file.effective_to,
            verified=file.verified,
            source=file.source,
            fiscal_year_start_month=file.fiscal_year_start_month,
            funds=self._funds,
            category_by_person_type=_categories(file),
            care=care,
            account=account,
        )

    def _care(self) -> dict[str, CareRules]:
        care: dict[str, CareRules] = {}
        for entry in self._file.care:
            for care_type in entry.care_types:
                if care_type in care:
                    raise PolicyError(f"care_types 中 {care_type} 出现两次")
                care[care_type] = self._care_rules(entry, care_type)
        return care

    def _care_rules(self, entry: CareEntry, care_type: str) -> CareRules:
        rules = self._named(self._file.rules, "rules", entry.rules)
        steps = tuple(self._step(rule) for rule in rules)
        codes = [step.fund.code for step in steps if isinstance(step, ShareStep)]
        return CareRules(
            care_type=care_type,
            kind=entry.kind,
            clearing_type=entry.clearing_type,
            steps=steps,
            fund_codes=tuple(dict.fromkeys(codes)),
        )

    def _step(self, rule: DeductibleRule | ShareRule) -> Step:
        match rule:
            case DeductibleRule():
                return self._deductible(rule)
            case ShareRule():
                return self._share(rule)

    def _deductible(self, rule: DeductibleRule) -> DeductibleStep:
        entry = self._named(self._file.deductibles, "deductibles", rule.deductible)
        return DeductibleStep(
            rule_id=f"deductible:{rule.deductible}",
            standard_fen=self._table(f"deductibles.{rule.deductible}", entry.amount_fen),
            per_year=entry.per is DeductiblePeriod.YEAR,
            accumulator=entry.accumulator,
        )

    def _share(self, rule: ShareRule) -> ShareStep:
        fund = self._fund(rule.fund, FundKind.FUND, FundKind.OTHER)
        ratios = self._named(self._file.ratios_bp, "ratios_bp", rule.ratio)
        cap_fen, accumulator = self._cap(rule)
        return ShareStep(
            rule_id=f"share:{rule.fund}",
            fund=fund,
            ratio_bp=self._table(f"ratios_bp.{rule.ratio}", ratios),
            accumulator=accumulator,
            cap_fen=cap_fen,
        )

    def _cap(self, rule: ShareRule) -> tuple[dict[str, int] | None, str]:
        if rule.cap is None and rule.accumulator is not None:
            return None, rule.accumulator
        if rule.cap is None or rule.accumulator is not None:
            raise PolicyError(f"基金 {rule.fund} 的 share 规则须给出 cap 或 accumulator 之一")
        entry = self._named(self._file.caps, "caps", rule.cap)
        self._check_categories(f"caps.{rule.cap}", entry.amount_fen)
        return entry.amount_fen, entry.accumulator

    def _account(self, entry: AccountEntry) -> AccountRules:
        values = asdict(entry)
        values["fund"] = self._fund(entry.fund, FundKind.ACCOUNT)
        values["credential_types"] = frozenset(entry.credential_types)
        return AccountRules(**values)

    def _fund(self, code: str, *kinds: FundKind) -> Fund:
        fund = self._named(self._funds, "funds", code)
        if fund.kind not in kinds:
            raise PolicyError(f"基金支付类型 {code} 的 kind 是 {fund.kind}，此处不能使用")
        return fund

    def _named(self, section: Mapping[str, _Entry], title: str, name: str) -> _Entry:
        entry = section.get(name)
        if entry is None:
            raise PolicyError(f"{title} 中没有定义 {name}")
        self._used.add(f"{title}.{name}")
        return entry

    def _table(self, title: str, rows: Mapping[str, Mapping[str, int]]) -> LevelTable:
        if OTHER_LEVEL not in rows:
            raise PolicyError(f'{title} 缺少 "{OTHER_LEVEL}"行（其他等级）')
        for level, row in rows.items():
            self._check_categories(f"{title}.{level}", row)
        return LevelTable(rows=rows)

    def _check_categories(self, title: str, row: Mapping[str, int]) -> None:
        if row.keys() != self._categories:
            raise PolicyError(f"{title} 须逐一给出人员类别 {sorted(self._categories)}")

    def _refuse_unused(self) -> None:
        sections: dict[str, Mapping[str, object]] = {
            "rules": self._file.rules,
            "ratios_bp": self._file.ratios_bp,
            "caps": self._file.caps,
            "deductibles": self._file.deductibles,
        }
        for title, section in sections.items():
            for name in section:
                if f"{title}.{name}" not in self._used:
                    raise PolicyError(f"{title}.{name} 没有被任何规则使用")


def _funds(file: PolicyFile) -> dict[str, Fund]:
    funds: dict[str, Fund] = {}
    for entry in file.funds:
        if entry.code in funds:
            raise PolicyError(f"funds 中 {entry.code} 出现两次")
        expected = _FIELD_OF_KIND.get(entry.kind)
        if expected is None and entry.amount_field in _FIELD_OF_KIND.values():
            raise PolicyError(f"基金 {entry.code} 不能计入 {entry.amount_field}")
        if expected is not None and entry.amount_field is not expected:
            raise PolicyError(f"基金 {entry.code} 须计入 {expected}")
        funds[entry.code] = Fund(**asdict(entry))
    return funds


def _categories(file: PolicyFile) -> dict[str, str]:
    categories: dict[str, str] = {}
    for entry in file.categories:
        for person_type in entry.person_types:
            if person_type in categories:
                raise PolicyError(f"人员类别代码 {person_type} 出现两次")
            categories[person_type] = entry.name
    return categories
