"""Keys for personal data: what is sealed opens for its record only, and lookups are HMACs."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.keyring import KeyMaterial, Keyring, LookupKind, UndecipherableError, new_material

KEYRING = Keyring((new_material(1),))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(st.binary(min_size=1, max_size=100), st.sampled_from(LookupKind), TEXTS)
def test_lookup_key_is_the_library_s_hmac(secret: bytes, kind: LookupKind, text: str) -> None:
    keyring = Keyring((KeyMaterial(version=1, encryption=bytes(32), lookup=secret),))
    message = f"{kind.value}\n{text}".encode()
    assert keyring.lookup_key(kind, text) == hmac.digest(secret, message, "sha256")[:16]


@given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=20)), max_size=8))
def test_many_sealed_at_once_open_each_for_its_own_record(
    records: list[tuple[bytes, bytes]]
) -> None:
    sealed = KEYRING.seal_all(records)
    assert [KEYRING.open(s, r, 1) for s, (_, r) in zip(sealed, records, strict=True)] == [
        plaintext for plaintext, _ in records
    ]
    assert len({one[:12] for one in sealed}) == len(sealed)


def test_what_is_sealed_for_one_record_does_not_open_for_another() -> None:
    [sealed] = KEYRING.seal_all([(b"text", b"person/1")])
    with pytest.raises(UndecipherableError):
        KEYRING.open(sealed, b"person/2", 1)
