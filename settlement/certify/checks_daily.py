"""Daily reconciliation: the institution's own book against what the server has, to the fen."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from settlement.certify.exam import Booked, Exam
from settlement.certify.money import Totals, in_words, totals_of, yuan
from settlement.certify.sheet import Check, Group, StoppedError, check
from settlement.certify.words import came_of
from settlement.client import Done, Settlement
from settlement.client.message import Input


@check("daily-5203", Group.DAILY, "逐笔与合计：本机构账与5203一致", "Each settlement and the sums")
async def each_settlement(exam: Exam) -> None:
    """5203 of every row in the book; then the sums."""
    told: list[Settlement] = []
    differing = 0
    for booked in exam.book.values():
        found = await _enquire(exam, booked)
        if found is None:
            differing += 1
            continue
        told.append(found)
        if totals_of(found) != totals_of(booked.settled):
            differing += 1
            exam.expect(
                f"5203 结算ID {booked.settled.setl_id}", in_words(totals_of(booked.settled)),
                "as it was answered", in_words(totals_of(found)), False,
            )  # fmt: skip
    count = len(exam.book)
    exam.expect(
        f"5203 × {count}", f"{count} 笔，差异 0", f"{count} rows, none differs",
        f"差异 differing {differing}", differing == 0,
    )  # fmt: skip
    own, theirs = _sum(b.settled for b in exam.book.values()), _sum(told)
    exam.expect(
        f"5203 × {count}，合计 sums", in_words(own), "those of the institution's own book",
        in_words(theirs), own == theirs,
    )  # fmt: skip


@check(
    "daily-3201", Group.DAILY, "对总账（3201）", "Daily totals (3201)", needs=("3201",)
)
async def daily_totals(exam: Exam) -> None:
    """Level with the server, each clearing type of the answers, without refunds: neither cancels
    nor what they cancelled, so that an earlier examination of the day does not count; no other
    settlement of the day may stand. A fen more is not level, and both numbers are said."""
    kinds = {(each.clearing_type, each.clearing_office) for each in exam.book.values()}
    for kind in sorted(kinds):
        rows = [
            each.settled
            for each in exam.standing()
            if (each.clearing_type, each.clearing_office) == kind
        ]
        totals = _sum(rows)
        for more_fen, wanted, zh, en in ((0, "0", "平", "level"), (1, "1", "不平", "not level")):
            content = _totals(exam, kind, totals, more_fen=more_fen, count=len(rows))
            told = (await exam.asked("3201", content)).node("stmtinfo")
            result, said = str(told.get("stmt_rslt")), str(told.get("stmt_rslt_dscr"))
            both = yuan(totals[0] + more_fen) in said and yuan(totals[0]) in said
            exam.expect(
                f"3201 clr_type {kind[0]} × {len(rows)}" + "，多一分 a fen more" * more_fen,
                f"stmt_rslt {wanted} {zh}" + "，说明含两个金额" * more_fen,
                f"stmt_rslt {wanted}, {en}" + ", both numbers said" * more_fen,
                f"{result} {said}", result == wanted and (both or not more_fen),
            )  # fmt: skip


def _totals(
    exam: Exam, kind: tuple[str, str], totals: Totals, *, more_fen: int, count: int
) -> Input:
    """3201 of today."""
    today = f"{exam.now():%Y-%m-%d}"
    total_fen, fund_fen, account_fen, _ = totals
    data = {
        "insutype": exam.buyer.insutype, "clr_type": kind[0], "setl_optins": kind[1],
        "stmt_begndate": today, "stmt_enddate": today, "medfee_sumamt": yuan(total_fen + more_fen),
        "fund_pay_sumamt": yuan(fund_fen), "acct_pay": yuan(account_fen),
        "fixmedins_setl_cnt": count, "fixmedins_refd_setl_flag": "0", "refd_setl_flag": "0",
    }  # fmt: skip
    return {"data": data}


@check("daily-clear", Group.DAILY, "测试结算全部撤销，合计归零", "Cancelled, all is zero")
async def clear_away(exam: Exam) -> None:
    """The newest first; then nothing stands and the book adds up to nothing."""
    for booked in reversed(exam.standing()):
        # One that cannot be cancelled is written down; the others may go all the same.
        with suppress(StoppedError):
            await exam.done(exam.cancel_of(booked))
    told = [found for b in exam.book.values() if (found := await _enquire(exam, b)) is not None]
    exam.expect(
        f"5203 × {len(exam.book)}，合计 sums", "均为 0.00", "nothing", in_words(_sum(told)),
        _sum(told) == (0, 0, 0, 0) and len(told) == len(exam.book),
    )  # fmt: skip


async def _enquire(exam: Exam, booked: Booked) -> Settlement | None:
    own = booked.settled
    outcome = await exam.institution.settlement(
        psn_no=booked.psn_no, mdtrt_id=own.mdtrt_id, setl_id=own.setl_id
    )
    if isinstance(outcome, Done):
        return outcome.settlement
    exam.expect(
        f"5203 结算ID {own.setl_id}", "查得该结算", "the settlement", came_of(outcome), False
    )
    return None


def _sum(settlements: Iterable[Settlement]) -> Totals:
    rows = [totals_of(one) for one in settlements]
    total, fund, account, cash = (sum(row[n] for row in rows) for n in range(4))
    return total, fund, account, cash


CHECKS: tuple[Check, ...] = (each_settlement, daily_totals)
