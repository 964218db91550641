"""Several questions in one message: each arrives as if it came alone, and nothing that was touched
is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.hub.bundle import ITEMS_MAX, VERSION, passing
from protocol.hub.bundle_post import (
    OpenedBundle,
    Said,
    WrittenBundle,
    answer_all,
    ask_all,
    read_answers,
    read_questions,
    reads_bundles,
)
from protocol.hub.certificates import Authority, read_certificate, read_request, request_of
from protocol.hub.envelope import Amounts, Says, UnreadableError, version_of
from protocol.hub.messages import Case, CaseTold, Kind, Question, Refused
from protocol.hub.post import Fault, Opened, Post, Unwritable, Worthless, Written
from protocol.hub.signing import signed_message
from tests.kit.hub import (
    AT,
    INSURED,
    OTHER,
    TREATED,
    a_case,
    keys_of,
    papers_of,
    person_asked,
    post_of,
    shared,
)

ASKING, ANSWERING, THIRD = papers_of(TREATED), papers_of(INSURED), papers_of(OTHER)
T = post_of(ASKING, ANSWERING, THIRD)
I = post_of(ANSWERING, ASKING, THIRD)  # noqa: E741 - the region of insurance
THEIRS = post_of(THIRD, ASKING, ANSWERING)
CASES: dict[str, Case] = {
    number: a_case(number, lines=lines)
    for lines, number in enumerate(("441900-1", "441900-2", "441900-3"), 1)
}
NOBODY = Refused(code="PERSON_NOT_FOUND", text="没有此人。")
SAID: dict[str, Said] = {
    "441900-1": shared(CASES["441900-1"]), "441900-2": NOBODY,
    "441900-3": shared(CASES["441900-3"]),
}  # fmt: skip


def asked(
    questions: Mapping[str, Question] = CASES, *, kind: Kind = Kind.SETTLE, to: str = INSURED,
    post: Post = T,
) -> WrittenBundle:  # fmt: skip
    """Questions as they are sent."""
    made = ask_all(post, questions, to=to, kind=kind, at=AT)
    assert isinstance(made, WrittenBundle), made
    return made


def opened(written: WrittenBundle, post: Post = I) -> OpenedBundle:
    """The same, where they arrive."""
    found = read_questions(post, written.message, at=AT)
    assert isinstance(found, OpenedBundle), found
    return found


def answered(written: WrittenBundle, said: Mapping[str, Said] = SAID) -> bytes:
    """What I says."""
    message = answer_all(I, opened(written), said, at=AT)
    assert isinstance(message, bytes), message
    return message


def fault_of(found: object) -> Fault:
    """Why it is worth nothing."""
    assert isinstance(found, Worthless), found
    return found.fault


def signed_anew(message: bytes, change: Callable[[dict[str, Any]], None], name: str) -> bytes:
    """The message with another outside, signed by somebody who has the key of `name`."""
    outside = json.loads(message)
    del outside["signature"]
    change(outside)
    key = Ed25519PrivateKey.from_private_bytes(keys_of(name).signing)
    text = json.dumps(outside, separators=(",", ":"), ensure_ascii=False)
    return signed_message(text[:-1].encode(), key)


def test_each_question_arrives_and_each_answer_comes_back() -> None:
    written = asked()
    assert opened(written).questions == tuple(CASES.values())
    assert read_answers(T, answered(written), written, at=AT) == SAID


def test_the_hub_sees_number_case_and_amounts_of_each_and_no_person() -> None:
    written = asked()
    seen = passing(written.message)
    assert [(one.kind, one.says, one.correlation, one.case, one.amounts) for one in seen] == [
        (Kind.SETTLE, Says.ASKED, number, number, Amounts(total_fen=case.total_fen))
        for number, case in CASES.items()
    ]
    told = passing(answered(written))
    assert [one.says for one in told] == [Says.TOLD, Says.REFUSED, Says.TOLD]
    assert [one.amounts is None for one in told] == [False, True, False]
    assert {(one.origin, one.to, one.answers) for one in told} == {
        (INSURED, TREATED, written.digest)
    }
    assert b"43010000000000000001" not in written.message + answered(written)


def test_question_without_an_answer_is_left_out_of_the_answer() -> None:
    written = asked()
    told = read_answers(T, answered(written, {"441900-2": NOBODY}), written, at=AT)
    assert told == {"441900-2": NOBODY}


def test_one_question_of_version_1_is_no_message_of_version_2_and_the_other_way_round() -> None:
    case = a_case()
    alone = T.ask(case, to=INSURED, kind=Kind.SETTLE, correlation=case.case_no, at=AT)
    assert isinstance(alone, Written)
    assert (version_of(alone.message), version_of(asked().message)) == (1, VERSION)
    assert isinstance(I.read_question(alone.message, at=AT), Opened)
    assert fault_of(read_questions(I, alone.message, at=AT)) is Fault.VERSION_UNKNOWN
    assert fault_of(I.read_question(asked().message, at=AT)) is Fault.VERSION_UNKNOWN
    assert [one.correlation for one in passing(alone.message)] == [case.case_no]


def test_questions_travel_together_only_where_both_certificates_say_so() -> None:
    def papers(region: str, version: int, authority: Authority) -> Any:
        text = request_of(keys_of(f"{region} 1"), region, at=AT, message_version=version)
        issued = authority.issue(
            read_request(text), serial=f"{region}-1", not_before=AT,
            not_after=AT + timedelta(days=1),
        )  # fmt: skip
        return read_certificate(issued, authority.root)

    new = Authority(Ed25519PrivateKey.from_private_bytes(b"authority".ljust(32, b".")))
    old = Authority(
        Ed25519PrivateKey.from_private_bytes(b"authority".ljust(32, b".")), message_version=1
    )
    found = {}
    for name, ours, theirs in (
        ("both", papers(TREATED, 2, new), papers(INSURED, 2, new)),
        ("I reads 1", papers(TREATED, 2, new), papers(INSURED, 1, new)),
        ("T reads 1", papers(TREATED, 1, new), papers(INSURED, 2, new)),
        ("the hub carries 1", papers(TREATED, 2, old), papers(INSURED, 2, old)),
    ):
        identity = keys_of(f"{TREATED} 1"), ours
        found[name] = reads_bundles(
            Post(TREATED, identities=[identity], certificates=[theirs]), INSURED, AT
        )
    assert found == {
        "both": True, "I reads 1": False, "T reads 1": False, "the hub carries 1": False
    }
    assert not reads_bundles(T, "460100", AT)


def test_a_message_has_a_limit_of_questions_and_of_bytes() -> None:
    many: dict[str, Question] = {f"441900-{n}": a_case(f"441900-{n}", lines=1)
                                 for n in range(ITEMS_MAX + 1)}  # fmt: skip
    assert isinstance(ask_all(T, many, to=INSURED, kind=Kind.SETTLE, at=AT), Unwritable)
    assert isinstance(ask_all(T, {}, to=INSURED, kind=Kind.SETTLE, at=AT), Unwritable)
    del many["441900-0"]
    assert len(opened(asked(many)).questions) == ITEMS_MAX
    small = post_of(ASKING, ANSWERING, bytes_max=2_000)
    assert isinstance(ask_all(small, CASES, to=INSURED, kind=Kind.SETTLE, at=AT), Unwritable)
    narrow = post_of(ANSWERING, ASKING, bytes_max=2_000)
    assert fault_of(read_questions(narrow, asked().message, at=AT)) is Fault.TOO_LARGE


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_nothing_of_which_any_bit_was_flipped_is_believed(at: int, bit: int) -> None:
    written = asked()
    for message, reading in (
        (written.message, lambda m: read_questions(I, m, at=AT)),
        (answered(written), lambda m: read_answers(T, m, written, at=AT)),
    ):
        touched = bytearray(message)
        touched[at % len(touched)] ^= 1 << bit
        assert isinstance(reading(bytes(touched)), Worthless)


def _other_amounts(outside: dict[str, Any]) -> None:
    outside["items"][1][3]["total_fen"] += 1


def _other_case(outside: dict[str, Any]) -> None:
    outside["items"][1][2] = "441900-9"


def _other_number(outside: dict[str, Any]) -> None:
    outside["items"][1][1] = "441900-9"


def _changed_places(outside: dict[str, Any]) -> None:
    outside["items"].reverse()


def _one_less(outside: dict[str, Any]) -> None:
    del outside["items"][2]


def _twice(outside: dict[str, Any]) -> None:
    outside["items"][2] = outside["items"][1]


def _an_answer_among_them(outside: dict[str, Any]) -> None:
    outside["items"][1][0] = "told"


def _more_than_is_known(outside: dict[str, Any]) -> None:
    outside["items"][1].append(1)


def _none(outside: dict[str, Any]) -> None:
    outside["items"] = []


SIGNED_LIES = [
    # what a region that has the key says outside,   and what that is
    (_other_amounts,        Fault.CLEAR_DIFFERS),
    (_other_case,           Fault.UNOPENABLE),
    (_other_number,         Fault.UNOPENABLE),
    (_changed_places,       Fault.UNOPENABLE),
    (_one_less,             Fault.UNOPENABLE),
    (_twice,                Fault.MALFORMED),
    (_an_answer_among_them, Fault.MALFORMED),
    (_more_than_is_known,   Fault.MALFORMED),
    (_none,                 Fault.MALFORMED),
]  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), SIGNED_LIES)
def test_outside_that_is_not_that_of_the_inside_is_refused_as_a_whole(
    change: Callable[[dict[str, Any]], None], fault: Fault
) -> None:
    message = signed_anew(asked().message, change, f"{TREATED} 1")
    assert fault_of(read_questions(I, message, at=AT)) is fault


def test_answers_to_other_questions_are_worth_nothing() -> None:
    written, later = asked(), asked()
    assert fault_of(read_answers(T, answered(later), written, at=AT)) is Fault.NEVER_ASKED
    assert fault_of(read_answers(T, written.message, written, at=AT)) is Fault.NOT_FOR_US
    assert fault_of(read_questions(T, answered(written), at=AT)) is Fault.NO_QUESTION

    def another(outside: dict[str, Any]) -> None:
        outside["items"][1][1] = "441900-9"

    message = signed_anew(answered(written), another, f"{INSURED} 1")
    assert fault_of(read_answers(T, message, written, at=AT)) is Fault.NEVER_ASKED


def test_answer_about_another_case_is_worth_nothing() -> None:
    one, two = "441900-1", "441900-2"
    written = asked({one: CASES[one], two: CASES[two]})
    crossed: dict[str, Said] = {one: shared(CASES[two]), two: shared(CASES[one])}
    assert isinstance(crossed[one], CaseTold)
    found = read_answers(T, answered(written, crossed), written, at=AT)
    assert fault_of(found) is Fault.CLEAR_DIFFERS


def test_message_of_a_third_region_or_for_one_is_refused() -> None:
    elsewhere = asked(to=OTHER)
    assert fault_of(read_questions(I, elsewhere.message, at=AT)) is Fault.NOT_FOR_US
    theirs = asked({"520100-1": a_case("520100-1")}, post=THEIRS)
    forged = signed_anew(theirs.message, lambda o: o.update({"from": TREATED}), f"{OTHER} 1")
    assert fault_of(read_questions(I, forged, at=AT)) is Fault.CERTIFICATE_NOT_THEIRS
    by_another = signed_anew(asked().message, lambda o: None, f"{OTHER} 1")
    assert fault_of(read_questions(I, by_another, at=AT)) is Fault.SIGNATURE_WRONG


def test_recording_dies_with_the_window() -> None:
    message = asked().message
    assert isinstance(read_questions(I, message, at=AT + timedelta(seconds=300)), OpenedBundle)
    for seconds in (301, -301):
        late = read_questions(I, message, at=AT + timedelta(seconds=seconds))
        assert fault_of(late) is Fault.OUTSIDE_WINDOW


def test_withdrawn_certificate_is_good_for_no_bundle() -> None:
    wary = post_of(ANSWERING, ASKING, withdrawn=[ASKING.certificate.serial])
    assert fault_of(read_questions(wary, asked().message, at=AT)) is Fault.CERTIFICATE_WITHDRAWN
    bare = post_of(ASKING, ANSWERING, withdrawn=[ANSWERING.certificate.serial])
    assert isinstance(ask_all(bare, CASES, to=INSURED, kind=Kind.SETTLE, at=AT), Unwritable)


def test_content_of_another_form_is_malformed() -> None:
    questions: dict[str, Question] = {"441900-7": person_asked(), "441900-8": person_asked()}
    written = asked(questions, kind=Kind.PERSON)
    assert opened(written).questions == tuple(questions.values())
    other = structs.replace(written.bundle, kind=Kind.QUOTE)
    message = T.written(other, b'[{"case_no":1},{}]')
    assert fault_of(read_questions(I, message, at=AT)) is Fault.CONTENT_MALFORMED
    short = T.written(written.bundle, b"[]")
    assert fault_of(read_questions(I, short, at=AT)) is Fault.CONTENT_MALFORMED


@pytest.mark.parametrize("text", [b"", b"{}", b'{"version":2}', b'{"version":2,"signature":""}'])
def test_what_is_no_message_is_unreadable(text: bytes) -> None:
    with pytest.raises(UnreadableError):
        passing(text)
