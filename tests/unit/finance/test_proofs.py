"""Seals and proofs, without any database: what holds, and each thing that may be altered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ledger.chain import leaf
from ledger.entry import Entry, EntryKind, Transfer
from settlement.books.proving import (
    FORMAT,
    Proof,
    UnreadableProofError,
    Verdict,
    check_proof,
    figures_of,
    proven,
    read_proof,
)
from settlement.books.seal_keys import Algorithm, PublicKey, SigningKey, is_signed
from settlement.books.sealing import Leaves, Root, Span, list_digest, roots_of, seal_of
from settlement.storage.keyfile import KeyFileError
from settlement.storage.seal_key import load_seal_keys, make_seal_key

REGION, CODE = "999900", "H99999900001"
SPAN = Span(begins_on=date(2026, 11, 1), ends_on=date(2026, 11, 30))
KEYS = {
    Algorithm.ED25519: SigningKey(algorithm=Algorithm.ED25519, private="11" * 32),
    Algorithm.SM2: SigningKey(algorithm=Algorithm.SM2, private="11" * 32),
}
BASE = 10_000_010


def entry(number: int) -> Entry:
    """A settlement of one yuan, half of it from a fund; every third is paid over a channel."""
    posts = number % 3 == 0
    return Entry(
        lane=number % 4, entry_id=number, code=1,
        kind=EntryKind.POST if posts else EntryKind.SINGLE, pending_id=7 if posts else None,
        transfers=(
            Transfer(1_310_102, BASE, 50), Transfer(BASE + 4, BASE + 8, 50),
            Transfer(BASE + 6, BASE + 8, 50),
        ),
        commitment=sha256(b"%d" % number).digest(),
    )  # fmt: skip


def a_proof(count: int, chosen: list[int] | None, algorithm: Algorithm) -> Proof:
    """A proof over so many settlements."""
    entries = [entry(number) for number in range(1, count + 1)]
    leaves = [leaf(one) for one in entries]
    gathered = Leaves()
    gathered.add([one.entry_id for one in entries], b"".join(leaves))
    [one] = roots_of({CODE: gathered})
    seal, key = seal_of(REGION, SPAN, one), KEYS[algorithm]
    return Proof(
        format=FORMAT, region=REGION, institution=CODE, name="测试药店", account_base=BASE,
        begins_on=SPAN.begins_on, ends_on=SPAN.ends_on, settlements=count, root=one.root.hex(),
        seal=seal.hex(), algorithm=algorithm, public_key=key.public.public,
        signature=key.sign(seal).hex(), entries=proven(entries, leaves, chosen),
    )  # fmt: skip


@given(count=st.integers(1, 40), data=st.data(), algorithm=st.sampled_from(Algorithm))
def test_every_settlement_is_proven_alone_and_with_all(
    count: int, data: st.DataObject, algorithm: Algorithm
) -> None:
    place = data.draw(st.integers(0, count - 1))
    for chosen in (None, [place]):
        proof = read_proof(msgspec.json.encode(a_proof(count, chosen, algorithm)))
        checked = check_proof(proof, None)
        assert checked.holds
        assert len(checked.verdicts) == (count if chosen is None else 1)


def test_figures_are_those_of_the_institution() -> None:
    proof = a_proof(1, None, Algorithm.ED25519)
    figures = figures_of(proof.entries[0], BASE)
    assert (figures.total_fen, figures.fund_fen, figures.account_fen) == (100, 50, 0)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"transfers": ((1_310_102, BASE, 51),)}, Verdict.ALTERED),
        ({"code": 2}, Verdict.ALTERED),
        ({"kind": 9}, Verdict.ALTERED),
        ({"lane": 1 << 40}, Verdict.ALTERED),
        ({"setl_id": "x"}, Verdict.ALTERED),
        ({"pending": "8"}, Verdict.ALTERED),
        ({"commitment": "ab"}, Verdict.ALTERED),
        ({"commitment": "zz" * 32}, Verdict.ALTERED),
        ({"leaf": "00" * 32}, Verdict.ALTERED),
        ({"index": 4}, Verdict.ABSENT),
        ({"index": -1}, Verdict.ABSENT),
        ({"path": ()}, Verdict.ABSENT),
    ],
)  # fmt: skip
def test_altered_settlement_is_named(change: dict[str, object], verdict: Verdict) -> None:
    proof = a_proof(9, [3], Algorithm.ED25519)
    wrong = structs.replace(proof, entries=(structs.replace(proof.entries[0], **change),))
    checked = check_proof(wrong, None)
    assert checked.verdicts == (verdict,)
    assert not checked.holds


def test_settlement_that_was_made_up_is_not_under_the_root() -> None:
    proof = a_proof(9, None, Algorithm.ED25519)
    made_up = proven([entry(99)], [leaf(entry(99))], None)[0]
    entries = (structs.replace(made_up, index=0), *proof.entries[1:])
    checked = check_proof(structs.replace(proof, entries=entries), None)
    assert set(checked.verdicts) == {Verdict.ABSENT}


@pytest.mark.parametrize(
    "change",
    [
        {"settlements": 10}, {"institution": "H99999900002"}, {"region": "999901"},
        {"ends_on": date(2026, 12, 31)}, {"root": "00" * 32}, {"seal": "00" * 32},
    ],
)  # fmt: skip
def test_what_a_proof_is_about_cannot_be_changed(change: dict[str, object]) -> None:
    checked = check_proof(structs.replace(a_proof(9, [3], Algorithm.ED25519), **change), None)
    assert not checked.seal_holds


def test_another_key_did_not_sign_it() -> None:
    proof = a_proof(3, None, Algorithm.ED25519)
    for key in (
        PublicKey(algorithm=Algorithm.ED25519, public="22" * 32),
        PublicKey(algorithm=Algorithm.ED25519, public="no hex"),
        KEYS[Algorithm.SM2].public,
    ):
        assert not check_proof(proof, key).signature_holds
    assert check_proof(proof, KEYS[Algorithm.ED25519].public).holds


def test_what_is_no_proof_is_said_to_be_none() -> None:
    for content in (b"", b"{}", b'{"format": "x"}'):
        with pytest.raises(UnreadableProofError):
            read_proof(content)
    other = structs.replace(a_proof(1, None, Algorithm.ED25519), format="settlement-proof/9")
    with pytest.raises(UnreadableProofError):
        read_proof(msgspec.json.encode(other))


def test_list_of_seals_depends_on_each_of_them() -> None:
    one = Root(institution=CODE, settlements=1, root=bytes(32))
    seal = seal_of(REGION, SPAN, one)
    more = seal_of(REGION, SPAN, structs.replace(one, settlements=2))
    assert len({list_digest([]), list_digest([seal]), list_digest([more]),
                list_digest([seal, more]), list_digest([more, seal])}) == 5  # fmt: skip


@pytest.mark.parametrize("algorithm", Algorithm)
def test_new_key_signs_and_the_one_before_still_checks(
    algorithm: Algorithm, tmp_path: Path
) -> None:
    path = tmp_path / "seal-keys.json"
    assert load_seal_keys(path) is None
    first = make_seal_key(path, algorithm, datetime(2026, 1, 1, tzinfo=UTC))
    signature = first.signing.sign(b"sealed")
    make_seal_key(path, Algorithm.ED25519, datetime(2026, 7, 1, tzinfo=UTC))
    keys = load_seal_keys(path)
    assert keys is not None
    assert keys.signing != first.signing
    assert [is_signed(b"sealed", signature, past.key) for past in keys.past] == [True]
    assert first.signing.private not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_file_that_has_no_keys_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seal-keys.json"
    path.write_text("[]")
    with pytest.raises(KeyFileError):
        load_seal_keys(path)
