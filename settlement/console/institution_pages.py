"""定点机构: the list with the state of each agreement, and one institution: what it may do, what
it is owed, its last settlement, how it was paid, where it is told."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from settlement.chart import InstitutionAccount
from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.rights import Right
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.lanes import lane_of
from settlement.ledger_words import account_words
from settlement.storage import console_cases, console_reading
from settlement.storage.console_reading import AccountSum

INSTITUTIONS = Words("定点机构", "Institutions")
MISSING = Words("没有这家机构", "There is no such institution")
TEXT_MAX = 64
SHOWN_MAX = 200
STEPS_MAX = 8


class Agreed(Protocol):
    """What has an agreement."""

    @property
    def reason(self) -> str | None: ...
    @property
    def suspended(self) -> bool: ...
    @property
    def agreement_from(self) -> date: ...
    @property
    def agreement_to(self) -> date: ...


async def institutions(visit: Visit) -> Answer:
    """By a part of code or name; an institution's finance sees its own."""
    query = visit.asked.query
    text, after = (query.get(name, "").strip()[:TEXT_MAX] for name in ("text", "after"))
    async with visit.desk.reading() as connection:
        rows = await console_cases.institutions(
            connection, visit.scope, text, after=after, limit=SHOWN_MAX + 1
        )
    shown = rows[:SHOWN_MAX]
    return visit.page(
        "institutions.html", INSTITUTIONS, rows=shown, text=text, today=local_time(visit.at).date(),
        agreement_on=agreement_on,
        more=shown[-1].code if len(rows) > SHOWN_MAX else None,
    )  # fmt: skip


async def institution(visit: Visit) -> Answer:
    """One of them."""
    code = visit.parts[0]
    async with visit.desk.reading() as connection:
        found = await console_reading.institution(connection, visit.scope, code)
        if found is None:
            return visit.page("message.html", MISSING, status=404, words=MISSING)
        may_see_money = visit.may(Right.STATEMENT)
        sums = await console_reading.accounts(connection, found.account_base)
        last = await console_reading.last_settlement(connection, visit.scope, code)
        steps = await console_reading.payout_steps(
            connection, visit.scope, lane_of(code, visit.desk.lanes), code, limit=STEPS_MAX
        )
        receivers = await console_reading.receivers(connection, visit.scope, code)
        owed = await console_reading.notices_counted(connection, code)
    figures = await visit.desk.today.figures(visit.at, institution=code, base=found.account_base)
    now = local_time(visit.at)
    return visit.page(
        "institution.html", INSTITUTIONS, one=found, agreement=agreement_on(found, now.date()),
        sums=sums if may_see_money else [], payable_fen=_payable(sums) if may_see_money else None,
        last=last, steps=steps if may_see_money else [], receivers=receivers, owed=owed,
        figures=figures, this_hour=figures.hours[now.hour], minutes=now.minute + 1,
        account_words=account_words,
    )  # fmt: skip


def agreement_on(one: Agreed, day: date) -> str:
    """Whether it may settle on a day, and why not: the graver reason first."""
    if one.reason is not None:
        return "stopped"
    if one.suspended:
        return "suspended"
    if day < one.agreement_from:
        return "coming"
    return "open" if day <= one.agreement_to else "over"


def _payable(sums: list[AccountSum]) -> int:
    """What the agency owes it now: funds and personal accounts."""
    owed = {InstitutionAccount.PAYABLE_FUNDS, InstitutionAccount.PAYABLE_ACCOUNTS}
    return sum(one.credits_fen - one.debits_fen for one in sums if one.account % 10 in owed)
