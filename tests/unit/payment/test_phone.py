"""Orders for phones: what the page's address says, and until when they can be paid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from settlement.payments.cashier_token import TOKEN_LENGTH, number_in, token_of
from settlement.payments.payment_states import (
    PHONE_WAIT_SECONDS,
    Ask,
    Errand,
    Event,
    Happening,
    PaymentKind,
    fold,
    next_errand,
    phone_until,
)

KEY, OTHER = b"k" * 32, b"o" * 32
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
NUMBER = 2611000300001000002


def test_token_names_its_payment_and_nothing_else_does() -> None:
    token = token_of(NUMBER, KEY)
    assert len(token) == TOKEN_LENGTH
    assert number_in(token, KEY) == NUMBER
    assert number_in(token, OTHER) is None
    assert token_of(NUMBER + 1, KEY)[-20:] != token[-20:]


@pytest.mark.parametrize("place", range(TOKEN_LENGTH))
def test_token_with_one_character_changed_is_nobodys(place: int) -> None:
    token = token_of(NUMBER, KEY)
    another = "A" if token[place] != "A" else "B"
    assert number_in(token[:place] + another + token[place + 1 :], KEY) is None


@pytest.mark.parametrize("text", ["", "A" * 31, "A" * 33, "*" * 32, "测" * 32, "A" * 32])
def test_what_is_no_token_is_nobodys(text: str) -> None:
    assert number_in(text, KEY) is None


def test_order_without_an_attempt_is_given_up_when_its_time_is_over() -> None:
    invited = Event(number=1, happening=Happening.INVITED, at=AT, attempt=0)
    until = AT + timedelta(seconds=PHONE_WAIT_SECONDS)
    assert phone_until([invited]) == until
    standing = fold(PaymentKind.COLLECT, AT, [invited])
    assert next_errand(standing, [invited]) == Errand(Ask.GIVE_UP, until)
