"""A return after its refund was refused: tried again, reported about late, given back by people."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from settlement.payments.pay_commands import Report
from settlement.payments.payment import ChannelName, Custody
from settlement.payments.payment_rows import PaymentFact, PaymentRow
from settlement.payments.payment_states import (
    NEW_NUMBER_AFTER_REFUSAL,
    Ask,
    Attempt,
    Event,
    Happening,
    Learnt,
    PaymentKind,
    State,
    next_errand,
)
from settlement.payments.payment_timers import TIMERS
from settlement.usecases import paying
from settlement.usecases.payment_payloads import Plan, seal_plan
from settlement.view import Effects, View
from tests.unit.usecases.builders import LANE, PHARMACY, a_moment, a_world, asked

PAY_NO = 2_611_000_300_001_000_001
AMOUNT_FEN = 1_234


class Tried:
    """A return that a channel has refused, and whatever is reported about it then."""

    def __init__(self, channel: ChannelName, custody: Custody = Custody.OWN) -> None:
        self.world = a_world()
        self.seconds = count(1)
        began = a_moment().at
        attempt = Attempt(
            number=1, channel=channel, merchant_no="1900000001", order_no="2611000300001000002",
            amount_fen=AMOUNT_FEN, sent_at=began, custody=custody, timers=TIMERS[channel],
        )  # fmt: skip
        plan = seal_plan(Plan(transfers=()), self.world.keyring, LANE, PAY_NO)
        row = PaymentRow(
            lane=LANE, pay_no=PAY_NO, kind=PaymentKind.RETURN, opened_at=began, setl_id=None,
            parent=1, psn_no="", institution=PHARMACY.code, order_no="R1", amount_fen=AMOUNT_FEN,
            plan=plan,
        )  # fmt: skip
        self.fact = PaymentFact(
            row=row,
            events=[Event(number=1, happening=Happening.ATTEMPTED, at=began, attempt=1,
                          began=attempt)],
        )  # fmt: skip
        self.report(Happening.RETURN_REFUSED)

    def report(
        self, happening: Happening, attempt: int | None = None, amount_fen: int | None = None
    ) -> tuple[str, Effects | None]:
        """The alarm, and what is written; the payment stands as it says."""
        present = self.fact.standing.attempts[-1].number
        command = Report(
            asked=asked("SCAN"), pay_nos=(PAY_NO,), pay_no=PAY_NO, happening=happening,
            attempt=attempt or present,
            learnt=Learnt(code=happening.name, amount_fen=amount_fen),
        )  # fmt: skip
        view = View()
        view.payments[PAY_NO] = self.fact
        moment = a_moment(next(self.seconds))
        decision = paying.report(command, view, self.world, moment)
        answer = decision.reply
        assert isinstance(answer, paying.PayAnswer)
        assert answer.fact is not None
        self.fact = answer.fact
        return answer.alarm, decision.effects

    @property
    def state(self) -> State:
        return self.fact.standing.state


@pytest.mark.parametrize("channel", list(ChannelName))
def test_retry_is_due_at_once_under_a_number_that_can_still_work(channel: ChannelName) -> None:
    tried = Tried(channel)
    refused = tried.fact.standing.attempts[-1]
    _, effects = tried.report(Happening.RETRIED)
    standing = tried.fact.standing
    errand = next_errand(standing, tried.fact.events)
    assert errand is not None
    assert (standing.state, errand.ask, errand.at) == (State.RETURNING, Ask.REFUND, standing.since)
    again = standing.attempts[-1]
    assert (again.order_no != refused.order_no) is (channel in NEW_NUMBER_AFTER_REFUSAL)
    assert (again.sent_at > refused.sent_at) is (channel in NEW_NUMBER_AFTER_REFUSAL)
    assert again.amount_fen == refused.amount_fen
    assert effects is not None
    assert effects.due[0].due_at == standing.since


def test_unionpay_gets_a_new_number_and_a_new_time_since_both_are_its_key() -> None:
    assert frozenset({ChannelName.UNIONPAY}) == NEW_NUMBER_AFTER_REFUSAL
    tried = Tried(ChannelName.UNIONPAY)
    _, effects = tried.report(Happening.RETRIED)
    again = tried.fact.standing.attempts[-1]
    assert effects is not None
    assert [(row.attempt, row.order_no) for row in effects.payment_events] == [(2, again.order_no)]
    assert again.sent_at == a_moment().at + timedelta(seconds=2)


def test_old_refusal_that_comes_late_does_not_stop_the_new_number() -> None:
    tried = Tried(ChannelName.UNIONPAY)
    tried.report(Happening.RETRIED)
    assert tried.report(Happening.RETURN_REFUSED, attempt=1) == ("", None)
    assert tried.state is State.RETURNING


def test_refused_number_that_went_out_after_all_is_an_alarm_and_counts_once() -> None:
    tried = Tried(ChannelName.UNIONPAY)
    tried.report(Happening.RETRIED)
    alarm, effects = tried.report(Happening.RETURNED, attempt=1)
    assert alarm == "RETURNED by attempt 1, which was refused"
    assert effects is not None
    assert tried.state is State.RETURNED
    alarm, effects = tried.report(Happening.RETURNED, attempt=2)
    assert alarm == "RETURNED by attempt 2 after RETURNED of attempt 1"
    assert effects is None


@pytest.mark.parametrize("custody", list(Custody))
def test_refund_after_people_gave_it_back_is_an_alarm(custody: Custody) -> None:
    tried = Tried(ChannelName.WECHAT, custody)
    alarm, effects = tried.report(Happening.GIVEN_BACK)
    assert alarm == ""
    assert effects is not None
    assert [t.amount_fen for entry in effects.entries for t in entry.transfers] == [AMOUNT_FEN]
    assert effects.due[0].due_at is None
    alarm, effects = tried.report(Happening.RETURNED)
    assert alarm == "RETURNED by attempt 1 after GIVEN_BACK of attempt 1"
    assert effects is None


@pytest.mark.parametrize("channel", list(ChannelName))
def test_refund_of_another_amount_is_an_alarm_and_asked_about_again(channel: ChannelName) -> None:
    """It was booked as asked, and the bill of the next morning differed from what was told."""
    tried = Tried(channel)
    tried.report(Happening.RETRIED)
    alarm, effects = tried.report(Happening.RETURNED, amount_fen=AMOUNT_FEN - 1)
    assert alarm == f"{AMOUNT_FEN - 1} fen given back instead of {AMOUNT_FEN}"
    assert effects is not None
    assert effects.entries == ()
    assert tried.state is State.RETURNING
    assert next_errand(tried.fact.standing, tried.fact.events) is not None
    assert tried.report(Happening.RETURNED, amount_fen=AMOUNT_FEN)[0] == ""
    assert tried.state is State.RETURNED
    late = tried.report(Happening.RETURNED, amount_fen=AMOUNT_FEN + 1)
    assert late == (f"{AMOUNT_FEN + 1} fen given back instead of {AMOUNT_FEN}", None)


def test_refund_reported_twice_is_no_alarm() -> None:
    tried = Tried(ChannelName.WECHAT)
    tried.report(Happening.RETRIED)
    assert tried.report(Happening.RETURNED)[0] == ""
    assert tried.report(Happening.RETURNED) == ("", None)


@pytest.mark.parametrize("happening", [Happening.RETRIED, Happening.GIVEN_BACK])
def test_people_decide_only_what_was_refused(happening: Happening) -> None:
    tried = Tried(ChannelName.WECHAT)
    tried.report(Happening.RETRIED)
    assert tried.report(happening)[1] is None
    tried.report(Happening.RETURNED)
    assert tried.report(happening)[1] is None
    assert tried.state is State.RETURNED
