"""A day at the channels, told twice: what we have and what the bills say, and where they differ.

Made by a recipe, so that who asks knows what each row must come to. Pure; `keep_day` puts it into a
database as imports and payments would.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct
from msgspec.structs import replace

from settlement.books.channel_matching import (
    NO_DIFFERENCE,
    Around,
    Class,
    Joined,
    Kind,
    Ours,
    Rate,
    Said,
    Sent,
    Theirs,
)
from settlement.numbers import NumberBlock, lane_in
from settlement.storage.differences import keep_fee_rate

DAY = date(2026, 11, 16)
NEXT = timedelta(days=1)
OURS, AGENCYS = "1900000001", "1900000009"
SHOPS_WITH_BILLS = 28
"""How many shops of a day have bills in a database."""
RATE = Rate(rate_bp=60)
INSTITUTION = "P44190000001"
BILL_DAYS = [DAY + timedelta(days=n) for n in range(-3, 9)]


class Recipe(StrEnum):
    """What may become of an order; the last ones are no difference."""

    ONLY_OURS = "only ours"
    ONLY_THEIRS = "only theirs"
    ONLY_THEIRS_REFUND = "only theirs: a refund"
    NUMBERLESS = "only theirs: without a number of ours"
    AMOUNT = "amount"
    STATUS = "status: we have it as failed"
    STATUS_REFUND = "status: they are still at the refund"
    DUPLICATE = "duplicate"
    DAY_EDGE = "day edge"
    DAY_EDGE_BEFORE = "day edge: the day before"
    FEE = "fee"
    REFUND_MISSING = "refund missing"
    LATE = "late"
    REVERSED_HERE = "reversed at ours only"
    CUSTODY = "custody"
    AFTER_CLEARING = "cancelled after clearing"
    PLAIN = "plain"
    REFUNDED = "refunded in part, twice"
    REVERSED = "reversed by both"
    REVOKED = "reversed by both: the bill says so itself"
    NEVER_KNOWN = "undone, and nobody told that it was paid"
    SPLIT = "one of ours, two of theirs"
    MERGED_REFUNDS = "two refunds of ours, one of theirs"
    SPLIT_REFUND = "one refund of ours, two of theirs under other numbers"
    MERGED = "two payments of ours in two lanes, one of theirs with the channel's number of both"
    SPLIT_OVER_NUMBERS = "one payment of ours, two of theirs under other numbers of ours"
    MERGED_AT_SHOP = "two payments of a merchant, one of theirs without a number of ours"
    MERGED_NEXT_DAY = "two payments of a merchant, one of theirs the next day under one's number"
    SPLIT_AT_SHOP = "one payment of a merchant, two of theirs"
    SEVERAL_WAYS = "four payments of a merchant, two of theirs: nobody knows which are which"
    FAILED = "failed at both"


EXPECTED: dict[Recipe, Class] = {
    Recipe.ONLY_OURS: Class.ONLY_OURS,
    Recipe.ONLY_THEIRS: Class.ONLY_THEIRS,
    Recipe.ONLY_THEIRS_REFUND: Class.ONLY_THEIRS,
    Recipe.NUMBERLESS: Class.ONLY_THEIRS,
    Recipe.AMOUNT: Class.AMOUNT,
    Recipe.STATUS: Class.STATUS,
    Recipe.STATUS_REFUND: Class.STATUS,
    Recipe.DUPLICATE: Class.DUPLICATE,
    Recipe.DAY_EDGE: Class.DAY_EDGE,
    Recipe.DAY_EDGE_BEFORE: Class.DAY_EDGE,
    Recipe.FEE: Class.FEE,
    Recipe.REFUND_MISSING: Class.REFUND_MISSING,
    Recipe.LATE: Class.LATE,
    Recipe.REVERSED_HERE: Class.REVERSED_HERE,
    Recipe.CUSTODY: Class.CUSTODY,
    Recipe.AFTER_CLEARING: Class.AFTER_CLEARING,
}
"""The one difference that a recipe makes; the others make none, but for six of SEVERAL_WAYS."""
TOGETHER: dict[Recipe, Joined | None] = {
    Recipe.MERGED_REFUNDS: Joined.MERGED,
    Recipe.SPLIT_REFUND: Joined.SPLIT,
    Recipe.MERGED: Joined.MERGED,
    Recipe.SPLIT_OVER_NUMBERS: Joined.SPLIT,
    Recipe.MERGED_AT_SHOP: Joined.MERGED,
    Recipe.MERGED_NEXT_DAY: Joined.MERGED,
    Recipe.SPLIT_AT_SHOP: Joined.SPLIT,
    Recipe.SEVERAL_WAYS: None,
}
"""What agrees together only; None where it could in several ways, and does not."""


class Day(Struct, kw_only=True):
    """What both sides have."""

    on: date
    ours: list[Ours]
    theirs: list[Theirs]
    sent: dict[str, Sent]
    undone: list[str]
    """orders that were undone"""
    expected: dict[tuple[str, str, int], Class]
    """by order number, or channel number, refund number and nth"""
    shops: int = 0
    """how many were given out"""
    together: list[Joined | None] = []

    @property
    def around(self) -> Around:
        """What is known beside."""
        long_ago = date(2026, 1, 1)
        return Around(
            sent=self.sent,
            rates={("wechat", one): [(long_ago, RATE)] for one in (OURS, AGENCYS)},
        )


def a_day(
    recipes: Sequence[tuple[Recipe, int]], *, lanes: int, block: int = 7, on: date = DAY,
    first_row: int = 1,
) -> Day:  # fmt: skip
    """Orders by recipe and amount, spread over the lanes."""
    day = Day(on=on, ours=[], theirs=[], sent={}, undone=[], expected={})
    numbers = NumberBlock(block)
    for place, (recipe, amount_fen) in enumerate(recipes):
        order_no = str(numbers.next(place % lanes, on))
        refund_nos = [str(numbers.next(place % lanes, on)) for _ in range(2)]
        if recipe in TOGETHER:
            day.together.append(TOGETHER[recipe])
        if recipe in _OF_PAYMENTS:
            others = [str(numbers.next((place + n) % lanes, on)) for n in range(1, 4)]
            _make_together(day, recipe, [order_no, *others], amount_fen)
            continue
        _make(day, recipe, order_no, refund_nos, amount_fen)
        if recipe in EXPECTED:
            day.expected[_place_of(recipe, order_no, refund_nos)] = EXPECTED[recipe]
    day.theirs = [replace(one, row_no=n) for n, one in enumerate(day.theirs, first_row)]
    return day


def _place_of(recipe: Recipe, order_no: str, refund_nos: list[str]) -> tuple[str, str, int]:
    refunds = (
        Recipe.ONLY_THEIRS_REFUND, Recipe.STATUS_REFUND, Recipe.REFUND_MISSING,
        Recipe.AFTER_CLEARING,
    )  # fmt: skip
    if recipe is Recipe.NUMBERLESS:
        return f"w{order_no}", "", 0
    return (
        order_no, refund_nos[0] if recipe in refunds else "", int(recipe is Recipe.DUPLICATE)
    )


def _make(
    day: Day, recipe: Recipe, order_no: str, refund_nos: list[str], amount_fen: int
) -> None:
    ours, theirs = _pair(order_no, amount_fen, day.on)
    first, second = refund_nos
    part_fen = max(1, amount_fen // 3)
    add, bill = day.ours.append, day.theirs.append
    our_refund, their_refund = _refund(ours, theirs, first, part_fen)
    match recipe:
        case Recipe.ONLY_OURS:
            add(ours)
        case Recipe.ONLY_THEIRS:
            bill(theirs)
        case Recipe.NUMBERLESS:
            bill(replace(theirs, order_no=""))
        case Recipe.ONLY_THEIRS_REFUND:
            _both(day, ours, theirs)
            bill(their_refund)
        case Recipe.AMOUNT:
            _both(day, ours, _priced(theirs, amount_fen + 1))
        case Recipe.STATUS | Recipe.FAILED:
            day.sent[order_no] = Sent(
                pay_no=int(order_no), institution=INSTITUTION, merchant=OURS, custody="own"
            )
            if recipe is Recipe.STATUS:
                bill(theirs)
        case Recipe.STATUS_REFUND:
            _both(day, ours, theirs)
            _both(day, our_refund, replace(their_refund, said=Said.NOT_DONE))
        case Recipe.DUPLICATE:
            _both(day, ours, theirs)
            bill(replace(theirs, channel_no=f"{theirs.channel_no}x"))
        case Recipe.DAY_EDGE:
            _both(day, ours, replace(theirs, day=day.on + NEXT))
        case Recipe.DAY_EDGE_BEFORE:
            _both(day, ours, replace(theirs, day=day.on - NEXT))
        case Recipe.FEE:
            _both(day, ours, replace(theirs, fee_fen=theirs.fee_fen + 1))
        case Recipe.LATE:
            _both(day, ours, replace(theirs, day=day.on + 4 * NEXT))
        case Recipe.REFUND_MISSING:
            _both(day, ours, theirs)
            add(our_refund)
        case Recipe.AFTER_CLEARING:
            add(replace(our_refund, paid_day=day.on.replace(day=1) - 2 * NEXT))
        case Recipe.CUSTODY:
            _both(day, ours, replace(theirs, merchant=AGENCYS))
        case _:
            _make_no_difference(day, recipe, ours, theirs, (first, second))


def _make_no_difference(
    day: Day, recipe: Recipe, ours: Ours, theirs: Theirs, refund_nos: tuple[str, str]
) -> None:
    amount_fen = ours.amount_fen
    whole = _refund(ours, theirs, "", amount_fen)[1]
    undone = replace(ours, reversed=True)
    match recipe:
        case Recipe.REVERSED_HERE | Recipe.REVERSED | Recipe.REVOKED:
            day.undone.append(ours.order_no)
            _both(day, undone, theirs)
            if recipe is Recipe.REVERSED:
                day.theirs.append(replace(whole, refund_no=f"u{ours.order_no}"))
            elif recipe is Recipe.REVOKED:
                back = replace(whole, kind=Kind.REFUND, said=Said.TAKEN_BACK)
                day.theirs.append(replace(back, day=day.on + NEXT))
        case Recipe.NEVER_KNOWN:
            day.undone.append(ours.order_no)
            day.theirs += [theirs, replace(whole, refund_no=f"u{ours.order_no}")]
        case Recipe.REFUNDED if amount_fen > 2:
            _both(day, ours, theirs)
            for refund_no, part_fen in zip(refund_nos, (1, amount_fen - 1), strict=True):
                _both(day, *_refund(ours, theirs, refund_no, part_fen))
        case Recipe.MERGED_REFUNDS if amount_fen > 2:
            _both(day, ours, theirs)
            first, second = refund_nos
            day.ours += [
                _refund(ours, theirs, first, 1)[0],
                _refund(ours, theirs, second, amount_fen - 1)[0],
            ]
            day.theirs.append(_refund(ours, theirs, first, amount_fen)[1])
        case Recipe.SPLIT_REFUND if amount_fen > 2:
            _both(day, ours, theirs)
            day.ours.append(_refund(ours, theirs, refund_nos[0], amount_fen)[0])
            for n, part_fen in enumerate((1, amount_fen - 1)):
                number = f"{refund_nos[1]}{n}"
                day.theirs.append(_refund(ours, theirs, number, part_fen)[1])
        case Recipe.SPLIT if amount_fen > 2:
            day.ours.append(ours)
            day.theirs += [
                replace(_priced(theirs, amount_fen - 1), channel_no=f"a{ours.order_no}"),
                replace(_priced(theirs, 1), channel_no=f"b{ours.order_no}"),
            ]
        case _:
            _both(day, ours, theirs)


def _make_together(
    day: Day, recipe: Recipe, order_nos: Sequence[str], amount_fen: int
) -> None:
    """Payments that agree together only."""
    less_fen, more_fen = amount_fen // 3, amount_fen - amount_fen // 3
    merchant = OURS
    if recipe not in (Recipe.MERGED, Recipe.SPLIT_OVER_NUMBERS):
        merchant = _shop(day.on, day.shops)
        day.shops += 1

    def ours(place: int, fen: int) -> Ours:
        return replace(_pair(order_nos[place], fen, day.on)[0], merchant=merchant)

    def theirs(place: int, fen: int, number: str = "") -> Theirs:
        row = _pair(order_nos[place], fen, day.on)[1]
        return replace(row, merchant=merchant, order_no=number)

    name = f"w{order_nos[0]}"
    match recipe:
        case Recipe.MERGED:
            day.ours += [ours(0, less_fen), replace(ours(1, more_fen), channel_no=name)]
            day.theirs.append(theirs(0, amount_fen))
        case Recipe.SPLIT_OVER_NUMBERS:
            day.ours.append(ours(0, amount_fen))
            day.theirs += [
                replace(theirs(n, fen, order_nos[n]), channel_no=name)
                for n, fen in ((1, less_fen), (2, more_fen))
            ]
        case Recipe.MERGED_AT_SHOP:
            day.ours += [ours(0, less_fen), ours(1, more_fen)]
            day.theirs.append(theirs(2, amount_fen))
        case Recipe.MERGED_NEXT_DAY:
            day.ours += [ours(0, less_fen), ours(1, more_fen)]
            day.theirs.append(replace(theirs(0, amount_fen, order_nos[0]), day=day.on + NEXT))
        case Recipe.SPLIT_AT_SHOP:
            day.ours.append(ours(0, amount_fen))
            day.theirs += [theirs(0, less_fen, order_nos[0]), theirs(1, more_fen)]
        case _:
            day.ours += [ours(n, (less_fen, more_fen)[n % 2]) for n in range(4)]
            numbers = [f"x{n}{name}" for n in range(2)]
            day.theirs += [replace(theirs(0, amount_fen), channel_no=one) for one in numbers]
            day.expected |= {(no, "", 0): Class.ONLY_OURS for no in order_nos}
            day.expected |= {(no, "", 0): Class.ONLY_THEIRS for no in numbers}


def _shop(on: date, number: int) -> str:
    """A merchant that has one thing to be told of in three days: what stands beside a payment that
    was merged or split decides about it."""
    return f"19001{on.toordinal() % 3}{number:04d}"


_OF_PAYMENTS = frozenset(TOGETHER) - {Recipe.MERGED_REFUNDS, Recipe.SPLIT_REFUND}


def _both(day: Day, ours: Ours, theirs: Theirs) -> None:
    day.ours.append(ours)
    day.theirs.append(theirs)


def _pair(order_no: str, amount_fen: int, on: date) -> tuple[Ours, Theirs]:
    ours = Ours(
        pay_no=int(order_no), kind=Kind.PAYMENT, channel="wechat", merchant=OURS, custody="own",
        institution=INSTITUTION, order_no=order_no, refund_no="", channel_no=f"w{order_no}",
        amount_fen=amount_fen, day=on,
    )  # fmt: skip
    theirs = Theirs(
        file_no=0, row_no=0, kind=Kind.PAYMENT, channel="wechat", merchant=OURS,
        order_no=order_no, refund_no="", channel_no=f"w{order_no}", amount_fen=amount_fen,
        fee_fen=0, day=on, said=Said.DONE,
    )  # fmt: skip
    return ours, _priced(theirs, amount_fen)


def _refund(
    ours: Ours, theirs: Theirs, refund_no: str, amount_fen: int
) -> tuple[Ours, Theirs]:
    number = f"r{refund_no or ours.order_no}"
    back = replace(
        theirs, kind=Kind.REFUND, refund_no=refund_no, channel_no=number, amount_fen=amount_fen
    )
    return (
        replace(
            ours, kind=Kind.REFUND, refund_no=refund_no, channel_no=number,
            amount_fen=amount_fen, paid_day=ours.day,
        ),
        _priced(back, amount_fen),
    )  # fmt: skip


def _priced(theirs: Theirs, amount_fen: int) -> Theirs:
    fee_fen = (amount_fen * RATE.rate_bp + 5_000) // 10_000
    sign = 1 if theirs.kind is Kind.PAYMENT else -1
    return replace(theirs, amount_fen=amount_fen, fee_fen=sign * fee_fen)


def differences(found: dict[tuple[str, str, int], Class]) -> dict[tuple[str, str, int], Class]:
    """Without what is none."""
    return {place: one for place, one in found.items() if one not in NO_DIFFERENCE}


async def keep_day(connection: Connection[Record], day: Day, lanes: int) -> None:
    """Put a day into a database, with bills of all days around it."""
    files = await keep_files(connection, BILL_DAYS, lanes)
    await keep_rows(connection, day, files, lanes)
    for merchant in (OURS, AGENCYS):
        await keep_fee_rate(
            connection, channel="wechat", merchant=merchant, since=date(2026, 1, 1),
            rate_bp=RATE.rate_bp, tolerance_fen=RATE.tolerance_fen, at=_noon(DAY), actor="测试",
            reason="测试",
        )  # fmt: skip


async def keep_files(
    connection: Connection[Record], days: Sequence[date], lanes: int
) -> dict[tuple[str, date], int]:
    """Files of all merchants of some days; their numbers."""
    shops = [_shop(DAY + n * NEXT, m) for n in range(3) for m in range(SHOPS_WITH_BILLS)]
    merchants = (OURS, AGENCYS, *shops)
    files = {
        (merchant, on): 1_000 + n
        for n, (merchant, on) in enumerate((m, d) for m in merchants for d in days)
    }
    await _copy(
        connection, "bill_file",
        ("file_no", "received_at", "bill_day", "lane", "channel", "merchant", "kind", "sha256"),
        [(no, _noon(on), on, _lane_of(m, lanes), "wechat", m, "trade", b"")
         for (m, on), no in files.items()],
    )  # fmt: skip
    return files


async def keep_rows(
    connection: Connection[Record], day: Day, files: dict[tuple[str, date], int], lanes: int
) -> None:
    """The rows of both sides."""
    await _copy(
        connection, "bill_row",
        ("file_no", "amount_fen", "fee_fen", "at", "bill_day", "row_no", "lane", "kind",
         "channel", "merchant", "order_no", "refund_no", "channel_no", "channel_refund_no",
         "status"),
        [(files[one.merchant, one.day], one.amount_fen, one.fee_fen,
          datetime.combine(one.day, time(12)), one.day, one.row_no,
          lane_in(int(one.order_no)) if one.order_no else _lane_of(one.merchant, lanes),
          int(one.kind), one.channel, one.merchant, one.order_no, one.refund_no,
          one.channel_no if one.kind is Kind.PAYMENT else "",
          one.channel_no if one.kind is Kind.REFUND else "", _status(one))
         for one in day.theirs],
    )  # fmt: skip
    await _keep_ours(connection, day)


_CHANNEL_ROW = (
    "pay_no", "amount_fen", "at", "business_day", "paid_day", "lane", "attempt", "kind", "channel",
    "merchant", "institution", "custody", "order_no", "refund_no", "channel_no",
)  # fmt: skip


async def _keep_ours(connection: Connection[Record], day: Day) -> None:
    undone: list[tuple[object, ...]] = [
        (int(no), 1, _noon(day.on), day.on, None, lane_in(int(no)), 1, 3, "wechat", OURS,
         INSTITUTION, "own", no, "", "")
        for no in day.undone
    ]  # fmt: skip
    await _copy(
        connection, "channel_row", _CHANNEL_ROW,
        [(one.pay_no, one.amount_fen, _noon(one.day), one.day, one.paid_day,
          lane_in(int(one.order_no)), 1, int(one.kind), one.channel, one.merchant,
          one.institution, one.custody, one.order_no, one.refund_no, one.channel_no)
         for one in day.ours],
    )  # fmt: skip
    await _copy(connection, "channel_row", _CHANNEL_ROW, undone)
    began = msgspec.json.encode([{"merchant_no": OURS, "custody": "own"}, {}]).decode()
    await _copy(
        connection, "payment",
        ("pay_no", "amount_fen", "opened_at", "lane", "kind", "psn_no", "institution",
         "order_no", "plan"),
        [(one.pay_no, 1, _noon(DAY), lane_in(one.pay_no), 1, "", one.institution, no, b"")
         for no, one in day.sent.items()],
    )  # fmt: skip
    await _copy(
        connection, "payment_event",
        ("pay_no", "recorded_at", "lane", "event_no", "kind", "attempt", "order_no", "content",
         "digest", "exchange"),
        [(one.pay_no, _noon(DAY), lane_in(one.pay_no), 1, 1, 1, no, began, b"", b"")
         for no, one in day.sent.items()],
    )  # fmt: skip


def _lane_of(merchant: str, lanes: int) -> int:
    return int(merchant) % lanes


def _status(theirs: Theirs) -> str:
    match theirs.said:
        case Said.DONE:
            return "SUCCESS" if theirs.kind is Kind.PAYMENT else "REFUND/SUCCESS"
        case Said.TAKEN_BACK:
            return "REVOKED/SUCCESS"
        case Said.NOT_DONE:
            return "REFUND/FAIL"


def _noon(on: date) -> datetime:
    return datetime.combine(on, time(4), tzinfo=UTC)


async def _copy(
    connection: Connection[Record], table: str, columns: Sequence[str],
    records: Sequence[tuple[object, ...]],
) -> None:  # fmt: skip
    await connection.copy_records_to_table(
        table, schema_name="settlement", columns=list(columns), records=records
    )
