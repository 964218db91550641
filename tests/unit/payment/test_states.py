"""Every pair of state and happening of a payment, and what is asked of a channel when.

What is expected is written here a state at a time, from what a counter, a payer and a channel must
be able to rely on; the table of payments/payment_states.py is written a happening at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from msgspec import structs

from settlement.payments.payment import ChannelName, Custody, Outcome, Timers, Verdict
from settlement.payments.payment_rows import content_text, event_of
from settlement.payments.payment_states import (
    ENDED,
    Ask,
    Attempt,
    Event,
    Happening,
    Ignored,
    Learnt,
    PaymentKind,
    Standing,
    State,
    Way,
    fold,
    happened,
    next_errand,
    opens,
    undo_happened,
    what_next,
)
from settlement.payments.payment_timers import PHONE_TIMERS, TIMERS

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
COLLECT, RETURN = PaymentKind.COLLECT, PaymentKind.RETURN
WECHAT, ALIPAY, UNIONPAY = ChannelName.WECHAT, ChannelName.ALIPAY, ChannelName.UNIONPAY

# A state, and what may happen to it: the state after it, and what is written with it. `known`
# changes nothing; whatever is not named contradicts the state.
EXPECTED_COLLECT = """
waiting     INVITED     waiting     nothing
waiting     SHARED      waiting     nothing
waiting     ATTEMPTED   collecting  nothing
waiting     GIVEN_UP    closed      release
waiting     SURPLUS     waiting     give back
waiting     CONFIRM     known
waiting     UNCLEAR     known
waiting     REFUSED     known
waiting     UNDONE      known
waiting     CHANGED     known

collecting  PAID        settled     book
collecting  MISPAID     undoing     nothing
collecting  CONFIRM     confirming  nothing
collecting  UNCLEAR     collecting  nothing
collecting  REFUSED     waiting     nothing
collecting  GIVEN_UP    undoing     nothing
collecting  SURPLUS     collecting  give back
collecting  CHANGED     changing    nothing

confirming  PAID        settled     book
confirming  MISPAID     undoing     nothing
confirming  CONFIRM     confirming  nothing
confirming  UNCLEAR     confirming  nothing
confirming  REFUSED     waiting     nothing
confirming  GIVEN_UP    undoing     nothing
confirming  SURPLUS     confirming  give back
confirming  CHANGED     changing    nothing

changing    PAID        undoing     nothing
changing    MISPAID     undoing     nothing
changing    CONFIRM     changing    nothing
changing    UNCLEAR     changing    nothing
changing    REFUSED     waiting     nothing
changing    UNDONE      waiting     nothing
changing    GIVEN_UP    undoing     nothing
changing    SURPLUS     changing    give back
changing    NOT_UNDONE  confirming  nothing
changing    CHANGED     known

undoing     PAID        undoing     nothing
undoing     MISPAID     undoing     nothing
undoing     CONFIRM     undoing     nothing
undoing     UNCLEAR     undoing     nothing
undoing     REFUSED     closed      release
undoing     UNDONE      closed      release
undoing     NOT_UNDONE  closed      release and give back
undoing     SURPLUS     undoing     give back
undoing     GIVEN_UP    known
undoing     CHANGED     known

settled     SURPLUS     settled     give back
settled     TAKEN_BACK  settled     nothing
settled     PAID        known
settled     CONFIRM     known
settled     UNCLEAR     known
settled     GIVEN_UP    known
settled     NOT_UNDONE  known
settled     CHANGED     known

closed      PAID        closed      give back
closed      MISPAID     closed      give back
closed      SURPLUS     closed      give back
closed      CONFIRM     known
closed      UNCLEAR     known
closed      REFUSED     known
closed      GIVEN_UP    known
closed      UNDONE      known
closed      NOT_UNDONE  known
closed      CHANGED     known
"""
EXPECTED_RETURN = """
returning   ATTEMPTED       returning   nothing
returning   RETURNED        returned    clear
returning   RETURN_REFUSED  refund_due  nothing
returning   CONFIRM         returning   nothing
returning   UNCLEAR         returning   nothing
returning   RETRIED         known

refund_due  RETURNED        returned    clear
refund_due  RETRIED         returning   nothing
refund_due  GIVEN_BACK      returned    clear
refund_due  RETURN_REFUSED  known
refund_due  CONFIRM         known
refund_due  UNCLEAR         known

returned    RETURNED        known
returned    CONFIRM         known
returned    UNCLEAR         known
"""
STATES = {
    COLLECT: (
        "waiting", "collecting", "confirming", "changing", "undoing", "settled", "closed",
    ),
    RETURN: ("returning", "refund_due", "returned"),
}  # fmt: skip
MONEY_IS_HELD = {"waiting", "collecting", "confirming", "changing", "undoing"}


def expected(text: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """A table by state and happening."""
    rows = (line.split(None, 3) for line in text.splitlines() if line.strip())
    return {(state, happening): tuple(follows) for state, happening, *follows in rows}


def pairs() -> Iterator[tuple[PaymentKind, State, Happening]]:
    """Every pair, of both kinds."""
    for kind, states in STATES.items():
        for state in states:
            for happening in Happening:
                yield kind, State(state), happening


def told(kind: PaymentKind, state: State, happening: Happening) -> tuple[str, ...]:
    """What the code says of a pair, in the words of the tables above."""
    follows = what_next(kind, state, happening)
    if isinstance(follows, Ignored):
        return (follows.value,)
    return follows[0].value, follows[1].value


@pytest.mark.parametrize("kind", list(PaymentKind))
def test_every_pair_is_as_it_must_be(kind: PaymentKind) -> None:
    table = expected(EXPECTED_COLLECT if kind is COLLECT else EXPECTED_RETURN)
    wrong = {
        (state, happening.name): told(kind, state, happening)
        for of, state, happening in pairs()
        if of is kind
        and told(kind, state, happening)
        != table.get((state.value, happening.name), ("impossible",))
    }
    assert wrong == {}


def test_states_of_both_kinds_are_all_there_are() -> None:
    assert {State(name) for names in STATES.values() for name in names} == set(State)
    assert len(list(pairs())) == len(State) * len(Happening)


def test_what_is_held_is_booked_or_freed_exactly_when_it_ends() -> None:
    for kind, state, happening in pairs():
        follows = what_next(kind, state, happening)
        if kind is RETURN or isinstance(follows, Ignored):
            continue
        ends = state.value in MONEY_IS_HELD and follows[0].value not in MONEY_IS_HELD
        assert ends == (follows[1].value in {"book", "release", "release and give back"})
        assert follows[0].value in MONEY_IS_HELD or state not in ENDED or follows[0] is state


def test_happening_that_contradicts_is_not_folded() -> None:
    with pytest.raises(ValueError, match="PAID in waiting"):
        fold(COLLECT, AT, [happening_at(1, Happening.PAID)])


def an_attempt(
    channel: ChannelName, *, number: int = 1, after: float = 0, amount_fen: int = 1_000
) -> Attempt:
    """One that began so many seconds after the payment was opened."""
    return Attempt(
        number=number, channel=channel, merchant_no="1", order_no=f"26110000000000000{number:02}",
        amount_fen=amount_fen, sent_at=AT + timedelta(seconds=after), custody=Custody.OWN,
        timers=TIMERS[channel],
    )  # fmt: skip


def happening_at(
    number: int, happening: Happening, after: float = 0, *, began: Attempt | None = None,
    attempt: int = 1, learnt: Learnt | None = None,
) -> Event:  # fmt: skip
    """An event so many seconds after the payment was opened."""
    return Event(
        number=number, happening=happening, at=AT + timedelta(seconds=after), attempt=attempt,
        began=began, learnt=learnt or Learnt(),
    )  # fmt: skip


class Story:
    """A payment that is led through happenings, with the errand that follows each."""

    def __init__(self, channel: ChannelName, kind: PaymentKind = COLLECT) -> None:
        self.kind, self.channel = kind, channel
        self.timers: Timers = TIMERS[channel]
        self.events: list[Event] = []
        self.happens(Happening.ATTEMPTED, 0, began=an_attempt(channel))

    def happens(
        self, happening: Happening, after: float, *, began: Attempt | None = None,
        learnt: Learnt | None = None,
    ) -> None:  # fmt: skip
        """It happens so many seconds after the first byte of the first attempt."""
        attempt = began.number if began is not None else max(1, len(self.standing.attempts))
        self.events.append(
            happening_at(
                len(self.events) + 1, happening, after, began=began, attempt=attempt, learnt=learnt
            )
        )

    @property
    def standing(self) -> Standing:
        """What stands."""
        return fold(self.kind, AT, self.events)

    def next(self) -> tuple[Ask, float] | None:
        """The errand and when, in seconds after the first byte."""
        errand = next_errand(self.standing, self.events)
        return None if errand is None else (errand.ask, (errand.at - AT).total_seconds())

    def errands(self, answer: Happening, *, until: float = 90) -> list[tuple[Ask, float]]:
        """All errands up to some time, where the channel answers each in the same way, at once."""
        run: list[tuple[Ask, float]] = []
        while (errand := self.next()) is not None and errand[1] <= until:
            run.append(errand)
            self.happens(Happening.GIVEN_UP if errand[0] is Ask.GIVE_UP else answer, errand[1])
        return run


def stories(channel: ChannelName = WECHAT) -> dict[State, Story]:
    """A payment in each state."""
    ways: dict[State, tuple[Happening, ...]] = {
        State.WAITING: (Happening.REFUSED,),
        State.COLLECTING: (),
        State.CONFIRMING: (Happening.CONFIRM,),
        State.CHANGING: (Happening.CONFIRM, Happening.CHANGED),
        State.UNDOING: (Happening.GIVEN_UP,),
        State.SETTLED: (Happening.PAID,),
        State.CLOSED: (Happening.GIVEN_UP, Happening.UNDONE),
        State.RETURNING: (),
        State.REFUND_DUE: (Happening.RETURN_REFUSED,),
        State.RETURNED: (Happening.RETURNED,),
    }
    found = {}
    for state, happenings in ways.items():
        kind = RETURN if state.value in STATES[RETURN] else COLLECT
        found[state] = story = Story(channel, kind)
        for number, happening in enumerate(happenings, 1):
            story.happens(happening, number)
        assert story.standing.state is state
    return found


def test_whatever_is_not_at_its_end_has_an_errand_but_for_what_people_must_do() -> None:
    for state, story in stories().items():
        assert (story.next() is None) == (state in ENDED or state is State.REFUND_DUE), state


_LAST_ANSWERS = {
    Ask.GIVE_UP: (Happening.GIVEN_UP,),
    Ask.LEAVE: (Happening.CHANGED,),
    Ask.QUERY: (Happening.PAID, Happening.MISPAID, Happening.REFUSED),
    Ask.UNDO: (Happening.UNDONE,),
    Ask.REFUND: (Happening.RETURNED, Happening.RETURN_REFUSED),
    Ask.QUERY_REFUND: (Happening.RETURNED, Happening.RETURN_REFUSED),
}
"""What a channel says that answers."""


@pytest.mark.parametrize("silent", [0, 1, 5, 40])
@pytest.mark.parametrize("channel", list(ChannelName))
@pytest.mark.parametrize("choice", [0, 1, 2])
def test_following_the_errands_leads_to_the_end_once_the_channel_answers(
    channel: ChannelName, silent: int, choice: int
) -> None:
    for story in stories(channel).values():
        for number in range(silent + 12):
            errand = story.next()
            if errand is None:
                break
            answers = _LAST_ANSWERS[errand[0]]
            answer = answers[choice % len(answers)]
            if number < silent and errand[0] is not Ask.GIVE_UP:
                answer = Happening.UNCLEAR
            story.happens(answer, errand[1], learnt=Learnt(reference="w1"))
        assert story.standing.state in {*ENDED, State.REFUND_DUE}


def seconds_of(run: list[tuple[Ask, float]], ask: Ask) -> list[float]:
    """When this was asked."""
    return [after for asked, after in run if asked is ask]


@pytest.mark.parametrize("given_up_after", [0.0, 1.0, 14.9, 15.0, 44.0])
def test_wechat_hears_of_no_undo_before_fifteen_seconds(given_up_after: float) -> None:
    story = Story(WECHAT)
    story.happens(Happening.GIVEN_UP, given_up_after)
    assert story.next() == (Ask.UNDO, max(15.0, given_up_after))


def test_wechat_s_fifteen_seconds_are_those_of_the_second_attempt() -> None:
    story = Story(WECHAT)
    story.happens(Happening.REFUSED, 1)
    story.happens(
        Happening.ATTEMPTED, 40, began=an_attempt(WECHAT, number=2, after=40)
    )
    story.happens(Happening.GIVEN_UP, 41)
    assert story.next() == (Ask.UNDO, 55)


@pytest.mark.parametrize("answer", [Happening.UNCLEAR, Happening.CONFIRM])
@pytest.mark.parametrize("pay_answered_after", [None, 0.2, 20.0, 39.9, 40.0, 40.4])
def test_unionpay_is_undone_no_later_than_forty_five_seconds_after_the_first_byte(
    answer: Happening, pay_answered_after: float | None
) -> None:
    story = Story(UNIONPAY)
    run: list[tuple[Ask, float]] = []
    while not seconds_of(run, Ask.UNDO):
        ask, after = story.next() or (Ask.UNDO, float("inf"))
        if pay_answered_after is not None and after >= pay_answered_after:
            story.happens(answer, pay_answered_after)
            pay_answered_after = None
            continue
        run.append((ask, after))
        story.happens(Happening.GIVEN_UP if ask is Ask.GIVE_UP else answer, after)
    assert run[-1][1] <= 45, run


@pytest.mark.parametrize("said", [Happening.PAID, Happening.MISPAID])
def test_another_amount_is_undone_a_second_later_so_that_it_can_be_said_again(
    said: Happening,
) -> None:
    story = Story(ALIPAY)
    story.happens(Happening.MISPAID, 0.5)
    assert story.next() == (Ask.UNDO, 1.5)
    story.happens(said, 0.75)
    assert story.next() == (Ask.UNDO, 2.75)


def queries(channel: ChannelName, answer: Happening, *, answered_after: float) -> list[float]:
    """When a payment is queried whose own answer came after so long and says nothing definite."""
    story = Story(channel)
    story.happens(answer, answered_after)
    gives_up_after = (
        story.timers.payer_undo_after if answer is Happening.CONFIRM else story.timers.undo_after
    )
    run = story.errands(answer, until=gives_up_after)
    assert (Ask.GIVE_UP, gives_up_after) in run
    return seconds_of(run, Ask.QUERY)


QUERIES = [
    # channel   pay's answer        comes after  queries (channels.md, section 2)
    (WECHAT,    Happening.UNCLEAR,  0.0,         [5, 10, 20]),
    (WECHAT,    Happening.CONFIRM,  0.0,         [5, 10, 20, 30, 40]),
    (ALIPAY,    Happening.UNCLEAR,  0.0,         [5, 8, 13, 18, 23, 28]),
    (ALIPAY,    Happening.CONFIRM,  0.0,         [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]),
    (UNIONPAY,  Happening.UNCLEAR,  0.0,         [1, 3, 7, 15, 31]),
    (UNIONPAY,  Happening.CONFIRM,  0.0,         [1, 3, 7, 15, 31]),
    (ALIPAY,    Happening.UNCLEAR,  10.0,        [15, 18, 23, 28]),
    (UNIONPAY,  Happening.UNCLEAR,  5.0,         [6, 8, 12, 20, 36]),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "answer", "after", "expected_at"), QUERIES)
def test_queries_keep_the_channel_s_gaps_counted_from_the_answer_to_the_payment(
    channel: ChannelName, answer: Happening, after: float, expected_at: list[float]
) -> None:
    assert queries(channel, answer, answered_after=after) == expected_at


@pytest.mark.parametrize("channel", list(ChannelName))
def test_payment_whose_process_died_is_asked_about(channel: ChannelName) -> None:
    story = Story(channel)
    assert story.next() == (Ask.QUERY, story.timers.query_after[0])


def test_deadlines_are_those_of_the_channels() -> None:
    for channel, unknown, payer in ((WECHAT, 30, 45), (ALIPAY, 30, 60), (UNIONPAY, 40, 40)):
        for answer, deadline in ((Happening.UNCLEAR, unknown), (Happening.CONFIRM, payer)):
            story = Story(channel)
            story.happens(answer, 0.5)
            run = story.errands(answer, until=deadline)
            assert seconds_of(run, Ask.GIVE_UP) == [deadline], channel


def test_undo_is_repeated_until_it_is_answered_with_queries_between() -> None:
    story = Story(WECHAT)
    story.happens(Happening.GIVEN_UP, 20)
    run = story.errands(Happening.UNCLEAR, until=120)
    assert [ask for ask, _ in run[:4]] == [Ask.UNDO, Ask.QUERY, Ask.UNDO, Ask.QUERY]
    times = [after for _, after in run]
    assert times[0] == 20
    assert all(0 < later - earlier <= 60 for earlier, later in pairwise(times))


def test_money_that_came_while_undoing_is_undone_and_not_asked_about() -> None:
    story = Story(ALIPAY)
    story.happens(Happening.GIVEN_UP, 10)
    story.happens(Happening.PAID, 10.5, learnt=Learnt(reference="a1"))
    ask, after = story.next() or (None, 0)
    assert ask is Ask.UNDO
    assert after <= 15


def test_shown_code_is_waited_for_a_minute_from_the_refusal_of_the_last_one() -> None:
    story = Story(WECHAT)
    story.happens(Happening.REFUSED, 7)
    assert story.next() == (Ask.GIVE_UP, 67)


def test_slow_refund_is_queried_and_a_silent_one_is_sent_again_in_turns() -> None:
    story = Story(WECHAT, RETURN)
    assert story.next() == (Ask.REFUND, 0)
    story.happens(Happening.UNCLEAR, 0)
    assert story.next() == (Ask.QUERY_REFUND, 5)
    story.happens(Happening.UNCLEAR, 5)
    assert story.next() == (Ask.REFUND, 15)
    story.happens(Happening.CONFIRM, 15)
    assert story.next() == (Ask.QUERY_REFUND, 45)


def test_money_that_is_seen_after_a_long_silence_is_undone_at_once() -> None:
    story = Story(WECHAT, COLLECT)
    story.happens(Happening.GIVEN_UP, 60)
    at = 60.0
    for _ in range(9):
        ask, at = story.next()
        story.happens(Happening.UNCLEAR, at)
    assert ask is Ask.UNDO
    ask, at = story.next()
    story.happens(Happening.PAID, at)
    assert story.next() == (Ask.UNDO, at + 2)


VERDICTS = [
    # verdict                amount  happening
    (Verdict.SUCCESS,        1_000,  Happening.PAID),
    (Verdict.SUCCESS,        None,   Happening.PAID),
    (Verdict.SUCCESS,        999,    Happening.MISPAID),
    (Verdict.SUCCESS,        0,      Happening.MISPAID),
    (Verdict.PAYER_ACTION,   None,   Happening.CONFIRM),
    (Verdict.UNKNOWN,        None,   Happening.UNCLEAR),
    (Verdict.FAILED,         None,   Happening.REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("verdict", "amount_fen", "expected_happening"), VERDICTS)
def test_what_a_channel_says_of_a_payment(
    verdict: Verdict, amount_fen: int | None, expected_happening: Happening
) -> None:
    outcome = Outcome(verdict=verdict, amount_fen=amount_fen)
    assert happened(outcome, an_attempt(WECHAT)) is expected_happening


def test_undo_that_is_refused_is_believed_only_where_the_money_is_known_to_be_there() -> None:
    refused = Outcome(verdict=Verdict.FAILED)
    story = Story(WECHAT)
    story.happens(Happening.GIVEN_UP, 20)
    assert undo_happened(refused, story.standing) is Happening.UNCLEAR
    story.happens(Happening.PAID, 21, learnt=Learnt(reference="w1"))
    assert undo_happened(refused, story.standing) is Happening.NOT_UNDONE
    done = Outcome(verdict=Verdict.SUCCESS)
    assert undo_happened(done, story.standing) is Happening.UNDONE


def test_what_is_known_of_an_attempt_is_not_that_of_the_next() -> None:
    story = Story(WECHAT)
    story.happens(Happening.REFUSED, 1, learnt=Learnt(text="余额不足"))
    assert story.standing.last.text == "余额不足"
    story.happens(
        Happening.ATTEMPTED, 2, began=an_attempt(ALIPAY, number=2, after=2)
    )
    assert story.standing.last.text == ""
    assert story.standing.paid is None
    assert [one.number for one in story.standing.attempts] == [1, 2]


def test_order_that_was_left_is_closed_by_the_resolver_where_nobody_else_did() -> None:
    story = Story(ALIPAY)
    story.happens(Happening.CONFIRM, 1)
    story.happens(Happening.CHANGED, 10)
    run = story.errands(Happening.UNCLEAR, until=30)
    assert run == [(Ask.UNDO, 25), (Ask.QUERY, 27), (Ask.UNDO, 29)]
    story.happens(Happening.UNDONE, 31)
    assert (story.standing.state, story.next()) == (State.WAITING, (Ask.GIVE_UP, 91))


def test_order_that_cannot_be_closed_is_given_up_when_its_time_is_over() -> None:
    story = Story(UNIONPAY)
    story.events = [happening_at(1, Happening.INVITED, attempt=0)]
    story.happens(Happening.ATTEMPTED, 1, began=an_attempt(UNIONPAY, after=1))
    story.happens(Happening.CHANGED, 10)
    run = story.errands(Happening.UNCLEAR, until=1_000)
    given_up = [after for ask, after in run if ask is Ask.GIVE_UP]
    assert len(given_up) == 1 and 300 <= given_up[0] <= 360
    assert story.standing.state is State.UNDOING


@pytest.mark.parametrize(("begins", "ask"), [(1, Ask.LEAVE), (271, Ask.GIVE_UP)])
def test_order_of_which_no_phone_heard_is_left_where_there_is_time_for_another(
    begins: float, ask: Ask
) -> None:
    story = Story(ALIPAY)
    story.events = [happening_at(1, Happening.INVITED, attempt=0)]
    attempt = structs.replace(
        an_attempt(ALIPAY, after=begins), way=Way.PHONE, timers=PHONE_TIMERS
    )
    story.happens(Happening.ATTEMPTED, begins, began=attempt)
    for _ in range(5):
        errand = story.next()
        assert errand is not None
        if errand[0] is not Ask.QUERY:
            break
        story.happens(Happening.UNCLEAR, errand[1])
    assert errand == (ask, begins + PHONE_TIMERS.undo_after)


def test_address_is_that_of_the_present_attempt() -> None:
    story = Story(ALIPAY)
    said = happening_at(2, Happening.CONFIRM, 1)
    story.events.append(structs.replace(said, opens="https://qr.test/1"))
    assert opens(story.standing, story.events) == "https://qr.test/1"
    story.happens(Happening.CHANGED, 2)
    story.happens(Happening.UNDONE, 3)
    story.happens(Happening.ATTEMPTED, 4, began=an_attempt(ALIPAY, number=2, after=4))
    assert opens(story.standing, story.events) == ""


@pytest.mark.parametrize("address", ["", "https://qr.test/1"])
def test_address_is_stored_only_where_there_is_one(address: str) -> None:
    event = structs.replace(happening_at(2, Happening.CONFIRM, 1), opens=address)
    content = content_text(event)
    assert len(msgspec.json.decode(content)) == (3 if address else 2)
    again = event_of(
        event_no=2, kind=Happening.CONFIRM, attempt=1, recorded_at=event.at, content=content
    )
    assert again == event
