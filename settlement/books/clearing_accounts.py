"""Clearing accounts of payment channels (渠道清算账户): what should reach zero, and how soon.

Pure. What was booked as due from a channel is cleared when its bills have it, and its fund bill
too where the merchant has such. What bills and books do not agree on is held against it as
differences, whose figures people correct (ADR 0045). Scores are shares of the money that moved,
payments and refunds added up, in basis points.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from msgspec.structs import astuple

from settlement.books.channel_matching import Class, Kind
from settlement.books.difference_states import UNDER_WAY, State

AGES = (0, 1, 3, 30)
"""Days that an open amount may be old at most to be in a column of the table of ages; what is older
is in one more."""
IN_TIME = (1, 3, 30)
"""Within how many days money is to be cleared."""


class Place(Struct, frozen=True, order=True, kw_only=True, gc=False):
    """Which clearing account: one a day."""

    institution: str
    """empty where nobody knows"""
    channel: str
    custody: str
    merchant: str
    day: date


class Sums(Struct, frozen=True, kw_only=True, gc=False):
    """What an account, or several of them, comes to. All but the rows is fen."""

    rows: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    unbilled_fen: int = 0
    """signed, as due: no bill is here"""
    unbilled_volume_fen: int = 0
    unfunded_fen: int = 0
    """signed, as due: a bill has it, and no fund bill"""
    unfunded_volume_fen: int = 0
    fee_fen: int = 0
    booked_fee_fen: int = 0

    def __add__(self, other: Sums) -> Sums:
        """Both. Written out, because a month adds up a million."""
        return Sums(
            rows=self.rows + other.rows,
            paid_fen=self.paid_fen + other.paid_fen,
            refunded_fen=self.refunded_fen + other.refunded_fen,
            unbilled_fen=self.unbilled_fen + other.unbilled_fen,
            unbilled_volume_fen=self.unbilled_volume_fen + other.unbilled_volume_fen,
            unfunded_fen=self.unfunded_fen + other.unfunded_fen,
            unfunded_volume_fen=self.unfunded_volume_fen + other.unfunded_volume_fen,
            fee_fen=self.fee_fen + other.fee_fen,
            booked_fee_fen=self.booked_fee_fen + other.booked_fee_fen,
        )

    def __sub__(self, other: Sums) -> Sums:
        """What there is more than in the other."""
        return Sums(**{name: getattr(self, name) - getattr(other, name) for name in _NAMES})

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is in it."""
        return not any(astuple(self))

    @property
    def due_fen(self) -> int:
        """What was booked as due from the channel."""
        return self.paid_fen - self.refunded_fen

    @property
    def volume_fen(self) -> int:
        """What moved."""
        return self.paid_fen + self.refunded_fen


_NAMES = Sums.__struct_fields__


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """A difference, as a clearing account sees it."""

    number: int
    channel: str
    institution: str
    day: date
    found: Class
    state: State
    kind: Kind
    shown_no: str
    """of the order or refund, as people look for it"""
    ours_fen: int
    theirs_fen: int
    booked_fen: int
    found_on: date
    changed_on: date
    """when its figures changed last"""

    @property
    def due_fen(self) -> int:
        """What must still be added to our side."""
        return self.theirs_fen - self.ours_fen - self.booked_fen

    @property
    def volume_fen(self) -> int:
        """What it is about."""
        return max(abs(self.ours_fen), abs(self.theirs_fen))

    @property
    def cleared_fen(self) -> int:
        """As much of that as is not open any more."""
        return max(self.volume_fen - abs(self.due_fen), 0)

    @property
    def is_under_way(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.state in UNDER_WAY


class Kept(Struct, frozen=True, kw_only=True):
    """Accounts of some days as they are kept: sums, and by `IN_TIME` what is old enough for a score
    and how much of it was cleared in that time."""

    sums: Sums = Sums()
    old_fen: tuple[int, ...] = (0,) * len(IN_TIME)
    in_time_fen: tuple[int, ...] = (0,) * len(IN_TIME)


def together(some: Iterable[Kept]) -> Kept:
    """Several as one."""
    total = Kept()
    for one in some:
        total = Kept(
            sums=total.sums + one.sums, old_fen=_added(total.old_fen, one.old_fen),
            in_time_fen=_added(total.in_time_fen, one.in_time_fen),
        )  # fmt: skip
    return total


def _added(some: Iterable[int], more: Iterable[int]) -> tuple[int, ...]:
    return tuple(map(sum, zip(some, more, strict=True)))


class Account(Struct, frozen=True, kw_only=True):
    """A clearing account, or several of them together, with what differs."""

    sums: Sums
    corrected_fen: int
    """what corrections of differences have booked"""
    differs_fen: int
    """what bills have more than we had, before corrections"""
    due_fen: int
    """what is still to be corrected"""
    open_fen: int
    """what is not cleared, payments and refunds added up"""
    differences: int
    """how many are under way"""
    cleared_bp: int | None
    """how much of the money is cleared; None where none moved"""
    in_time_bp: tuple[int | None, ...]
    """the same within 1, 3 and 30 days, of days of which that time is over"""

    @property
    def balance_fen(self) -> int:
        """What the books have as due from the channel, fees aside."""
        return self.sums.due_fen + self.corrected_fen

    @property
    def confirmed_fen(self) -> int:
        """What trade bills have."""
        return self.sums.due_fen - self.sums.unbilled_fen + self.differs_fen

    @property
    def received_fen(self) -> int:
        """What was received: fund bills have it too, where the merchant has such."""
        return self.confirmed_fen - self.sums.unfunded_fen

    @property
    def remainder_fen(self) -> int:
        """What should reach zero."""
        return self.balance_fen - self.received_fen

    @property
    def fee_open_fen(self) -> int:
        """What the channel kept that is not booked yet."""
        return self.sums.fee_fen - self.sums.booked_fee_fen


def account(kept: Kept, held: Iterable[Held], today: date) -> Account:
    """What accounts come to with the differences of their days."""
    held = list(held)
    sums = kept.sums
    more_fen = sum(one.volume_fen - abs(one.ours_fen) for one in held)
    due_volume_fen = sum(abs(one.due_fen) for one in held)
    volume_fen = sums.volume_fen + more_fen
    open_fen = sums.unbilled_volume_fen + sums.unfunded_volume_fen + due_volume_fen
    return Account(
        sums=sums,
        corrected_fen=sum(one.booked_fen for one in held),
        differs_fen=sum(one.theirs_fen - one.ours_fen for one in held),
        due_fen=sum(one.due_fen for one in held),
        open_fen=open_fen,
        differences=sum(one.is_under_way for one in held),
        cleared_bp=_share_bp(volume_fen - open_fen, volume_fen),
        in_time_bp=tuple(
            _in_time_bp(days, old_fen, cleared_fen, held, today)
            for days, old_fen, cleared_fen in zip(
                IN_TIME, kept.old_fen, kept.in_time_fen, strict=True
            )
        ),
    )


def _in_time_bp(
    days: int, old_fen: int, cleared_fen: int, held: Iterable[Held], today: date
) -> int | None:
    """How much was cleared within some days. A row that differs was billed when that was found: it
    is not cleared by its bill but when its difference comes to nothing."""
    for one in held:
        if (today - one.day).days <= days:
            continue
        old_fen += one.volume_fen - abs(one.ours_fen)
        if (one.found_on - one.day).days <= days:
            cleared_fen -= abs(one.ours_fen)
        if (one.changed_on - one.day).days <= days:
            cleared_fen += one.cleared_fen
    return _share_bp(cleared_fen, old_fen)


def _share_bp(part_fen: int, whole_fen: int) -> int | None:
    """A share in basis points, rounded down, so that only all of it is all of it."""
    if whole_fen <= 0:
        return None
    return min(max(part_fen, 0), whole_fen) * 10_000 // whole_fen


class Open(Struct, frozen=True, kw_only=True, gc=False):
    """What is open of a channel and day."""

    channel: str
    day: date
    fen: int
    """payments and refunds added up"""


def by_age(some: Iterable[Open], today: date) -> dict[str, tuple[int, ...]]:
    """What is open by channel, as old as the columns say: at most 0, 1, 3, 30 days, and older."""
    found: dict[str, list[int]] = {}
    for one in some:
        ages = found.setdefault(one.channel, [0] * (len(AGES) + 1))
        age = (today - one.day).days
        ages[next((n for n, most in enumerate(AGES) if age <= most), len(AGES))] += one.fen
    return {channel: tuple(ages) for channel, ages in sorted(found.items())}

