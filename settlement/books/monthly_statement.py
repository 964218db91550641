"""An institution's month (结算对账单): its sheets as columns and rows, and the sums of its details.

Pure. A detail is a row of `statement_details`, in the order of `DETAIL_COLUMNS`; sums come from
the database as groups, or from the details themselves, one at a time. What a reversal (冲正) undid
never gets here; a cancel (撤销) is a row of its own with negative amounts. How a sheet is written
down is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

from protocol.nhsa.dictionary import LISTS
from settlement.rows import RowKind

Cell = str | int | date | datetime | None


class Form(StrEnum):
    """How a column is written."""

    TEXT = "text"
    """also numbers that name something: they are never computed with"""
    COUNT = "count"
    MONEY = "money"
    """integer fen"""
    DAY = "day"
    MOMENT = "moment"


class Column(Struct, frozen=True, kw_only=True):
    """A column with its Chinese heading. `adds_up`: whether the rows' sum means something."""

    heading: str
    form: Form
    adds_up: bool = False
    width: int = 12
    """of the cells, in characters"""


class Sheet(Struct, frozen=True, kw_only=True):
    """One table of a statement."""

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]

    def totals(self) -> tuple[int | None, ...]:
        """The sums of what adds up; a cell may be empty."""
        return tuple(
            sum([whole(row[at]) for row in self.rows if row[at] is not None])
            if column.adds_up else None
            for at, column in enumerate(self.columns)
        )


class StatementAsked(Struct, frozen=True, kw_only=True):
    """Whose month, asked by whom: `scope` is the institution that alone may be seen, None for all.
    """

    scope: str | None
    institution: str
    month: date
    """its first day"""


class StatementHead(Struct, frozen=True, kw_only=True):
    """What stands above every sheet."""

    institution: str
    name: str
    region: str
    month: date
    made_at: datetime


class Level(StrEnum):
    """What a group's rows have in common."""

    SUMMARY = "summary"
    """clearing type, scheme and person type"""
    OCCURRENCE = "occurrence"
    """scheme, care type and person type"""
    ALL = "all"


class Group(Struct, frozen=True, kw_only=True):
    """What some rows come to; `amounts` in the order of AMOUNTS."""

    level: Level
    clearing_type: str | None
    scheme: str | None
    category: str | None
    care_type: str | None
    row_count: int
    cancel_count: int
    person_count: int
    amounts: tuple[int, ...]

    def fen(self, name: str) -> int:
        """One amount by its column's name."""
        return self.amounts[_PLACE[name]]

    @property
    def visit_count(self) -> int:
        """人次: a cancel takes the visit back that it cancels."""
        return self.row_count - 2 * self.cancel_count


AMOUNTS = (
    "total_fen", "full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen",
    "deductible_fen", "hifp_fen", "cvlserv_fen", "hifes_fen", "hifmi_fen", "hifob_fen", "maf_fen",
    "hifdm_fen", "oth_fen", "fund_fen", "account_fen", "family_account_fen", "cash_fen",
    "hospital_fen",
)  # fmt: skip
_PLACE: Mapping[str, int] = {name: at for at, name in enumerate(AMOUNTS)}
HEADINGS: Mapping[str, str] = {
    "total_fen": "医疗费总额",
    "full_self_pay_fen": "全自费",
    "over_ceiling_fen": "超限价自费",
    "pre_self_pay_fen": "先行自付",
    "in_scope_fen": "符合政策范围",
    "deductible_fen": "起付线",
    "hifp_fen": "基本统筹基金",
    "cvlserv_fen": "公务员补助",
    "hifes_fen": "企业补充",
    "hifmi_fen": "居民大病",
    "hifob_fen": "职工大额",
    "maf_fen": "医疗救助",
    "hifdm_fen": "伤残人员",
    "oth_fen": "其他基金",
    "fund_fen": "基金支付合计",
    "account_fen": "个人账户",
    "family_account_fen": "其中共济账户",
    "cash_fen": "个人现金",
    "hospital_fen": "医院负担",
}
_IDENTITY = (
    Column(heading="结算日期", form=Form.DAY, width=11),
    Column(heading="结算时间", form=Form.MOMENT, width=19),
    Column(heading="结算编号", form=Form.TEXT, width=21),
    Column(heading="就诊编号", form=Form.TEXT, width=21),
    Column(heading="类型", form=Form.TEXT, width=6),
    Column(heading="被撤销的结算", form=Form.TEXT, width=21),
    Column(heading="人员编号", form=Form.TEXT, width=32),
    Column(heading="清算类别", form=Form.TEXT, width=16),
    Column(heading="险种", form=Form.TEXT, width=26),
    Column(heading="人员类别", form=Form.TEXT, width=14),
    Column(heading="医疗类别", form=Form.TEXT, width=18),
    Column(heading="发票号", form=Form.TEXT, width=16),
    Column(heading="交易", form=Form.TEXT, width=6),
    Column(heading="报文编号", form=Form.TEXT, width=32),
)


def _money(name: str) -> Column:
    return Column(heading=HEADINGS[name], form=Form.MONEY, adds_up=True, width=14)


DETAIL_COLUMNS = (*_IDENTITY, *map(_money, AMOUNTS))
DETAIL_TITLE = "明细"
_KIND, _PERSON, _CLEARING, _SCHEME, _CATEGORY, _CARE = 4, 6, 7, 8, 9, 10
_FIRST_AMOUNT = len(_IDENTITY)
_KINDS: Mapping[int, str] = {RowKind.SETTLE: "结算", RowKind.CANCEL: "撤销"}

PERSON_TYPES: Mapping[str, str] = {
    "11": "在职", "1101": "职工在职", "1102": "公务员在职", "1103": "灵活就业在职", "12": "退休",
    "1201": "职工退休", "1202": "公务员退休", "1203": "灵活就业退休", "13": "离休",
    "1300": "离休人员", "14": "居民（未成年）", "1401": "新生儿", "1402": "学龄前儿童",
    "1403": "中小学生", "1404": "大学生", "1405": "未成年（未入学）", "15": "居民（成年）",
    "1501": "普通居民（成年）", "16": "居民（老年）",
}  # fmt: skip
"""人员类别 (psn_type); a region may use others, which are shown by their codes."""


def whole(cell: Cell) -> int:
    """A cell of a column that counts or adds up."""
    if not isinstance(cell, int):
        raise TypeError(f"{cell!r} is no number")
    return cell


def named(labels: Mapping[str, str], code: str) -> str:
    """A code with its name, where it has one."""
    name = labels.get(code)
    return code if name is None else f"{code} {name}"


def clearing_name(code: str) -> str:
    """清算类别."""
    return named(LISTS["clr_type"].labels, code)


def scheme_name(code: str) -> str:
    """险种."""
    return named(LISTS["insutype"].labels, code)


def care_name(code: str) -> str:
    """医疗类别."""
    return named(LISTS["med_type"].labels, code)


def person_type_name(code: str) -> str:
    """人员类别."""
    return named(PERSON_TYPES, code)


def detail_cells(row: Sequence[Cell]) -> list[Cell]:
    """A detail as its columns show it."""
    cells = list(row)
    cells[_KIND] = _KINDS[whole(row[_KIND])]
    for at, name in _NAMES:
        cells[at] = name(str(row[at]))
    for at in _NUMBERS:
        cells[at] = "" if row[at] is None else str(row[at])
    return cells


_NAMES = (
    (_CLEARING, clearing_name), (_SCHEME, scheme_name), (_CATEGORY, person_type_name),
    (_CARE, care_name),
)  # fmt: skip
_NUMBERS = (2, 3, 5)


class Tally:
    """The groups of details that pass by, so that sums and details can never differ. What is kept
    is a few hundred sums, and a hash of eight bytes for every person."""

    def __init__(self) -> None:
        self._sums: dict[_Finest, list[int]] = {}
        self._bits: dict[_Finest, int] = {}
        self._persons: dict[int, int] = {}
        """by hash of the number: the bits of the groups that the person is in"""

    def add(self, row: Sequence[Cell]) -> None:
        """One detail, as it came from the database."""
        key = (str(row[_CLEARING]), str(row[_SCHEME]), str(row[_CATEGORY]), str(row[_CARE]))
        sums = self._sums.get(key)
        if sums is None:
            self._bits[key] = 1 << len(self._sums)
            sums = self._sums[key] = [0] * (2 + len(AMOUNTS))
        sums[0] += 1
        sums[1] += row[_KIND] == RowKind.CANCEL
        for at, cell in enumerate(row[_FIRST_AMOUNT:], 2):
            sums[at] += whole(cell)
        digest = blake2b(str(row[_PERSON]).encode(), digest_size=8).digest()
        person = int.from_bytes(digest, "big")
        self._persons[person] = self._persons.get(person, 0) | self._bits[key]

    def groups(self) -> list[Group]:
        """All of them, as `settlement.books.day_totals.groups_of` gives them."""
        merged: dict[_Merged, tuple[list[int], int]] = {
            (Level.ALL, None, None, None, None): ([0] * (2 + len(AMOUNTS)), 0)
        }
        for key, sums in self._sums.items():
            clearing, scheme, category, care = key
            for merged_key in (
                (Level.SUMMARY, clearing, scheme, category, None),
                (Level.OCCURRENCE, None, scheme, category, care),
                (Level.ALL, None, None, None, None),
            ):
                before, bits = merged.get(merged_key, ([0] * len(sums), 0))
                added = [a + b for a, b in zip(before, sums, strict=True)]
                merged[merged_key] = added, bits | self._bits[key]
        return [
            Group(
                level=level, clearing_type=clearing, scheme=scheme, category=category,
                care_type=care, row_count=sums[0], cancel_count=sums[1],
                person_count=sum([1 for one in self._persons.values() if one & bits]),
                amounts=tuple(sums[2:]),
            )
            for (level, clearing, scheme, category, care), (sums, bits) in sorted(
                merged.items(), key=lambda one: _order(one[0])
            )
        ]  # fmt: skip


_Finest = tuple[str, str, str, str]
_Merged = tuple[Level, str | None, str | None, str | None, str | None]


def _order(key: _Merged) -> tuple[str, ...]:
    """As the database orders them: what is not there comes last."""
    _, clearing, scheme, category, care = key
    return tuple("\U0010ffff" if one is None else one for one in (clearing, scheme, care, category))


def sheets(head: StatementHead, groups: Iterable[Group]) -> tuple[Sheet, Sheet, Sheet]:
    """结算汇总, 发生数 and 应结算."""
    known = list(groups)
    return summary(known), occurrence(head, known), should_settle(head, known)


def summary(groups: Sequence[Group]) -> Sheet:
    """By clearing type, scheme and person type."""
    columns = (
        Column(heading="清算类别", form=Form.TEXT, width=18),
        Column(heading="险种", form=Form.TEXT, width=26),
        Column(heading="人员类别", form=Form.TEXT, width=18),
        Column(heading="结算笔数", form=Form.COUNT, adds_up=True, width=9),
        Column(heading="其中撤销", form=Form.COUNT, adds_up=True, width=9),
        Column(heading="人次", form=Form.COUNT, adds_up=True, width=9),
        Column(heading="人数", form=Form.COUNT, width=9),
        *map(_money, _SUMMARY),
        Column(heading="应付机构", form=Form.MONEY, adds_up=True, width=14),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            clearing_name(one.clearing_type or ""), scheme_name(one.scheme or ""),
            person_type_name(one.category or ""), one.row_count, one.cancel_count,
            one.visit_count, one.person_count, *map(one.fen, _SUMMARY),
            one.fen("fund_fen") + one.fen("account_fen"),
        )
        for one in groups
        if one.level is Level.SUMMARY
    ]  # fmt: skip
    return Sheet(title="结算汇总", columns=columns, rows=rows)


_SUMMARY = (
    "total_fen", "full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen",
    "fund_fen", "account_fen", "family_account_fen", "cash_fen", "hospital_fen",
)  # fmt: skip


def occurrence(head: StatementHead, groups: Sequence[Group]) -> Sheet:
    """发生数: what was spent, by scheme, care type and person type. Both areas are ours: care of
    people who are insured elsewhere is stated between regions (`settlement clear`)."""
    columns = (
        Column(heading="结算地", form=Form.TEXT, width=8),
        Column(heading="参保地", form=Form.TEXT, width=8),
        Column(heading="险种", form=Form.TEXT, width=26),
        Column(heading="医疗类别", form=Form.TEXT, width=18),
        Column(heading="人员类别", form=Form.TEXT, width=18),
        Column(heading="人次", form=Form.COUNT, adds_up=True, width=9),
        Column(heading="人数", form=Form.COUNT, width=9),
        *map(_money, _SPENT),
        *(Column(heading=one, form=Form.MONEY, adds_up=True, width=14) for one in _OWN_POOLS),
        *map(_money, _FUNDS),
        Column(heading="个人账户（本人）", form=Form.MONEY, adds_up=True, width=16),
        Column(heading="共济账户", form=Form.MONEY, adds_up=True, width=14),
        *map(_money, _REST),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            head.region, head.region, scheme_name(one.scheme or ""),
            care_name(one.care_type or ""), person_type_name(one.category or ""),
            one.visit_count, one.person_count, *map(one.fen, _SPENT),
            *(
                one.fen("hifp_fen") if name == _own_pool(one.scheme or "") else 0
                for name in _OWN_POOLS
            ),
            *map(one.fen, _FUNDS), *_accounts(one), *map(one.fen, _REST),
        )
        for one in groups
        if one.level is Level.OCCURRENCE
    ]  # fmt: skip
    return Sheet(title="发生数", columns=columns, rows=rows)


_SPENT = AMOUNTS[:6]
_FUNDS = ("hifob_fen", "cvlserv_fen", "hifes_fen", "hifmi_fen", "maf_fen", "hifdm_fen", "oth_fen")
_REST = ("cash_fen", "hospital_fen")
_OWN_POOLS = ("统筹基金", "生育基金", "离休基金")


def _own_pool(scheme: str) -> str:
    return {"510": "生育基金", "340": "离休基金"}.get(scheme, "统筹基金")


def _accounts(group: Group) -> tuple[int, int]:
    """Of the person's own account, and of relatives'."""
    family = group.fen("family_account_fen")
    return group.fen("account_fen") - family, family


def should_settle(head: StatementHead, groups: Sequence[Group]) -> Sheet:
    """应结算: what is owed to the institution (funds and personal accounts, nothing else), a row a
    scheme and a column a fund."""
    columns = (
        Column(heading="结算地", form=Form.TEXT, width=8),
        Column(heading="收款单位", form=Form.TEXT, width=26),
        Column(heading="基金类别", form=Form.TEXT, width=26),
        *(
            Column(heading=one, form=Form.MONEY, adds_up=True, width=14)
            for one in (
                *_POOLS, *(HEADINGS[name] for name in _FUNDS), "个人账户（本人）", "共济账户",
            )
        ),
        Column(heading="应结算合计", form=Form.MONEY, adds_up=True, width=16),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    ours = [one for one in groups if one.level is Level.SUMMARY]
    for scheme in sorted({one.scheme or "" for one in ours}):
        of_it = [one for one in ours if one.scheme == scheme]
        pool = sum([one.fen("hifp_fen") for one in of_it])
        accounts = [_accounts(one) for one in of_it]
        parts = (
            *(pool if name == _pool(scheme) else 0 for name in _POOLS),
            *(sum([one.fen(name) for one in of_it]) for name in _FUNDS),
            sum([own for own, _ in accounts]), sum([family for _, family in accounts]),
        )  # fmt: skip
        rows.append((head.region, head.name, scheme_name(scheme), *parts, sum(parts)))
    return Sheet(title="应结算", columns=columns, rows=rows)


_POOLS = ("职工统筹", "居民统筹", "生育基金", "离休基金", "其他统筹")


def _pool(scheme: str) -> str:
    return {
        "310": "职工统筹", "390": "居民统筹", "391": "居民统筹", "510": "生育基金",
        "340": "离休基金",
    }.get(scheme, "其他统筹")  # fmt: skip
