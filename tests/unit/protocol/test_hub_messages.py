"""Messages between regions: what goes in comes out, and nothing that was touched is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect, structs

from protocol.hub import bundle, clearing, envelope, messages, post
from protocol.hub.certificates import HUB
from protocol.hub.envelope import Amounts, Says, read, read_foreign, unsigned
from protocol.hub.messages import (
    KIND_UNKNOWN,
    PAPERS,
    BookAsked,
    BookRow,
    BookTold,
    CancelAsked,
    CancelTold,
    CaseState,
    CaseTold,
    EnrolmentTold,
    Kind,
    PaperAsked,
    PaperState,
    PaperTold,
    PersonTold,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    ReverseAsked,
    ReverseTold,
    RowTold,
    StatusAsked,
    StatusTold,
    Told,
)
from protocol.hub.post import Fault, Opened, Post, Strange, Unwritable, Worthless, Written
from protocol.hub.signing import signed_message
from tests.kit.hub import (
    AT,
    INSURED,
    OTHER,
    TREATED,
    Papers,
    a_case,
    papers_of,
    person_asked,
    post_of,
    shared,
)

ASKING, ANSWERING, THIRD = papers_of(TREATED), papers_of(INSURED), papers_of(OTHER)
T = post_of(ASKING, ANSWERING, THIRD)
I = post_of(ANSWERING, ASKING, THIRD)  # noqa: E741 - the region of insurance
THEIRS = post_of(THIRD, ASKING, ANSWERING)
CASE = a_case()
NUMBER = CASE.case_no
WHO = "43010000000000000001"
CANCEL = "441900-2611000300001000009"
NOBODY = Refused(code="PERSON_NOT_FOUND", text="没有此人。")
DAY = date(2026, 11, 26)
PERSON = PersonTold(
    person_no=WHO, name="测试甲", certificate_type="01", certificate_no="999999199001010017",
    sex="1", ethnic_group="01", born_on=date(1990, 1, 1),
    enrolments=(
        EnrolmentTold(
            scheme="310", category="11", status="1", enrolled_on=date(2020, 1, 1),
            benefit_from=date(2020, 1, 1), suspended_on=None, region=INSURED, civil_servant=False,
        ),
    ),
    filings=(), balance_fen=50_000, holds_until=AT + timedelta(hours=1),
)  # fmt: skip
CANCELLED = CancelTold(
    cancel_no=CANCEL, case_no=NUMBER, settlement_no="2611000100002000009", told_at=AT,
    business_day=DAY,
)  # fmt: skip
STATUS = StatusAsked(case_no=NUMBER, person_no=WHO)
TOTAL = Amounts(total_fen=CASE.total_fen)
COMES_TO = Amounts(
    total_fen=CASE.total_fen, fund_fen=shared(CASE).fund_fen, account_fen=shared(CASE).account_fen
)

EXCHANGES: list[tuple[Kind, Question, Told | Refused, str, Amounts | None, Amounts | None]] = [
    # kind, question, answer, and in the clear: case, amounts asked, amounts told
    (Kind.PERSON, person_asked(), PERSON, "", None, None),
    (Kind.PERSON, person_asked(), NOBODY, "", None, None),
    (Kind.QUOTE, CASE, shared(CASE), "", None, None),
    (Kind.SETTLE, CASE, shared(CASE), NUMBER, TOTAL, COMES_TO),
    (Kind.SETTLE, CASE, NOBODY, NUMBER, TOTAL, None),
    (Kind.CANCEL,
     CancelAsked(cancel_no=CANCEL, case_no=NUMBER, settlement_no="1", person_no=WHO),
     CANCELLED, NUMBER, None, None),
    (Kind.REVERSE, ReverseAsked(case_no=NUMBER, person_no=WHO),
     ReverseTold(case_no=NUMBER, undone=True, told_at=AT), NUMBER, None, None),
    (Kind.STATUS, STATUS,
     StatusTold(case_no=NUMBER, state=CaseState.UNKNOWN, case=None, cancel=None),
     NUMBER, None, None),
    (Kind.STATUS, STATUS,
     StatusTold(case_no=NUMBER, state=CaseState.SETTLED, case=shared(CASE), cancel=None),
     NUMBER, None, COMES_TO),
    (Kind.STATUS, STATUS,
     StatusTold(case_no=NUMBER, state=CaseState.CANCELLED, case=shared(CASE), cancel=CANCELLED),
     NUMBER, None, None),
    (Kind.RECONCILE, ReconcileAsked(day=DAY, after=""),
     ReconcileTold(
         day=DAY, more=False,
         rows=(RowTold(case_no=NUMBER, settlement_no="1", reversal=False, total_fen=100,
                       fund_fen=50, account_fen=10),),
     ), "", None, None),
    (Kind.BOOK, BookAsked(day=DAY, treated=TREATED, insured=INSURED, after=7),
     BookTold(
         day=DAY, treated=TREATED, insured=INSURED, more=True,
         rows=(BookRow(number=9, case_no=NUMBER, reversal=True, total_fen=-100, fund_fen=-50,
                       account_fen=-10),),
     ), "", None, None),
    *(
        (kind,
         PaperAsked(number="441900-430000-202611", digest="0" * 64, part=1, parts=2,
                    content=bytes(range(256))),
         PaperTold(number="441900-430000-202611", digest="0" * 64, state=PaperState.KEPT, text=""),
         "", None, None)
        for kind in sorted(PAPERS)
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [{"part": 3}, {"part": 0}, {"parts": 257}, {"content": ""}, {"digest": "0"}, {"number": "甲"}],
)
def test_a_part_that_lies_in_no_paper_is_malformed(changed: dict[str, object]) -> None:
    paper = {
        "number": "1", "digest": "0" * 64, "part": 1, "parts": 2, "content": "AA=="
    }  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(paper), type=PaperAsked).content == b"\0"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(paper | changed), type=PaperAsked)


def asked(
    question: Question = CASE, *, kind: Kind = Kind.SETTLE, correlation: str = NUMBER,
    to: str = INSURED, post: Post = T,
) -> Written:  # fmt: skip
    """A question as it is sent."""
    made = post.ask(question, to=to, kind=kind, correlation=correlation, at=AT)
    assert isinstance(made, Written), made
    return made


def opened(written: Written, post: Post = I) -> Opened:
    """The same, where it arrives."""
    found = post.read_question(written.message, at=AT)
    assert isinstance(found, Opened), found
    return found


def fault_of(found: object) -> Fault:
    """Why it is worth nothing."""
    assert isinstance(found, Worthless), found
    return found.fault


@pytest.mark.parametrize(
    ("kind", "question", "told", "case", "amounts_asked", "amounts_told"), EXCHANGES
)
def test_what_is_asked_and_told_arrives_and_the_hub_sees_case_and_amounts_only(
    kind: Kind, question: Question, told: Told | Refused, case: str,
    amounts_asked: Amounts | None, amounts_told: Amounts | None,
) -> None:  # fmt: skip
    written = asked(question, kind=kind)
    arrived = opened(written)
    assert arrived.question == question
    message = I.answer(arrived, told, at=AT)
    answer = T.read_answer(message, written, at=AT)
    assert answer == told
    outside = read(message).envelope
    assert (written.envelope.case, written.envelope.amounts) == (case, amounts_asked)
    assert (outside.case, outside.amounts, outside.correlation) == (case, amounts_told, NUMBER)
    assert (outside.says is Says.REFUSED) == isinstance(told, Refused)
    for secret in (b"999999199001010017", WHO.encode(), "测试".encode(), b"A00.000x001"):
        assert secret not in written.message and secret not in message


def test_message_is_one_json_object_with_the_signature_last() -> None:
    message = json.loads(asked().message)
    assert next(iter(message)) == "version"
    assert list(message)[-2:] == ["body", "signature"]
    assert message["from"] == TREATED


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_no_question_of_which_any_bit_was_flipped_is_believed(at: int, bit: int) -> None:
    message = bytearray(QUESTION.message)
    message[at % len(message)] ^= 1 << bit
    assert isinstance(I.read_question(bytes(message), at=AT), Worthless)


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_no_answer_of_which_any_bit_was_flipped_is_believed(at: int, bit: int) -> None:
    message = bytearray(ANSWER)
    message[at % len(message)] ^= 1 << bit
    assert isinstance(T.read_answer(bytes(message), QUESTION, at=AT), Worthless)


@given(cut=st.integers(min_value=1), more=st.binary(max_size=5))
def test_message_that_was_cut_or_made_longer_is_not_believed(cut: int, more: bytes) -> None:
    message = QUESTION.message
    assert isinstance(I.read_question(message[: -1 - cut % len(message)] + more, at=AT), Worthless)
    assert isinstance(I.read_question(message + b" " + more, at=AT), Worthless)


@given(noise=st.binary(max_size=400))
def test_noise_is_malformed(noise: bytes) -> None:
    assert fault_of(I.read_question(noise, at=AT)) is Fault.MALFORMED


def resigned(message: bytes, papers: Papers = ASKING, **changes: object) -> bytes:
    """The same with other values outside, signed anew: what a region could do, not a thief."""
    envelope = structs.replace(read(message).envelope, **changes)
    return signed_message(unsigned(envelope), signing(papers))


def signing(papers: Papers) -> Ed25519PrivateKey:
    """The key that signs."""
    return Ed25519PrivateKey.from_private_bytes(papers.keys.signing)


def as_if(changes: dict[str, object]) -> Callable[[bytes], bytes]:
    """A message with other values outside, signed by T again."""
    return lambda message: resigned(message, **changes)


HUB_PAPERS = papers_of(HUB)
THE_HUB = post_of(HUB_PAPERS, ASKING, ANSWERING)
WITH_HUB = post_of(ASKING, HUB_PAPERS, ANSWERING)
BOOK = BookAsked(day=DAY, treated=TREATED, insured=INSURED, after=0)
TOLD_BY_HUB = BookTold(day=DAY, treated=TREATED, insured=INSURED, rows=(), more=False)


def to_hub() -> Written:
    """The hub is asked for its book."""
    return asked(BOOK, kind=Kind.BOOK, correlation="B-1", to=HUB, post=WITH_HUB)


TO_HUB = to_hub()
BAD_QUESTIONS: list[tuple[str, Callable[[bytes], bytes], Fault]] = [
    ("over a mebibyte", lambda _: b"x" * (1024 * 1024 + 1), Fault.TOO_LARGE),
    ("of version 2", lambda m: m.replace(b'"version":1', b'"version":2'), Fault.VERSION_UNKNOWN),
    ("of version 2 with another form", lambda _: b'{"version":2,"signature":"' + b"A" * 86 + b'"}',
     Fault.VERSION_UNKNOWN),
    ("of no kind", lambda m: m.replace(b'"settle"', b'"steal!"'), Fault.MALFORMED),
    ("with a space", lambda m: m.replace(b'"version"', b' "version"'), Fault.SIGNATURE_WRONG),
    ("with an amount twice",
     lambda m: m.replace(b'"fund_fen"', b'"fund_fen":1,"fund_fen"'), Fault.MALFORMED),
    ("with an escape", lambda m: m.replace(b'"kind"', b'"k\\u0069nd"'), Fault.MALFORMED),
    ("for another region", as_if({"to": OTHER}), Fault.NOT_FOR_US),
    ("with a certificate that nobody knows", as_if({"certificate": "441900-7"}),
     Fault.CERTIFICATE_UNKNOWN),
    ("from another region than its certificate", as_if({"origin": OTHER}),
     Fault.CERTIFICATE_NOT_THEIRS),
    ("that was recorded", as_if({"sent_at": AT - timedelta(seconds=301)}), Fault.OUTSIDE_WINDOW),
    ("from the future", as_if({"sent_at": AT + timedelta(seconds=301)}), Fault.OUTSIDE_WINDOW),
    ("forged", lambda m: resigned(m, THIRD), Fault.SIGNATURE_WRONG),
    ("with another amount", lambda m: m.replace(b'"fund_fen":0', b'"fund_fen":9'),
     Fault.SIGNATURE_WRONG),
    ("that is an answer", as_if({"says": Says.TOLD}), Fault.NO_QUESTION),
    ("sealed for another", as_if({"sealed_for": f"{OTHER}-1"}), Fault.SEALED_FOR_ANOTHER),
    ("with the body of another correlation", as_if({"correlation": "441900-1"}), Fault.UNOPENABLE),
    ("with the body of another case", as_if({"case": "441900-1"}), Fault.UNOPENABLE),
    ("with an amount that is not inside", as_if({"amounts": Amounts(total_fen=1)}),
     Fault.CLEAR_DIFFERS),
    ("without the amount that is inside", as_if({"amounts": None}), Fault.CLEAR_DIFFERS),
    ("with a body that is none", as_if({"body": "AAAA"}), Fault.UNOPENABLE),
    ("with a body that is no text", as_if({"body": "ä"}), Fault.UNOPENABLE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "fault"), [row[1:] for row in BAD_QUESTIONS], ids=[row[0] for row in BAD_QUESTIONS]
)
def test_question_that_is_not_right_is_worth_nothing(
    spoil: Callable[[bytes], bytes], fault: Fault
) -> None:
    assert fault_of(I.read_question(spoil(QUESTION.message), at=AT)) is fault


FOREIGN = Refused(code=KIND_UNKNOWN, text="不受理。")


def of_tomorrow(**changes: object) -> bytes:
    """A question of a kind that this program does not know, as a later one would write it."""
    envelope = structs.replace(QUESTION.envelope, kind="weather", case="", amounts=None, **changes)
    return T.written(envelope, b'{"is":"fine"}')


def test_a_question_of_a_kind_that_is_not_known_is_refused_to_whoever_asked_it() -> None:
    message = of_tomorrow()
    assert fault_of(I.read_question(message, at=AT)) is Fault.MALFORMED
    strange = I.read_strange(message, at=AT)
    assert isinstance(strange, Strange), strange
    answer = json.loads(I.answer(strange, FOREIGN, at=AT))
    assert (answer["kind"], answer["says"]) == ("weather", "refused")
    assert answer["answers"] == strange.digest
    later = Written(
        message=message, envelope=structs.replace(QUESTION.envelope, case=""),
        digest=strange.digest,
    )  # fmt: skip
    assert fault_of(T.read_answer(I.answer(strange, FOREIGN, at=AT), later, at=AT)) is (
        Fault.MALFORMED
    ), "only who knows the kind reads it"


def test_a_paper_that_is_not_known_there_is_refused_with_a_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = asked(
        PaperAsked(number="1", digest="0" * 64, part=1, parts=1, content=b"1"), kind=Kind.NOTICE,
        correlation="1",
    )  # fmt: skip
    assert isinstance(I.read_strange(written.message, at=AT), Worthless)
    monkeypatch.setattr(post, "KINDS", frozenset({"settle"}))
    strange = I.read_strange(written.message, at=AT)
    assert isinstance(strange, Strange), strange
    assert T.read_answer(I.answer(strange, FOREIGN, at=AT), written, at=AT) == FOREIGN


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (lambda: QUESTION.message, Fault.MALFORMED),
        (lambda: of_tomorrow(says=Says.TOLD), Fault.MALFORMED),
        (lambda: of_tomorrow().replace(b"weather", b"whether"), Fault.SIGNATURE_WRONG),
        (lambda: of_tomorrow().replace(b"weather", b"WEATHER"), Fault.MALFORMED),
        (lambda: of_tomorrow(sent_at=AT - timedelta(seconds=301)), Fault.OUTSIDE_WINDOW),
        (lambda: resigned_foreign(body="AAAA"), Fault.UNOPENABLE),
        (lambda: resigned_foreign(to=OTHER), Fault.NOT_FOR_US),
    ],
)
def test_nobody_is_told_so_whose_question_is_not_proved(
    message: Callable[[], bytes], fault: Fault
) -> None:
    assert fault_of(I.read_strange(message(), at=AT)) is fault


def resigned_foreign(**changes: object) -> bytes:
    """The same with other values outside, signed anew."""
    envelope = structs.replace(read_foreign(of_tomorrow()).envelope, **changes)
    return signed_message(unsigned(envelope), signing(ASKING))


def test_content_of_another_kind_is_refused_without_repeating_it() -> None:
    sealed = asked(STATUS, kind=Kind.STATUS, correlation="1")
    written = asked(person_asked(), kind=Kind.PERSON, correlation="1")
    wrong = post_of(ASKING, ANSWERING)
    envelope = structs.replace(written.envelope, kind=Kind.SETTLE)
    found = I.read_question(wrong.written(envelope, msgspec.json.encode(sealed.envelope)), at=AT)
    assert fault_of(found) is Fault.CONTENT_MALFORMED
    assert isinstance(found, Worthless) and found.text == ""


def other_answer() -> bytes:
    """A genuine answer to another question of T."""
    written = asked(STATUS, kind=Kind.STATUS, correlation="441900-2")
    told = StatusTold(case_no=NUMBER, state=CaseState.SETTLED, case=shared(CASE), cancel=None)
    return I.answer(opened(written), told, at=AT)


def answer_of_another_region() -> bytes:
    """A third region answers what it was not asked."""
    written = asked(to=OTHER)
    return THEIRS.answer(opened(written, THEIRS), shared(CASE), at=AT)


def answered(told: Told | Refused) -> bytes:
    """I answers the question."""
    return I.answer(opened(QUESTION), told, at=AT)


def lie(**changes: object) -> bytes:
    """I shows the hub something else than T."""
    return resigned(ANSWER, ANSWERING, **changes)


BAD_ANSWERS: list[tuple[str, Callable[[], bytes], Fault]] = [
    ("the question itself", lambda: asked(post=I, to=TREATED).message, Fault.NEVER_ASKED),
    ("to another question", other_answer, Fault.NEVER_ASKED),
    ("to the same question, asked at another time",
     lambda: lie(answers="0" * 64), Fault.NEVER_ASKED),
    ("of another region", answer_of_another_region, Fault.NEVER_ASKED),
    ("of another kind", lambda: lie(kind=Kind.QUOTE), Fault.NEVER_ASKED),
    ("with another correlation", lambda: lie(correlation="441900-2"), Fault.NEVER_ASKED),
    ("about another case",
     lambda: answered(structs.replace(shared(CASE), case_no="441900-2")), Fault.CLEAR_DIFFERS),
    ("with other amounts in the clear", lambda: lie(amounts=TOTAL), Fault.CLEAR_DIFFERS),
    ("without amounts in the clear", lambda: lie(amounts=None), Fault.CLEAR_DIFFERS),
    ("a refusal that shows amounts",
     lambda: resigned(answered(NOBODY), ANSWERING, amounts=TOTAL), Fault.CLEAR_DIFFERS),
    ("told, but shown as refused", lambda: lie(says=Says.REFUSED), Fault.UNOPENABLE),
    ("too late", lambda: lie(sent_at=AT - timedelta(minutes=6)), Fault.OUTSIDE_WINDOW),
    ("forged", lambda: resigned(ANSWER, THIRD), Fault.SIGNATURE_WRONG),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "fault"), [row[1:] for row in BAD_ANSWERS], ids=[row[0] for row in BAD_ANSWERS]
)
def test_answer_that_is_not_right_is_worth_nothing(
    make: Callable[[], bytes], fault: Fault
) -> None:
    assert fault_of(T.read_answer(make(), QUESTION, at=AT)) is fault


def of_hub(told: Told | Refused = TOLD_BY_HUB, written: Written | None = None) -> bytes:
    """The hub answers."""
    return THE_HUB.answer(opened(written or TO_HUB, THE_HUB), told, at=AT)


BAD_HUB_ANSWERS: list[tuple[str, Callable[[], bytes], Fault]] = [
    ("of a region that signs as the hub",
     lambda: resigned(of_hub(), ANSWERING, certificate=f"{INSURED}-1"),
     Fault.CERTIFICATE_NOT_THEIRS),
    ("of a region as itself",
     lambda: resigned(of_hub(), ANSWERING, certificate=f"{INSURED}-1", origin=INSURED),
     Fault.NEVER_ASKED),
    ("forged", lambda: resigned(of_hub(), ANSWERING), Fault.SIGNATURE_WRONG),
    ("recorded yesterday", lambda: of_hub(written=to_hub()), Fault.NEVER_ASKED),
    ("of another kind", lambda: resigned(of_hub(), HUB_PAPERS, kind=Kind.STATUS),
     Fault.NEVER_ASKED),
    ("too old", lambda: resigned(of_hub(), HUB_PAPERS, sent_at=AT - timedelta(seconds=301)),
     Fault.OUTSIDE_WINDOW),
    ("sealed for another", lambda: resigned(of_hub(), HUB_PAPERS, sealed_for=f"{INSURED}-1"),
     Fault.SEALED_FOR_ANOTHER),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "fault"), [row[1:] for row in BAD_HUB_ANSWERS], ids=[row[0] for row in BAD_HUB_ANSWERS]
)
def test_answer_in_the_hubs_name_that_is_not_right_is_worth_nothing(
    make: Callable[[], bytes], fault: Fault
) -> None:
    assert WITH_HUB.read_answer(of_hub(), TO_HUB, at=AT) == TOLD_BY_HUB
    found = WITH_HUB.read_answer(make(), TO_HUB, at=AT)
    assert fault_of(found) is fault and fault.is_attack


def test_the_hub_does_not_answer_what_a_region_was_asked() -> None:
    answer = resigned(ANSWER, HUB_PAPERS, certificate=f"{HUB}-1", origin=HUB)
    assert fault_of(WITH_HUB.read_answer(answer, QUESTION, at=AT)) is Fault.NEVER_ASKED


def test_a_withdrawn_certificate_of_the_hub_is_worth_nothing() -> None:
    gone = post_of(ASKING, HUB_PAPERS, withdrawn=[f"{HUB}-1"])
    assert fault_of(gone.read_answer(of_hub(), TO_HUB, at=AT)) is Fault.CERTIFICATE_WITHDRAWN
    made = gone.ask(BOOK, to=HUB, kind=Kind.BOOK, correlation="1", at=AT)
    assert made == Unwritable(f"no certificate of {HUB} holds")


def test_same_question_asked_again_is_another_message_with_one_correlation() -> None:
    again = asked()
    assert again.message != QUESTION.message
    assert again.envelope.correlation == QUESTION.envelope.correlation
    assert fault_of(T.read_answer(ANSWER, again, at=AT)) is Fault.NEVER_ASKED


def test_nothing_is_asked_of_a_region_without_a_certificate() -> None:
    made = T.ask(CASE, to="460100", kind=Kind.SETTLE, correlation=NUMBER, at=AT)
    assert made == Unwritable("no certificate of 460100 holds")


def test_question_over_the_limit_is_not_sent() -> None:
    small = post_of(ASKING, ANSWERING, bytes_max=1000)
    made = small.ask(CASE, to=INSURED, kind=Kind.SETTLE, correlation=NUMBER, at=AT)
    assert isinstance(made, Unwritable) and "1000" in made.text


def test_attacks_are_told_from_mistakes() -> None:
    honest = {fault for fault in Fault if not fault.is_attack}
    assert honest == {
        Fault.TOO_LARGE, Fault.VERSION_UNKNOWN, Fault.MALFORMED, Fault.CERTIFICATE_NOT_VALID,
        Fault.CONTENT_MALFORMED,
    }  # fmt: skip


def test_secret_keys_do_not_print_themselves() -> None:
    assert "signing" not in repr(ASKING.keys).lower()


def test_told_case_survives_its_explanation() -> None:
    explained = structs.replace(shared(CASE), explanation=msgspec.Raw(b'[{"step":1}]'))
    written = asked()
    found = T.read_answer(I.answer(opened(written), explained, at=AT), written, at=AT)
    assert isinstance(found, CaseTold)
    assert bytes(found.explanation) == b'[{"step":1}]'


QUESTION = asked()
ANSWER = answered(shared(CASE))


def test_no_text_of_a_pattern_takes_a_newline_at_its_end() -> None:
    """A `$` would: what is refused for its form is refused with that too."""
    structs_of_all = [
        inspect.type_info(kind)
        for module in (bundle, clearing, envelope, messages)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_fields__
    ]
    patterns = {
        text.pattern
        for struct in structs_of_all
        if isinstance(struct, inspect.StructType)
        for field in struct.fields
        if isinstance(text := field.type, inspect.StrType) and text.pattern is not None
    }
    assert len(patterns) > 5
    assert [one for one in patterns if not one.endswith(r"\Z")] == []
