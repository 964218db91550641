"""Insured persons (参保人) as a file says them: one row a version of an enrolment.

The rows of a person stand together and repeat what is said of the person. Columns have the names of
the national interface where it has one. Pure: no file, no database, no key.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from protocol.nhsa.codes import CODE_LISTS
from settlement.entitlement import changed_days
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.source import Row
from settlement.person import Enrolment, FamilyLink, Identity, Qualification

ENDED = "4"
_EVER = ((date.min, date.max),)
_TAG = r"[A-Za-z0-9_.\-]{1,40}"
_NUMBER = r"[A-Za-z0-9]{6,30}"
_DIGITS_6 = Told("6 位数字", "6 digits")


def _read_qualifications(text: str) -> tuple[Qualification, ...]:
    tag = cells.matching(_TAG)
    found = []
    for part in cells.parts(text):
        name, begin, *rest = (each.strip() for each in part.split(":"))
        end = cells.read_date(rest[0]) if rest and rest[0] else date.max
        begins_on = cells.read_date(begin)
        if len(rest) > 1 or end < begins_on:
            raise ValueError
        found.append(Qualification(tag=tag(name), begins_on=begins_on, ends_on=end))
    return tuple(sorted(found, key=lambda each: (each.tag, each.begins_on)))


def _read_family(text: str) -> tuple[FamilyLink, ...]:
    number, code = cells.matching(_NUMBER), cells.matching(_TAG)
    found: dict[int, FamilyLink] = {}
    for part in cells.parts(text):
        donor, relation, order, begin, *rest = (each.strip() for each in part.split(":"))
        end = cells.read_date(rest[0]) if rest and rest[0] else date.max
        link = FamilyLink(
            donor_no=number(donor), relation=code(relation), order=int(order),
            consented_on=cells.read_date(begin), ends_on=end,
        )  # fmt: skip
        if len(rest) > 1 or link.order < 1 or link.order in found or end < link.consented_on:
            raise ValueError
        found[link.order] = link
    return tuple(found[order] for order in sorted(found))


def _code_list(name: str) -> cells.Read:
    return cells.one_of(*sorted(CODE_LISTS[name]))


PERSON = (
    Column(name="psn_no", title="人员编号", read=cells.matching(_NUMBER), personal=True,
           expected=Told("6 至 30 位字母或数字", "6 to 30 letters or digits")),
    Column(name="psn_name", title="姓名", read=cells.short_text(50), personal=True,
           expected=Told("至多 50 字", "at most 50 characters")),
    Column(name="psn_cert_type", title="证件类型", read=cells.matching(r"\d{2}"), default="01",
           expected=Told("两位代码，如 01", "a code of two digits, as 01")),
    Column(name="certno", title="证件号码", read=cells.matching(r"[A-Za-z0-9()\-]{4,50}"),
           personal=True, expected=Told("4 至 50 位证件号码", "a number of 4 to 50 characters")),
    Column(name="gend", title="性别", read=cells.one_of("0", "1", "2", "9"),
           expected=Told("0、1（男）、2（女）或 9", "0, 1 (male), 2 (female) or 9")),
    Column(name="naty", title="民族", read=cells.matching(r"\d{2}"), default="01",
           expected=Told("两位代码", "a code of two digits")),
    Column(name="brdy", title="出生日期", read=cells.read_date, expected=cells.A_DATE,
           personal=True),
    Column(name="card_no", title="社保卡号", read=cells.matching(r"[A-Za-z0-9]{4,50}"), default="",
           personal=True, expected=Told("4 至 50 位字母或数字", "4 to 50 letters or digits")),
    Column(name="card_sn", title="卡识别码", read=cells.matching(r"[A-Za-z0-9]{4,64}"), default="",
           personal=True, expected=Told("4 至 64 位字母或数字", "4 to 64 letters or digits")),
    Column(name="emp_name", title="单位名称", read=cells.short_text(200), default="",
           expected=Told("至多 200 字", "at most 200 characters")),
    Column(name="family", title="共济亲属", read=_read_family, default=None, personal=True,
           expected=Told("人员编号:关系:顺序:授权日期[:截止日期]，以分号分隔",
                         "psn_no:relation:order:consent date[:end date], separated by ;")),
)  # fmt: skip
ENROLMENT = (
    Column(name="insutype", title="险种类型", read=_code_list("insutype"),
           expected=Told("险种代码，如 310、390", "a code of a scheme, as 310 or 390")),
    Column(name="psn_type", title="人员类别", read=cells.matching(r"\d{2,6}"),
           expected=Told("2 至 6 位代码，如 11", "a code of 2 to 6 digits, as 11")),
    Column(name="psn_insu_stas", title="参保状态", read=cells.one_of("1", "2", "4"),
           expected=Told("1 正常、2 暂停、4 终止", "1 normal, 2 suspended or 4 ended")),
    Column(name="psn_insu_date", title="参保日期", read=cells.read_date, expected=cells.A_DATE),
    Column(name="benefit_from", title="待遇开始日期", read=cells.read_date, default=None,
           expected=cells.A_DATE),
    Column(name="paus_insu_date", title="暂停参保日期", read=cells.read_date, default=None,
           expected=cells.A_DATE),
    Column(name="insuplc_admdvs", title="参保地", read=cells.matching(r"\d{6}"), default="",
           expected=_DIGITS_6),
    Column(name="cvlserv_flag", title="公务员标志", read=cells.read_flag, default=False,
           expected=cells.A_FLAG),
    Column(name="effective_from", title="生效日期", read=cells.read_date, default=None,
           expected=cells.A_DATE),
    Column(name="closed_funds", title="关闭的基金", read=cells.codes(r"\d{6}"), default=(),
           expected=Told("6 位基金代码，以分号分隔", "codes of 6 digits, separated by ;")),
    Column(name="tags", title="人员标识", read=cells.codes(_TAG), default=(),
           expected=Told("标识，以分号分隔", "tags, separated by ;")),
    Column(name="qualifications", title="门慢特资格", read=_read_qualifications, default=(),
           expected=Told("标识:开始日期[:结束日期]，以分号分隔",
                         "tag:first day[:last day], separated by ;")),
)  # fmt: skip
COLUMNS = (*PERSON, *ENROLMENT)
_WIDTH = len(PERSON)
_ENROLMENTS_SEEN: dict[tuple[str, ...], Enrolment] = {}
_ENROLMENTS_SEEN_MAX = 50_000


class FilePerson(Struct, frozen=True, kw_only=True, gc=False):
    """A person as a file says them."""

    row: int
    person_no: str
    identity: Identity
    enrolments: tuple[Enrolment, ...]
    family: tuple[FamilyLink, ...] | None
    """None: the file does not say"""


class Known(Struct, frozen=True, kw_only=True, gc=False):
    """A person as the database has them."""

    identity: Identity
    enrolments: tuple[Enrolment, ...]
    family: tuple[FamilyLink, ...]


class Difference(Struct, frozen=True, kw_only=True, gc=False):
    """What a file would make of a person who is known, and which fields that changes."""

    identity: Identity | None
    """None: as it is"""
    enrolments: tuple[Enrolment, ...]
    family: tuple[FamilyLink, ...] | None
    fields: tuple[str, ...]
    """`name: old → new`; what is personal is only named"""
    days: tuple[tuple[date, date], ...]
    """for which claims would be decided otherwise; date.min and date.max: an open end"""


def read_person(rows: Sequence[Row], region: str, faults: list[Fault]) -> FilePerson | None:
    """The person of rows that stand together; None where a row is at fault, which is added."""
    number, first = rows[0]
    before = len(faults)
    told = cells.values_of(PERSON, first[:_WIDTH], number, faults)
    versions: dict[tuple[str, date], Enrolment] = {}
    for row, texts in rows:
        if row != number:
            _compare_with_first(first, texts, row, faults)
        enrolment = _read_enrolment(texts[_WIDTH:], region, row, faults)
        if enrolment is None:
            continue
        key = enrolment.scheme, enrolment.starts_on
        if key in versions:
            faults.append(_twice(row, enrolment))
        versions[key] = enrolment
    if told is None or len(faults) > before:
        return None
    family = told["family"]
    if family and any(link.donor_no == told["psn_no"] for link in family):
        problem = Told("本人不能是自己的亲属", "nobody is a relative of their own")
        faults.append(Fault(row=number, column="family", problem=problem))
        return None
    return FilePerson(
        row=number, person_no=told["psn_no"], identity=_identity(told),
        enrolments=ordered(versions.values()), family=family,
    )  # fmt: skip


def _compare_with_first(
    first: Sequence[str], texts: Sequence[str], row: int, faults: list[Fault]
) -> None:
    """What is said of the person is the same in every row."""
    for column, one, other in zip(PERSON, first, texts, strict=False):
        if one.strip() != other.strip():
            problem = Told("与同一人的前一行不同", "another value")
            expected = Told("与该人第一行相同", "the same as in the person's first row")
            fault = Fault(row=row, column=column.name, problem=problem, expected=expected)
            faults.append(fault)


def _read_enrolment(
    texts: Sequence[str], region: str, row: int, faults: list[Fault]
) -> Enrolment | None:
    """The version in the cells of a row. They repeat from person to person, so good ones are kept.
    """
    key = (region, *texts)
    found = _ENROLMENTS_SEEN.get(key)
    if found is not None:
        return found
    told = cells.values_of(ENROLMENT, texts, row, faults)
    found = None if told is None else _enrolment(told, region, row, faults)
    if found is not None:
        if len(_ENROLMENTS_SEEN) >= _ENROLMENTS_SEEN_MAX:
            _ENROLMENTS_SEEN.clear()
        _ENROLMENTS_SEEN[key] = found
    return found


def difference(
    told: FilePerson, known: Known, *, whole: bool
) -> Difference | None:
    """What the file changes of a person; None where nothing.

    A version of an enrolment replaces the one of the same scheme and beginning; other versions
    stay, and so do card and employer where the file has none, unless the file is `whole`: then it
    says everything.
    """
    enrolments, identity = told.enrolments, told.identity
    if not whole:
        identity = replace(
            identity,
            card_no=identity.card_no or known.identity.card_no,
            card_serial=identity.card_serial or known.identity.card_serial,
            employer=identity.employer or known.identity.employer,
        )
        merged = {(e.scheme, e.starts_on): e for e in known.enrolments}
        merged |= {(e.scheme, e.starts_on): e for e in enrolments}
        enrolments = ordered(merged.values())
    fields = [f"{name}: ***" for name in _changed_names(known.identity, identity)]
    fields += _enrolment_changes(known.enrolments, enrolments)
    if told.family is not None and told.family != known.family:
        fields.append(f"family: {len(known.family)} → {len(told.family)}")
    if not fields:
        return None
    return Difference(
        identity=None if identity == known.identity else identity,
        enrolments=enrolments, family=told.family, fields=tuple(fields),
        days=(
            changed_days(known.enrolments, enrolments)
            if identity.born_on == known.identity.born_on
            else _EVER  # policies ask for the age
        ),
    )  # fmt: skip


def ended(enrolments: Sequence[Enrolment], on: date) -> Difference | None:
    """A person whom a whole file leaves out: what still runs ends on that day."""
    after = tuple(_ended(each, on) for each in enrolments)
    fields = _enrolment_changes(enrolments, after)
    if not fields:
        return None
    return Difference(
        identity=None, enrolments=after, family=None, fields=tuple(fields),
        days=changed_days(enrolments, after),
    )  # fmt: skip


def ordered(enrolments: Collection[Enrolment]) -> tuple[Enrolment, ...]:
    """Versions in the order in which they begin: the present one last."""
    if len(enrolments) == 1:
        return tuple(enrolments)
    return tuple(sorted(enrolments, key=lambda each: (each.starts_on, each.scheme)))


def _ended(enrolment: Enrolment, on: date) -> Enrolment:
    if enrolment.status == ENDED:
        return enrolment
    since = enrolment.suspended_on
    return replace(enrolment, status=ENDED, suspended_on=min(since, on) if since else on)


def _identity(told: dict[str, Any]) -> Identity:
    return Identity(
        name=told["psn_name"], certificate_type=told["psn_cert_type"],
        certificate_no=told["certno"], sex=told["gend"], ethnic_group=told["naty"],
        born_on=told["brdy"], card_no=told["card_no"], card_serial=told["card_sn"],
        employer=told["emp_name"],
    )  # fmt: skip


def _enrolment(
    told: dict[str, Any], region: str, row: int, faults: list[Fault]
) -> Enrolment | None:
    enrolled_on, status = told["psn_insu_date"], told["psn_insu_stas"]
    suspended_on, effective_from = told["paus_insu_date"], told["effective_from"]
    objection = None
    if status != "1" and suspended_on is None:
        objection = ("paus_insu_date", Told("状态不正常而没有日期", "no date, though not normal"),
                     cells.A_DATE)  # fmt: skip
    elif status == "1" and suspended_on is not None:
        objection = ("paus_insu_date", Told("状态正常而有暂停日期", "a date, though normal"),
                     Told("空", "nothing"))  # fmt: skip
    elif effective_from is not None and effective_from < enrolled_on:
        objection = ("effective_from", Told("早于参保日期", "before the enrolment"),
                     Told("不早于 psn_insu_date", "psn_insu_date or later"))  # fmt: skip
    if objection is not None:
        column, problem, expected = objection
        faults.append(Fault(row=row, column=column, problem=problem, expected=expected))
        return None
    return Enrolment(
        scheme=told["insutype"], category=told["psn_type"], status=status,
        enrolled_on=enrolled_on, benefit_from=told["benefit_from"] or enrolled_on,
        suspended_on=suspended_on, region=told["insuplc_admdvs"] or region,
        civil_servant=told["cvlserv_flag"], closed_funds=told["closed_funds"],
        tags=told["tags"],
        effective_from=None if effective_from == enrolled_on else effective_from,
        qualifications=told["qualifications"],
    )  # fmt: skip


def _twice(row: int, enrolment: Enrolment) -> Fault:
    what = f"{enrolment.scheme} {enrolment.starts_on}"
    return Fault(
        row=row, column="insutype", problem=Told(f"{what} 重复", f"{what} is there twice"),
        expected=Told("每个险种和生效日期一行", "one row a scheme and first day"),
    )  # fmt: skip


def _changed_names(old: Struct, new: Struct) -> list[str]:
    before, after = asdict(old), asdict(new)
    return [name for name in before if before[name] != after[name]]


def _enrolment_changes(old: Sequence[Enrolment], new: Sequence[Enrolment]) -> list[str]:
    before = {(e.scheme, e.starts_on): e for e in old}
    after = {(e.scheme, e.starts_on): e for e in new}
    found = [f"{scheme} {start}: —" for scheme, start in before.keys() - after.keys()]
    for (scheme, start), each in after.items():
        earlier = before.get((scheme, start))
        if earlier is None:
            found.append(f"{scheme} {start}: + {each.category}, {each.status}")
            continue
        found += [
            f"{scheme} {start} {name}: {getattr(earlier, name)} → {getattr(each, name)}"
            for name in _changed_names(earlier, each)
        ]
    return sorted(found)
