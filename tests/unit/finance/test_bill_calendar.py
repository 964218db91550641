"""Which bills of which days are there: every standing, in the order in which people need them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from settlement.books.bill import BillKind, Totals
from settlement.channels import config
from settlement.channels.alipay import AlipayChannel
from settlement.channels.config import NamedMerchant
from settlement.channels.onecode import OneCodeChannel
from settlement.channels.unionpay import UnionPayChannel
from settlement.channels.wechat import WechatChannel
from settlement.finance.bill_books import kinds_at
from settlement.finance.bill_calendar import Asking, Entry, Standing, calendar
from settlement.finance.bill_fetch import NOT_THERE
from settlement.payments.payment import ChannelName
from settlement.storage.bills import Asked, BillFile, BillKey

LANES = 16
TODAY = date(2026, 11, 26)
UNIONPAY = NamedMerchant(
    channel=ChannelName.UNIONPAY, merchant_no="777290000000001", institutions=("*",)
)
ON_TIME, TOO_LATE = timedelta(days=1, hours=10), timedelta(days=2, hours=10)


def entries(
    *files: BillFile, asked: tuple[Asked, ...] = (), first: int = 20,
    begun: date | None = date(2026, 1, 5),
) -> list[Entry]:
    """The calendar of some days until today."""
    asking = Asking(
        first=date(2026, 11, first), last=date(2026, 11, 30), today=TODAY, begun=begun,
        lanes=LANES, merchants=(UNIONPAY,),
    )  # fmt: skip
    return calendar(asking, files, asked)


def key(day: int) -> BillKey:
    """UnionPay's of a day, as the calendar expects it."""
    (one,) = [
        one.key for one in entries(first=day) if one.key.day == date(2026, 11, day)
    ]
    return one


def file(
    number: int, day: int, *, came: timedelta = ON_TIME, faults: int = 0, by: int | None = None
) -> BillFile:
    """A file that came so long after midnight of its day."""
    midnight = datetime(2026, 11, day, tzinfo=UTC) - timedelta(hours=8)
    return BillFile(
        key=key(day), file_no=number, received_at=midnight + came, sha256=b"", size_bytes=1,
        name="", fetched=False, actor="zhang", totals=Totals(paid_rows=1, paid_fen=500, fee_fen=3),
        fee_told="", faults=faults, replaced_by=by,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("files", "said", "standing"),
    [
        ((), None, Standing.MISSING),
        ((), NOT_THERE, Standing.MISSING),
        ((), "账单合计与明细不符", Standing.REFUSED),
        ((file(1, 20),), None, Standing.RECEIVED),
        ((file(1, 20),), "账单合计与明细不符", Standing.RECEIVED),
        ((file(1, 20, came=TOO_LATE),), None, Standing.LATE),
        ((file(1, 20, by=2), file(2, 20, came=TOO_LATE)), None, Standing.RECEIVED),
    ],
)  # fmt: skip
def test_standing_of_a_bill_whose_day_is_over(
    files: tuple[BillFile, ...], said: str | None, standing: Standing
) -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    asked = () if said is None else (Asked(key=key(20), at=at, said=said),)
    (one,) = [one for one in entries(*files, asked=asked) if one.key.day == date(2026, 11, 20)]
    assert one.standing is standing
    assert len(one.former) == max(len(files) - 1, 0)


def test_yesterdays_bill_may_still_come_and_todays_is_not_expected() -> None:
    found = {one.key.day.day: one.standing for one in entries(first=24)}
    assert found == {25: Standing.DUE, 24: Standing.MISSING}


def test_which_bills_a_channel_has_is_what_its_adapter_can_fetch() -> None:
    doors = {
        ChannelName.WECHAT: WechatChannel, ChannelName.ALIPAY: AlipayChannel,
        ChannelName.UNIONPAY: UnionPayChannel, ChannelName.ONECODE: OneCodeChannel,
    }  # fmt: skip
    assert set(doors) == set(ChannelName) == set(config._NUMBERS)
    with_funds = {name for name in doors if BillKind.FUNDS in kinds_at(name)}
    assert with_funds == {name for name, door in doors.items() if hasattr(door, "fund_bill")}
    assert kinds_at(ChannelName.ONECODE) == (BillKind.TRADE,)


@pytest.mark.parametrize(("begun", "first"), [(date(2026, 11, 24), 24), (None, None)])
def test_nothing_is_missing_of_days_before_the_first_booking(
    begun: date | None, first: int | None
) -> None:
    days = {one.key.day.day for one in entries(begun=begun)}
    assert min(days, default=None) == first
    assert {one.key.day.day for one in entries(file(7, 21), begun=begun)} == days | {21}
