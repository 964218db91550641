"""What a payment over a channel leaves in the books, under both kinds of custody (DOMAIN 1).

Debits are positive. Under `own` the money is the institution's and the agency's book has a
memorandum only; under `agency` the agency owes the institution what it collected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pytest

from ledger.entry import Transfer
from settlement.chart import (
    ChannelAccount,
    InstitutionAccount,
    channel_account,
    channel_accounts,
    institution_accounts,
)
from settlement.deposit_postings import (
    deposit_applied_transfers,
    deposit_collected_transfers,
    deposit_declared_transfers,
    deposit_handed_back_transfers,
    deposit_held_transfers,
    deposit_owed_transfers,
)
from settlement.payments.payment import ChannelName, Custody
from settlement.postings import (
    collected_transfers,
    collecting_transfers,
    given_back_transfers,
    refund_owed_transfers,
    surplus_transfers,
    undone,
)

BASE = 10_000_010
SHOP = "P44190099001"
PAID, BACK = 1_000, 300
OWNER = {one.number: one.owner for one in institution_accounts(SHOP, "测试药店", BASE)}
CHANNELS = list(ChannelName)
OWN, AGENCY = Custody.OWN, Custody.AGENCY


def steps(channel: ChannelName, custody: Custody) -> dict[str, tuple[Transfer, ...]]:
    """What each step of a payment books."""
    held = collecting_transfers(amount_fen=PAID, institution_base=BASE)
    part = collecting_transfers(amount_fen=BACK, institution_base=BASE)
    of: dict[str, object] = {"channel": channel, "custody": custody, "institution_base": BASE}
    return {
        "sold": held,
        "collected": collected_transfers(amount_fen=PAID, **of),  # type: ignore[arg-type]
        "came late": surplus_transfers(amount_fen=PAID, **of),  # type: ignore[arg-type]
        "went back": given_back_transfers(amount_fen=PAID, **of),  # type: ignore[arg-type]
        "all taken back": undone(held)
        + refund_owed_transfers(amount_fen=PAID, **of),  # type: ignore[arg-type]
        "some taken back": undone(part)
        + refund_owed_transfers(amount_fen=BACK, **of),  # type: ignore[arg-type]
        "some went back": given_back_transfers(amount_fen=BACK, **of),  # type: ignore[arg-type]
        **deposit_steps(channel, custody),
    }


def deposit_steps(channel: ChannelName, custody: Custody) -> dict[str, tuple[Transfer, ...]]:
    """What each step of a deposit books."""
    at: dict[str, int] = {"institution_base": BASE}
    mine: dict[str, object] = {"custody": custody, **at}
    return {
        "deposited": deposit_held_transfers(amount_fen=PAID, **at)
        + deposit_collected_transfers(
            channel=channel, amount_fen=PAID, **mine  # type: ignore[arg-type]
        ),
        "deposited in cash": deposit_declared_transfers(amount_fen=PAID, **at),
        "some applied": deposit_applied_transfers(
            amount_fen=PAID - BACK, **mine  # type: ignore[arg-type]
        ),
        "rest owed": deposit_owed_transfers(amount_fen=BACK, **mine),  # type: ignore[arg-type]
        "rest handed back": deposit_handed_back_transfers(amount_fen=BACK, **at),
    }


STORIES: list[tuple[tuple[str, ...], Custody, dict[str, int]]] = [
    # what happened                        custody  what is left in the books
    (("sold",),                            OWN,     {"COLLECTING": 1_000, "REVENUE": -1_000}),
    (("sold", "collected"),                OWN,     {"CLEARING": 1_000, "REVENUE": -1_000,
                                                     "MEMO_COLLECTED": 1_000,
                                                     "MEMO_CONTRA": -1_000}),
    (("sold", "collected",
      "some taken back"),                  OWN,     {"CLEARING": 1_000, "REVENUE": -700,
                                                     "TO_RETURN": -300, "MEMO_COLLECTED": 700,
                                                     "MEMO_CONTRA": -700}),
    (("sold", "collected",
      "some taken back",
      "some went back"),                   OWN,     {"CLEARING": 700, "REVENUE": -700,
                                                     "MEMO_COLLECTED": 700, "MEMO_CONTRA": -700}),
    (("sold", "collected",
      "all taken back", "went back"),      OWN,     {}),
    (("came late",),                       OWN,     {"CLEARING": 1_000, "TO_RETURN": -1_000}),
    (("came late", "went back"),           OWN,     {}),
    (("sold",),                            AGENCY,  {"COLLECTING": 1_000, "REVENUE": -1_000}),
    (("sold", "collected"),                AGENCY,  {"AGENCY_CLEARING": 1_000,
                                                     "AGENCY_COLLECTED": -1_000,
                                                     "RECEIVABLE_COLLECTED": 1_000,
                                                     "REVENUE": -1_000}),
    (("sold", "collected",
      "some taken back"),                  AGENCY,  {"AGENCY_CLEARING": 1_000,
                                                     "AGENCY_COLLECTED": -700,
                                                     "AGENCY_TO_RETURN": -300,
                                                     "RECEIVABLE_COLLECTED": 700,
                                                     "REVENUE": -700}),
    (("sold", "collected",
      "all taken back", "went back"),      AGENCY,  {}),
    (("came late",),                       AGENCY,  {"AGENCY_CLEARING": 1_000,
                                                     "AGENCY_TO_RETURN": -1_000}),
    (("came late", "went back"),           AGENCY,  {}),
    (("deposited",),                       OWN,     {"CLEARING": 1_000, "DEPOSITS": -1_000,
                                                     "MEMO_COLLECTED": 1_000,
                                                     "MEMO_CONTRA": -1_000}),
    (("deposited", "some applied",
      "rest owed", "some went back"),      OWN,     {"CLEARING": 700, "REVENUE": -700,
                                                     "MEMO_COLLECTED": 700, "MEMO_CONTRA": -700}),
    (("deposited",),                       AGENCY,  {"AGENCY_CLEARING": 1_000,
                                                     "AGENCY_DEPOSITS": -1_000}),
    (("deposited", "some applied",
      "rest owed"),                        AGENCY,  {"AGENCY_CLEARING": 1_000,
                                                     "AGENCY_COLLECTED": -700,
                                                     "AGENCY_TO_RETURN": -300,
                                                     "RECEIVABLE_COLLECTED": 700,
                                                     "REVENUE": -700}),
    (("deposited in cash", "rest handed back"),
                                           OWN,     {"SELF_COLLECTED": 700, "DEPOSITS": -700}),
]  # fmt: skip


def named(channel: ChannelName) -> Mapping[int, str]:
    """Accounts by what they are."""
    names = {BASE + account: account.name for account in InstitutionAccount}
    for account in ChannelAccount:
        one_each = account in (ChannelAccount.CLEARING, ChannelAccount.AGENCY_CLEARING)
        number = channel_account(BASE, account, channel if one_each else "")
        names[number] = account.name
    return names


def left(transfers: Iterable[Transfer], channel: ChannelName) -> dict[str, int]:
    """Debits less credits of every account that is not at zero."""
    sums: Counter[int] = Counter()
    for transfer in transfers:
        sums[transfer.debit] += transfer.amount_fen
        sums[transfer.credit] -= transfer.amount_fen
    return {named(channel)[account]: fen for account, fen in sums.items() if fen}


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("story", "custody", "expected"), STORIES)
def test_books_say_where_the_money_is(
    channel: ChannelName, story: tuple[str, ...], custody: Custody, expected: dict[str, int]
) -> None:
    booked = steps(channel, custody)
    transfers = [transfer for step in story for transfer in booked[step]]
    assert left(transfers, channel) == expected


@pytest.mark.parametrize("custody", list(Custody))
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_owner_s_book_balances_after_every_step(
    channel: ChannelName, custody: Custody
) -> None:
    for step, transfers in steps(channel, custody).items():
        for transfer in transfers:
            assert transfer.amount_fen > 0
            assert OWNER[transfer.debit] == OWNER[transfer.credit], step


def test_memorandum_never_meets_an_account_that_is_owed() -> None:
    memo = {
        channel_account(BASE, account)
        for account in (ChannelAccount.MEMO_COLLECTED, ChannelAccount.MEMO_CONTRA)
    }
    for channel in CHANNELS:
        for custody in Custody:
            for transfers in steps(channel, custody).values():
                for transfer in transfers:
                    assert (transfer.debit in memo) == (transfer.credit in memo)


def test_channel_accounts_are_each_of_one_channel_and_one_institution() -> None:
    numbers = [
        account.number for base in (BASE, BASE + 10, BASE + 20)
        for account in channel_accounts(SHOP, "测试药店", base)
    ]  # fmt: skip
    assert len(set(numbers)) == len(numbers)
    others = {BASE + 10 * n + account for n in range(3) for account in InstitutionAccount}
    assert not others & set(numbers)
