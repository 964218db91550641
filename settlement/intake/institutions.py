"""Designated institutions (定点医药机构) as a file says them, one a row. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from settlement.chart import INSTITUTION_BASE, INSTITUTION_STRIDE
from settlement.institution import Institution, InstitutionKind
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.report import Counts, Sample
from settlement.intake.source import Row

_LEVEL = cells.matching(r"\d{1,2}")
_A_LEVEL = Told("等级代码", "the code of a level")
_KINDS = {"1": InstitutionKind.HOSPITAL, "2": InstitutionKind.PHARMACY}
_KEY = Told("8 至 64 位字母、数字或 -_.", "8 to 64 letters, digits or -_.")

COLUMNS = (
    Column(name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
           expected=Told("一个字母和 11 位数字", "a letter and 11 digits")),
    Column(name="fixmedins_name", title="机构名称", read=cells.short_text(200),
           expected=Told("至多 200 字", "at most 200 characters")),
    Column(name="fixmedins_type", title="机构类型", read=cells.one_of("1", "2"),
           expected=Told("1 医疗机构或 2 零售药店", "1 hospital or 2 pharmacy")),
    Column(name="admdvs", title="区划", read=cells.matching(r"\d{6}"), default="",
           expected=Told("6 位数字", "6 digits")),
    Column(name="hosp_lv", title="医院等级", read=_LEVEL, expected=_A_LEVEL),
    Column(name="dedc_hosp_lv", title="起付线等级", read=cells.one_of("1", "2", "3"),
           expected=Told("1、2 或 3", "1, 2 or 3")),
    Column(name="lmtpric_hosp_lv", title="限价等级", read=cells.one_of("1", "2", "3"),
           expected=Told("1、2 或 3", "1, 2 or 3")),
    Column(name="agreement_from", title="协议开始日期", read=cells.read_date,
           expected=cells.A_DATE),
    Column(name="agreement_to", title="协议结束日期", read=cells.read_date,
           expected=cells.A_DATE),
    Column(name="suspended", title="协议中止", read=cells.read_flag, default=False,
           expected=cells.A_FLAG),
    Column(name="care_types", title="准予的医疗类别", read=cells.codes(r"\d{2,6}"),
           expected=Told("医疗类别代码，以分号分隔", "codes of med_type, separated by ;")),
    Column(name="off_site", title="准予异地就医直接结算", read=cells.read_flag, default=True,
           expected=cells.A_FLAG),
    Column(name="access_key", title="接入标识", read=cells.matching(r"[A-Za-z0-9._\-]{8,64}"),
           default="", expected=_KEY),
    Column(name="secret", title="密钥", read=cells.matching(r"[!-~]{16,128}"), default="",
           personal=True, expected=Told("16 至 128 位可见字符", "16 to 128 visible characters")),
)  # fmt: skip


class FileInstitution(Struct, frozen=True, kw_only=True):
    """An institution as a file says it; `account_base` is not the file's to say."""

    row: int
    institution: Institution
    access_key: str
    secret: str


class Given(Struct, frozen=True, kw_only=True):
    """A credential to be written."""

    institution: str
    access_key: str
    secret: str


class Plan(Struct, kw_only=True):
    """What is to be written, with its counts."""

    institutions: list[Institution]
    opened: list[Institution]
    """those of them that are new: their accounts are to be opened"""
    credentials: list[Given]
    without: list[str]
    """institutions of the file that have no credential, and are given none"""
    counts: Counts


def read_institutions(
    rows: Iterable[Row], region: str, faults: list[Fault]
) -> list[FileInstitution]:
    """Every row that is not at fault."""
    found: dict[str, FileInstitution] = {}
    keys: dict[str, int] = {}
    for number, texts in rows:
        values = cells.values_of(COLUMNS, texts, number, faults)
        agreed = _agreement_ends_after_it_begins(texts, number, faults)
        one = _institution(values, number, region, faults) if values and agreed else None
        if one is None:
            continue
        code = one.institution.code
        if code in found:
            faults.append(_double(number, "fixmedins_code", found[code].row))
        elif one.access_key and keys.setdefault(one.access_key, number) != number:
            faults.append(_double(number, "access_key", keys[one.access_key]))
        else:
            found[code] = one
    return list(found.values())


def plan(
    told: Iterable[FileInstitution], known: Mapping[str, Institution],
    credentials: Mapping[str, tuple[str, str]], faults: list[Fault], *, whole: bool, ends_on: date,
) -> Plan:  # fmt: skip
    """Compare a file with what is known; `credentials` are institution and secret by access key."""
    made = Plan(institutions=[], opened=[], credentials=[], without=[], counts=Counts())
    base = max((one.account_base for one in known.values()), default=INSTITUTION_BASE)
    having = {code for code, _ in credentials.values()}
    named = set()
    for one in told:
        code = one.institution.code
        named.add(code)
        before = known.get(code)
        base += INSTITUTION_STRIDE if before is None else 0
        after = replace(
            one.institution, account_base=base if before is None else before.account_base
        )
        fields = [] if before is None else _changes(before, after)
        fields += _credential(one, credentials, having, made, faults)
        if before is None:
            made.counts.new += 1
            made.opened.append(after)
        elif not fields:
            made.counts.unchanged += 1
            continue
        else:
            made.counts.changed += 1
            made.counts.sample([Sample(one.row, code, tuple(fields))])
        if after != before:
            made.institutions.append(after)
    if whole:
        _end_missing(made, known, named, ends_on)
    return made


def _agreement_ends_after_it_begins(
    texts: Sequence[str], row: int, faults: list[Fault]
) -> bool:
    """False where it is the other way round, which is added whatever else is wrong with the row;
    dates that are none are told as such."""
    cells_of = dict(zip((column.name for column in COLUMNS), texts, strict=True))
    try:
        first, last = (
            cells.read_date(cells_of[name].strip()) for name in ("agreement_from", "agreement_to")
        )
    except ValueError:
        return True
    if last >= first:
        return True
    problem = Told("早于协议开始日期", "before the agreement begins")
    faults.append(Fault(row=row, column="agreement_to", problem=problem))
    return False


def _institution(
    told: Mapping[str, Any], row: int, region: str, faults: list[Fault]
) -> FileInstitution | None:
    if told["secret"] and not told["access_key"]:
        problem = Told("有密钥而没有接入标识", "a secret, but no access_key")
        faults.append(Fault(row=row, column="access_key", problem=problem, expected=_KEY))
        return None
    institution = Institution(
        code=told["fixmedins_code"], name=told["fixmedins_name"],
        kind=_KINDS[told["fixmedins_type"]], region=told["admdvs"] or region,
        hospital_level=told["hosp_lv"], deductible_level=told["dedc_hosp_lv"],
        ceiling_level=told["lmtpric_hosp_lv"], agreement_from=told["agreement_from"],
        agreement_to=told["agreement_to"], suspended=told["suspended"],
        care_types=frozenset(told["care_types"]), off_site=told["off_site"], account_base=0,
    )  # fmt: skip
    return FileInstitution(
        row=row, institution=institution, access_key=told["access_key"], secret=told["secret"]
    )


def _credential(
    one: FileInstitution, credentials: Mapping[str, tuple[str, str]], having: set[str], made: Plan,
    faults: list[Fault],
) -> list[str]:  # fmt: skip
    """What the file changes of the credential; a secret is never shown."""
    code = one.institution.code
    if not one.access_key:
        if code not in having:
            made.without.append(code)
        return []
    owner, secret = credentials.get(one.access_key, (code, ""))
    if owner != code:
        problem = Told(f"属于 {owner}", f"belongs to {owner}")
        faults.append(Fault(row=one.row, column="access_key", problem=problem))
        return []
    if not one.secret and not secret:
        problem = Told("新的接入标识没有密钥", "a new access_key without a secret")
        faults.append(Fault(row=one.row, column="secret", problem=problem))
        return []
    if not one.secret or hmac.compare_digest(one.secret.encode(), secret.encode()):
        return []
    made.credentials.append(
        Given(institution=code, access_key=one.access_key, secret=one.secret)
    )
    return [f"credential {one.access_key}: {'+' if not secret else '*** → ***'}"]


def _end_missing(
    made: Plan, known: Mapping[str, Institution], named: set[str], ends_on: date
) -> None:
    """What a whole file leaves out: its agreement ends on the day before."""
    last = ends_on - timedelta(days=1)
    for code, before in sorted(known.items()):
        if code in named or before.agreement_to <= last:
            continue
        after = replace(before, agreement_to=last)
        made.institutions.append(after)
        made.counts.missing += 1
        made.counts.sample([Sample(0, code, tuple(_changes(before, after)))])


def _changes(before: Institution, after: Institution) -> list[str]:
    old, new = asdict(before), asdict(after)
    return [f"{name}: {_shown(old[name])} → {_shown(new[name])}"
            for name in old if old[name] != new[name]]  # fmt: skip


def _shown(value: object) -> str:
    return ";".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _double(row: int, column: str, earlier: int) -> Fault:
    problem = Told(f"第 {earlier} 行已有", f"is in row {earlier} already")
    return Fault(row=row, column=column, problem=problem)
