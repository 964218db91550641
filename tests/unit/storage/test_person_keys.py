"""What a person is found by: numbers that are theirs alone, and a name that may be others' too."""

from __future__ import annotations

import unicodedata

import pytest
from msgspec import structs

from settlement.keyring import Keyring, LookupKind, new_material
from settlement.lanes import lane_of_key
from settlement.person_keys import holds_alone, name_hash, person_keys
from tests.kit.population import newcomer

LANES = 64
KEYRING = Keyring((new_material(1),))


@pytest.mark.parametrize(
    "written", ["测试甲", " 测试甲 ", "测 试 甲", "测\u3000试甲", "测试甲\n"]
)
def test_blanks_do_not_count(written: str) -> None:
    assert name_hash(KEYRING, written) == name_hash(KEYRING, "测试甲")


def test_composed_and_decomposed_are_the_same_name() -> None:
    one = "Testé"
    assert name_hash(KEYRING, unicodedata.normalize("NFD", one)) == name_hash(KEYRING, one)


def test_other_names_have_other_hashes() -> None:
    hashes = {name_hash(KEYRING, one) for one in ("测试甲", "测试乙", "测试", "测试甲甲")}
    assert len(hashes) == 4
    assert name_hash(KEYRING, "测试甲") != name_hash(Keyring((new_material(1),)), "测试甲")


@pytest.mark.parametrize("written", ["", " ", "\u3000\t"])
def test_no_name_has_no_hash(written: str) -> None:
    assert name_hash(KEYRING, written) == b""


def test_a_name_of_two_is_two_keys_side_by_side() -> None:
    first, second = newcomer(1), newcomer(2)
    name = first.insured.identity.name
    found = []
    for one in (first, second):
        identity = structs.replace(one.insured.identity, name=name)
        keys = person_keys(KEYRING, LANES, one.number, identity)
        assert [LookupKind(kind) for _, kind, _ in keys] == [
            LookupKind.CERTIFICATE, LookupKind.CARD, LookupKind.NAME
        ]  # fmt: skip
        assert [holds_alone(key) for key in keys] == [True, True, False]
        found.append(keys[-1])
    hashed = name_hash(KEYRING, name)
    assert len(set(found)) == 2
    for lane, _, key in found:
        assert lane == lane_of_key(hashed, LANES)
        assert key.startswith(hashed)


def test_who_has_neither_card_nor_name_has_no_keys_of_them() -> None:
    identity = structs.replace(newcomer(1).insured.identity, card_no="", name="")
    [(_, kind, _)] = person_keys(KEYRING, LANES, newcomer(1).number, identity)
    assert kind == LookupKind.CERTIFICATE
