"""What must hold of a compiled policy before it may be used: no gap, no doubt, nothing unreachable.

Tables are proved over every combination of what their columns can say; for a number, one example
stands for all between two limits. What is asked of rules is asked of what `plan` makes of them,
for every kind of case that their tables and conditions can tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product

from ledger.money import BASIS_POINTS
from settlement.policy.errors import Place, PolicyError
from settlement.policy.model import (
    BenefitRule,
    CareRules,
    CeilingRule,
    DeductibleRule,
    Part,
    ShareRule,
)
from settlement.policy.plan import effective_ratio
from settlement.policy.table import (
    ANY,
    LEVELS,
    NUMBERS,
    Column,
    Condition,
    Facts,
    Span,
    Table,
    Words,
)

COMBINATIONS_MAX = 200_000
_LEAST = {Column.ADMISSION: 1, Column.AGE: 0, Column.STAY_TOTAL: 0}
_FIELD = {
    Column.LEVEL: "level", Column.CATEGORY: "category", Column.WHERE: "where",
    Column.FILING: "filing", Column.TRANSFER: "transfer", Column.TAG: "tags",
    Column.ADMISSION: "admission", Column.AGE: "age", Column.STAY_TOTAL: "stay_total_fen",
}  # fmt: skip


def breaks(conditions: Iterable[Condition], column: Column) -> tuple[int, ...]:
    """The numbers at which some condition begins to give another answer."""
    found: set[int] = set()
    for condition in conditions:
        cell = condition.cells.get(column)
        if isinstance(cell, Span):
            found.update(() if cell.low is None else (cell.low,))
            found.update(() if cell.high is None else (cell.high + 1,))
    return tuple(sorted(found))


def check_table(table: Table, vocabulary: Mapping[Column, frozenset[str]], place: Place) -> None:
    """Refuse a table with a case that no row answers, two rows that compete, or a dead row."""
    rows = table.rows
    for number, row in enumerate(rows):
        for earlier, other in enumerate(rows[:number]):
            if other.condition.covers(row.condition):
                raise PolicyError(
                    f"表的第 {number + 1} 行永远用不到：第 {earlier + 1} 行已包含它",
                    (*place, "rows", number),
                )
    conditions = [row.condition for row in rows]
    for facts in _cases(table.columns, conditions, vocabulary, place):
        fitting = [number for number, each in enumerate(conditions) if each.fits(facts)]
        if not fitting:
            raise PolicyError(f"表中没有一行适用于 {_described(table.columns, facts)}", place)
        for first, second in pairwise(fitting):
            if _compete(conditions[first], conditions[second]):
                raise PolicyError(
                    f"表的第 {first + 1} 行和第 {second + 1} 行都适用于 "
                    f"{_described(table.columns, facts)}，无法判断以哪一行为准",
                    (*place, "rows", second),
                )


def check_rules(care: CareRules, vocabulary: Mapping[Column, frozenset[str]], place: Place) -> None:
    """Refuse rules that can never do anything, or that would pay more than everything."""
    if not any(isinstance(rule, ShareRule) for rule in care.rules):
        raise PolicyError("没有任何基金参与支付（缺少 share 规则）", place)
    for number, rule in enumerate(care.rules):
        at = (*place, number)
        if isinstance(rule, CeilingRule):
            _check_ceiling(care.rules[number + 1 :], at)
            continue
        _check_reachable(care.rules[:number], rule, at)
        if isinstance(rule, ShareRule):
            _check_brackets(rule, at)
            _check_share(rule, care.rules[:number], vocabulary, at)


def _check_ceiling(following: Sequence[BenefitRule], place: Place) -> None:
    """A ceiling draws on nothing: it binds the funds after it, and counts those before it."""
    if not any(isinstance(each, ShareRule) for each in following):
        raise PolicyError("此规则永远用不到：它之后没有基金支付", place)


def _check_reachable(before: Sequence[BenefitRule], rule: BenefitRule, place: Place) -> None:
    """What a rule draws on must have been filled, and not have been emptied for everybody."""
    shares = [each for each in before if isinstance(each, ShareRule)]
    emptied = any(Part.OPEN in each.take and not each.when.cells for each in shares)
    if not isinstance(rule, ShareRule):
        if emptied:
            raise PolicyError("此规则永远用不到：前面的规则已分担全部范围内费用", place)
        return
    if Part.OPEN in rule.take:
        if emptied:
            raise PolicyError("此规则永远用不到：前面的规则已分担全部范围内费用", place)
        if len(rule.take) > 1:
            raise PolicyError('take 中 "open" 不能与其他部分同用', place)
    capped = any(each.cap is not None or each.case_cap_fen is not None for each in shares)
    filled = {
        Part.OWN: bool(shares),
        Part.OVER_CAP: capped,
        Part.DEDUCTIBLE: any(isinstance(each, DeductibleRule) for each in before),
    }
    if not any(filled.get(part, True) for part in rule.take):
        raise PolicyError("此规则永远用不到：它取用的部分在此之前总是零", place)


def _check_brackets(rule: ShareRule, place: Place) -> None:
    limits = [bracket.up_to_fen for bracket in rule.brackets]
    if not limits or limits[-1] is not None or None in limits[:-1]:
        raise PolicyError("分段须逐段写明 up_to_fen，只有最后一段不写", (*place, "brackets"))
    known = [limit for limit in limits if limit is not None]
    for number, (lower, upper) in enumerate(pairwise(known), 1):
        if lower >= upper:
            raise PolicyError(
                f"分段上限须递增：{lower} 之后是 {upper}", (*place, "brackets", number)
            )


def _check_share(
    rule: ShareRule,
    before: Sequence[BenefitRule],
    vocabulary: Mapping[Column, frozenset[str]],
    place: Place,
) -> None:
    """No ratio above 100 %, and no bracket that the cap keeps anybody from reaching."""
    tables = [bracket.ratio_bp for bracket in rule.brackets]
    tables += [*rule.plus_bp]
    tables += [t for t in (rule.own_share_factor_bp, rule.factor_bp) if t is not None]
    if rule.cap is not None:
        tables.append(rule.cap.amount_fen)
    deductibles = [r.standard_fen for r in before if isinstance(r, DeductibleRule)]
    involved = [*tables, *deductibles]
    columns = tuple(dict.fromkeys(column for table in involved for column in table.columns))
    conditions = [row.condition for table in involved for row in table.rows]
    for facts in _cases(columns, [*conditions, rule.when], vocabulary, place):
        if not rule.when.fits(facts):
            continue
        ratios = [effective_ratio(b.ratio_bp.at(facts), rule, facts) for b in rule.brackets]
        if max(ratios) > BASIS_POINTS:
            raise PolicyError(
                f"{_described(columns, facts)} 的支付比例是 {max(ratios)}，超过 100 %", place
            )
        if rule.cap is not None:
            borne_fen = sum(table.at(facts) for table in deductibles)
            _check_cap(rule, ratios, rule.cap.amount_fen.at(facts), borne_fen, place)


def _check_cap(
    rule: ShareRule, ratios: list[int], cap_fen: int, borne_fen: int, place: Place
) -> None:
    """What has been paid by the beginning of the last bracket must be less than the cap."""
    paid = low_fen = 0
    for number, bracket in enumerate(rule.brackets):
        if number and paid // BASIS_POINTS - borne_fen >= cap_fen:
            raise PolicyError(
                f"年度限额 {cap_fen} 低于第 {number + 1} 段：到 {low_fen} 时已经付满",
                (*place, "brackets", number),
            )
        if bracket.up_to_fen is not None:
            paid += (bracket.up_to_fen - low_fen) * ratios[number]
            low_fen = bracket.up_to_fen


def _compete(first: Condition, second: Condition) -> bool:
    """Two rows that fit the same case: the later is a wider default, or they are told apart by
    tags (of which a person may have several, so that the order decides), or it is not clear."""
    if second.covers(first):
        return False
    one, two = first.cells.get(Column.TAG), second.cells.get(Column.TAG)
    both_tagged = isinstance(one, Words)
    return not (both_tagged and (two is None or isinstance(two, Words)))


def _cases(
    columns: Sequence[Column],
    conditions: Sequence[Condition],
    vocabulary: Mapping[Column, frozenset[str]],
    place: Place,
) -> Iterator[Facts]:
    """One example of every kind of case that the columns can tell apart."""
    looked_at = {column for condition in conditions for column in condition.cells} | {*columns}
    ordered = [column for column in Column if column in looked_at]
    examples = [_examples(column, conditions, vocabulary) for column in ordered]
    count = 1
    for each in examples:
        count *= len(each)
    if count > COMBINATIONS_MAX:
        raise PolicyError(f"条件组合过多（{count}），请拆分成几张表", place)
    for chosen in product(*examples):
        values: dict[str, object] = {"level": LEVELS[0], "category": ""}
        values |= {_FIELD[column]: value for column, value in zip(ordered, chosen, strict=True)}
        yield Facts(**values)  # type: ignore[arg-type]


def _examples(
    column: Column,
    conditions: Sequence[Condition],
    vocabulary: Mapping[Column, frozenset[str]],
) -> list[object]:
    if column in NUMBERS:
        least = _LEAST[column]
        return [least, *(number for number in breaks(conditions, column) if number > least)]
    words = sorted(vocabulary[column])
    if column is Column.TAG:
        return [frozenset(), *(frozenset({word}) for word in words)]
    if column is Column.TRANSFER:
        return [False, True]
    return list(words)


def _described(columns: Sequence[Column], facts: Facts) -> str:
    """The facts that a table looks at, for a person to read."""
    told = []
    for column in columns:
        if column is Column.TAG:
            told.append(f"{column} = {next(iter(facts.tags), ANY if facts.tags else '无')}")
        elif column in NUMBERS:
            told.append(f"{column} = {facts.number(column)}")
        else:
            told.append(f"{column} = {facts.word(column)}")
    return "、".join(told) or "所有情形"
