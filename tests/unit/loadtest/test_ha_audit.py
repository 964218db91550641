"""What a drill of failovers concludes from both books, and from the times of its answers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loadtest.drills.ha_audit import Row, Window, compare, totals_fen, window
from loadtest.drills.ha_shop import Order

ORDER = Order(
    infno="2102", msgid="M1", index=0, institution="P44190099001", psn_no=b"T1", fee_fen=1250,
    body=b"", sent_at=1.0, answered_at=1.1, first_seconds=0.1, setl_id="S1",
)  # fmt: skip
ROW = Row(institution="P44190099001", msgid="M1", setl_id="S1", total_fen=1250, undoes="")
OPEN = replace(ORDER, answered_at=None, first_seconds=None, setl_id="")

LATE = replace(OPEN, refusal="LATER_SETTLEMENT_STANDS")
REFUSED = replace(OPEN, refusal="INTERNAL")
OTHER = replace(ROW, setl_id="S2")
CHEAPER = replace(ROW, total_fen=1249)

#    book      ledger        what is named
ROWS = [
    ([ORDER],   [ROW],        set()),
    ([ORDER],   [],           {"lost"}),
    ([ORDER],   [ROW, OTHER], {"doubled", "differences"}),
    ([OPEN],    [],           {"unresolved"}),
    ([OPEN],    [ROW],        {"unresolved"}),
    ([ORDER],   [CHEAPER],    {"differences"}),
    ([ORDER],   [OTHER],      {"differences"}),
    ([],        [ROW],        {"differences"}),
    ([LATE],    [],           set()),
    ([LATE],    [ROW],        {"differences"}),
    ([REFUSED], [],           {"differences"}),
]  # fmt: skip


@pytest.mark.parametrize(("orders", "rows", "said"), ROWS)
def test_what_does_not_fit_is_named(orders: list[Order], rows: list[Row], said: set[str]) -> None:
    findings = compare(orders, rows)
    named = {name for name in ("lost", "doubled", "unresolved", "differences")
             if getattr(findings, name)}  # fmt: skip
    assert named == said
    assert findings.clean == (not said)


def test_a_settlement_undone_twice_is_named() -> None:
    cancel = replace(ROW, msgid="M2", setl_id="S2", total_fen=-1250, undoes="S1")
    orders = [ORDER, *(
        replace(ORDER, msgid=msgid, setl_id=setl_id, fee_fen=-1250, undoes="S1")
        for msgid, setl_id in (("M2", "S2"), ("M3", "S3"))
    )]  # fmt: skip
    rows = [ROW, cancel, replace(cancel, msgid="M3", setl_id="S3")]
    assert compare(orders, rows).doubled == ["S1: undone 2 times"]
    assert totals_fen(orders, rows) == {"book": -1250, "ledger": -1250}


def test_the_longest_silence_is_what_was_felt() -> None:
    answered = [replace(ORDER, sent_at=at, first_seconds=0.5) for at in (10.0, 11.0, 31.0, 32.0)]
    failed = [replace(OPEN, sent_at=at) for at in (12.0, 20.0)]
    slow = replace(ORDER, sent_at=30.5, first_seconds=2.0)
    before = replace(ORDER, sent_at=9.0)
    assert window([before, *answered, *failed, slow], began=10.0, ended=40.0) == Window(
        back_seconds=21.5, silent_seconds=20.0, sent=7, unanswered=2, slow=1
    )


def test_where_nobody_was_served_the_silence_lasts_to_the_end() -> None:
    felt = window([replace(OPEN, sent_at=12.0)], began=10.0, ended=40.0)
    assert (felt.back_seconds, felt.silent_seconds) == (30.0, 30.0)
