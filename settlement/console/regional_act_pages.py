"""异地清算, to act: a month is stated, a paper of the other side is taken, and a period is worked
from its statement to zero. Acts are those of `settlement clear` (finance/regional_errands.py).

A form carries how many steps its page showed, so that nobody acts on what somebody else has just
changed. Whoever proposed that money moved does not book it.
"""

from __future__ import annotations

from datetime import date

from settlement.console import regional_pages
from settlement.console.asking import Answer
from settlement.console.ordering import (
    SMALL_BYTES,
    WAIT_SECONDS,
    Order,
    busy_with,
    have_done,
    resumed,
    told_words,
)
from settlement.console.payee_pages import fen_of
from settlement.console.receiving import received
from settlement.console.regional_pages import NO_MONTH, month_of
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.elsewhere.regional_clearing import SIDES, month_after
from settlement.finance.errand_tasks import (
    RegionAct,
    RegionStateTask,
    RegionTakeTask,
    RegionTask,
)
from settlement.finance.errands import Errand
from settlement.storage.console_files import KeptFile
from settlement.storage.regional_reading import rows_here_up_to

CHECKED = Words("试收", "Preview")
GONE = Words("文件已不在，请重新上传。", "The file is not here any more: bring it again.")
NO_CASES = Words("请勾选或填写结算单号。", "Please choose rows, or write case numbers.")
NO_NOTICE = Words(
    "请填写通知编号和金额（元，至多两位小数，可为负）。",
    "Please give the notice's number and its amount in yuan (two decimals at most).",
)
NO_VOUCHER = Words("请填写银行凭证号。", "Please give the number of the bank's voucher.")
ACTS: dict[RegionAct, Words] = {
    "object": Words("提出异议", "object"), "withdraw": Words("撤回异议", "withdraw objections"),
    "postpone": Words("延期", "postpone"), "confirm": Words("确认", "confirm"),
    "send": Words("经平台交付", "send over the wire"),
    "notify": Words("登记通知", "keep a notice"),
    "propose": Words("提出收付", "propose the money"),
    "settle": Words("收付入账", "book the money"),
    "close": Words("关闭", "close"),
}  # fmt: skip
CASES_MAX = 500
FEW_ROWS = 1_000
"""Of people from elsewhere, in all months: fewer are stated while the page waits."""
TEXT_MAX = 64
_BOX = "case "
"""How the names of the boxes before rows begin."""


async def state(visit: Visit) -> Answer:
    """State what others owe us for a month, or only say what that comes to."""
    return await _state(visit, keep=True)


async def try_to_state(visit: Visit) -> Answer:
    """Say what stating comes to; nothing is written."""
    return await _state(visit, keep=False)


async def take(visit: Visit) -> Answer:
    """A paper of the other side is brought: it is read and compared, and nothing is written."""
    month = month_of(visit.asked.form.get("month", ""))
    if month is None:
        return await regional_pages.overview(visit.again(NO_MONTH))
    file = await received(visit)
    if isinstance(file, Words):
        return await regional_pages.overview(visit.again(file))
    works, subject = visit.desk.works, _check_of(file)
    await visit.note("console.region-check", subject, file.name)
    is_short = file.size_bytes <= SMALL_BYTES
    in_the_way = works.in_the_way(subject, apart=not is_short)
    if in_the_way is not None:
        return await regional_pages.overview(visit.again(busy_with(in_the_way.title)))
    errand = Errand(
        place=visit.desk.place, actor=visit.who.name, reason=CHECKED.zh, at=visit.at,
        task=RegionTakeTask(month=month, file=file.digest, keep=False),
    )  # fmt: skip
    back = f"/console/regions/{month:%Y-%m}/checked/{file.digest}"
    work = works.start(
        errand, title=_title(CHECKED, file), subject=subject, back=back, apart=not is_short
    )
    await works.wait(work, WAIT_SECONDS)
    return visit.go(back)


async def checked(visit: Visit) -> Answer:
    """What a paper would come to, or why it is refused; with ?part=live what changes."""
    visit = resumed(visit)
    month, file = month_of(visit.parts[0]), visit.desk.shelf.find(visit.parts[1])
    if month is None or file is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    work = visit.desk.works.last_of(_check_of(file))
    said = None if work is None else work.said
    live = visit.asked.query.get("part") == "live"
    return visit.page(
        "region_checked_live.html" if live else "region_checked.html", CHECKED, file=file,
        month=f"{month:%Y-%m}", work=work, said=None if said is None else told_words(said),
        good=said is not None and not said.status,
    )  # fmt: skip


async def keep(visit: Visit) -> Answer:
    """What was looked at is taken. The same bytes change nothing."""
    month, file = month_of(visit.parts[0]), visit.desk.shelf.find(visit.parts[1])
    if month is None or file is None:
        return visit.page("message.html", GONE, status=404, words=GONE)
    return await have_done(visit, Order(
        task=RegionTakeTask(month=month, file=file.digest, keep=True),
        title=_title(Words("收下", "Take"), file), action="console.region-take",
        subject=f"region file {file.digest[:16]}", back=f"/console/regions?month={month:%Y-%m}",
        again=checked, is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def dispute(visit: Visit) -> Answer:
    """Rows are disputed."""
    return await _mark(visit, "object")


async def withdraw(visit: Visit) -> Answer:
    """Disputed rows stand again."""
    return await _mark(visit, "withdraw")


async def postpone(visit: Visit) -> Answer:
    """Rows go to a later month."""
    return await _mark(visit, "postpone")


async def confirm(visit: Visit) -> Answer:
    """What was not postponed is confirmed."""
    return await _act(visit, "confirm")


async def send(visit: Visit) -> Answer:
    """Our papers of the period go over the wire."""
    return await _act(visit, "send")


async def notify(visit: Visit) -> Answer:
    """A notice of payment or receipt is kept."""
    form = visit.asked.form
    number = form.get("notice", "").strip()[:TEXT_MAX]
    fen = signed_fen(form.get("amount", "").strip())
    if not number or fen is None:
        return await regional_pages.period(visit.again(NO_NOTICE))
    return await _act(visit, "notify", reference=number, amount_fen=fen)


async def propose(visit: Visit) -> Answer:
    """One person says that the money has moved."""
    return await _move(visit, "propose")


async def settle(visit: Visit) -> Answer:
    """Another one says so too, by the same voucher: it is booked."""
    return await _move(visit, "settle")


async def close(visit: Visit) -> Answer:
    """The period is closed."""
    return await _act(visit, "close")


def cases_in(visit: Visit) -> tuple[str, ...]:
    """The cases that are chosen in a form: boxes before rows, and numbers that were pasted."""
    form = visit.asked.form
    boxes = [name.removeprefix(_BOX) for name in form if name.startswith(_BOX)]
    pasted = form.get("cases", "").replace(",", " ").replace("，", " ").split()
    return tuple(dict.fromkeys([*boxes, *pasted]))[:CASES_MAX]


def signed_fen(text: str) -> int | None:
    """Yuan that may be below zero; None where it is no amount."""
    fen = fen_of(text.removeprefix("-"))
    return None if fen is None else -fen if text.startswith("-") else fen


async def _state(visit: Visit, *, keep: bool) -> Answer:
    form = visit.asked.form
    month, party = month_of(form.get("month", "")), form.get("party", "")
    if month is None:
        return await regional_pages.overview(visit.again(NO_MONTH))
    what = Words("申报", "state") if keep else Words("试算申报", "what can be stated")
    async with visit.desk.reading() as connection:
        rows = await rows_here_up_to(connection, month_after(month), FEW_ROWS)
    whose = Words(party, party) if party else Words("全部", "all")
    return await have_done(visit, Order(
        task=RegionStateTask(month=month, party=party or None, keep=keep),
        title=Words(
            f"{month:%Y-%m} {what.zh} {whose.zh}", f"{month:%Y-%m}: {what.en}, {whose.en}"
        ),
        action=f"console.region-{'state' if keep else 'try'}", subject=f"regions {month:%Y-%m}",
        back=f"/console/regions?month={month:%Y-%m}", again=regional_pages.overview,
        asks_reason=keep, is_short=rows < FEW_ROWS,
    ))  # fmt: skip


async def _mark(visit: Visit, act: RegionAct) -> Answer:
    cases = cases_in(visit)
    if not cases:
        return await regional_pages.period(visit.again(NO_CASES))
    months = 2 if visit.asked.form.get("months") == "2" else 1
    return await _act(visit, act, cases=cases, months=months)


async def _move(visit: Visit, act: RegionAct) -> Answer:
    voucher = visit.asked.form.get("voucher", "").strip()[:TEXT_MAX]
    if not voucher:
        return await regional_pages.period(visit.again(NO_VOUCHER))
    return await _act(visit, act, reference=voucher)


async def _act(
    visit: Visit, act: RegionAct, *, cases: tuple[str, ...] = (), months: int = 0,
    reference: str = "", amount_fen: int = 0,
) -> Answer:  # fmt: skip
    told, party, side = visit.parts
    seen = visit.asked.form.get("seen", "")
    task = RegionTask(
        month=date.fromisoformat(f"{told}-01"), party=party, side=SIDES[side], act=act,
        seen=int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 6 else 0,
        cases=cases, months=months, reference=reference, amount_fen=amount_fen,
    )  # fmt: skip
    name = f"{told} {party}"
    return await have_done(visit, Order(
        task=task, title=Words(f"{name} {ACTS[act].zh}", f"{name}: {ACTS[act].en}"),
        action=f"console.region-{act}", subject=f"region {party} {side} {told}",
        back=f"/console/regions/{told}/{party}/{side}", again=regional_pages.period, is_short=True,
    ))  # fmt: skip


def _check_of(file: KeptFile) -> str:
    return f"region check {file.digest[:16]}"


def _title(what: Words, file: KeptFile) -> Words:
    return Words(f"{what.zh} {file.name}", f"{what.en}: {file.name}")
