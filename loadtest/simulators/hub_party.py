"""The simulated hub as a party of the wire: it tells a region what its own book has of a day.

It has a certificate like every region, opens what is addressed to itself and nothing else, and
tells each region only of days that the region is one side of. Without keys it is an older hub,
which knows no such question.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from loadtest.simulators.hub_book import HubBook
from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    BookRow,
    BookTold,
    Question,
    Refused,
)
from protocol.hub.post import Fault, Post, Strange, Worthless
from settlement.clock import Clock

ROWS_MAX = 1_000
"""Of a page."""
NOT_A_SIDE = "BOOK_NOT_YOURS"
_STATUS = {Fault.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE}


class HubParty:
    """Answers for the hub. `post` gives its end of the wire now; None while it has none."""

    def __init__(
        self, post: Callable[[], Post | None], book: HubBook, clock: Clock,
        *, rows_max: int = ROWS_MAX,
    ) -> None:  # fmt: skip
        self._post = post
        self._book = book
        self._clock = clock
        self.rows_max = rows_max

    async def take(self, message: bytes) -> bytes | HTTPStatus:
        """The answer's bytes, or the status where nothing signed is said."""
        post, at = self._post(), self._clock()
        if post is None:
            return HTTPStatus.NOT_FOUND
        opened = post.read_question(message, at=at)
        if not isinstance(opened, Worthless):
            asked = opened.envelope
            return post.answer(opened, self._said(asked.origin, opened.question), at=at)
        strange = post.read_strange(message, at=at)
        if isinstance(strange, Strange):
            return post.answer(strange, _UNKNOWN, at=at)
        return _STATUS.get(opened.fault, HTTPStatus.BAD_REQUEST)

    def _said(self, origin: str, question: Question) -> BookTold | Refused:
        if not isinstance(question, BookAsked):
            return _UNKNOWN
        if origin not in (question.treated, question.insured):
            return Refused(code=NOT_A_SIDE, text="只能查询本统筹区为一方的日清单。")
        rows = self._book.page(
            question.treated, question.insured, question.day.isoformat(), after=question.after,
            limit=self.rows_max + 1,
        )  # fmt: skip
        return BookTold(
            day=question.day, treated=question.treated, insured=question.insured,
            rows=tuple(
                BookRow(
                    number=row.number, case_no=row.case, reversal=row.reversal,
                    total_fen=row.total_fen, fund_fen=row.fund_fen, account_fen=row.account_fen,
                )
                for row in rows[: self.rows_max]
            ),
            more=len(rows) > self.rows_max,
        )  # fmt: skip


_UNKNOWN = Refused(code=KIND_UNKNOWN, text="平台不识别此类报文。")
