"""The catalogue as a HIS synchronises it: files, pages, code lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from protocol.nhsa.registry import TYPED
from protocol.nhsa.textfile import FileError, unpack
from settlement.certify.exam import Exam
from settlement.certify.scope import FILES
from settlement.certify.sheet import Check, Group, NotApplicableError, StoppedError, check
from settlement.client import Done, Unknown
from settlement.client.outcome import AnswerError, Node, text_of

BEFORE_ANY = "v0000"
"""ver of who has no list yet"""
UNPACKED_BYTES_MAX = 1 << 30
PAGED = ("1304", "1312", "1316", "1318", "1319")
_LONG_AGO, _BEFORE_ANY = "2000-01-01 00:00:00", "1990-01-01"
_VERSION = re.compile(r"v\d{1,18}", re.ASCII)
Rows = list[list[str]]


class Listed(Struct, frozen=True, kw_only=True):
    """A catalogue file as it was announced and as it was fetched."""

    name: str
    row_count: int
    rows: Rows


def rows_in(exam: Exam, fetched: Done) -> Rows:
    """The rows of a file. Raises StoppedError where it is none that can be read."""
    try:
        text = unpack(fetched.file, bytes_max=UNPACKED_BYTES_MAX)
    except (AnswerError, FileError) as exc:
        exam.expect(
            "9102 文件 the file", "zip，内有一个UTF-8文本，CRC正确",
            "a zip with one UTF-8 text, its checksum right", f"{exc}", False,
        )  # fmt: skip
        raise StoppedError from exc
    return [line.removesuffix("\r").split("\t") for line in text.split("\n") if line]


async def fetch(exam: Exam, file_no: str, name: str) -> Rows:
    """9102, unpacked. Raises StoppedError, also where an earlier one was no answer at all."""
    if exam.files_fail:
        exam.expect(f"9102 {name}", "文件", "a file", f"同前 as before: {exam.files_fail}", False)
        raise StoppedError
    message = exam.institution.files.download(file_no, filename=name)
    outcome = await exam.institution.send(message)
    if isinstance(outcome, Unknown):
        exam.files_fail = outcome.reason
    exam.note(message, "受理成功", "accepted, the file", outcome, isinstance(outcome, Done))
    if not isinstance(outcome, Done):
        raise StoppedError
    exam.answered.add("9102")
    return rows_in(exam, outcome)


async def listed(exam: Exam, infno: str, ver: str = BEFORE_ANY) -> Listed:
    """1301 or its like, then 9102; the rows must be as many as were announced."""
    told = _announced(await exam.asked(infno, {"data": {"ver": ver}}))
    name, until = text_of(told, "filename"), text_of(told, "dld_end_time")
    exam.expect(
        f"{infno} dld_end_time", "不早于今天", "not before today", until,
        until[:10] >= f"{exam.now():%Y-%m-%d}",
    )  # fmt: skip
    rows = await fetch(exam, text_of(told, "file_qury_no"), name)
    count, widths = int(str(told.get("data_cnt", len(rows)))), {len(row) for row in rows}
    exam.expect(
        f"{infno} {name}，文件内容 the file", f"{count} 行（data_cnt），各行列数相同",
        f"{count} rows (data_cnt), all of as many columns",
        f"{len(rows)} 行 rows，{'、'.join(map(str, sorted(widths))) or 0} 列 columns",
        len(rows) == count and len(widths) <= 1,
    )  # fmt: skip
    return Listed(name=name, row_count=count, rows=rows)


def _announced(made: Done) -> Node:
    if not isinstance(made.output, Mapping):
        raise AnswerError(f"no file in the answer to {made.message.infno}")
    return made.output


def _file(infno: str) -> Check:
    async def run(exam: Exam) -> None:
        wanted = {item.med_list_codg for item in exam.candidate.items}
        for row in (await listed(exam, infno)).rows:
            exam.listed |= wanted.intersection(row)

    return check(
        infno, Group.CATALOGUE, TYPED[infno].title, "Asked for, fetched, unpacked",
        needs=(infno, "9102"),
    )(run)  # fmt: skip


@check(
    "items-listed", Group.CATALOGUE, "测试项目均在下载的目录中", "The test items are in the files",
    needs=("1301", "9102"),
)  # fmt: skip
async def items_listed(exam: Exam) -> None:
    """What the agency lets an institution sell is in what it gives it."""
    wanted = {item.med_list_codg for item in exam.candidate.items}
    missing = sorted(wanted - exam.listed)
    exam.expect(
        f"13xx，{len(wanted)} 个测试项目 test items", "均在其中", "all of them",
        "缺 missing " + "、".join(missing) if missing else "全部 all", not missing,
    )  # fmt: skip


@check(
    "catalogue-current", Group.CATALOGUE, "已有最新版本：不再下发",
    "Who has the newest gets no rows",
    needs=("1301", "9102"),
)  # fmt: skip
async def current(exam: Exam) -> None:
    """The version that stands in every row is sent back; then there is nothing to fetch."""
    rows = (await listed(exam, "1301")).rows
    shared = set.intersection(*(set(filter(_VERSION.fullmatch, row)) for row in rows or [[]]))
    if not shared:
        raise NotApplicableError("文件中没有版本号 no version in the file")
    ver = max(shared)
    again = await listed(exam, "1301", ver)
    exam.expect(
        f"1301 ver {ver}", "0 行", "no rows", f"{len(again.rows)} 行 rows", not again.rows
    )


@check(
    "catalogue-pages", Group.CATALOGUE, "目录分页查询：不重不漏",
    "Pages: nothing twice, nothing left out",
    needs=PAGED,
)  # fmt: skip
async def pages(exam: Exam) -> None:
    """Two short pages are one long one; no row is from before there were any."""
    for infno in PAGED:
        whole = await page(exam, infno, 1, 6)
        parts = await page(exam, infno, 1, 3) + await page(exam, infno, 2, 3)
        exam.expect(
            f"{infno} 第1、2页各3行 two pages of 3", "与一页6行相同，无重复",
            "those of one page of 6, none twice", f"{len(parts)} / {len(whole)} 行 rows",
            parts == whole and all(whole.count(row) == 1 for row in whole),
        )  # fmt: skip
        if infno != "1304":
            early = await page(exam, infno, 1, 3, query_date=_BEFORE_ANY)
            exam.expect(
                f"{infno} query_date {_BEFORE_ANY}", "0 行", "no rows", f"{len(early)}", not early
            )


async def page(exam: Exam, infno: str, number: int, size: int, **more: str) -> list[Node]:
    """A page of what changed since long ago."""
    data = {"updt_time": _LONG_AGO, "page_num": number, "page_size": size, **more}
    return (await exam.asked(infno, {"data": data})).rows()


@check(
    "1319-item", Group.CATALOGUE, "按项目查询自付比例", "The ratio of one item", needs=("1319",)
)
async def ratio(exam: Exam) -> None:
    """Only rows of the item that was named, their ratios between nothing and all."""
    for item in exam.candidate.items[:3]:
        rows = await page(exam, "1319", 1, 10, hilist_code=item.med_list_codg)
        right = all(
            row.get("hilist_code") == item.med_list_codg
            and 0 <= Decimal(str(row.get("selfpay_prop"))) <= 1
            for row in rows
        )
        told = "、".join(str(row.get("selfpay_prop")) for row in rows)
        exam.expect(
            f"1319 hilist_code {item.med_list_codg}", "仅该项目，比例在0至1之间",
            "this item only, ratios from 0 to 1", told or "无 none", right,
        )  # fmt: skip


@check(
    "1312-1316", Group.CATALOGUE, "按项目查询目录及匹配", "One item, and what it is matched with",
    needs=("1312", "1316"),
)  # fmt: skip
async def item(exam: Exam) -> None:
    """Only rows of the item that was named, which both answer alike."""
    for each in exam.candidate.items[:3]:
        code, known = each.med_list_codg, None
        for infno in ("1312", "1316"):
            rows = await page(exam, infno, 1, 10, hilist_code=code)
            dates = [(row.get("begndate"), row.get("enddate")) for row in rows]
            right = bool(rows) and all(row.get("hilist_code") == code for row in rows)
            exam.expect(
                f"{infno} hilist_code {code}", "仅该项目，两者日期相同",
                "this item only, the same dates in both", f"{len(rows)} 行 rows",
                right and known in (None, dates),
            )  # fmt: skip
            known = dates


@check("1901", Group.CATALOGUE, "字典表查询", "A code list", needs=("1901",))
async def dictionary(exam: Exam) -> None:
    """The list of schemes has the test person's, with a name."""
    told = (await exam.asked("1901", _dictionary(exam, "insutype"))).rows("list")
    names = {str(row.get("value")): str(row.get("label") or "") for row in told}
    scheme = exam.buyer.insutype
    exam.expect(
        "1901 insutype", f"含 {scheme} 及名称", f"has {scheme}, with a name",
        "、".join(f"{value} {label}" for value, label in names.items()) or "无 none",
        bool(names.get(scheme)),
    )  # fmt: skip


def _dictionary(exam: Exam, name: str) -> dict[str, object]:
    on = f"{exam.now():%Y-%m-%d}"
    return {"data": {"type": name, "admdvs": exam.candidate.region, "date": on}}


@check(
    "catalogue-refusals", Group.CATALOGUE, "目录类拒绝：版本、文件、页码、字典",
    "Refused: another platform's version, no file, page 0, no list",
    needs=("1301", "1319", "1901", "9102"),
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """Another platform's version, a file that is not there, page 0, a list that nobody keeps."""
    message = exam.institution.message
    other = message("1301", {"data": {"ver": "F002_20260101"}})
    await exam.refused(other, "CATALOGUE_VERSION_UNKNOWN", field="input.data.ver")
    gone = exam.institution.files.download("1", filename="1.zip")
    await exam.refused(gone, "FILE_UNKNOWN", field="input.fsDownloadIn.file_qury_no")
    nowhere = {"updt_time": _LONG_AGO, "page_num": 0, "page_size": 3}
    await exam.refused(
        message("1319", {"data": nowhere}), "PAGE_WRONG", field="input.data.page_num"
    )
    unknown = message("1901", _dictionary(exam, "no_such_list"))
    await exam.refused(unknown, "DICTIONARY_UNKNOWN", field="input.data.type")


CHECKS: tuple[Check, ...] = (
    *map(_file, FILES), items_listed, current, pages, ratio, item, dictionary, refusals
)  # fmt: skip
