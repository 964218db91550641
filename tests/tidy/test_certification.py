"""Every registered transaction is sent by `settlement certify`, or excused with a reason."""

from __future__ import annotations

import pytest

from protocol.nhsa.registry import TRANSACTIONS
from settlement.certify.plan import checklist
from settlement.certify.scope import NOT_SENT, REFUSED_ONLY, SENT, forgotten, not_sent

KINDS = ("pharmacy", "hospital")
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_every_transaction_is_sent_or_excused(kind: str) -> None:
    assert forgotten(kind, TRANSACTIONS) == set()


@every_kind
def test_new_transaction_is_missed(kind: str) -> None:
    assert forgotten(kind, [*TRANSACTIONS, "9999"]) == {"9999"}


@every_kind
def test_nothing_is_both_sent_and_excused_and_nothing_is_invented(kind: str) -> None:
    excused = not_sent(kind)
    assert not SENT[kind] & set(excused)
    assert SENT[kind] | set(excused) <= set(TRANSACTIONS)
    assert all(excuse.reason and excuse.infnos for excuse in NOT_SENT[kind])


def test_what_one_kind_does_not_send_the_other_does() -> None:
    assert SENT["pharmacy"] | SENT["hospital"] == set(TRANSACTIONS)
    assert set(REFUSED_ONLY) <= SENT["pharmacy"] & SENT["hospital"]


@every_kind
def test_checks_have_ids_of_their_own_and_need_what_is_sent(kind: str) -> None:
    checks = checklist(kind)
    ids = [check.id for check in checks]
    assert len(ids) == len(set(ids))
    needed = {infno for check in checks for infno in check.needs}
    assert needed <= SENT[kind]
