"""A small chart and the entries that the suite books. Not a test file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from weakref import WeakKeyDictionary

from ledger.account import Account
from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from ledger.ports import Appended, Ledger, Refused
from ledger.postgres.shape import Shape

LANES = 4
JOURNALS = {Shape.ONE_MACHINE: 2, Shape.CLUSTER: LANES}
OPENED_AT = datetime(2025, 1, 1, tzinfo=UTC)
DAY = date(2025, 1, 2)
BOOKED_AT = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
FUND, HOSPITAL, PHARMACY, HOSPITAL_CASH, HOSPITAL_DEPOSITS = 1, 2, 3, 4, 5
CHART = (
    Account(number=FUND, owner="agency", code="1001", name="统筹基金", debit_normal=False),
    Account(number=HOSPITAL, owner="agency", code="2001", name="应付医院", debit_normal=False),
    Account(number=PHARMACY, owner="agency", code="2002", name="应付药店", debit_normal=False),
    Account(number=HOSPITAL_CASH, owner="hospital", code="1", name="现金", debit_normal=True),
    Account(
        number=HOSPITAL_DEPOSITS, owner="hospital", code="2", name="预交金", debit_normal=False
    ),
)


def person(lane: int, number: int = 1) -> int:
    """A guarded account of a lane; three of them are open in each."""
    return 10**12 + 1_000 * lane + number


_SHAPES: WeakKeyDictionary[Ledger, Shape] = WeakKeyDictionary()


def journal_of(lane: int, shape: Shape = Shape.ONE_MACHINE) -> int:
    """The journal that all implementations deal the lane to."""
    return lane % JOURNALS[shape] + 1


async def open_chart(ledger: Ledger, shape: Shape = Shape.ONE_MACHINE) -> None:
    """Opens every account of the suite, and remembers how many journals the ledger has."""
    _SHAPES[ledger] = shape
    for account in CHART:
        assert await ledger.open_account(account)
    for lane in range(LANES):
        for number in (1, 2, 3):
            assert await ledger.open_guarded(lane=lane, account=person(lane, number))


def entry(
    entry_id: int, *transfers: tuple[int, int, int], lane: int = 0,
    kind: EntryKind = EntryKind.SINGLE, pending_id: int | None = None, code: int = 7,
    commitment: bytes = NOTHING,
) -> Entry:  # fmt: skip
    """An entry of (debit, credit, fen) transfers."""
    return Entry(
        lane=lane, entry_id=entry_id, kind=kind, code=code, pending_id=pending_id,
        transfers=tuple(Transfer(*legs) for legs in transfers), commitment=commitment,
    )  # fmt: skip


async def book(ledger: Ledger, *entries: Entry, day: date = DAY) -> Appended | Refused:
    """Appends to the journal of the first entry's lane."""
    journal = journal_of(entries[0].lane, _SHAPES.get(ledger, Shape.ONE_MACHINE))
    return await ledger.append(
        journal=journal, business_day=day, booked_at=BOOKED_AT, entries=entries
    )


async def fill(ledger: Ledger, lane: int, fen: int, *, entry_id: int = 1) -> None:
    """Puts money into the first personal account of a lane."""
    booked = await book(ledger, entry(entry_id, (FUND, person(lane), fen), lane=lane))
    assert isinstance(booked, Appended)
