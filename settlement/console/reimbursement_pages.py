"""手工报销: what persons are reimbursed, by state and by person; papers taken in by file; payments
of all that are ready.

Acts are those of `settlement reimburse` (finance/reimbursement_*.py); what is about one is in
reimbursement_case_pages.py. The list names nobody: a person is found by the exact keyed hash of a
certificate number, as settlements are. No role that has a scope may see any of it; it is asked for
in every statement all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from settlement.books.reimbursement import State
from settlement.books.reimbursement_intake import PAPER_COLUMNS
from settlement.console.asking import Answer, attachment, redirect
from settlement.console.ordering import (
    FEW,
    NO_REASON,
    SMALL_BYTES,
    Order,
    have_done,
    lacks_reason,
    resumed,
)
from settlement.console.payout_pages import paper
from settlement.console.people import person_shown
from settlement.console.receiving import received
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import PapersTask, ReimbursementAct, ReimburseTask
from settlement.finance.paper_job import MARK, PersonFiles
from settlement.keyring import LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import parse
from settlement.storage import console_reimbursements as store
from settlement.storage.console_reimbursements import Listed, Waiting
from settlement.storage.console_search import find_person_no

TITLE = Words("手工报销", "Reimbursements")
OF_PERSON = Words("个人报销", "Reimbursements of a person")
MISSING = Words("没有这笔报销", "There is no such reimbursement")
NO_NUMBER = Words("没有这个受理编号；编号须完整。", "None has this number; it must be whole.")
NO_PERSON = Words("没有此证件号码的参保人。", "Nobody has this certificate number.")
NO_RECEIPT = Words(
    "预受理回执编号须为完整的 19 位，或留空。",
    "A receipt of papers told in advance has 19 digits; leave it empty where there is none.",
)
NO_ORDERS = Words("没有在途的报销款。", "No payment is under way.")
ALL = "reimbursements"
"""What the audit calls acts on all of them."""
DAYS = 31
"""What has ended is listed for so long."""
SHOWN_MAX = 100
TEXT_MAX = 64
NEXT: dict[State, Words] = {
    State.ACCEPTED: Words("核算", "calculate"),
    State.CALCULATED: Words("由另一人复核", "another person confirms"),
    State.SETTLED: Words("提出并下达拨付", "propose and order the payment"),
    State.ORDERED: Words("导入银行回单", "take the bank's statement"),
    State.RETURNED: Words("更换账户后重新下达", "another account, then order again"),
}
ACTS: dict[ReimbursementAct, Words] = {
    "calculate": Words("核算", "calculate"), "confirm": Words("复核记账", "confirm and book"),
    "refuse": Words("不予报销", "send back"), "propose": Words("提出拨付", "propose payment"),
    "order": Words("下达拨付", "order"), "ask-cancel": Words("提出撤销", "ask to take back"),
    "cancel": Words("确认撤销", "take back"),
}  # fmt: skip


async def overview(visit: Visit) -> Answer:
    """By state, the newest first; or to the one whose number is given."""
    visit = resumed(visit)
    query = visit.asked.query
    text = query.get("number", "").strip()[:TEXT_MAX]
    if text:
        number = parse(text)
        if number is not None:
            return redirect(f"/console/reimbursements/{number}")
        visit = visit.again(NO_NUMBER)
    state = State(query["state"]) if query.get("state", "") in set(State) else None
    since = visit.at - timedelta(days=DAYS)
    before = _before(visit)
    async with visit.desk.reading() as connection:
        found = await store.waiting(connection, visit.scope, since)
        matching = [
            one for one in found
            if state in (None, one.state) and (one.recorded_at, one.number) < before
        ]  # fmt: skip
        rows = await store.listed(connection, matching[:SHOWN_MAX])
    counts = store.counts(found)
    await visit.note("console.list-reimbursements", ALL, f"state={state.value if state else ''}")
    return visit.page(
        "reimbursements.html", TITLE, rows=rows, counts=counts, state=state,
        number=text, more=_more(matching), days=DAYS, next=NEXT,
        ready=counts.get(State.SETTLED, 0) + counts.get(State.RETURNED, 0),
        under_way=counts.get(State.ORDERED, 0), work=visit.desk.works.in_the_way(ALL),
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def find_person(visit: Visit) -> Answer:
    """By certificate number: to the person's reimbursements, or back to the form."""
    text = visit.asked.form.get("certificate", "").strip().upper()[:TEXT_MAX]
    desk = visit.desk
    key = desk.keyring.lookup_key(LookupKind.CERTIFICATE, text)
    async with desk.reading() as connection:
        lane = lane_of_key(key, desk.lanes)
        person_no = await find_person_no(connection, desk.shape, lane, key) if text else None
    found = "not found" if person_no is None else "found"
    await visit.note("console.search-reimbursements", f"certificate #{key.hex()[:8]}", found)
    if person_no is None:
        return await overview(visit.again(NO_PERSON))
    return visit.go(f"/console/reimbursements/of/{visit.seal(person_no.encode(), _purpose(visit))}")


async def of_person(visit: Visit) -> Answer:
    """All reimbursements of a person."""
    opened = visit.unseal(visit.parts[0], _purpose(visit))
    shown, rows = None, list[Listed]()
    if opened is not None:
        person_no = opened.decode()
        lane = lane_of(person_no, visit.desk.lanes)
        async with visit.desk.reading() as connection:
            shown = await person_shown(connection, visit.desk.keyring, lane, person_no)
            rows = await store.of_person(
                connection, visit.scope, lane, person_no, limit=SHOWN_MAX
            )
    if shown is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-person", f"person {shown.person_no}", "reimbursements")
    return visit.page(
        "reimbursements_of.html", OF_PERSON, shown=shown, rows=rows, most=SHOWN_MAX, next=NEXT,
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def blank(visit: Visit) -> Answer:
    """A file with the headings of papers and nothing else."""
    text = f"{MARK}{','.join(one.title for one in PAPER_COLUMNS)}\n"
    return Answer(
        body=text.encode(), media="text/csv; charset=utf-8",
        headers=(attachment("reimbursement-papers.csv"),),
    )  # fmt: skip


async def accept(visit: Visit) -> Answer:
    """A file of papers is taken in: all of it, or nothing with every fault named."""
    told = visit.asked.form.get("matter", "").strip()
    matter_no = parse(told) if told else 0
    if matter_no is None:
        return await overview(visit.again(NO_RECEIPT))
    if lacks_reason(visit):
        return await overview(visit.again(NO_REASON))
    file = await received(visit)
    if isinstance(file, Words):
        return await overview(visit.again(file))
    return await have_done(visit, Order(
        task=PapersTask(file=file.digest, matter_no=matter_no),
        title=Words(f"受理 {file.name}", f"take in {file.name}"),
        action="console.reimburse-accept", subject=f"papers {file.digest[:16]}",
        back="/console/reimbursements", again=overview, is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def propose(visit: Visit) -> Answer:
    """One person proposes to pay all that is owed."""
    return await _all(visit, "propose")


async def order(visit: Visit) -> Answer:
    """Another one orders what was proposed."""
    return await _all(visit, "order")


async def bank_files(visit: Visit) -> Answer:
    """What banks are told, of all orders that are under way."""
    counts = await _counts(visit)
    if not counts.get(State.ORDERED):
        return visit.page("message.html", NO_ORDERS, status=404, words=NO_ORDERS)
    return await paper(visit, PersonFiles(), "reimburse.zip", "application/zip", ALL)


async def _all(visit: Visit, act: ReimbursementAct) -> Answer:
    counts = await _counts(visit)
    ready = counts.get(State.SETTLED, 0) + counts.get(State.RETURNED, 0)
    return await have_done(visit, Order(
        task=ReimburseTask(act=act),
        title=Words(f"报销款{ACTS[act].zh}", f"reimbursements: {ACTS[act].en}"),
        action=f"console.reimburse-{act}", subject=ALL, back="/console/reimbursements",
        again=overview, is_short=ready <= FEW,
    ))  # fmt: skip


async def _counts(visit: Visit) -> dict[State, int]:
    """Of those that something is waited for."""
    async with visit.desk.reading() as connection:
        return store.counts(await store.waiting(connection, visit.scope, visit.at))


def _before(visit: Visit) -> tuple[datetime, int]:
    """Where the page before ended, by its link; on the first page everything is below it."""
    micros, _, number = visit.asked.query.get("before", "").partition("-")
    last = parse(number)
    if last is None or not (micros.isascii() and micros.isdecimal() and len(micros) < 18):
        return visit.at + timedelta(days=1), 0
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), last


def _more(rows: list[Waiting]) -> str | None:
    """The link to the next page."""
    if len(rows) <= SHOWN_MAX:
        return None
    last = rows[SHOWN_MAX - 1]
    micros = int(last.recorded_at.timestamp()) * 1_000_000 + last.recorded_at.microsecond
    return f"{micros}-{last.number}"


def _purpose(visit: Visit) -> bytes:
    return b"reimbursements for " + visit.who.name.encode()
