"""What is asked of a channel, and when, about payments and refunds that nobody is certain of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from settlement.payments.payment import ChannelName, Custody
from settlement.payments.payment_states import (
    Ask,
    Attempt,
    Event,
    Happening,
    PaymentKind,
    fold,
    next_errand,
)
from settlement.payments.payment_timers import TIMERS

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
ATTEMPT = Attempt(
    number=1, channel=ChannelName.UNIONPAY, merchant_no="M", order_no="1", amount_fen=100,
    sent_at=AT, custody=Custody.OWN, timers=TIMERS[ChannelName.UNIONPAY],
)  # fmt: skip


class Course:
    """What happened to a payment so far."""

    def __init__(self, kind: PaymentKind) -> None:
        self._kind = kind
        self._events: list[Event] = []
        self.happens(Happening.ATTEMPTED, 0.0, began=ATTEMPT)

    def happens(
        self, happening: Happening, seconds: float, *, began: Attempt | None = None
    ) -> None:
        at = AT + timedelta(seconds=seconds)
        number = len(self._events) + 1
        self._events.append(
            Event(number=number, happening=happening, at=at, attempt=1, began=began)
        )

    def next(self) -> tuple[Ask, float]:
        """What is asked next, and how long after the beginning."""
        errand = next_errand(fold(self._kind, AT, self._events), self._events)
        assert errand is not None
        return errand.ask, (errand.at - AT).total_seconds()


@pytest.mark.parametrize("given_up_seconds", [0, 1, 5, 8, 12, 17, 20, 25, 29, 33, 40])
def test_number_that_a_channel_never_heard_of_is_dead_within_a_minute(
    given_up_seconds: float,
) -> None:
    """UnionPay calls an unknown number dead when it is half a minute old, and each call takes
    a fifth of a second."""
    course = Course(PaymentKind.COLLECT)
    course.happens(Happening.GIVEN_UP, given_up_seconds)
    undone_seconds: list[float] = []
    seconds = float(given_up_seconds)
    while seconds < 60:
        ask, seconds = course.next()
        if ask is Ask.UNDO:
            undone_seconds.append(seconds)
        course.happens(Happening.UNCLEAR, seconds + 0.2)
    assert any(30 <= seconds < 55 for seconds in undone_seconds)


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        ([],                                               Ask.REFUND),
        ([Happening.UNCLEAR],                              Ask.QUERY_REFUND),
        ([Happening.UNCLEAR] * 2,                          Ask.REFUND),
        ([Happening.UNCLEAR] * 3,                          Ask.QUERY_REFUND),
        ([Happening.CONFIRM],                              Ask.QUERY_REFUND),
        ([Happening.CONFIRM] * 2,                          Ask.QUERY_REFUND),
        ([Happening.CONFIRM, Happening.UNCLEAR],           Ask.REFUND),
        ([Happening.CONFIRM, *[Happening.UNCLEAR] * 2],    Ask.QUERY_REFUND),
        ([Happening.UNCLEAR, Happening.CONFIRM],           Ask.QUERY_REFUND),
    ],
)  # fmt: skip
def test_refund_goes_out_again_and_is_queried_in_turns(said: list[Happening], asks: Ask) -> None:
    course = Course(PaymentKind.RETURN)
    for number, happening in enumerate(said, 1):
        course.happens(happening, 10.0 * number)
    assert course.next()[0] is asks
