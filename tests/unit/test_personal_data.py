"""What may go of a person's data, by its age and by what is under way."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec import structs

from settlement.committed import committed_part, erased, open_committed, seal_again, seal_committed
from settlement.keyring import ErasedError, Keyring, UndecipherableError, new_material
from settlement.people.personal_data import (
    KEEP_YEARS_VARIABLE,
    Held,
    OwnRow,
    keep_years,
    kept_since,
    rule,
)
from settlement.person import Enrolment

BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
OLD = Held(
    place="visit", number=1, part=0, at=datetime(2019, 1, 1, tzinfo=UTC), is_open=False, told={},
    sealed=b"x", key_version=0,
)  # fmt: skip
SETTLED = structs.replace(OLD, place="settlement", sealed=b"")
FOUND = structs.replace(OLD, place="lookup", at=None, sealed=b"")
MEMBER = Enrolment(
    scheme="310", category="11", status="1", enrolled_on=date(2000, 1, 1),
    benefit_from=date(2000, 1, 1), suspended_on=None, region="441900", civil_servant=False,
)  # fmt: skip
NOBODY = OwnRow(
    told={}, account=0, home_region="", key_version=1, identity=b"x", filings="", memberships="[]",
    family="[]", is_under_way=False, balance_fen=0, enrolments=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("own", "held", "goes", "identity"),
    [
        (NOBODY, (OLD, SETTLED, FOUND), 1, True),
        (NOBODY, (OLD, SETTLED), 1, False),
        (NOBODY, (structs.replace(OLD, is_open=True), FOUND), 0, False),
        (NOBODY, (structs.replace(OLD, at=BEFORE), FOUND), 0, False),
        (NOBODY, (OLD, structs.replace(SETTLED, at=BEFORE), FOUND), 1, False),
        (structs.replace(NOBODY, balance_fen=1), (OLD, FOUND), 1, False),
        (structs.replace(NOBODY, is_under_way=True), (OLD, FOUND), 1, False),
        (structs.replace(NOBODY, enrolments=(MEMBER,)), (OLD, FOUND), 1, False),
        (structs.replace(NOBODY, enrolments=(structs.replace(MEMBER, status="4"),)), (OLD,), 1,
         True),
    ],
    ids=["all", "no name left", "open", "young", "young settlement", "money",
         "under way", "insured", "membership ended"],
)  # fmt: skip
def test_what_goes(own: OwnRow, held: tuple[Held, ...], goes: int, identity: bool) -> None:
    ruling = rule(own, held, BEFORE, 30)
    assert (len(ruling.goes), ruling.identity_goes) == (goes, identity)


def test_years_are_counted_over_leap_days() -> None:
    assert kept_since(datetime(2028, 2, 29, tzinfo=UTC), 5) == datetime(2023, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "4", "-30", "³", "thirty"])
def test_years_that_would_erase_what_must_be_kept_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=KEEP_YEARS_VARIABLE):
        keep_years({KEEP_YEARS_VARIABLE: text})


def test_commitment_outlives_key_and_ciphertext() -> None:
    first, second = new_material(1), new_material(2)
    sealed = seal_committed("测试甲".encode(), Keyring((first,)), b"record")
    again = seal_again(sealed, Keyring((first, second)), b"record")
    assert committed_part(sealed) == committed_part(again) == committed_part(erased(again))
    assert open_committed(again, Keyring((second,)), b"record").decode() == "测试甲"
    with pytest.raises(UndecipherableError):
        open_committed(sealed, Keyring((second,)), b"record")
    with pytest.raises(ErasedError):
        open_committed(erased(again), Keyring((second,)), b"record")


def test_ciphertext_of_another_commitment_is_not_taken() -> None:
    keyring = Keyring((new_material(1),))
    one, other = (seal_committed(text, keyring, b"record") for text in (b"1", b"2"))
    with pytest.raises(UndecipherableError):
        open_committed(one[:34] + other[34:], keyring, b"record")
