"""What the hub says of its own book, asked page by page: nothing of it counts unless all of it is a
list of that day between these two."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from protocol.hub.certificates import HUB
from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    BookRow,
    BookTold,
    Kind,
    Question,
    ReconcileTold,
    Refused,
    Told,
)
from settlement.region.hub import NoAnswer, Why
from settlement.serve.regional_lists import ask_hub, heard
from settlement.serve.regional_reconciling import HubSays

DAY = date(2026, 11, 24)
HERE, THERE = "441900", "430100"
Answer = Told | Refused | NoAnswer
ROWS = tuple(
    BookRow(
        number=n, case_no=f"{HERE}-{n}", reversal=False, total_fen=100, fund_fen=n, account_fen=0
    )
    for n in range(1, 6)
)  # fmt: skip


class Hub:
    """The port to a hub that has these rows of the day, two a page; or that says something else."""

    def __init__(self, other: Callable[[BookTold], Answer] = lambda told: told) -> None:
        self._other = other
        self.asked: list[tuple[str, BookAsked]] = []

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Answer:
        """A page."""
        assert (to, kind) == (HUB, Kind.BOOK) and isinstance(question, BookAsked)
        self.asked.append((correlation, question))
        left = [row for row in ROWS if row.number > question.after and question.day == DAY]
        told = BookTold(
            day=question.day, treated=question.treated, insured=question.insured,
            rows=tuple(left[:2]), more=len(left) > 2,
        )  # fmt: skip
        return self._other(told) if question.day == DAY else told


async def test_rows_of_a_day_and_of_those_around_it_come_page_by_page() -> None:
    hub = Hub()
    says = await ask_hub(hub, HERE, THERE, DAY, correlation="R")
    assert says.rows is not None and says.around == ()
    assert [row.fund_fen for row in says.rows] == [1, 2, 3, 4, 5]
    days = [asked.day - DAY for _, asked in hub.asked]
    assert days == [timedelta(n) for n in (-1, 0, 0, 0, 1)]
    assert [asked.after for _, asked in hub.asked] == [0, 0, 2, 4, 0]
    assert len({number for number, _ in hub.asked}) == 5, "a number is one question"
    assert {(asked.treated, asked.insured) for _, asked in hub.asked} == {(HERE, THERE)}


NOT_TOLD = [
    # what the hub says instead,                                              what is said of it
    (lambda told: replace(told, day=DAY + timedelta(9)),                      "another day"),
    (lambda told: replace(told, insured="520100"),                            "other regions"),
    (lambda told: replace(told, rows=(), more=True),                          "do not go on"),
    (lambda told: replace(told, rows=told.rows[::-1]),                        "do not go on"),
    (lambda told: replace(told, rows=ROWS[:1] * 2),                           "do not go on"),
    (lambda told: replace(told, rows=(ROWS[0],), more=True),                  "do not go on"),
    (lambda told: replace(told, rows=(ROWS[4], replace(ROWS[4], number=9)), more=False), "twice"),
    (lambda _: Refused(code=KIND_UNKNOWN, text="不受理。"),                   "does not know"),
    (lambda _: Refused(code="BOOK_NOT_YOURS", text="不是一方。"),             "不是一方"),
    (lambda _: NoAnswer(why=Why.NO_ANSWER, text="HTTP 400", status=400),      "an older hub"),
    (lambda _: NoAnswer(why=Why.NO_ANSWER, text="HTTP 502", status=502),      "did not tell"),
    (lambda _: NoAnswer(why=Why.WORTHLESS, text="signature wrong"),           "signature wrong"),
    (lambda _: ReconcileTold(day=DAY, rows=(), more=False),                   "something else"),
]  # fmt: skip


@pytest.mark.parametrize(("other", "why"), NOT_TOLD)
async def test_what_is_no_list_of_that_day_leaves_the_hub_out_and_says_why(
    other: Callable[[BookTold], Answer], why: str
) -> None:
    says = await ask_hub(Hub(other), HERE, THERE, DAY, correlation="R")
    assert (says.rows, says.around) == (None, None)
    assert why in says.why


TOLD, SILENT = HubSays(rows=(), around=()), HubSays(why="nobody answers")


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ([], None),
        ([HubSays(why="another hub", asked=False)], None),
        ([HubSays(why="another hub", asked=False), TOLD], ""),
        ([TOLD, SILENT, TOLD], "nobody answers"),
        ([HubSays(why="another hub", asked=False), SILENT], "nobody answers"),
    ],
)
def test_a_hub_that_was_not_asked_is_not_silent(says: list[HubSays], why: str | None) -> None:
    assert heard(says) == why
