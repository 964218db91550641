"""What the law lets go of a person's data, and what must be kept (个人信息的删除与保存).

Pure: it is told what there is and says what goes. Rows themselves stay, with amounts, dates and
numbers, for the books are of them; what goes is what lies sealed: lines, diagnoses, names. Keeping
for some years is the duty of whoever pays by these papers, so erasing asks how old they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from settlement.clock import local_time
from settlement.person import Enrolment

KEEP_YEARS_VARIABLE = "SETTLEMENT_KEEP_YEARS"
KEEP_YEARS = 30
"""As long as vouchers are kept (会计档案管理办法: 会计凭证 30 年)."""
KEEP_YEARS_MIN = 5
ENDED = "4"
"""psn_insu_stas: the membership has ended"""


class Act(IntEnum):
    """One step of an erasure."""

    PROPOSED = 1
    CONFIRMED = 2
    DONE = 3


class Held(Struct, frozen=True, kw_only=True):
    """One row about a person."""

    place: str
    number: int
    part: int
    at: datetime | None
    """what its age is counted from; None where it has none"""
    is_open: bool
    told: Mapping[str, object]
    """every column but the sealed one"""
    sealed: bytes
    """empty where there is nothing, or nothing any more"""
    key_version: int
    """of a detail; others say it themselves"""


class OwnRow(Struct, frozen=True, kw_only=True):
    """The person's own row."""

    told: Mapping[str, object]
    account: int
    home_region: str
    key_version: int
    identity: bytes
    filings: str
    memberships: str
    """as stored, and so are relatives"""
    family: str
    is_under_way: bool
    balance_fen: int
    enrolments: tuple[Enrolment, ...]


class Ruling(Struct, frozen=True, kw_only=True):
    """What goes, and why the rest does not."""

    goes: tuple[Held, ...]
    identity_goes: bool
    kept: tuple[str, ...]
    """reasons, for people; empty where everything goes"""


class ErasureStep(Struct, frozen=True, kw_only=True):
    """One step of an erasure, as it was written down."""

    number: int
    act: Act
    at: datetime
    before_at: datetime
    actor: str
    reason: str
    result: str


def keep_years(environment: Mapping[str, str]) -> int:
    """For how many years this installation keeps. Raises ValueError."""
    text = environment.get(KEEP_YEARS_VARIABLE, str(KEEP_YEARS))
    if not text.isascii() or not text.isdigit() or int(text) < KEEP_YEARS_MIN:
        raise ValueError(
            f"{KEEP_YEARS_VARIABLE} 须为不小于 {KEEP_YEARS_MIN} 的年数 must be a number of years, "
            f"{KEEP_YEARS_MIN} or more, not {text!r}"
        )
    return int(text)


def kept_since(now: datetime, years: int) -> datetime:
    """What is older than this may go."""
    day = 28 if (now.month, now.day) == (2, 29) else now.day
    return now.replace(year=now.year - years, day=day)


def rule(own: OwnRow, held: Sequence[Held], before_at: datetime, years: int) -> Ruling:
    """What goes of everything that is held."""
    sealed = [one for one in held if one.sealed]
    goes = tuple(one for one in sealed if _is_old(one, before_at) and not one.is_open)
    stays = [one for one in held if one.is_open or (one.sealed and one not in goes)]
    young = [one for one in held if one.place == "settlement" and not _is_old(one, before_at)]
    reasons = tuple(_reasons(own, stays, young, years))
    named = bool(own.enrolments or own.filings or any(one.place == "lookup" for one in held))
    return Ruling(goes=goes, identity_goes=named and not reasons, kept=reasons)


def _is_old(one: Held, before_at: datetime) -> bool:
    return one.at is not None and one.at < before_at


def _reasons(
    own: OwnRow, stays: Sequence[Held], young: Sequence[Held], years: int
) -> Iterable[str]:
    under_way = [one for one in stays if one.is_open]
    if own.is_under_way or under_way:
        places = "、".join(sorted({one.place for one in under_way})) or "undertaking"
        yield f"有未完结业务 something is under way: {places}"
    newest = max((one.at for one in (*stays, *young) if one.at is not None), default=None)
    if newest is not None:
        until = local_time(newest).date()
        yield (
            f"{len(stays) + len(young)} 项按规定保存 {years} 年，最近一项为 {until} | "
            f"that many are kept for {years} years, the newest is of that day"
        )
    if own.balance_fen:
        yield f"个人账户尚有余额 {own.balance_fen} 分 | there is money in the personal account"
    if any(one.status != ENDED for one in own.enrolments):
        yield "仍在参保，身份信息须保留 | still insured: the identity is needed"
