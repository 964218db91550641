"""What must be true of a city's books after every step, and when everything is quiet.

Each law has a name, which is what a failing seed is reported with. What a step added is checked
once; sums are kept beside the books and compared with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from ledger.audit import audit_block
from ledger.chain import leaf
from ledger.entry import Entry, EntryKind
from settlement.books.sealing import ByInstitution, Leaves, roots_of
from settlement.chart import ChannelAccount, RegionAccount, channel_account
from settlement.clock import local_time
from settlement.deposit import fold_deposits
from settlement.payments.payment import Custody
from settlement.payments.payment_rows import PaymentFact, event_in
from settlement.payments.payment_states import ENDED, State
from settlement.rows import MoveKind, RowKind, SettlementRow, VisitKind, commitment
from settlement.translate import scans
from settlement.usecases.booking import increments_of
from settlement.view import VisitFact, decode_years
from tests.kit.pair import BASE
from tests.simulation.database.closing import SETTLING_CODES

if TYPE_CHECKING:
    from tests.simulation.whole.book import Book
    from tests.simulation.whole.city import City

_DEPOSITS = {
    Custody.OWN: ChannelAccount.DEPOSITS, Custody.AGENCY: ChannelAccount.AGENCY_DEPOSITS,
}  # fmt: skip
OVERDUE_SECONDS = 90.0
"""How long a look that is due may wait while whoever looks lives: an errand that fails rests for
ten seconds, and a question takes fifteen."""


class LawBroken(AssertionError):  # noqa: N818 - it says which
    """A law does not hold."""

    def __init__(self, law: str, told: object) -> None:
        super().__init__(f"{told}")
        self.law = law


def demand(law: str, *, holds: bool, told: object = "") -> None:
    """Raise where it does not hold."""
    if not holds:
        raise LawBroken(law, told)


class Laws:
    """Of one city."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._tables = city.server.tables
        self._through = dict.fromkeys(set(self._tables.journal_of.values()), 0)
        self._seen_rows = 0
        self._pending: dict[tuple[int, int], Entry] = {}
        self._sums: dict[str, Counter[str]] = defaultdict(Counter)
        self._spent: Counter[str] = Counter()
        self._messages: dict[tuple[str, str, str], int] = {}
        self._opening_fen = {
            key: balance.spendable_fen for key, balance in self._tables.ledger.guarded_all().items()
        }
        self._overdue: dict[tuple[object, ...], float] = {}

    # After every step.

    def check(self, now: float) -> None:
        """What holds at any time."""
        entries = self._new_entries()
        rows = self._new_rows()
        self._rows_are_committed_to(rows)
        self._pendings(entries)
        self._one_thing_at_a_time()
        if entries:
            self._conservation()
            self._accounts_are_not_below_zero()
        if rows:
            self._nothing_twice(rows)
            self._years(rows)
        self._somebody_looks(now)

    def _new_entries(self) -> list[Entry]:
        """The chain goes on from where it was."""
        added = []
        ledger = self._tables.ledger
        for journal, through in self._through.items():
            blocks = ledger.blocks(journal)
            previous = blocks[through - 1].block_hash if through else ledger.opening(journal)
            for number, block in enumerate(blocks[through:], start=through + 1):
                bad = audit_block(block, expected_no=number, previous=previous)
                demand("chain", holds=bad is None, told=bad)
                previous = block.block_hash
                added += block.entries
            self._through[journal] = len(blocks)
        return added

    def _new_rows(self) -> list[SettlementRow]:
        rows = self._tables.settlements
        added = list(islice(rows.values(), self._seen_rows, None))
        self._seen_rows = len(rows)
        return added

    def _rows_are_committed_to(self, rows: list[SettlementRow]) -> None:
        """Each row is what an entry of the chain commits to."""
        for row in rows:
            entry = self._tables.ledger.booked(row.lane, row.setl_id)
            demand("row in the chain", holds=entry is not None, told=row.setl_id)
            same = entry is not None and entry.commitment == commitment(row)
            demand("row as committed to", holds=same, told=row.setl_id)

    def _pendings(self, entries: list[Entry]) -> None:
        """What is held is held for something that is open."""
        for entry in entries:
            if entry.kind is EntryKind.PENDING:
                self._pending[entry.lane, entry.entry_id] = entry
            elif entry.pending_id is not None:
                self._pending.pop((entry.lane, entry.pending_id), None)

    def _one_thing_at_a_time(self) -> None:
        """What is held for a person is the one thing that is under way for them."""
        tables, met = self._tables, set()
        cases = {tables.cases[key].hold_id: tables.cases[key] for key in tables.case_due}
        for key in self._pending:
            payment, case = tables.payments.get(key), cases.get(key[1])
            order = tables.mobile_orders.get(key)
            if payment is not None:
                number, person_no = payment.pay_no, payment.psn_no
            elif case is not None:
                number, person_no = case.case_no, case.psn_no
            elif order is not None:
                number, person_no = order.order_no, order.psn_no
            else:
                continue
            if person_no:
                person = tables.persons[key[0], person_no]
                demand(
                    "one thing at a time", told=(person_no, number, person.undertaking),
                    holds=person_no not in met and person.undertaking == number,
                )  # fmt: skip
                met.add(person_no)

    def _conservation(self) -> None:
        """Every owner's debits are the credits, posted and pending."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for owner, account, balance in self._tables.ledger.balances():
            both = sums[owner]
            both[0] += balance.debits_fen - balance.credits_fen
            both[1] += balance.debits_pending_fen - balance.credits_pending_fen
            demand(
                "pending not below zero", told=account,
                holds=min(balance.debits_pending_fen, balance.credits_pending_fen) >= 0,
            )  # fmt: skip
        for owner, (posted, pending) in sums.items():
            demand("conservation", holds=posted == pending == 0, told=(owner, posted, pending))

    def _accounts_are_not_below_zero(self) -> None:
        for key, balance in self._tables.ledger.guarded_all().items():
            demand("accounts not below zero", holds=balance.spendable_fen >= 0, told=key)

    def _nothing_twice(self, rows: list[SettlementRow]) -> None:
        """A message settles once, and of a claim one settlement stands."""
        undone = self._tables.undone_by
        for row in rows:
            if row.kind is not RowKind.SETTLE:
                continue
            if row.infno != scans.SCAN:
                message = row.institution, row.infno, row.msgid
                again = self._messages.setdefault(message, row.setl_id)
                demand("no message twice", holds=again == row.setl_id, told=message)
            claims = self._tables.claims[row.lane, row.business_key]
            standing = [number for number in claims if (row.lane, number) not in undone]
            demand("no claim twice", holds=len(standing) <= 1, told=standing)

    def _years(self, rows: list[SettlementRow]) -> None:
        """Accumulators are the sums of the rows."""
        touched = {(row.lane, row.psn_no) for row in rows if row.psn_no}
        for row in rows:
            for name, fen in increments_of(row).items():
                self._sums[row.psn_no][f"{row.year} {name}"] += fen
            self._spent[row.psn_no] += row.account_fen - row.family_account_fen
        for key in touched:
            person = self._tables.persons[key]
            kept = {
                f"{year} {name}": fen
                for year, doc in decode_years(person.accumulators).items()
                for name, fen in doc.values.items()
                if fen
            }
            rebuilt = {name: fen for name, fen in self._sums[key[1]].items() if fen}
            demand("accumulators rebuilt", holds=kept == rebuilt, told=(key, kept, rebuilt))

    def _somebody_looks(self, now: float) -> None:
        """What is held for a payment or a case is looked at when it is time."""
        tables, overdue = self._tables, {}
        lookers = bool(self.city.gateways) and not self.city.server.down
        at = self.city.story.clock()
        for due in (tables.payment_due, tables.case_due, tables.mobile_due):
            for key, row in due.items():
                if row.due_at < at and lookers:
                    mark = (*key, row.due_at)
                    since = overdue[mark] = self._overdue.get(mark, now)
                    demand(
                        "nothing pending past its deadline",
                        holds=now - since < OVERDUE_SECONDS, told=(key, row.due_at, at),
                    )  # fmt: skip
        self._overdue = overdue

    # Once everything is quiet.

    def check_quiet(self, book: Book) -> None:
        """What holds when nothing is under way any more."""
        self._nothing_is_held()
        self._nobody_waits()
        self._counters_know_what_stands(book)
        self._channels_have_it()
        self._accounts_are_the_rows()
        self._relatives_paid_their_part()
        self._deposits_are_owed()
        self._sealed_days_are_the_rows()
        self._statements_are_the_rows()
        bad = self._tables.ledger.first_bad()
        demand("chain from its beginning", holds=bad is None, told=bad)

    def _nothing_is_held(self) -> None:
        demand("nothing held", holds=not self._pending, told=list(self._pending))
        for _, account, balance in self._tables.ledger.balances():
            held = balance.debits_pending_fen or balance.credits_pending_fen
            demand("nothing pending", holds=not held, told=account)

    def _nobody_waits(self) -> None:
        tables = self._tables
        waiting = [p.psn_no for p in tables.persons.values() if p.undertaking is not None]
        demand("no undertaking open", holds=not waiting, told=waiting)
        demand("no order open", holds=not tables.mobile_due, told=list(tables.mobile_due))
        demand("no case open", holds=not tables.case_due, told=list(tables.case_due))
        for key in tables.payments:
            state = self._payment(key).standing.state
            ended = state in ENDED or state is State.REFUND_DUE
            demand("no payment open", holds=ended, told=(key, state))

    def _counters_know_what_stands(self, book: Book) -> None:
        open_ones = [one.message.msgid for one in book.open_letters if one.city is self.city]
        demand("everybody is answered", holds=not open_ones, told=open_ones)
        told = book.standing(self.city)
        booked = {
            row.setl_id: tuple(
                Decimal(fen) / 100
                for fen in (row.total_fen, row.fund_fen, row.account_fen, row.cash_fen)
            )
            for row in self.standing_rows()
            if row.infno in ("2102", "2207", "2304")
        }
        lost = {n: money for n, money in told.items() if booked.get(n) != money}
        demand("nothing told is lost", holds=not lost, told=lost)
        more = booked.keys() - told.keys()
        demand("nothing stands that nobody was told", holds=not more, told=more)

    def _channels_have_it(self) -> None:
        """Our books of each channel are the channel's own, but for what was corrected for a bill
        that says otherwise."""
        for name, channel in self.city.box.channels.items():
            ours = sum(
                self.debit_fen(channel_account(one.account_base, account, name))
                for one in self.city.institutions
                for account in (ChannelAccount.CLEARING, ChannelAccount.AGENCY_CLEARING)
            )
            theirs = channel.balance_fen
            theirs += self.city.story.acts.phones.collected_fen(self.city, name)
            theirs += corrected_fen(self.city, name)
            demand("channels' books", holds=ours == theirs, told=(name, ours, theirs))

    def _accounts_are_the_rows(self) -> None:
        """Each account is what it began with, less what its person's rows say, and less what it
        paid for relatives."""
        for (lane, number), person in self._tables.persons.items():
            balance = self._tables.ledger.guarded(lane, person.account)
            if balance is None:
                continue
            lent = self._lent(number)
            due = self._opening_fen[lane, person.account] - self._spent[number] - lent
            demand(
                "accounts are the rows", holds=balance.spendable_fen == due,
                told=(number, balance.spendable_fen, due),
            )  # fmt: skip

    def _lent(self, number: str) -> int:
        """What an account paid for relatives and did not get back."""
        return sum(
            kept.row.amount_fen if kept.row.kind is MoveKind.PAID else -kept.row.amount_fen
            for moves in self._tables.moves.values()
            for kept in moves
            if kept.row.psn_no == number and kept.row.setl_id is not None
        )

    def _relatives_paid_their_part(self) -> None:
        """What relatives pay of a settlement, or get back, is what it says; each account moved for
        just that, once; and what was held and not paid is free."""
        tables = self._tables
        due: Counter[tuple[int, str, int]] = Counter()
        for key, row in tables.settlements.items():
            shares = tables.shares.get(key, ())
            told = sum(share.amount_fen for share in shares)
            demand(
                "relatives' shares", holds=told == row.family_account_fen, told=(key, told),
            )  # fmt: skip
            for share in shares:
                due[row.setl_id, share.donor_no, share.amount_fen] += 1
        moved: Counter[tuple[int, str, int]] = Counter()
        for hold, moves in tables.moves.items():
            kinds = {kept.row.kind for kept in moves}
            ended = len(kinds & {MoveKind.PAID, MoveKind.RELEASED}) == 1
            demand("relatives' holds end once", holds=ended, told=(hold, kinds))
            for kept in moves:
                one = kept.row
                if one.setl_id is not None:
                    sign = 1 if one.kind is MoveKind.PAID else -1
                    moved[one.setl_id, one.psn_no, sign * one.amount_fen] += 1
        demand("relatives' accounts moved", holds=moved == due, told=(moved - due, due - moved))

    def _deposits_are_owed(self) -> None:
        """What is left of deposits is what the books owe for them, by custody."""
        tables = self._tables
        left: Counter[Custody] = Counter()
        for key, row in tables.visits.items():
            if row.kind is VisitKind.STAY:
                events = sorted(tables.events.get(key, ()), key=lambda one: one.event_no)
                for one in fold_deposits(VisitFact(row=row, events=events)):
                    left[one.head.custody] += one.left_fen
        for custody, account in _DEPOSITS.items():
            owed = -sum(
                self.debit_fen(channel_account(one.account_base, account))
                for one in self.city.institutions
            )
            demand("deposits are owed", holds=owed == left[custody], told=(custody, owed, left))

    def _sealed_days_are_the_rows(self) -> None:
        """What was sealed of a day is what its rows come to now; no day was left half closed."""
        tables = self._tables
        days = tables.sealed_days()
        demand("closed days are sealed", holds=days == set(tables.closed_days), told=days)
        leaves: dict[date, ByInstitution] = {day: {} for day in days}
        for row in tables.settlements.values():
            entry = tables.ledger.booked(row.lane, row.setl_id)
            if row.business_day in leaves and entry is not None and entry.code in SETTLING_CODES:
                own = leaves[row.business_day].setdefault(row.institution, Leaves())
                own.add([row.setl_id], leaf(entry))
        for day, found in leaves.items():
            kept = {
                code: sealed[:2] for (first, last, code), sealed in tables.seals.items()
                if first == last == day
            }  # fmt: skip
            due = {one.institution: (one.settlements, one.root) for one in roots_of(found)}
            demand("sealed days are the rows", holds=kept == due, told=(day, kept, due))

    def _statements_are_the_rows(self) -> None:
        """What is listed for institutions is what was booked so far, each row where it belongs."""
        tables = self._tables
        for (lane, number), place in tables.stated.items():
            row = tables.settlements.get((lane, number))
            due = None if row is None else (row.institution, local_time(row.setl_time).date())
            demand("statements are the rows", holds=due == place, told=(number, due, place))

    # Means.

    def standing_rows(self) -> list[SettlementRow]:
        """Settlements that stand."""
        undone = self._tables.undone_by
        return [
            row for key, row in self._tables.settlements.items()
            if row.kind is RowKind.SETTLE and key not in undone
        ]  # fmt: skip

    def debit_fen(self, account: int) -> int:
        """Debits less credits of an account."""
        found = self._tables.ledger.sums(account)
        return found.debits_fen - found.credits_fen

    def _payment(self, key: tuple[int, int]) -> PaymentFact:
        events = self._tables.payment_events.get(key, ())
        return PaymentFact(row=self._tables.payments[key], events=list(map(event_in, events)))


def corrected_fen(city: City, channel: str) -> int:
    """What corrections have added to the clearing accounts of a channel."""
    tables = city.server.tables
    return sum(
        steps[-1]["booked_fen"]
        for key, steps in tables.difference_steps.items()
        if tables.differences[key][0]["channel"] == channel and steps[-1]["institution"]
    )


def regions_agree(treated: Laws, insured: Laws, hub: dict[str, tuple[int, int, int]]) -> None:
    """Three books say the same of who was treated in one region and is insured in the other."""
    at = treated.city.code
    tables = treated.city.server.tables
    here = {}
    for row in treated.standing_rows():
        beside = tables.elsewhere.get((row.lane, row.setl_id))
        if beside is not None and not beside.paid_in_advance:
            here[beside.visit_no] = row.total_fen, row.fund_fen, row.account_fen
    other = insured.city.server.tables
    there = {
        other.home_cases[row.lane, row.setl_id].case_no: (
            row.total_fen, row.fund_fen, row.account_fen
        )
        for row in insured.standing_rows()
        if (row.lane, row.setl_id) in other.home_cases
    }  # fmt: skip
    demand("the other region's book", holds=here == there, told=(at, here, there))
    demand("the hub's book", holds=here == hub, told=(at, here, hub))
    for account, owed, place in (
        (RegionAccount.RECEIVABLE_FUNDS, RegionAccount.PAYABLE_FUNDS, 1),
        (RegionAccount.RECEIVABLE_ACCOUNTS, RegionAccount.PAYABLE_ACCOUNTS, 2),
    ):
        due = sum(money[place] for money in here.values())
        receivable, payable = treated.debit_fen(BASE + account), -insured.debit_fen(BASE + owed)
        demand(
            "what one is owed is what the other owes",
            holds=receivable == payable == due, told=(at, account.name, receivable, payable, due),
        )  # fmt: skip

