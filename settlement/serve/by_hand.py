"""`settlement payments retry` and `given-back`: what people decide about a refund that its channel
refused (待退款).

It is tried again, or given back outside the channel: one person proposes that and another confirms
(线下退款, DOMAIN 11). Both work beside a server, under the head of the payment's journal, as the
background loop does (storage/under_head.py); the audit is part of the same commit.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from ledger.money import yuan_text
from settlement.clock import Clock, Moment, system_clock
from settlement.commands import Asked, Command
from settlement.decision import Decision
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.numbers import NumberSource, lane_in
from settlement.payments.pay_commands import Report
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Happening, Learnt, State
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.serve.worklist import STATE_ZH
from settlement.storage import reference
from settlement.storage.audits import Audited, audited, keep_audit
from settlement.storage.bookkeeping import Bookkeeping, open_bookkeeping
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.payment_reader import read_payments
from settlement.storage.payments import place_of
from settlement.storage.reference_import import open_agency_accounts
from settlement.storage.under_head import book_under_head
from settlement.storage.writer import lock_head
from settlement.translate import scans
from settlement.usecases import paying, webhooks
from settlement.view import View
from settlement.who import same_person

RETRY = "retry-refund"
PROPOSE = "propose-given-back"
CONFIRM = "confirm-given-back"
_NO_KEY = bytes(16)


class Order(Struct, frozen=True, kw_only=True):
    """What an operator wants of a payment, and why."""

    pay_no: int
    actor: str
    reason: str


class Books(Bookkeeping, frozen=True, kw_only=True):
    """What one command needs of the database (`settlement.usecases.returns.Books`)."""

    institutions: Mapping[str, Institution]
    receivers: frozenset[tuple[str, str]]
    keyring: Keyring

    @property
    def next_number(self) -> NumberSource:
        """The next number of a lane, on a business day."""
        return self.numbers.next


def retry(data_dir: Path, order: Order) -> Said:
    """Have the resolver try a refund again; 1 where there is none that was refused."""
    return _run(data_dir, order, try_again)


def given_back(data_dir: Path, order: Order, *, confirm: bool) -> Said:
    """Propose that a refund was given back outside the channel, or confirm what somebody else
    proposed; 1 where that cannot be."""
    return _run(data_dir, order, confirm_given_back if confirm else propose_given_back)


async def try_again(books: Books, order: Order) -> Said:
    """The resolver of a server sends it again, at once; without one, when one is started."""
    async with books.connection.transaction():
        fact = await _refund_due(books, order.pay_no)
        if isinstance(fact, Said):
            return fact
        await _audit(books, order, RETRY, fact)
        after = await _book(books, fact, Happening.RETRIED, order)
    attempt = after.standing.attempts[-1]
    return Said(
        0,
        f"已交重试 {order.pay_no}：{yuan_text(attempt.amount_fen)} 元 | to be tried again under "
        f"the refund number {attempt.order_no}",
    )


async def propose_given_back(books: Books, order: Order) -> Said:
    """One person says that it was given back; nothing is booked yet."""
    async with books.connection.transaction():
        fact = await _refund_due(books, order.pay_no)
        if isinstance(fact, Said):
            return fact
        await _audit(books, order, PROPOSE, fact)
    amount = yuan_text(fact.row.amount_fen)
    return Said(
        0,
        f"由 {order.actor} 提出 {order.pay_no} 已线下退款 {amount} 元，尚待另一人确认 | proposed "
        f"by {order.actor}, not booked: another person confirms with --confirm",
    )


async def confirm_given_back(books: Books, order: Order) -> Said:
    """Another person says so too, about the same refusal: it is booked."""
    async with books.connection.transaction():
        fact = await _refund_due(books, order.pay_no)
        if isinstance(fact, Said):
            return fact
        proposers = await _proposers(books, fact)
        if not proposers:
            return Said(
                1,
                f"{order.pay_no} 尚无人提出线下退款 | nobody has proposed it since it was refused",
            )
        others = [actor for actor in proposers if not same_person(actor, order.actor)]
        if not others:
            return Said(
                1,
                f"须由 {order.actor} 以外的人确认 | somebody other than {order.actor} must confirm",
            )
        await open_agency_accounts(books.connection)
        await _audit(books, order, CONFIRM, fact)
        await _book(books, fact, Happening.GIVEN_BACK, order)
    amount = yuan_text(fact.row.amount_fen)
    return Said(
        0,
        f"{order.pay_no} 已线下退款 {amount} 元并入账：{others[0]} 提出，{order.actor} 确认 | "
        f"booked: proposed by {others[0]}, confirmed by {order.actor}",
    )


def subject_of(pay_no: int) -> str:
    """How the subjects of all audit rows about a payment begin."""
    return f"payment {pay_no}/"


async def open_books(
    connection: PlainConnection, keyring: Keyring, *, clock: Clock = system_clock
) -> Books:
    """As the background loop opens its own."""
    opened = await open_bookkeeping(connection, clock=clock)
    return opened.of(
        Books, institutions=await reference.institutions(connection),
        receivers=await reference.receivers(connection), keyring=keyring,
    )  # fmt: skip


async def _refund_due(books: Books, pay_no: int) -> PaymentFact | Said:
    """The payment, which nobody else changes until the transaction ends; or why it is not one that
    people have to do with."""
    lane = lane_in(pay_no)
    journal = books.journal_of.get(lane)
    view = View()
    if journal is not None:
        await lock_head(books.connection, journal=journal, lane=lane, shape=books.shape)
        await read_payments(books.connection, [pay_no], view, books.shape)
    fact = view.payments.get(pay_no)
    if fact is None:
        return Said(1, f"没有收款或退款 {pay_no} | there is no payment {pay_no}")
    state = fact.standing.state
    if state is State.REFUND_DUE:
        return fact
    return Said(
        1,
        f"{pay_no} 不是待人工退款（{STATE_ZH[state]}） | {pay_no} is {state.value}, not "
        "a refund that its channel refused",
    )


def _subject(fact: PaymentFact) -> str:
    """The payment, and the event that made it due: a proposal is about that refusal alone."""
    return f"{subject_of(fact.row.pay_no)}{fact.standing.since_event}"


async def _proposers(books: Books, fact: PaymentFact) -> list[str]:
    subject = _subject(fact)
    rows = await audited(books.connection, subject)
    return [row.actor for row in rows if (row.action, row.subject) == (PROPOSE, subject)]


async def _audit(books: Books, order: Order, action: str, fact: PaymentFact) -> None:
    await keep_audit(
        books.connection,
        Audited(
            at=books.moment.at, actor=order.actor, action=action, subject=_subject(fact),
            note=order.reason,
        ),
    )  # fmt: skip


async def _book(
    books: Books, fact: PaymentFact, happening: Happening, order: Order
) -> PaymentFact:
    """One more report about the payment, decided and written as any other."""
    row, attempt = fact.row, fact.standing.attempts[-1]
    command = Report(
        asked=Asked(
            infno=scans.SCAN, institution=books.institutions[row.institution], msgid=row.order_no,
            operator=order.actor, lane=row.lane, person_no=place_of(row), message_key=_NO_KEY,
            fingerprint=b"",
        ),
        pay_nos=(row.pay_no,), pay_no=row.pay_no, happening=happening, attempt=attempt.number,
        learnt=Learnt(operator=order.actor, text=order.reason),
    )  # fmt: skip
    after: list[PaymentFact] = []

    def decide(one: Command, view: View, at: Moment) -> Decision:
        if not isinstance(one, Report):
            raise TypeError(f"{type(one).__name__} is not for this command")
        decision = webhooks.with_notice(
            paying.report(one, view, books, at), books.receivers, books.keyring, at
        )
        reply = decision.reply
        if decision.effects is None or not isinstance(reply, paying.PayAnswer) or not reply.fact:
            raise ValueError(f"{happening.name} changes nothing about {row.pay_no}")
        after.append(reply.fact)
        return decision

    await book_under_head(
        books.connection, [command], journal=books.journal_of[row.lane], shape=books.shape,
        keyring=books.keyring, moment=books.moment, decide=decide,
    )  # fmt: skip
    return after[0]


def _run(
    data_dir: Path, order: Order, act: Callable[[Books, Order], Coroutine[None, None, Said]]
) -> Said:
    async def on_books(books: Books) -> Said:
        return await act(books, order)

    return run_act(_books(data_dir), on_books)


@asynccontextmanager
async def _books(data_dir: Path) -> AsyncIterator[Books]:
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    async with connected(data_dir) as (_, connection):
        yield await open_books(connection, keyring)
