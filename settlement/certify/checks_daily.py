"""Daily reconciliation: the institution's own book against what the server has, to the fen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from settlement.certify.exam import Booked, Exam, came_of
from settlement.certify.sheet import Check, Group, NotApplicableError, check
from settlement.client import Done, Settlement

Totals = tuple[int, int, int, int]


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
        if _amounts(found) != _amounts(booked.settled):
            differing += 1
            exam.expect(
                f"5203 结算ID {booked.settled.setl_id}", f"{_amounts(booked.settled)} 分",
                f"{_amounts(booked.settled)} fen", f"{_amounts(found)}", False,
            )  # fmt: skip
    count = len(exam.book)
    exam.expect(
        f"5203 × {count}", f"{count} 笔，差异 0", f"{count} rows, none differs",
        f"差异 differing {differing}", differing == 0,
    )  # fmt: skip
    own, theirs = _sum(b.settled for b in exam.book.values()), _sum(told)
    exam.expect(
        "合计（总额, 基金, 账户, 现金）sums (total, funds, accounts, cash)", f"{own} 分",
        f"{own} fen", f"{theirs}", own == theirs,
    )  # fmt: skip


@check("daily-3201", Group.DAILY, "对总账（3201）", "Daily totals (3201)")
async def daily_totals(exam: Exam) -> None:
    """Level with the server, each clearing type of the answers, without refunds: neither cancels
    nor what they cancelled, so that an earlier examination of the day does not count. Only where
    3201 is served; no other settlement of the day may stand."""
    if "3201" not in exam.served:
        raise NotApplicableError("服务端未开通 3201 the server does not serve 3201")
    today = f"{exam.now():%Y-%m-%d}"
    kinds = {(each.clearing_type, each.clearing_office) for each in exam.book.values()}
    for clearing_type, office in sorted(kinds):
        rows = [
            each.settled
            for each in exam.standing()
            if (each.clearing_type, each.clearing_office) == (clearing_type, office)
        ]
        total_fen, fund_fen, account_fen, _ = _sum(rows)
        data = {
            "insutype": exam.buyer.insutype, "clr_type": clearing_type,
            "setl_optins": office, "stmt_begndate": today, "stmt_enddate": today,
            "medfee_sumamt": _yuan(total_fen), "fund_pay_sumamt": _yuan(fund_fen),
            "acct_pay": _yuan(account_fen), "fixmedins_setl_cnt": len(rows),
            "fixmedins_refd_setl_flag": "0", "refd_setl_flag": "0",
        }  # fmt: skip
        told = (await exam.done(exam.institution.message("3201", {"data": data}))).node("stmtinfo")
        result = str(told.get("stmt_rslt"))
        exam.expect(
            f"3201 clr_type {clearing_type} × {len(rows)}", "stmt_rslt 0 平", "stmt_rslt 0, level",
            f"{result} {told.get('stmt_rslt_dscr')}", result == "0",
        )  # fmt: skip


@check("daily-3260", Group.DAILY, "省内异地清分（3260–3262）", "Clearing between cities")
async def clearing_between_cities(exam: Exam) -> None:
    """Last month's list, if it has any rows; and no confirmation of what is not on it. Real rows
    are not confirmed: that is the institution's to say, and not ours."""
    if not exam.served >= {"3260", "3261", "3262"}:
        raise NotApplicableError("服务端未开通 3260–3262 the server does not serve 3260–3262")
    last = exam.now().replace(day=1) - timedelta(days=1)
    month = {"trt_year": f"{last:%Y}", "trt_month": f"{last:%m}"}
    message = exam.institution.message
    asked = message("3260", {"data": {**month, "startrow": 1}})
    rows = (await exam.done(asked)).rows("data")
    numbers = [str(row.get("seqno")) for row in rows]
    exam.expect(
        f"3260 {last:%Y%m}", "顺序号从1起连续", "numbers from 1 on, without gaps",
        f"{len(rows)} 行 rows", numbers == [str(n) for n in range(1, len(rows) + 1)],
    )  # fmt: skip
    invented = {
        "certno": "999999198001019999", "mdtrt_id": "S0", "setl_sn": "A0",
        "mdtrt_setl_time": f"{last:%Y-%m-%d %H:%M:%S}", "medfee_sumamt": "1.00",
        "optins_pay_sumamt": "1.00", "cnfm_flag": "1",
    }  # fmt: skip
    content = {"data": {**month, "totalrow": 1}, "detail": [invented]}
    await exam.refused(message("3261", content), "CROSS_CITY_ROW_UNKNOWN")
    unknown = {"data": {**month, "otransid": "1"}}
    await exam.refused(message("3262", unknown), "CROSS_CITY_CONFIRMATION_UNKNOWN")


@check("daily-clear", Group.DAILY, "测试结算全部撤销，合计归零", "Cancelled, all is zero")
async def clear_away(exam: Exam) -> None:
    """The newest first; then nothing stands and the book adds up to nothing."""
    for booked in reversed(exam.standing()):
        await exam.done(exam.cancel_of(booked))
    told = [found for b in exam.book.values() if (found := await _enquire(exam, b)) is not None]
    exam.expect(
        f"5203 × {len(exam.book)}，合计 sums", "0 分", "0 fen", f"{_sum(told)}",
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


def _amounts(one: Settlement) -> Totals:
    return one.total_fen, one.fund_fen, one.account_fen, one.cash_fen


def _sum(settlements: Iterable[Settlement]) -> Totals:
    rows = [_amounts(one) for one in settlements]
    total, fund, account, cash = (sum(row[n] for row in rows) for n in range(4))
    return total, fund, account, cash


def _yuan(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


CHECKS: tuple[Check, ...] = (
    each_settlement, daily_totals, clearing_between_cities, clear_away,
)  # fmt: skip
