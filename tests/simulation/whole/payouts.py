"""Finance people pay institutions for months that are over; the agency's bank pays, or sends back.

Each act is the product's own (settlement/finance/payout_*.py), on a line that may break; whoever
does not know what became of it looks again. The bank keeps a book of its own: what it was told to
pay, and what it said of it. In the end every month that is over is paid, each institution once and
for what its rows say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Any

from settlement import chart
from settlement.bank_account import BankAccount
from settlement.books.clearing import SETTLED_LATE
from settlement.books.month_states import last_day
from settlement.books.payout import Act, Period, Standing, State, Step, standing
from settlement.books.payout_intake import BankRow
from settlement.chart import InstitutionAccount
from settlement.clock import local_time
from settlement.finance import payout_accounts, payout_paying
from settlement.finance.payout_bank import READ, Statement, take
from settlement.finance.payout_books import PayoutBooks, open_books, step_commitment
from settlement.finance.payout_paying import Chosen
from settlement.finance.payout_stating import state
from settlement.lanes import lane_of
from settlement.rows import SettlementRow
from settlement.said import Said
from settlement.storage.payouts import step_of
from tests.kit.closing import CHEN, LIN
from tests.simulation.whole.laws import demand
from tests.simulation.whole.months import CLOCKS_APART, FAILURES
from tests.simulation.whole.opening import OPENED

if TYPE_CHECKING:
    from settlement.who import Who
    from tests.simulation.whole.city import City

ACTS_IN_A_ROW = 8
ACTS_AT_THE_END = 120
SENT_BACK = 0.3
"""How often the bank does not pay an order, or has it back after it has paid; of a period once."""

Key = tuple[int, str, date]
"""Lane, institution and first day, as steps are kept."""


class Bank:
    """The agency's bank, with the orders that it was told of."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.said: dict[str, list[BankRow]] = {}
        """by order number, what it says of it, in order"""
        self._sent_back: set[str] = set()
        """periods of which an order came back"""

    def told(self, order_no: str, amount_fen: int) -> list[BankRow]:
        """It carries out an order that it had not, and says what it says of it."""
        if order_no not in self.said:
            self.said[order_no] = [self._row(order_no, amount_fen, paid=not self._fails(order_no))]
        return self.said[order_no]

    def has_it_back(self, order_no: str) -> None:
        """The account was closed: what was paid comes back, now and then."""
        (first, *more) = self.said[order_no]
        if first.paid and not more and self._fails(order_no):
            self.said[order_no].append(self._row(order_no, first.amount_fen, paid=False))

    def paid_fen(self, institution: str = "") -> int:
        """What has left it, for an institution or for all."""
        return sum(
            rows[0].amount_fen
            for order_no, rows in self.said.items()
            if order_no.startswith(institution) and all(row.paid for row in rows)
        )

    def _fails(self, order_no: str) -> bool:
        period = order_no.rpartition("-")[0]
        if period in self._sent_back or self._rng.random() >= SENT_BACK:
            return False
        self._sent_back.add(period)
        return True

    def _row(self, order_no: str, amount_fen: int, *, paid: bool) -> BankRow:
        number = f"{'FK' if paid else 'TH'}{order_no[-12:]}"
        return BankRow(row=2, order_no=order_no, amount_fen=amount_fen, paid=paid, bank_no=number)


class Payouts:
    """The payment departments of both cities, each with its bank."""

    def __init__(self, cities: list[City], rng: Random) -> None:
        self._cities = cities
        self._rng = rng
        self.banks = {city.code: Bank(rng) for city in cities}

    async def one(self) -> None:
        """Somebody goes on with what is to be paid."""
        city = self._rng.choice(self._cities)
        for _ in range(self._rng.randint(1, ACTS_IN_A_ROW)):
            if not await self._act(city):
                return

    async def finish(self, check: Callable[[], None]) -> None:
        """Everything is paid, now that nothing fails any more."""
        for city in self._cities:
            for _ in range(ACTS_AT_THE_END):
                if self._month(city) is None and not list(_open(city)):
                    break
                await self._act(city)
                check()

    async def _act(self, city: City) -> bool:
        """One act; whether it was done."""
        month, unpaid = self._month(city), list(_open(city))
        if month is None and not unpaid:
            return False
        host = city.operator()
        try:
            connection = await city.story.connect(city.story.line_of(host))
            books = await open_books(
                connection, city.region.keyring, clock=host.clock,  # type: ignore[arg-type]
            )  # fmt: skip
            who = self._rng.choice((CHEN, LIN))
            if month is not None and (not unpaid or self._rng.random() < 0.5):
                said = await state(books, month, who)
            else:
                said = await self._go_on(city, books, self._rng.choice(unpaid), who)
            connection.terminate()
        except FAILURES as exc:
            city.tell(f"payout: {type(exc).__name__}")
            return False
        city.tell(f"payout: {said.text.splitlines()[0] if said.text else ''}")
        return said.status == 0

    async def _go_on(self, city: City, books: PayoutBooks, key: Key, who: Who) -> Said:
        """What comes next of a period with an institution; the same person may do anything but
        confirm their own."""
        _, institution, first_on = key
        accounts = city.server.tables.payout_accounts.get(key[:2], ())
        if not accounts or accounts[-1]["confirms"] is None:
            act = payout_accounts.confirm if accounts else payout_accounts.propose
            return await act(books, institution, _account(institution), who)
        chosen, now = Chosen(first_on=first_on, institution=institution), _standing(city, key)
        amounts = None if now.confirmed is None else now.confirmed.amounts
        match now.state:
            case State.STATED:
                return await payout_paying.confirm(books, chosen, who)
            case State.CONFIRMED if amounts is not None and amounts.total_fen <= 0:
                return await payout_paying.close(books, chosen, who)
            case State.CONFIRMED | State.RETURNED if now.proposal is None:
                return await payout_paying.propose(books, chosen, who)
            case State.CONFIRMED | State.RETURNED:
                return await payout_paying.order(books, chosen, who, None)
            case State.ORDERED:
                return await self._statement(city, books, chosen, who)
            case _:
                return await self._after_payment(city, books, chosen, now, who)

    async def _statement(
        self, city: City, books: PayoutBooks, chosen: Chosen, who: Who
    ) -> Said:
        """What the bank says of an order that is under way."""
        orders = await payout_paying.under_way(books, chosen)
        if isinstance(orders, Said) or not orders:
            return orders if isinstance(orders, Said) else Said(1, "nothing is under way")
        rows = self.banks[city.code].told(orders[0].order_no, orders[0].amount_fen)
        return await self._booked(city, books, rows[0], who)

    async def _after_payment(
        self, city: City, books: PayoutBooks, chosen: Chosen, now: Standing, who: Who
    ) -> Said:
        """Money that was paid comes back, or the period is closed. A statement that was booked
        comes a second time, in another file."""
        order_no = "" if now.order is None else now.order.reference
        bank = self.banks[city.code]
        bank.has_it_back(order_no)
        last = bank.said[order_no][-1]
        if not last.paid:
            return await self._booked(city, books, last, who)
        if self._rng.random() < 0.3:
            return await self._booked(city, books, last, who, file="again")
        return await payout_paying.close(books, chosen, who)

    async def _booked(
        self, city: City, books: PayoutBooks, row: BankRow, who: Who, *, file: str = "bank"
    ) -> Said:
        """A statement of one row is read by one and booked by another."""
        digest = sha256(f"{file} {row.bank_no} {row.order_no}".encode()).digest()
        statement = Statement(digest=digest, name=f"{file}.csv", rows=(row,))
        key = lane_of(digest.hex(), city.server.tables.lanes), digest
        read = any(one["act"] == READ for one in city.server.tables.payout_files.get(key, ()))
        return await take(books, statement, who, confirm=read)

    def _month(self, city: City) -> date | None:
        """The first month that is over and not stated."""
        today = (local_time(city.story.clock()) - SETTLED_LATE - CLOCKS_APART).date()
        month = local_time(OPENED).date().replace(day=1)
        tables = city.server.tables
        stated = {first for _, first in tables.payout_periods}
        while last_day(month) < today:
            named = {code for _, code, first in tables.payout_steps if first == month}
            owed = {row.institution for row in _rows(city, month, last_day(month))}
            if month not in stated or owed - named:
                return month
            month = last_day(month) + timedelta(days=1)
        return None

    # What must be true in the end.

    def check(self) -> None:
        """Months that are over are paid, once, for what rows say, by two people; and the bank says
        the same."""
        for city in self._cities:
            month, unpaid = self._month(city), list(_open(city))
            demand("months that are over are stated", holds=month is None, told=month)
            demand("what is stated is paid", holds=not unpaid, told=unpaid)
            self._institutions_have_their_due(city)
            self._bank_says_the_same(city)
            for key, steps in city.server.tables.payout_steps.items():
                _steps_are_committed_to(city, key, list(map(step_of, steps)))
            _two_people(city)

    def _institutions_have_their_due(self, city: City) -> None:
        """What the bank paid is what rows of stated months come to, and the books owe the rest."""
        tables, bank = city.server.tables, self.banks[city.code]
        for code, institution in tables.institutions.items():
            base = institution["account_base"]
            owed = sum(
                tables.ledger.sums(base + place).credits_fen
                - tables.ledger.sums(base + place).debits_fen
                for place in (
                    InstitutionAccount.PAYABLE_FUNDS, InstitutionAccount.PAYABLE_ACCOUNTS
                )
            )  # fmt: skip
            due, paid = _fen(city, date.min, date.max, code), bank.paid_fen(code)
            demand("institutions have their due", holds=paid + owed == due, told=(code, paid, owed))
            stated = _stated_fen(city, code)
            demand("institutions are paid", holds=paid == stated, told=(code, paid, stated))

    def _bank_says_the_same(self, city: City) -> None:
        ledger, bank = city.server.tables.ledger, self.banks[city.code]
        account, way = ledger.sums(chart.PAYOUT_BANK), ledger.sums(chart.PAYOUT_UNDER_WAY)
        ours, theirs = account.credits_fen - account.debits_fen, bank.paid_fen()
        demand("the bank's book", holds=ours == theirs, told=(ours, theirs))
        left = way.credits_fen - way.debits_fen
        demand("nothing is under way to a bank", holds=not left, told=left)


def _open(city: City) -> Iterator[Key]:
    """Periods with institutions that are not at their end."""
    for key in city.server.tables.payout_steps:
        if _standing(city, key).state is not State.CLOSED:
            yield key


def _standing(city: City, key: Key) -> Standing:
    return standing(map(step_of, city.server.tables.payout_steps[key]))


def _account(institution: str) -> BankAccount:
    """Synthetic, and looks it."""
    return BankAccount(
        name="测试医药机构", account=f"99990000{institution[-8:]}", bank="测试银行"
    )


def _rows(city: City, first: date, last: date) -> Iterator[SettlementRow]:
    """Settlement rows of institutions here, of some business days."""
    tables = city.server.tables
    for row in tables.settlements.values():
        if row.institution in tables.institutions and first <= row.business_day <= last:
            yield row


def _fen(city: City, first: date, last: date, institution: str) -> int:
    """What rows of some business days owe an institution."""
    rows = (row for row in _rows(city, first, last) if row.institution == institution)
    return sum(row.fund_fen + row.account_fen for row in rows)


def _stated_fen(city: City, institution: str) -> int:
    """What an institution is paid for the periods that were stated: of one that owes us, the next
    ones take it off."""
    paid = left = 0
    for (_, first), last in sorted(city.server.tables.payout_periods.items(), key=_begin):
        left += _fen(city, first, last, institution)
        if left > 0:
            paid, left = paid + left, 0
    return paid


def _begin(period: tuple[tuple[int, date], date]) -> date:
    return period[0][1]


def _steps_are_committed_to(city: City, key: Key, steps: list[Step]) -> None:
    """What a step booked is what its entry commits to."""
    lane, institution, first_on = key
    period = Period(institution=institution, first_on=first_on, last_on=last_day(first_on))
    for step in steps:
        if step.entry_id is not None:
            entry = city.server.tables.ledger.booked(lane, step.entry_id)
            told = None if entry is None else entry.commitment
            holds = told == step_commitment(lane, period, step)
            demand("step as committed to", holds=holds, told=(key, step))


def _two_people(city: City) -> None:
    """Nobody orders what they proposed, confirms an account or books a file of their own."""
    tables = city.server.tables
    pairs: list[tuple[Any, Any]] = []
    for steps in tables.payout_steps.values():
        proposal = None
        for step in steps:
            if step["act"] == Act.PROPOSE:
                proposal = step
            if step["act"] == Act.ORDER:
                pairs.append((proposal, step))
    for steps in tables.payout_accounts.values():
        by_number = {step["step_no"]: step for step in steps}
        pairs += [(by_number[one["confirms"]], one) for one in steps if one["confirms"]]
    pairs += [(min(one), max(one)) for one in tables.payout_files.values() if len(one) == 2]
    for first, second in pairs:
        two = first is not None and first["actor"] != second["actor"]
        demand("two people pay", holds=two, told=(first, second))
