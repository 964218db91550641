"""`settlement regions`: what a certificate is good for at a moment, and how it is shown."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from protocol.hub.certificates import HUB, Withdrawal
from settlement.serve.region_list import RegionShown, Shown, regions_table, shown_certificates
from tests.kit.hub import AT, AUTHORITY, INSURED, OTHER, papers_of

GONE = {f"{INSURED}-2": Withdrawal(serial=f"{INSURED}-2", withdrawn_at=AT, reason="测试：遗失")}
DAY = timedelta(days=1)

STATES = [
    # number, begins, days,                      state,       days left
    (1,       AT - 30 * DAY, 365,                "valid",     335),
    (1,       AT - 30 * DAY, 60,                 "valid",     30),
    (1,       AT - 30 * DAY, 59,                 "soon",      29),
    (1,       AT + DAY,      365,                "waiting",   366),
    (1,       AT - 30 * DAY, 30,                 "expired",   0),
    (2,       AT - 30 * DAY, 365,                "withdrawn", 335),
]  # fmt: skip


@pytest.mark.parametrize(("number", "begins_at", "days", "state", "left"), STATES)
def test_certificate_is_good_for_something_or_not(
    number: int, begins_at: datetime, days: int, state: str, left: int
) -> None:
    papers = papers_of(INSURED, number, begins_at=begins_at, days=days)
    [shown] = shown_certificates([papers.content], AUTHORITY.root, GONE, AT)
    assert (shown.serial, shown.state, shown.days_left) == (f"{INSURED}-{number}", state, left)


def test_without_the_root_nothing_is_proved() -> None:
    contents = [papers_of(INSURED).content]
    for root in (None, b"x" * 32):
        [shown] = shown_certificates(contents, root, {}, AT)
        assert shown.state == "unproved"


def region(code: str, *contents: str, active: bool = True) -> RegionShown:
    """A region with these certificates."""
    return RegionShown(
        region=code, name="测试统筹区", route="", active=active,
        certificates=shown_certificates(contents, AUTHORITY.root, GONE, AT),
    )  # fmt: skip


def test_table_is_for_people() -> None:
    one = region(INSURED, papers_of(INSURED).content, papers_of(INSURED, 2).content)
    assert one.is_reachable and not region(OTHER).is_reachable
    hub = region(HUB, papers_of(HUB).content)
    text = regions_table(
        Shown(own=region("441900"), hub=hub, others=[one, region(OTHER, active=False)])
    )
    assert "000000-1  有效 valid" in text.split("对方统筹区")[0]
    assert "430100-1  有效 valid  2026-10-27 – 2027-10-27, 335 天" in text
    assert text.count("报文版本 message version 2") == 3
    assert "430100-2  已撤销 withdrawn" in text and "测试：遗失" in text
    assert "520100  测试统筹区  —  已停用 not active" in text
    assert text.count("没有证书") == 2
    assert "没有 none" in regions_table(Shown(own=region("441900"), hub=hub, others=[]))
