"""手工报销, of one: its papers, what was calculated, what became of it, and what may be done.

Whoever entered the papers or calculated does not confirm; whoever proposed the payment or entered
the bank account does not order it; whoever asked for it to be taken back does not do it. Looking is
audited: the papers say what somebody was treated for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from settlement.bank_account import BankAccount
from settlement.books.reimbursement import AFTER, ENDED, Act, Papers, Standing, State, standing
from settlement.console.asking import Answer
from settlement.console.ordering import (
    NO_REASON,
    SMALL_BYTES,
    Order,
    have_done,
    lacks_reason,
    resumed,
)
from settlement.console.receiving import received
from settlement.console.reimbursement_pages import ACTS, MISSING, NEXT, TITLE
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import (
    PapersTask,
    PersonAccountTask,
    ReimbursementAct,
    ReimburseTask,
)
from settlement.finance.payout_books import open_books
from settlement.finance.reimbursement_books import Found, papers_of
from settlement.finance.reimbursement_deciding import Looked, looked_at
from settlement.numbers import lane_in
from settlement.storage import console_reading
from settlement.storage import console_reimbursements as scoped
from settlement.storage import reimbursements as store
from settlement.storage.reimbursements import Kept
from settlement.who import same_person

NO_ACCOUNT = Words(
    "请填写户名、账号（8 至 32 位数字）和开户行。",
    "Please give name, account number (8 to 32 digits) and bank.",
)
TEXT_MAX = 100
DIGITS = re.compile(r"[0-9]{8,32}", re.ASCII)
OWED = frozenset({State.SETTLED, State.ORDERED, State.PAID, State.RETURNED})
"""States in which it is booked and stands."""


class Case(Struct, frozen=True, kw_only=True):
    """One of them with its papers open."""

    kept: Kept
    now: Standing
    papers: Papers
    settled_too: int | None
    """a settlement of the institution with this invoice, where both stand"""
    items: Mapping[str, str]
    """what its items are called"""


async def case(visit: Visit) -> Answer:
    """One reimbursement."""
    visit = resumed(visit)
    found = await _case(visit)
    if found is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    number, now = found.kept.filed.number, found.now
    looked = await _looked(visit, found) if now.state is State.CALCULATED else None
    await visit.note("console.view-reimbursement", f"reimbursement {number}")
    return visit.page(
        "reimbursement.html", TITLE, case=found, filed=found.kept.filed, now=now,
        may={act.name.lower(): (now.state, act) in AFTER for act in Act},
        others=_others(now, visit.who.name), next=NEXT.get(now.state),
        has_ended=now.state in ENDED, looked=looked,
        work=visit.desk.works.in_the_way(_subject(number)),
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def calculate(visit: Visit) -> Answer:
    """What is paid of the papers, as of now; nothing is booked."""
    return await _act(visit, "calculate")


async def confirm(visit: Visit) -> Answer:
    """Another person confirms what was calculated: it is booked."""
    return await _act(visit, "confirm")


async def refuse(visit: Visit) -> Answer:
    """The papers are sent back."""
    return await _act(visit, "refuse")


async def propose(visit: Visit) -> Answer:
    """One person proposes to pay it."""
    return await _act(visit, "propose")


async def order(visit: Visit) -> Answer:
    """Another one orders it."""
    return await _act(visit, "order")


async def ask_cancel(visit: Visit) -> Answer:
    """One person asks for it to be taken back."""
    return await _act(visit, "ask-cancel")


async def cancel(visit: Visit) -> Answer:
    """Another one takes it back."""
    return await _act(visit, "cancel")


async def amend(visit: Visit) -> Answer:
    """Its papers are entered anew."""
    number = int(visit.parts[0])
    if lacks_reason(visit):
        return await case(visit.again(NO_REASON))
    file = await received(visit)
    if isinstance(file, Words):
        return await case(visit.again(file))
    return await have_done(visit, Order(
        task=PapersTask(file=file.digest, number=number),
        title=Words(f"{number} 更正材料", f"{number}: papers entered anew"),
        action="console.reimburse-amend", subject=_subject(number), back=_page(number),
        again=case, is_short=file.size_bytes <= SMALL_BYTES,
    ))  # fmt: skip


async def account(visit: Visit) -> Answer:
    """It is paid to another bank account."""
    number = int(visit.parts[0])
    name, digits, bank = (
        visit.asked.form.get(field, "").strip()[:TEXT_MAX] for field in ("name", "account", "bank")
    )
    if not (name and bank and DIGITS.fullmatch(digits)):
        return await case(visit.again(NO_ACCOUNT))
    told = BankAccount(name=name, account=digits, bank=bank)
    return await have_done(visit, Order(
        task=PersonAccountTask(number=number, account=told),
        title=Words(f"{number} 更换收款账户", f"{number}: another bank account"),
        action="console.reimburse-account", subject=_subject(number), back=_page(number),
        again=case, is_short=True,
    ))  # fmt: skip


async def _act(visit: Visit, act: ReimbursementAct) -> Answer:
    number = int(visit.parts[0])
    return await have_done(visit, Order(
        task=ReimburseTask(act=act, number=number),
        title=Words(f"{number} {ACTS[act].zh}", f"{number}: {ACTS[act].en}"),
        action=f"console.reimburse-{act}", subject=_subject(number), back=_page(number),
        again=case, is_short=True,
    ))  # fmt: skip


async def _case(visit: Visit) -> Case | None:
    number = int(visit.parts[0])
    lane = lane_in(number)
    if lane >= visit.desk.lanes:
        return None
    async with visit.desk.reading() as connection:
        if not await scoped.may_see(connection, visit.scope, lane, number):
            return None
        (kept,) = await store.kept_of(connection, lane, [number])
        now, papers = standing(kept.steps), papers_of(visit.desk.keyring, kept)
        codes = sorted({line.item_code for line in papers.claim.lines})
        settled_too = None
        if now.state in OWED:
            settled_too = await store.settled_by_invoice(
                connection, kept.filed.institution, kept.filed.invoice_no
            )
        items = await console_reading.item_names(connection, codes, kept.filed.ends_on)
    return Case(kept=kept, now=now, papers=papers, settled_too=settled_too, items=items)


async def _looked(visit: Visit, found: Case) -> Looked:
    """What was calculated, step by step: whoever confirms it sees why, and whether it still holds.
    It is the engine's answer of this moment; nothing of it is kept."""
    async with visit.desk.reading() as connection:
        books = await open_books(connection, visit.desk.keyring, clock=visit.desk.clock)
        return await looked_at(books, Found(kept=found.kept, now=found.now), found.papers)


def _others(now: Standing, name: str) -> dict[str, str]:
    """Of each act of a second person, whose work it may not be: empty where it may be ours."""
    firsts = {
        "confirm": (now.calculated, now.entered_by), "order": (now.proposal, now.entered_by),
        "cancel": (now.cancel, ""),
    }  # fmt: skip
    return {
        act: next(
            (who for who in ("" if step is None else step.actor, entered)
             if who and same_person(name, who)), "",
        )
        for act, (step, entered) in firsts.items()
    }  # fmt: skip


def _subject(number: int) -> str:
    return f"reimbursement {number}"


def _page(number: int) -> str:
    return f"/console/reimbursements/{number}"
