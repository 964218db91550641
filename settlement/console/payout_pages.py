"""拨付: periods with institutions, stated, confirmed, ordered and closed, all at once.

Acts are those of `settlement payout` (finance/payout_*.py), lane by lane; what is about one
institution is in payee_pages.py. Whoever proposed does not order. An institution's finance sees its
own periods alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from settlement.books.payout import NONE, State
from settlement.clock import local_time
from settlement.console.asking import Answer, attachment
from settlement.console.fund_payer_pages import standings_of
from settlement.console.ordering import (
    FEW,
    NO_REASON,
    SMALL_BYTES,
    Order,
    have_done,
    lacks_reason,
    resumed,
)
from settlement.console.receiving import received
from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import (
    AdjustFileTask,
    BankTask,
    BatchTask,
    DepositsTask,
    PayoutAct,
    PayoutTask,
)
from settlement.finance.paper_job import BankFiles, Paper, Vouchers
from settlement.storage import console_money, fund_payers
from settlement.storage import console_payouts as store
from settlement.storage.console_files import KeptFile

TITLE = Words("拨付", "Payouts")
MISSING = Words("没有这一期，或尚未核定。", "There is no such period, or it is not stated yet.")
NO_DAY = Words(
    "请填写起止日期，如 2026-10-01。", "Please give first and last day, like 2026-10-01."
)
NO_PERIOD = Words("请填写拨付期，如 2026-10。", "Please give a period like 2026-10.")
NO_SOURCE = Words("请填写依据（文号）。", "Please give the document.")
BUSY = Words("正在生成其他文件，请稍后再试。", "Other files are being written; try again soon.")
GONE = Words("文件已不在，请重新上传。", "The file is not here any more: bring it again.")
PERIODS_MAX = 60
BANKED_MAX = 12
SHOWN_MAX = 200
TEXT_MAX = 64
VOUCHER_DAYS_MAX = 31
ACTS: dict[PayoutAct, Words] = {
    "state": Words("核定", "state"), "confirm": Words("确认应拨", "confirm"),
    "propose": Words("提出拨付", "propose payment"), "order": Words("下达拨付", "order"),
    "close": Words("关闭", "close"),
}  # fmt: skip


async def periods(visit: Visit) -> Answer:
    """All periods, and the next one to be stated."""
    visit = resumed(visit)
    async with visit.desk.reading() as connection:
        listed = await store.periods(connection, visit.scope, PERIODS_MAX)
        banked = [] if visit.scope else await store.bank_statements(connection, BANKED_MAX)
        payers = (
            await standings_of(visit, connection) if visit.may(Right.MONEY) else []
        )
    today = local_time(visit.at).date()
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    after = listed[0].last_on + timedelta(days=1) if listed else last_month
    return visit.page(
        "payouts.html", TITLE, periods=listed, after=after, month=last_month, banked=banked,
        month_ends=today.replace(day=1) - timedelta(days=1), payers=payers,
        work=visit.desk.works.in_the_way(subject_of(after)),
        on_shelf={one.digest for one in banked if visit.desk.shelf.find(one.digest)},
    )  # fmt: skip


async def state(visit: Visit) -> Answer:
    """State the next period."""
    first_on = _day(visit.asked.form.get("period", "").strip())
    if first_on is None:
        return await periods(visit.again(NO_PERIOD))
    back = f"/console/payouts/{first_on}"
    return await have_done(visit, order_of("state", first_on, None, back, periods))


async def period(visit: Visit) -> Answer:
    """Everybody's period: sums, states, and what may be done with all."""
    visit = resumed(visit)
    first_on = day_of(visit)
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if visit.scope is not None:
        return visit.go(f"/console/payouts/{first_on}/{visit.scope}")
    query = visit.asked.query
    text = query.get("institution", "").strip()[:TEXT_MAX]
    wanted = query.get("state", "")
    async with visit.desk.reading() as connection:
        found = await store.whole(connection, first_on)
        if not found.rows:
            return visit.page("message.html", MISSING, status=404, words=MISSING)
        matching = [
            one for one in found.rows
            if wanted in ("", one.state.value) and (text in one.institution or text in one.name)
        ]  # fmt: skip
        shown = matching[:SHOWN_MAX]
        standings = await store.standings(connection, first_on, [one.institution for one in shown])
        dues = [one for one in await fund_payers.dues(connection) if one.first_on == first_on]
    counts = Counter(one.state for one in found.rows)
    proposers = {one.proposer for one in found.rows if one.proposer}
    return visit.page(
        "payout_period.html", TITLE, first_on=first_on, text=text, wanted=wanted,
        rows=[(one, standings[one.institution]) for one in shown], shown=len(matching),
        total=len(found.rows), counts={one: counts[one] for one in State if counts[one]},
        batches=found.batches, owed=sum((one.owed for one in found.rows), start=NONE),
        due=sum((one.due for one in found.rows), start=NONE),
        proposed=sum(bool(one.proposer) for one in found.rows), proposers=proposers,
        only_own=proposers == {visit.who.name}, under_way=counts[State.ORDERED], names=ACTS,
        work=visit.desk.works.in_the_way(subject_of(first_on)),
        dues=dues if visit.may(Right.MONEY) else [],
    )  # fmt: skip


async def confirm(visit: Visit) -> Answer:
    """What is to be paid is fixed, for all that are ready."""
    return await _all(visit, "confirm")


async def propose(visit: Visit) -> Answer:
    """One person proposes to pay all that are confirmed."""
    return await _all(visit, "propose")


async def order(visit: Visit) -> Answer:
    """Another one orders what was proposed."""
    return await _all(visit, "order")


async def close(visit: Visit) -> Answer:
    """What is paid, or comes to nothing, is closed."""
    return await _all(visit, "close")


async def book_batch(visit: Visit) -> Answer:
    """Adjustments that somebody else proposed are booked."""
    first_on = day_of(visit)
    digest = _digest(visit.asked.form.get("batch", ""))
    if first_on is None or digest is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    return await have_done(visit, Order(
        task=BatchTask(first_on=first_on, digest=digest),
        title=Words(f"{first_on} 确认调整", f"{first_on}: confirm adjustments"),
        action="console.payout-batch", subject=subject_of(first_on),
        back=f"/console/payouts/{first_on}", again=period,
        is_short=await _few(visit, first_on),
    ))  # fmt: skip


async def adjust_file(visit: Visit) -> Answer:
    """A file of adjustments is proposed."""
    first_on = day_of(visit)
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if lacks_reason(visit):
        return await period(visit.again(NO_REASON))
    file = await received(visit)
    if isinstance(file, Words):
        return await period(visit.again(file))
    return await have_done(visit, Order(
        task=AdjustFileTask(first_on=first_on, file=file.digest),
        title=Words(f"{first_on} 调整 {file.name}", f"{first_on}: adjustments of {file.name}"),
        action="console.payout-adjust", subject=subject_of(first_on),
        back=f"/console/payouts/{first_on}", again=period,
        is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def deposits(visit: Visit) -> Answer:
    """Deposits come to their end by a year's scores: proposed as adjustments."""
    first_on, source = day_of(visit), visit.asked.form.get("source", "").strip()[:TEXT_MAX]
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if not source:
        return await period(visit.again(NO_SOURCE))
    if lacks_reason(visit):
        return await period(visit.again(NO_REASON))
    file = await received(visit)
    if isinstance(file, Words):
        return await period(visit.again(file))
    return await have_done(visit, Order(
        task=DepositsTask(first_on=first_on, file=file.digest, source=source),
        title=Words(f"{first_on} 质保金 {file.name}", f"{first_on}: deposits of {file.name}"),
        action="console.payout-deposits", subject=subject_of(first_on),
        back=f"/console/payouts/{first_on}", again=period,
        is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def read_bank(visit: Visit) -> Answer:
    """A bank statement is read in, and it is said what it would book."""
    if lacks_reason(visit):
        return await periods(visit.again(NO_REASON))
    file = await received(visit)
    if isinstance(file, Words):
        return await periods(visit.again(file))
    return await _bank(visit, file, confirm=False)


async def book_bank(visit: Visit) -> Answer:
    """Another person confirms a statement that was read in: it is booked."""
    file = visit.desk.shelf.find(visit.asked.form.get("file", ""))
    if file is None:
        return await periods(visit.again(GONE))
    return await _bank(visit, file, confirm=True)


async def _bank(visit: Visit, file: KeptFile, *, confirm: bool) -> Answer:
    what = Words("确认银行回单", "confirm a bank statement") if confirm else Words(
        "读入银行回单", "read a bank statement in"
    )
    return await have_done(visit, Order(
        task=BankTask(file=file.digest, confirm=confirm),
        title=Words(f"{what.zh} {file.name}", f"{what.en}: {file.name}"),
        action=f"console.payout-bank-{'book' if confirm else 'read'}",
        subject=f"bank {file.digest[:16]}", back="/console/payouts", again=periods,
        is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def bank_files(visit: Visit) -> Answer:
    """What banks are told, of all orders that are under way."""
    first_on = day_of(visit)
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    async with visit.desk.reading() as connection:
        stated = await console_money.stated_of(connection, first_on, first_on)
    if not stated:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    name = f"payout-{first_on:%Y%m%d}.zip"
    return await paper(
        visit, BankFiles(first_on=first_on), name, "application/zip", subject_of(first_on)
    )


async def vouchers(visit: Visit) -> Answer:
    """Vouchers of some business days."""
    first, last = (_day(visit.asked.query.get(name, "")) for name in ("since", "until"))
    if first is None or last is None or not 0 <= (last - first).days < VOUCHER_DAYS_MAX:
        return visit.page("message.html", NO_DAY, status=400, words=NO_DAY)
    name = f"vouchers-{first:%Y%m%d}-{last:%Y%m%d}.csv"
    asked = Vouchers(first_on=first, last_on=last)
    return await paper(visit, asked, name, "text/csv; charset=utf-8", f"vouchers {first} {last}")


async def paper(
    visit: Visit, asked: Paper, name: str, media: str, subject: str, *,
    action: str = "console.download-payout",
) -> Answer:  # fmt: skip
    """A file, written by a process of its own while it is read."""
    if not visit.desk.may_download:
        busy = visit.page("message.html", BUSY, status=503, words=BUSY)
        return busy.with_headers(("Retry-After", "10"))
    await visit.note(action, subject, name)
    file = visit.desk.paper(asked, at=visit.at)
    return Answer(media=media, stream=file.pieces(), headers=(attachment(name),))


def day_of(visit: Visit) -> date | None:
    """The day that the address names."""
    return _day(visit.parts[0])


def subject_of(first_on: date) -> str:
    """As the audit has it."""
    return f"payout {first_on}"


def order_of(
    act: PayoutAct, first_on: date, institution: str | None, back: str,
    again: Callable[[Visit], Awaitable[Answer]], *, is_short: bool = False,
) -> Order:  # fmt: skip
    """An act on the period of one institution, or of all."""
    whose = "" if institution is None else f" {institution}"
    return Order(
        task=PayoutTask(first_on=first_on, act=act, institution=institution),
        title=Words(f"{first_on}{whose} {ACTS[act].zh}", f"{first_on}{whose}: {ACTS[act].en}"),
        action=f"console.payout-{act}", subject=subject_of(first_on) + whose, back=back,
        again=again, is_short=is_short or institution is not None,
    )  # fmt: skip


async def _all(visit: Visit, act: PayoutAct) -> Answer:
    first_on = day_of(visit)
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    back = f"/console/payouts/{first_on}"
    few = await _few(visit, first_on)
    return await have_done(visit, order_of(act, first_on, None, back, period, is_short=few))


async def _few(visit: Visit, first_on: date) -> bool:
    """Whether a period is of few institutions."""
    async with visit.desk.reading() as connection:
        return len(await console_money.stated_of(connection, first_on, first_on)) <= FEW


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        return None


def _digest(text: str) -> bytes | None:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == 32 else None
