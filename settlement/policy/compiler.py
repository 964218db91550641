"""Turns a decoded policy file into a `Policy`, resolving every name.

What passes here is complete: each name stands for something, each table answers every case, each
fund code is mapped to an amount field, each figure names its source, and nothing in the file is
left unused (an unused table is nearly always a misspelt name). It knows no other file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, assert_never

import msgspec
from msgspec.structs import asdict

from ledger.money import BASIS_POINTS
from settlement.policy import checks
from settlement.policy.cells import Cells
from settlement.policy.errors import Place, PolicyError
from settlement.policy.format import (
    AccountEntry,
    CareEntry,
    CeilingEntry,
    DeductibleEntry,
    FirstOffEntry,
    ItemEntry,
    Number,
    PartName,
    PolicyFile,
    RuleEntry,
    ShareEntry,
    TableEntry,
)
from settlement.policy.model import (
    IN_SCOPE_OWN,
    AccountRules,
    Along,
    AmountField,
    BenefitRule,
    BracketRule,
    CapRule,
    CareRules,
    CeilingRule,
    DeductiblePeriod,
    DeductibleRule,
    FamilyRules,
    FirstOffRule,
    Fund,
    FundKind,
    ItemRule,
    Part,
    Policy,
    ShareRule,
)
from settlement.policy.table import FILINGS, LEVELS, PLACES, Column, Condition, Table, constant

_FIELD_OF_KIND = {
    FundKind.ACCOUNT: AmountField.ACCOUNT,
    FundKind.HOSPITAL: AmountField.HOSPITAL,
}
_LIMITS: Mapping[str, tuple[int, int | None]] = {
    "amounts_fen": (0, None),
    "ratios_bp": (0, BASIS_POINTS),
    "points_bp": (-BASIS_POINTS, BASIS_POINTS),
}
_REPORTABLE = frozenset({"in_scope", "deductible", "own_share", "admissions"})

_Entry = TypeVar("_Entry")


def compile_policy(file: PolicyFile) -> Policy:
    """Compile one policy. Its version changes with any figure or text, but not with a comment.

    Raises PolicyError at the first thing that is wrong, saying where.
    """
    content = msgspec.json.encode(file, order="deterministic")
    return _Compiler(file).policy(hashlib.sha256(content).hexdigest()[:8])


class _Compiler:
    """Holds one file while its names are resolved, and remembers which of them were used."""

    def __init__(self, file: PolicyFile) -> None:
        self._file = file
        self._funds = _funds(file)
        self._levels = _levels(file)
        self._cells = Cells(
            {
                Column.LEVEL: frozenset(self._levels.values()),
                Column.CATEGORY: frozenset(entry.name for entry in file.categories),
                Column.WHERE: frozenset(PLACES),
                Column.FILING: frozenset(FILINGS),
                Column.TRANSFER: frozenset({"yes", "no"}),
                Column.TAG: frozenset(file.tags),
            }
        )
        self._used: set[str] = set()
        self._tables: dict[tuple[str, str], Table] = {}

    def policy(self, digest: str) -> Policy:
        file = self._file
        if file.effective_to < file.effective_from:
            raise PolicyError("effective_to 早于 effective_from", ("effective_to",))
        care = self._care()
        items = self._items()
        account = None if file.account is None else self._account(file.account)
        conditions = tuple(self._conditions(care.values()))
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
            sources=file.sources,
            fiscal_year_start_month=file.fiscal_year_start_month,
            funds=self._funds,
            category_by_person_type=_categories(file),
            categories={entry.name: entry.title for entry in file.categories},
            level_of=self._levels,
            tags=file.tags,
            care=self._counted(care),
            account=account,
            line_classes={
                name: entry.self_pay_bp for name, entry in self._cited(file.line_classes)
            },
            items=items,
            admission_breaks=checks.breaks(conditions, Column.ADMISSION),
            age_breaks=checks.breaks(conditions, Column.AGE),
            stay_total_breaks=checks.breaks(conditions, Column.STAY_TOTAL),
        )

    def _care(self) -> dict[str, CareRules]:
        care: dict[str, CareRules] = {}
        for number, entry in enumerate(self._file.care):
            rules = self._care_rules(entry, ("care", number))
            for care_type in entry.care_types:
                if care_type in care:
                    raise PolicyError(f"care_types 中 {care_type} 出现两次", ("care", number))
                care[care_type] = msgspec.structs.replace(rules, care_type=care_type)
        return care

    def _care_rules(self, entry: CareEntry, place: Place) -> CareRules:
        entries = self._named(self._file.rules, "rules", entry.rules, place)
        group = entry.group or entry.kind.value
        at: Place = ("rules", entry.rules)
        rules = tuple(
            self._rule(rule, number, group, (*at, number)) for number, rule in enumerate(entries)
        )
        codes = [rule.fund.code for rule in rules if isinstance(rule, ShareRule)]
        care = CareRules(
            care_type=entry.care_types[0],
            kind=entry.kind,
            clearing_type=entry.clearing_type,
            rules=rules,
            fund_codes=tuple(dict.fromkeys(codes)),
            group=group,
            counts_admission=entry.counts_admission,
            in_scope_accumulator="",
            deductible_accumulator="",
            own_share_accumulator="",
            admissions_accumulator="",
            counts=False,
            counted=frozenset(),
        )
        checks.check_rules(care, self._cells.vocabulary, at)
        return care

    def _rule(self, entry: RuleEntry, number: int, group: str, place: Place) -> BenefitRule:
        self._cite(entry.source, place)
        when = self._cells.condition(entry.when, (*place, "when"))
        match entry:
            case FirstOffEntry():
                return FirstOffRule(
                    rule_id=f"first_off@{number}", source=entry.source, when=when,
                    ratio_bp=self._ratio(entry.ratio_bp, (*place, "ratio_bp")),
                )  # fmt: skip
            case DeductibleEntry():
                return self._deductible(entry, number, when, group, place)
            case ShareEntry():
                return self._share(entry, number, when, group, place)
            case CeilingEntry():
                return CeilingRule(
                    rule_id=f"ceiling@{number}", source=entry.source, when=when,
                    ratio_bp=self._ratio(entry.ratio_bp, (*place, "ratio_bp")), of=entry.of,
                )  # fmt: skip
            case _:
                assert_never(entry)

    def _deductible(
        self, entry: DeductibleEntry, number: int, when: Condition, group: str, place: Place
    ) -> DeductibleRule:
        return DeductibleRule(
            rule_id=f"deductible@{number}",
            source=entry.source,
            when=when,
            standard_fen=self._amount(entry.amount_fen, (*place, "amount_fen")),
            period=entry.per,
            less_per_admission_fen=entry.less_per_admission_fen,
            least_fen=entry.least_fen,
            again_in_new_year=entry.again_in_new_year,
            accumulator=f"{group}.deductible",
        )

    def _share(
        self, entry: ShareEntry, number: int, when: Condition, group: str, place: Place
    ) -> ShareRule:
        kinds = FundKind.FUND, FundKind.OTHER, FundKind.HOSPITAL
        fund = self._fund(entry.fund, (*place, "fund"), *kinds)
        of_open = PartName.OPEN in entry.take
        along_year = entry.along is Along.YEAR
        base = ("in_scope" if of_open else "own_share") if along_year else ""
        less = of_open and along_year and not entry.deductible_inside
        if entry.deductible_inside and not of_open:
            raise PolicyError('deductible_inside 只用于 take = ["open"]', place)
        return ShareRule(
            rule_id=f"share:{fund.code}@{number}",
            source=entry.source,
            when=when,
            fund=fund,
            take=_parts(entry.take),
            brackets=self._brackets(entry, place),
            along=entry.along,
            deductible_inside=entry.deductible_inside,
            threshold_fen=self._optional("amounts_fen", entry.threshold_fen, place),
            own_share_factor_bp=self._optional("ratios_bp", entry.own_share_factor_bp, place),
            plus_bp=tuple(
                self._number("points_bp", each, (*place, "plus_bp")) for each in entry.plus_bp
            ),
            factor_bp=self._optional("ratios_bp", entry.factor_bp, place),
            cap=None if entry.cap is None else self._cap(entry.cap, group, place),
            case_cap_fen=self._optional("amounts_fen", entry.case_cap_fen, place),
            base_accumulator=f"{group}.{base}" if base else "",
            base_less_accumulator=f"{group}.deductible" if less else "",
            paid_accumulator=f"{group}.paid.{fund.code}",
        )

    def _brackets(self, entry: ShareEntry, place: Place) -> tuple[BracketRule, ...]:
        if (entry.ratio_bp is None) == (not entry.brackets):
            raise PolicyError("须给出 ratio_bp 或 brackets 之一", place)
        if entry.ratio_bp is not None:
            return (BracketRule(None, self._ratio(entry.ratio_bp, (*place, "ratio_bp"))),)
        return tuple(
            BracketRule(each.up_to_fen, self._ratio(each.ratio_bp, (*place, "brackets", number)))
            for number, each in enumerate(entry.brackets)
        )

    def _cap(self, name: str, group: str, place: Place) -> CapRule:
        entry = self._named(self._file.caps, "caps", name, (*place, "cap"))
        at: Place = ("caps", name)
        self._cite(entry.source, at)
        groups = entry.groups or (group,)
        known = {each.group or each.kind.value for each in self._file.care}
        for each in groups:
            if each not in known:
                raise PolicyError(f"没有 group 为 {each} 的医疗类别", (*at, "groups"))
        for code in entry.funds:
            self._fund(code, (*at, "funds"), *FundKind)
        return CapRule(
            name=name,
            source=entry.source,
            amount_fen=self._amount(entry.amount_fen, (*at, "amount_fen")),
            accumulators=tuple(f"{each}.paid.{code}" for each in groups for code in entry.funds),
        )

    def _account(self, entry: AccountEntry) -> AccountRules:
        place: Place = ("account",)
        self._cite(entry.source, place)
        family = None
        if entry.family is not None:
            family = FamilyRules(
                relations=frozenset(entry.family.relations),
                parts=_account_parts(entry.family.pays, (*place, "family", "pays")),
            )
        return AccountRules(
            fund=self._fund(entry.fund, (*place, "fund"), FundKind.ACCOUNT),
            credential_types=frozenset(entry.credential_types),
            parts=_account_parts(entry.pays, (*place, "pays")),
            while_suspended=entry.while_suspended,
            while_waiting=entry.while_waiting,
            family=family,
        )

    def _items(self) -> dict[str, ItemRule]:
        items: dict[str, ItemRule] = {}
        for number, entry in enumerate(self._file.items):
            place: Place = ("items", number)
            self._cite(entry.source, place)
            rule = self._item(entry, place)
            for code in entry.codes:
                if code in items:
                    raise PolicyError(f"项目 {code} 出现两次", place)
                items[code] = rule
        return items

    def _item(self, entry: ItemEntry, place: Place) -> ItemRule:
        return ItemRule(
            source=entry.source,
            self_pay_bp=self._optional("ratios_bp", entry.self_pay_bp, place),
            payment_standard_e6=entry.payment_standard_e6,
            limited_use=entry.limited_use,
        )

    def _counted(self, care: Mapping[str, CareRules]) -> dict[str, CareRules]:
        """Keep what some rule reads, or the file wants reported; the rest would only cost bytes."""
        unknown = sorted(set(self._file.reported) - _REPORTABLE)
        if unknown:
            raise PolicyError(f"reported 只能取 {sorted(_REPORTABLE)}", ("reported",))
        rules_of = {code: entry.rules for entry in self._file.care for code in entry.care_types}
        reads = {
            name
            for care_type, each in care.items()
            for name in _reads(each, ("rules", rules_of[care_type]))
        }
        by_admission = any(
            Column.ADMISSION in condition.cells for condition in self._conditions(care.values())
        )
        counted: dict[str, CareRules] = {}
        for care_type, rules in care.items():
            group = rules.group
            names = {name for name in reads if name.startswith(f"{group}.")}
            names |= {f"{group}.{name}" for name in self._file.reported}
            if by_admission:
                names.add(f"{group}.admissions")
            kept = {name: f"{group}.{name}" for name in _REPORTABLE if f"{group}.{name}" in names}
            counted[care_type] = msgspec.structs.replace(
                rules,
                in_scope_accumulator=kept.get("in_scope", ""),
                deductible_accumulator=kept.get("deductible", ""),
                own_share_accumulator=kept.get("own_share", ""),
                admissions_accumulator=kept.get("admissions", "") if rules.counts_admission else "",
                counts=bool(kept),
                counted=frozenset(names),
            )
        return counted

    def _conditions(self, care: Iterable[CareRules]) -> Iterator[Condition]:
        for table in self._tables.values():
            yield from (row.condition for row in table.rows)
        for each in care:
            yield from (rule.when for rule in each.rules)

    def _amount(self, number: Number, place: Place) -> Table:
        return self._number("amounts_fen", number, place)

    def _ratio(self, number: Number, place: Place) -> Table:
        return self._number("ratios_bp", number, place)

    def _optional(self, section: str, number: Number | None, place: Place) -> Table | None:
        return None if number is None else self._number(section, number, place)

    def _number(self, section: str, number: Number, place: Place) -> Table:
        least, most = _LIMITS[section]
        if isinstance(number, int):
            if number < least or (most is not None and number > most):
                raise PolicyError(f"{number} 不在 {least} 到 {most} 之间", place)
            return constant(number)
        entries: Mapping[str, TableEntry] = getattr(self._file, section)
        entry = self._named(entries, section, number, place)
        table = self._tables.get((section, number))
        if table is None:
            at: Place = (section, number)
            self._cite(entry.source, at)
            table = self._cells.table(entry, at, least, most)
            checks.check_table(table, self._cells.vocabulary, at)
            self._tables[section, number] = table
        return table

    def _fund(self, code: str, place: Place, *kinds: FundKind) -> Fund:
        fund = self._named(self._funds, "funds", code, place)
        if fund.kind not in kinds:
            raise PolicyError(f"基金支付类型 {code} 的 kind 是 {fund.kind}，此处不能使用", place)
        return fund

    def _named(self, section: Mapping[str, _Entry], title: str, name: str, at: Place) -> _Entry:
        entry = section.get(name)
        if entry is None:
            raise PolicyError(f"{title} 中没有定义 {name}", at)
        self._used.add(f"{title}.{name}")
        return entry

    def _cite(self, source: str, place: Place) -> None:
        self._named(self._file.sources, "sources", source, (*place, "source"))

    def _cited(self, section: Mapping[str, _Entry]) -> Iterator[tuple[str, _Entry]]:
        for name, entry in section.items():
            self._cite(entry.source, ("line_classes", name))  # type: ignore[attr-defined]
            yield name, entry

    def _refuse_unused(self) -> None:
        file = self._file
        sections: dict[str, Mapping[str, object]] = {
            "rules": file.rules,
            "amounts_fen": file.amounts_fen,
            "ratios_bp": file.ratios_bp,
            "points_bp": file.points_bp,
            "caps": file.caps,
        }
        for title, section in sections.items():
            for name in section:
                if f"{title}.{name}" not in self._used:
                    raise PolicyError(f"{title}.{name} 没有被任何规则使用", (title, name))


def _reads(care: CareRules, place: Place) -> Iterator[str]:
    """The accumulators that the rules of a care type look at."""
    own_share: tuple[Part, ...] | None = None
    for number, rule in enumerate(care.rules):
        if isinstance(rule, DeductibleRule):
            if rule.period is DeductiblePeriod.YEAR:
                yield rule.accumulator
            if rule.less_per_admission_fen:
                yield f"{care.group}.admissions"
        elif isinstance(rule, ShareRule):
            yield from () if rule.cap is None else rule.cap.accumulators
            yield from (n for n in (rule.base_accumulator, rule.base_less_accumulator) if n)
            if rule.base_accumulator and Part.OPEN not in rule.take:
                own_share = own_share or rule.take
                if own_share != rule.take:
                    raise PolicyError(
                        "按年度累计的自付口径（take）须与前面的规则一致", (*place, number, "take")
                    )


def _parts(names: Iterable[PartName]) -> tuple[Part, ...]:
    parts: dict[Part, None] = {}
    for name in names:
        parts |= dict.fromkeys(
            IN_SCOPE_OWN if name is PartName.IN_SCOPE_OWN else (Part[name.name],)
        )
    return tuple(parts)


def _account_parts(names: tuple[PartName, ...], place: Place) -> tuple[Part, ...]:
    if PartName.OPEN in names:
        raise PolicyError('个人账户支付的部分不能写 "open"', place)
    return _parts(names)


def _levels(file: PolicyFile) -> dict[str, str]:
    """Every level, and the one whose rows it is read in."""
    known = {*LEVELS, *file.levels}
    for level, target in file.levels.items():
        if target not in known or target in file.levels:
            raise PolicyError(f"levels 中 {level} 指向的 {target} 不是一个自有的等级", ("levels",))
    levels = {level: file.levels.get(level, level) for level in known}
    return {level: levels[level] for level in sorted(levels)}


def _funds(file: PolicyFile) -> dict[str, Fund]:
    funds: dict[str, Fund] = {}
    for number, entry in enumerate(file.funds):
        place: Place = ("funds", number)
        if entry.code in funds:
            raise PolicyError(f"funds 中 {entry.code} 出现两次", place)
        expected = _FIELD_OF_KIND.get(entry.kind)
        if expected is None and entry.amount_field in _FIELD_OF_KIND.values():
            raise PolicyError(f"基金 {entry.code} 不能计入 {entry.amount_field}", place)
        if expected is not None and entry.amount_field is not expected:
            raise PolicyError(f"基金 {entry.code} 须计入 {expected}", place)
        funds[entry.code] = Fund(**asdict(entry))
    return funds


def _categories(file: PolicyFile) -> dict[str, str]:
    categories: dict[str, str] = {}
    for number, entry in enumerate(file.categories):
        for person_type in entry.person_types:
            if person_type in categories:
                raise PolicyError(f"人员类别代码 {person_type} 出现两次", ("categories", number))
            categories[person_type] = entry.name
    return categories
