"""The books of one pharmacy and one person in memory, and what must be true of them."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from ledger.account import Account, Balance
from ledger.entry import GUARDED_FROM, NOTHING, Entry, EntryKind, Transfer
from ledger.memory import MemoryLedger
from ledger.ports import Appended
from settlement import chart
from settlement.chart import ChannelAccount, channel_account
from settlement.clock import Moment
from settlement.view import Effects
from tests.unit.usecases.builders import LANE, LANES, PHARMACY

OPENED_AT = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = GUARDED_FROM + 1
JOURNAL = LANE + 1
BASE = PHARMACY.account_base
T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of something that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits")


class Books:
    """See the module. `opening_fen` is in the person's account."""

    def __init__(self, opening_fen: int) -> None:
        self.ledger = MemoryLedger(lanes=LANES, journals=LANES, opened_at=OPENED_AT)
        self._open: set[int] = set()
        accounts = (
            *chart.institution_accounts(PHARMACY.code, PHARMACY.name, BASE),
            *chart.agency_accounts(),
        )
        for account in accounts:
            self._open_account(account)
        at_once(self.ledger.open_guarded(lane=LANE, account=ACCOUNT))
        if opening_fen:
            contribution = Transfer(chart.CONTRIBUTIONS_BANK, ACCOUNT, opening_fen)
            self._append(
                Moment(OPENED_AT, OPENED_AT, OPENED_AT.date()),
                Entry(
                    lane=LANE, entry_id=1, kind=EntryKind.SINGLE,
                    code=chart.EntryCode.ACCOUNT_CONTRIBUTION, transfers=(contribution,),
                    commitment=NOTHING,
                ),
            )  # fmt: skip

    def book(self, effects: Effects, moment: Moment) -> None:
        """The entries of a decision, in one block."""
        entries = [
            entry
            for step in effects.steps
            for entry in (step.entry, *step.entries)
            if entry is not None
        ]
        if entries:
            self._append(moment, *entries)

    @property
    def pending_fen(self) -> int:
        """What is held, on the debit side of all accounts."""
        return sum(balance.debits_pending_fen for balance in self._balances())

    @property
    def spendable_fen(self) -> int:
        """What the person may spend."""
        found = at_once(self.ledger.guarded_balance(lane=LANE, account=ACCOUNT))
        assert found is not None
        return found.spendable_fen

    def debit_fen(self, account: ChannelAccount, channel: str = "") -> int:
        """Debits less credits of one of the pharmacy's channel accounts."""
        found = at_once(self.ledger.balance(channel_account(BASE, account, channel)))
        return found.debits_fen - found.credits_fen

    def _balances(self) -> list[Balance]:
        owners = (chart.AGENCY, PHARMACY.code)
        return [row.balance for o in owners for row in at_once(self.ledger.trial_balance(o)).rows]

    def _append(self, moment: Moment, *entries: Entry) -> None:
        for entry in entries:
            for transfer in entry.transfers:
                self._open_fund(transfer.debit)
                self._open_fund(transfer.credit)
        booked = at_once(
            self.ledger.append(
                journal=JOURNAL, business_day=moment.business_day, booked_at=moment.at,
                entries=entries,
            )
        )  # fmt: skip
        assert isinstance(booked, Appended), (booked, entries)

    def _open_account(self, account: Account) -> None:
        assert at_once(self.ledger.open_account(account))
        self._open.add(account.number)

    def _open_fund(self, number: int) -> None:
        if number not in self._open and number < chart.CONTRIBUTIONS_BANK:
            [fund] = chart.fund_accounts({number - chart.FUND_BASE: "测试基金"})
            self._open_account(fund)
