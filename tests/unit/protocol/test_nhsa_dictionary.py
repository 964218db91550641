"""The names of codes belong to the codes."""

from __future__ import annotations

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.dictionary import LISTS, values_of
from protocol.nhsa.profile import BASELINE, Profile


def test_every_code_has_a_name_and_every_name_a_code() -> None:
    named = {name: frozenset(one.labels) for name, one in LISTS.items()}
    assert named == CODE_LISTS
    assert all(one.title and all(one.labels.values()) for one in LISTS.values())


def test_names_fit_the_answer() -> None:
    assert max(len(label) for one in LISTS.values() for label in one.labels.values()) <= 50


def test_values_of_a_profile_are_listed_under_their_own_code() -> None:
    profile = Profile(name="test", codes={("2102", "druginfo", "med_type"): frozenset({"419"})})
    assert ("419", "419") in (values_of("med_type", profile) or [])
    assert ("419", "419") not in (values_of("insutype", profile) or [])
    assert values_of("nothing", BASELINE) is None
