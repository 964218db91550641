"""Stays that were open at the cut-over (在院期初), one row a stay. Pure.

Fee lines are not brought along: the hospital uploads those that are not settled, under the number
that the stay gets here. What earlier segments bore of the deductible is, for it is borne once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct, json

from ledger.money import yuan_text
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.openings import signing_lines
from settlement.intake.source import Row

COLUMNS = (
    Column(name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
           expected=Told("一个字母和 11 位数字", "a letter and 11 digits")),
    Column(name="psn_no", title="人员编号", read=cells.matching(r"[A-Za-z0-9]{6,30}"),
           personal=True, expected=Told("6 至 30 位字母或数字", "6 to 30 letters or digits")),
    Column(name="earlier_mdtrt_id", title="原就诊编号", read=cells.matching(r"[A-Za-z0-9\-]{1,30}"),
           expected=Told("至多 30 位字母、数字或 -", "at most 30 letters, digits or -")),
    Column(name="ipt_no", title="住院号", read=cells.short_text(30),
           expected=Told("至多 30 字", "at most 30 characters")),
    Column(name="insutype", title="险种类型", read=cells.matching(r"\d{3,5}"),
           expected=Told("险种代码，如 310", "a code of a scheme, as 310")),
    Column(name="med_type", title="医疗类别", read=cells.matching(r"\d{2,6}"),
           expected=Told("医疗类别代码，如 21", "a code of med_type, as 21")),
    Column(name="begntime", title="入院时间", read=cells.read_moment,
           expected=Told("日期或日期时间，如 2026-11-01 08:30:00",
                         "a date, or date and time, like 2026-11-01 08:30:00")),
    Column(name="atddr_no", title="主治医生编码", read=cells.short_text(30), default="",
           expected=Told("至多 30 字", "at most 30 characters")),
    Column(name="borne_deductible", title="已承担起付标准", read=cells.read_fen, default=0,
           expected=Told("不为负、至多两位小数的元", "yuan, not negative, at most two decimals")),
    Column(name="borne_year", title="承担年度", read=cells.matching(r"20\d\d"), default="",
           expected=Told("四位年度", "a year of four digits")),
    Column(name="source", title="来源", read=cells.short_text(200),
           expected=Told("至多 200 字", "at most 200 characters")),
)  # fmt: skip


class OpenStay(Struct, frozen=True, kw_only=True, gc=False):
    """A stay that goes on."""

    row: int
    institution: str
    person_no: str
    earlier_no: str
    inpatient_no: str
    scheme: str
    care_type: str
    begun_at: datetime
    doctor: str
    borne_fen: int
    """what segments that were settled elsewhere bore of the deductible"""
    borne_year: int
    source: str

    @property
    def fingerprint(self) -> bytes:
        """Digest of what is said of it, wherever it stands in the file."""
        said = (
            self.institution, self.person_no, self.earlier_no, self.inpatient_no, self.scheme,
            self.care_type, self.begun_at, self.doctor, self.borne_fen, self.borne_year,
        )  # fmt: skip
        return sha256(json.encode(said)).digest()


def read_stays(rows: Iterable[Row], faults: list[Fault]) -> list[OpenStay]:
    """Every row that is not at fault. A person is in one hospital at a time."""
    found: dict[tuple[str, str], OpenStay] = {}
    persons: dict[str, int] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        if told is None:
            continue
        stay = OpenStay(
            row=number, institution=told["fixmedins_code"], person_no=told["psn_no"],
            earlier_no=told["earlier_mdtrt_id"], inpatient_no=told["ipt_no"],
            scheme=told["insutype"], care_type=told["med_type"], begun_at=told["begntime"],
            doctor=told["atddr_no"], borne_fen=told["borne_deductible"],
            borne_year=int(told["borne_year"] or told["begntime"].year), source=told["source"],
        )  # fmt: skip
        earlier = found.setdefault((stay.institution, stay.earlier_no), stay)
        if earlier is not stay:
            faults.append(_double(number, "earlier_mdtrt_id", earlier.row))
        elif persons.setdefault(stay.person_no, number) != number:
            faults.append(_double(number, "psn_no", persons[stay.person_no]))
            del found[stay.institution, stay.earlier_no]
    return list(found.values())


def totals_text(stays: Sequence[OpenStay], digest: str) -> str:
    """The totals of a file, for two people to sign."""
    lines = [
        f"在院期初合计 open stays，{len(stays)} 人次 stays，"
        f"{len({each.institution for each in stays})} 家机构 institutions",
        f"  已承担起付标准 deductible borne  {yuan_text(sum(each.borne_fen for each in stays))}",
        *signing_lines(digest),
    ]
    return "\n".join(lines)


def _double(row: int, column: str, earlier: int) -> Fault:
    problem = Told(f"第 {earlier} 行已有", f"is in row {earlier} already")
    return Fault(row=row, column=column, problem=problem)
