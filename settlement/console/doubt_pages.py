"""未完结: payments and cases of other regions that are not at their end and notices that were not
delivered, since when, the history of each, and what people may do about one.

A refund that its channel refused is tried again, or was given back outside the channel: then one
person proposes and another confirms. Both are the operators' commands (serve/by_hand.py), done in
the name of who is signed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import Words, both
from settlement.elsewhere.remote_worklist import waiting
from settlement.numbers import lane_in, parse
from settlement.payments.payment_states import State
from settlement.said import Said
from settlement.serve import by_hand
from settlement.serve.by_hand import Books, Order
from settlement.serve.payment_history import History, read_history
from settlement.storage import console_cases, console_regions
from settlement.storage.outbox import resend
from settlement.storage.payment_reader import read_payments
from settlement.view import View

TITLE = Words("未完结", "In doubt")
PAYMENT = Words("收款与退款", "Payment")
MISSING = Words("没有这笔收款或退款", "There is no such payment")
NO_REASON = Words("请填写事由。", "Please say why.")
NO_NOTICE = Words("没有这条通知。", "There is no such notice.")
SENT_AGAIN = Words("将立即重发。", "It will be sent again at once.")
SHOWN_MAX = 200
REASON_MAX = 200


async def worklist(visit: Visit) -> Answer:
    """What is not at its end, the oldest first, a page of each list at a time."""
    paid_after, case_after = (_after(visit, name) for name in ("payments_after", "cases_after"))
    async with visit.desk.reading() as connection:
        open_ = await console_cases.payments_open(
            connection, visit.scope, after=paid_after, limit=SHOWN_MAX + 1
        )
        view = View()
        await read_payments(
            connection, [one.pay_no for one in open_[:SHOWN_MAX]], view, visit.desk.shape
        )
        doubt = await console_cases.doubt(connection, visit.scope)
        notices = await console_cases.undelivered(connection, visit.scope, limit=SHOWN_MAX)
        away = await console_regions.cases_open(
            connection, visit.scope, None, after=case_after, limit=SHOWN_MAX + 1
        )
        away_count = await console_regions.cases_open_count(connection, visit.scope, None)
    shown = open_[:SHOWN_MAX]
    rows = [(one, view.payments[one.pay_no]) for one in shown if one.pay_no in view.payments]
    return visit.page(
        "doubt.html", TITLE, rows=rows, doubt=doubt, notices=notices, away_count=away_count,
        away=[waiting(one, visit.at) for one in away[:SHOWN_MAX]],
        more_payments=shown[-1].pay_no if len(open_) > SHOWN_MAX else None,
        more_cases=away[SHOWN_MAX - 1].case_no if len(away) > SHOWN_MAX else None,
        is_further=paid_after is not None or case_after is not None,
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def payment(visit: Visit) -> Answer:
    """One payment with everything that happened to it."""
    pay_no = int(visit.parts[0])
    async with visit.desk.reading() as connection:
        history = None
        if await console_cases.may_see_payment(connection, visit.scope, pay_no):
            history = await read_history(connection, pay_no, visit.desk.keyring)
    if history is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-payment", f"payment {pay_no}")
    standing = history.fact.standing
    return visit.page(
        "payment.html", PAYMENT, history=history, names=await visit.desk.institution_names(),
        fact=history.fact, standing=standing,
        refund_due=standing.state is State.REFUND_DUE, proposers=_proposers(history),
    )  # fmt: skip


async def retry(visit: Visit) -> Answer:
    """Have a refused refund tried again."""
    return await _act(visit, by_hand.try_again)


async def propose(visit: Visit) -> Answer:
    """Say that a refund was given back outside the channel."""
    return await _act(visit, by_hand.propose_given_back)


async def confirm(visit: Visit) -> Answer:
    """Say so too, as another person: it is booked."""
    return await _act(visit, by_hand.confirm_given_back)


async def resend_notice(visit: Visit) -> Answer:
    """Have the undelivered notices of a case sent at once."""
    case_no = int(visit.parts[0])
    reason = visit.asked.form.get("reason", "").strip()[:REASON_MAX]
    if not reason:
        return await worklist(visit.again(NO_REASON))
    async with visit.desk.writing() as connection, connection.transaction():
        numbers = await resend(connection, case_no, None, at=visit.at)
    if not numbers:
        return await worklist(visit.again(NO_NOTICE))
    await visit.note("resend-notice", f"outbox {case_no}", reason)
    return visit.go("/console/doubt", SENT_AGAIN)


def _after(visit: Visit, name: str) -> int | None:
    """Where the page before ended."""
    number = parse(visit.asked.query.get(name, ""))
    return number if number is not None and lane_in(number) < visit.desk.lanes else None


async def _act(visit: Visit, act: Callable[[Books, Order], Awaitable[Said]]) -> Answer:
    pay_no = int(visit.parts[0])
    reason = visit.asked.form.get("reason", "").strip()[:REASON_MAX]
    if not reason:
        return await payment(visit.again(NO_REASON))
    order = Order(pay_no=pay_no, actor=visit.who.name, reason=reason)
    async with visit.desk.owning() as connection:
        books = await by_hand.open_books(connection, visit.desk.keyring, clock=visit.desk.clock)
        said = await act(books, order)
    words = both(said.text)
    if said.status:
        await visit.note("console.action-refused", f"payment {pay_no}", words.zh)
        return await payment(visit.again(words))
    return visit.go(f"/console/payments/{pay_no}", words)


def _proposers(history: History) -> list[str]:
    """Who proposed that the refund was given back, since it was refused."""
    fact = history.fact
    subject = f"{by_hand.subject_of(fact.row.pay_no)}{fact.standing.since_event}"
    return [
        one.actor
        for one in history.audits
        if (one.action, one.subject) == (by_hand.PROPOSE, subject)
    ]
