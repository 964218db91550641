"""Details by file (9101, 3202, 9102): what agrees, what differs, what only one side has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from protocol.nhsa.textfile import pack, text_of
from settlement.certify.checks_catalogue import Rows, fetch
from settlement.certify.checks_resend import same_answer
from settlement.certify.exam import Booked, Exam
from settlement.certify.makers import settled_now
from settlement.certify.money import yuan
from settlement.certify.sheet import Check, Group, check
from settlement.client import AnswerError, Message
from settlement.client.outcome import text_of as said

NEEDS = ("9101", "3202", "9102")
AGREES, ONLY_HERE, ONLY_THERE, DIFFERS = "0", "1", "2", "3"
"""stmt_rslt of a row"""
STANDING_MIN = 3
_NO_REFUND = "0"
_SETL_ID, _VERDICT, _MEMO = 2, 4, 6
_NAME = "detail.zip"


class Line(Struct, frozen=True, kw_only=True):
    """A row of the institution's file."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    total_fen: int
    fund_fen: int
    account_fen: int

    @classmethod
    def of(cls, booked: Booked) -> Line:
        """Of a settlement in the book."""
        own = booked.settled
        return cls(
            setl_id=own.setl_id, mdtrt_id=own.mdtrt_id, psn_no=booked.psn_no,
            total_fen=own.total_fen, fund_fen=own.fund_fen, account_fen=own.account_fen,
        )  # fmt: skip

    def values(self) -> tuple[str, ...]:
        """Its seven columns."""
        return (
            self.setl_id, self.mdtrt_id, self.psn_no, yuan(self.total_fen), yuan(self.fund_fen),
            yuan(self.account_fen), _NO_REFUND,
        )  # fmt: skip


class Scope(Struct, frozen=True, kw_only=True):
    """What is compared: today's settlements of one clearing type that stand."""

    clearing_type: str
    clearing_office: str
    lines: tuple[Line, ...]


async def scope_of_today(exam: Exam) -> Scope:
    """The kind of which most stand; some are settled where there are too few."""
    while True:
        kinds = Counter((one.clearing_type, one.clearing_office) for one in exam.standing())
        kind, count = kinds.most_common(1)[0] if kinds else (("", ""), 0)
        if count >= STANDING_MIN:
            break
        await settled_now(exam)
    rows = [one for one in exam.standing() if (one.clearing_type, one.clearing_office) == kind]
    return Scope(
        clearing_type=kind[0], clearing_office=kind[1], lines=tuple(map(Line.of, rows))
    )


async def upload(exam: Exam, lines: Sequence[Line]) -> str:
    """9101; the number of the file."""
    content = pack("detail.txt", text_of(line.values() for line in lines))
    done = await exam.done(exam.institution.files.upload(content, filename=_NAME))
    if not isinstance(done.output, Mapping):
        raise AnswerError("no file_qury_no in the answer to 9101")
    return said(done.output, "file_qury_no")


def comparison(exam: Exam, scope: Scope, lines: Sequence[Line], file_no: str) -> Message:
    """3202 of a file with these lines, without refunds, today."""
    today = f"{exam.now():%Y-%m-%d}"
    total, funds, accounts = (
        sum(getattr(line, name) for line in lines)
        for name in ("total_fen", "fund_fen", "account_fen")
    )
    data = {
        "setl_optins": scope.clearing_office, "file_qury_no": file_no, "stmt_begndate": today,
        "stmt_enddate": today, "medfee_sumamt": yuan(total), "fund_pay_sumamt": yuan(funds),
        "cash_payamt": yuan(total - funds - accounts), "fixmedins_setl_cnt": len(lines),
        "clr_type": scope.clearing_type, "refd_setl_flag": "0", "fixmedins_refd_setl_flag": "0",
    }  # fmt: skip
    return exam.institution.message("3202", {"data": data})


async def compared(exam: Exam, scope: Scope, lines: Sequence[Line]) -> Rows:
    """9101, 3202 and 9102: the result, row by row. The same 3202 again has the same result."""
    message = comparison(exam, scope, lines, await upload(exam, lines))
    first = await exam.done(message)
    same_answer(exam, first, await exam.done(message))
    info = first.node("fileinfo")
    return await fetch(exam, said(info, "file_qury_no"), said(info, "filename"))


@check(
    "3202-level", Group.CLEARING, "对明细账：账目一致", "Details that agree", needs=NEEDS
)
async def level(exam: Exam) -> None:
    """Every row that stands agrees, and there is no other."""
    scope = await scope_of_today(exam)
    rows = await compared(exam, scope, scope.lines)
    verdicts = Counter(row[_VERDICT] for row in rows)
    exam.expect(
        f"3202 clr_type {scope.clearing_type}", f"{len(scope.lines)} 行，均为 0 平",
        f"{len(scope.lines)} rows, all of them 0, level", _counted(verdicts),
        verdicts == {AGREES: len(scope.lines)},
    )  # fmt: skip


@check(
    "3202-differing", Group.CLEARING, "对明细账：金额差一分、漏一笔、多一笔均被指出",
    "A fen too much, one left out, one invented: each is found", needs=NEEDS,
)  # fmt: skip
async def differing(exam: Exam) -> None:
    """One row is a fen dearer, one is missing, one never was; all others agree."""
    scope = await scope_of_today(exam)
    wrong, left_out, *rest = scope.lines
    dearer = Line(
        setl_id=wrong.setl_id, mdtrt_id=wrong.mdtrt_id, psn_no=wrong.psn_no,
        total_fen=wrong.total_fen + 1, fund_fen=wrong.fund_fen, account_fen=wrong.account_fen,
    )  # fmt: skip
    invented = Line(
        setl_id=f"{wrong.setl_id[:-6]}999999", mdtrt_id=wrong.mdtrt_id, psn_no=wrong.psn_no,
        total_fen=100, fund_fen=0, account_fen=0,
    )  # fmt: skip
    rows = await compared(exam, scope, [dearer, *rest, invented])
    by_number = {row[_SETL_ID]: row for row in rows}
    for line, verdict, zh, en in (
        (dearer, DIFFERS, "3 数据不一致", "3, differs"),
        (invented, ONLY_THERE, "2 医药机构多", "2, only the institution has it"),
    ):
        found = by_number.get(line.setl_id, [])
        exam.expect(
            f"3202 结算ID {line.setl_id}", zh, en,
            f"{found[_VERDICT]} {found[_MEMO]}" if found else "无此行 no such row",
            bool(found) and found[_VERDICT] == verdict,
        )  # fmt: skip
    memo = by_number.get(dearer.setl_id, [""] * 7)[_MEMO]
    both = yuan(dearer.total_fen), yuan(wrong.total_fen)
    exam.expect(
        "3202 memo", f"含 {both[0]} 与 {both[1]}", f"says {both[0]} and {both[1]}", memo,
        all(amount in memo for amount in both),
    )  # fmt: skip
    verdicts = Counter(row[_VERDICT] for row in rows)
    exam.expect(
        f"3202，漏报 left out {left_out.setl_id}", "恰有一行 1 中心多",
        "exactly one row 1, only the centre has it", _counted(verdicts),
        verdicts == {DIFFERS: 1, ONLY_THERE: 1, ONLY_HERE: 1, AGREES: len(rest)}
        or (not rest and verdicts == {DIFFERS: 1, ONLY_THERE: 1, ONLY_HERE: 1}),
    )  # fmt: skip


def _counted(verdicts: Counter[str]) -> str:
    return "，".join(f"stmt_rslt {one} × {count}" for one, count in sorted(verdicts.items()))


@check(
    "file-refusals", Group.CLEARING, "文件与明细拒绝：格式、归属、列数、合计",
    "Refused: no zip, another's, a column missing, other totals", needs=NEEDS,
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """No zip, another institution's, a column missing, totals that are not the file's."""
    files, scope = exam.institution.files, await scope_of_today(exam)
    no_zip = files.upload(b"setl_id\tmdtrt_id", filename="detail.txt")
    await exam.refused(no_zip, "FILE_NOT_ZIP", field="input.fsUploadIn.in")
    theirs = exam.edited(
        files.upload(pack("detail.txt", ""), filename=_NAME),
        {"fsUploadIn.fixmedins_code": f"{exam.candidate.code[:-2]}ZZ"},
    )
    await exam.refused(
        theirs, "FILE_OF_OTHER_INSTITUTION", field="input.fsUploadIn.fixmedins_code"
    )
    at, lines = "input.data.file_qury_no", scope.lines[:1]
    short = pack("detail.txt", text_of([lines[0].values()[:-1]]))
    sent = await exam.done(files.upload(short, filename=_NAME))
    number = str(sent.output.get("file_qury_no")) if isinstance(sent.output, dict) else ""
    await exam.refused(comparison(exam, scope, lines, number), "FILE_COLUMNS_WRONG", field=at)
    one_more = comparison(exam, scope, scope.lines, await upload(exam, lines))
    await exam.refused(one_more, "FILE_TOTALS_DIFFER", field=at)
    await exam.refused(comparison(exam, scope, lines, "1"), "FILE_UNKNOWN", field=at)


CHECKS: tuple[Check, ...] = (level, differing, refusals)
