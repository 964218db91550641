"""Certificates of regions: issued, expired, withdrawn, swapped; and what the reference shows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.hub import certificates
from protocol.hub.certificates import (
    HUB,
    Authority,
    CertificateError,
    Purpose,
    new_keys,
    read_certificate,
    read_request,
    read_root,
    read_withdrawal,
    request_of,
)
from protocol.hub.messages import Kind
from protocol.hub.post import Fault, Opened, Post, Unwritable, Worthless, Written
from tests.kit.hub import (
    AT,
    AUTHORITY,
    INSURED,
    TREATED,
    Papers,
    a_case,
    papers_of,
    post_of,
    shared,
)
from tests.unit.protocol import hub_golden
from tests.unit.protocol.hub_page import PAGE, page_text

CASE = a_case(lines=1)
SECOND = timedelta(seconds=1)
INSURED_PAPERS = papers_of(INSURED)
STRANGER = Authority(Ed25519PrivateKey.from_private_bytes(b"stranger".ljust(32, b".")))


def test_request_certificate_and_withdrawal_say_what_was_meant() -> None:
    keys = new_keys()
    asked = read_request(request_of(keys, INSURED, at=AT))
    assert (asked.region, asked.signing_key, asked.sealing_key) == (
        INSURED, keys.signing_key, keys.sealing_key,
    )  # fmt: skip
    text = AUTHORITY.issue(asked, serial="7", not_before=AT, not_after=AT + timedelta(days=1))
    told = read_certificate(text, AUTHORITY.root)
    assert (told.serial, told.region, told.signing_key) == ("7", INSURED, keys.signing_key)
    assert [told.holds_at(AT + timedelta(seconds=s)) for s in (-1, 0, 86_399, 86_400)] == [
        False, True, True, False,
    ]  # fmt: skip
    withdrawn = read_withdrawal(AUTHORITY.withdraw("7", at=AT, reason="遗失"), AUTHORITY.root)
    assert (withdrawn.serial, withdrawn.reason) == ("7", "遗失")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no HUBCERT1"),
        ("HUBCERT1.e30", "no HUBCERT1"),
        (AUTHORITY.withdraw("7", at=AT, reason=""), "no HUBCERT1"),
        (INSURED_PAPERS.content[:-1] + "?", "damaged"),
        (papers_of(INSURED, authority=STRANGER).content, "not signed"),
        (papers_of(INSURED, days=0).content, "ends before it begins"),
        (INSURED_PAPERS.content + "A" * 2_000, "no HUBCERT1"),
    ],
)
def test_certificate_that_is_none_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(CertificateError, match=why):
        read_certificate(text, AUTHORITY.root)


@pytest.mark.parametrize(("party", "purpose"), [(HUB, Purpose.REGION), (INSURED, Purpose.HUB)])
def test_the_hub_alone_has_a_certificate_of_the_hub(party: str, purpose: Purpose) -> None:
    right = papers_of(party).certificate
    assert (right.purpose is Purpose.HUB) == (party == HUB)
    text = certificates._signed(
        certificates.CERTIFICATE, structs.replace(right, purpose=purpose),
        Ed25519PrivateKey.from_private_bytes(b"authority".ljust(32, b".")),
    )  # fmt: skip
    with pytest.raises(CertificateError, match="not that of its owner"):
        read_certificate(text, AUTHORITY.root)


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_no_certificate_of_which_any_bit_was_flipped_is_believed(at: int, bit: int) -> None:
    text = bytearray(INSURED_PAPERS.content.encode())
    text[at % len(text)] ^= 1 << bit
    with pytest.raises(CertificateError):
        read_certificate(text.decode("latin-1"), AUTHORITY.root)


def test_request_is_signed_with_the_key_that_it_asks_for() -> None:
    genuine = request_of(new_keys(), INSURED, at=AT)
    other = request_of(new_keys(), INSURED, at=AT)
    mixed = ".".join([*other.split(".")[:2], genuine.split(".")[2]])
    with pytest.raises(CertificateError, match="not signed"):
        read_request(mixed)


@pytest.mark.parametrize("text", ["", "12", "zz" * 32, "ab" * 33])
def test_root_key_has_64_hexadecimal_digits(text: str) -> None:
    with pytest.raises(CertificateError):
        read_root(text)


# Whose certificate, what it is at the moment of the exchange, and what becomes of the question.

OLD = papers_of(INSURED, 1, begins_at=AT - timedelta(days=30), days=30, authority=AUTHORITY)
"""Ends at AT."""
NEW = papers_of(INSURED, 2, begins_at=AT - timedelta(days=7))
T_PAPERS = papers_of(TREATED)
T_NEW = papers_of(TREATED, 2, begins_at=AT - timedelta(days=7))
T_ENDS = papers_of(TREATED, 1, begins_at=AT - timedelta(days=30), days=30)


def exchange(
    asking: Post, answering: Post, *, at: datetime = AT, arrives_at: datetime | None = None
) -> object:
    """A question and its answer; why not, where there is none."""
    written = asking.ask(CASE, to=INSURED, kind=Kind.SETTLE, correlation=CASE.case_no, at=at)
    if not isinstance(written, Written):
        return written
    then = arrives_at or at
    opened = answering.read_question(written.message, at=then)
    if isinstance(opened, Worthless):
        return opened.fault
    told = shared(CASE)
    answer = asking.read_answer(answering.answer(opened, told, at=then), written, at=then)
    return "told" if answer == told else answer


def used(asking: Post, at: datetime = AT) -> tuple[str, str]:
    """The certificates of a question: of who signs, of whom it is sealed for."""
    written = asking.ask(CASE, to=INSURED, kind=Kind.SETTLE, correlation=CASE.case_no, at=at)
    assert isinstance(written, Written)
    return written.envelope.certificate, written.envelope.sealed_for


def test_certificate_holds_to_before_its_end() -> None:
    asking, answering = post_of(T_PAPERS, OLD), post_of(OLD, T_PAPERS)
    assert exchange(asking, answering, at=AT - SECOND) == "told"
    assert exchange(asking, answering) == Unwritable("no certificate of 430100 holds")


def test_question_signed_with_a_certificate_that_ended_is_refused() -> None:
    # The sender's clock is a minute behind, and its certificate ends within it.
    asking, answering = post_of(T_ENDS, INSURED_PAPERS), post_of(INSURED_PAPERS, T_ENDS)
    assert exchange(asking, answering, at=AT - SECOND, arrives_at=AT + timedelta(minutes=1)) == (
        "told"
    )
    late = post_of(papers_of(TREATED, 1, begins_at=AT - timedelta(days=30)), INSURED_PAPERS)
    assert exchange(late, answering, at=AT) is Fault.CERTIFICATE_NOT_VALID


def test_certificate_that_has_not_begun_is_neither_used_nor_believed() -> None:
    later = papers_of(TREATED, 2, begins_at=AT + timedelta(days=1))
    answering = post_of(INSURED_PAPERS, T_PAPERS, later)
    assert used(post_of(T_PAPERS, INSURED_PAPERS, more=[later]))[0] == f"{TREATED}-1"
    hasty = post_of(papers_of(TREATED, 2), INSURED_PAPERS)
    assert exchange(hasty, answering) is Fault.CERTIFICATE_NOT_VALID


def test_withdrawn_certificate_is_worth_nothing_on_either_side() -> None:
    asking, answering = post_of(T_PAPERS, INSURED_PAPERS), post_of(INSURED_PAPERS, T_PAPERS)
    serial = f"{TREATED}-1"
    strict = post_of(INSURED_PAPERS, T_PAPERS, withdrawn=[serial])
    assert exchange(asking, strict) is Fault.CERTIFICATE_WITHDRAWN
    contrite = post_of(T_PAPERS, INSURED_PAPERS, withdrawn=[serial])
    assert exchange(contrite, answering) == Unwritable(f"no certificate of {TREATED} holds")
    without = post_of(INSURED_PAPERS, T_PAPERS, withdrawn=[f"{INSURED}-1"])
    assert exchange(asking, without) is Fault.SEALED_FOR_ANOTHER


def test_two_certificates_hold_together_and_the_one_that_began_last_is_used() -> None:
    asking = post_of(T_PAPERS, INSURED_PAPERS, NEW, more=[T_NEW])
    assert used(asking) == (f"{TREATED}-2", f"{INSURED}-2")
    answering = post_of(INSURED_PAPERS, T_PAPERS, T_NEW, more=[NEW])
    assert exchange(asking, answering) == "told"


def side(*own: Papers, others: list[Papers]) -> Post:
    """A region with these papers, which knows those."""
    return post_of(own[0], *others, more=own[1:])


BOTH_T, BOTH_I = [T_PAPERS, T_NEW], [INSURED_PAPERS, NEW]


@pytest.mark.parametrize(
    ("asking", "answering"),
    [
        # T has new papers and everybody knows them; I still has its old ones alone.
        (side(*BOTH_T, others=[INSURED_PAPERS]), side(INSURED_PAPERS, others=BOTH_T)),
        # I has new ones, which T does not know yet.
        (side(T_PAPERS, others=[INSURED_PAPERS]), side(*BOTH_I, others=[T_PAPERS])),
        # Both know everything.
        (side(*BOTH_T, others=BOTH_I), side(*BOTH_I, others=BOTH_T)),
        # The old ones are gone.
        (side(T_NEW, others=[NEW]), side(NEW, others=[T_NEW])),
    ],
    ids=["T changes first", "I changes first", "both", "old ones gone"],
)
def test_papers_are_swapped_without_a_gap(asking: Post, answering: Post) -> None:
    assert exchange(asking, answering) == "told"


def test_papers_that_others_do_not_know_yet_are_not_believed() -> None:
    asking = side(*BOTH_T, others=[INSURED_PAPERS])
    assert exchange(asking, side(INSURED_PAPERS, others=[T_PAPERS])) is Fault.CERTIFICATE_UNKNOWN


def test_reference_shows_contents_and_exchange_as_they_are() -> None:
    assert page_text() == PAGE.read_text("utf-8"), "python -m tests.unit.protocol.hub_page"


def test_golden_exchange_is_read_as_it_stands_on_the_page() -> None:
    lines = {line.strip() for line in PAGE.read_text("utf-8").splitlines()}
    question, answer = hub_golden.question(), hub_golden.answer()
    assert question.message.decode() in lines
    opened = hub_golden.I.read_question(question.message, at=AT)
    assert isinstance(opened, Opened) and opened.question == hub_golden.CASE
    assert hub_golden.T.read_answer(answer, question, at=AT) == hub_golden.TOLD
