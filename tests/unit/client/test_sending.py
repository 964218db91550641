"""What the client makes of each answer: what it retries, when it gives up, what it never says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from protocol.nhsa.signing import tif_verified
from settlement.client import (
    AnswerError,
    Came,
    Done,
    Item,
    Line,
    Message,
    Patience,
    Refused,
    Unknown,
)
from settlement.client.wire import Passage
from tests.unit.client.fakes import (
    DOWN,
    HTML,
    IN_DOUBT,
    LATER,
    LOST,
    PATIENT,
    SECRET,
    PaperTime,
    PaperWire,
    bad,
    good,
    institution,
    problem,
)

LINES = [Line(item=Item(med_list_codg="X1", medins_list_codg="1", price=Decimal("4.335")))]


async def outcome_of(*passages: Passage) -> tuple[object, PaperWire]:
    wire = PaperWire(*passages)
    pos = institution(wire)
    return await pos.send(pos.pharmacy.sale(PATIENT, LINES)), wire


CERTAIN = [
    # what comes, attempt by attempt,        kind,    code,            in doubt before
    ([good()],                               Done,    "",              False),
    ([DOWN, good()],                         Done,    "",              False),
    ([LATER, good()],                        Done,    "",              False),
    ([LOST, good()],                         Done,    "",              False),
    ([HTML, IN_DOUBT, good()],               Done,    "",              False),
    ([bad("INTERNAL", "same_msgid"), good()], Done,   "",              False),
    ([bad("TOTAL_MISMATCH")],                Refused, "TOTAL_MISMATCH", False),
    ([DOWN, bad("TOTAL_MISMATCH")],          Refused, "TOTAL_MISMATCH", False),
    ([LOST, bad("TOTAL_MISMATCH")],          Refused, "TOTAL_MISMATCH", True),
    ([problem(401, "SIGNATURE_WRONG", "never")], Refused, "SIGNATURE_WRONG", False),
    ([problem(413, "BODY_TOO_LARGE", "never")],  Refused, "BODY_TOO_LARGE", False),
]  # fmt: skip


@pytest.mark.parametrize(("passages", "kind", "code", "lost"), CERTAIN)
async def test_what_is_proved_ends_it(
    passages: list[Passage], kind: type, code: str, lost: bool
) -> None:
    outcome, wire = await outcome_of(*passages)
    assert isinstance(outcome, kind)
    assert len(wire.sent) == len(passages)
    assert len(set(wire.msgids)) == 1
    assert getattr(outcome, "code", "") == code
    assert getattr(outcome, "earlier_lost", False) is lost


async def test_a_reply_that_holds_no_number_proves_nothing() -> None:
    garbled = Came(status=200, body=b'{"infcode":0,"output":{"total":1E+99999999999999999999}}')
    outcome, wire = await outcome_of(garbled, good())
    assert isinstance(outcome, Done)
    assert len(wire.sent) == 2


GIVEN_UP = [
    # what comes until the deadline,  kind,    code or reason
    ([DOWN] * 9,                      Refused, "NOT_SENT"),
    ([LATER] * 9,                     Refused, "OVERLOADED"),
    ([LOST] * 9,                      Unknown, "NO_ANSWER"),
    ([IN_DOUBT] * 9,                  Unknown, "OUTCOME_UNKNOWN"),
    ([HTML] * 9,                      Unknown, "502"),
    ([LOST, *[DOWN] * 9],             Unknown, "NOT_SENT"),
    ([LOST, problem(401, "TIMESTAMP_REFUSED", "never")], Unknown, "TIMESTAMP_REFUSED"),
]  # fmt: skip


@pytest.mark.parametrize(("passages", "kind", "said"), GIVEN_UP)
async def test_unproved_is_unknown_unless_nothing_can_have_arrived(
    passages: list[Passage], kind: type, said: str
) -> None:
    outcome, _ = await outcome_of(*passages)
    assert isinstance(outcome, kind)
    assert said in (outcome.code if isinstance(outcome, Refused) else outcome.reason)
    if isinstance(outcome, Refused):
        assert outcome.retry == "later"


async def test_page_of_a_gateway_in_between_is_not_asked_again_and_proves_nothing() -> None:
    from settlement.client import Came

    outcome, wire = await outcome_of(Came(status=404, body=b"<html>nginx</html>"))
    assert isinstance(outcome, Unknown)
    assert len(wire.sent) == 1


async def test_gaps_grow_up_to_the_deadline_and_obey_retry_after() -> None:
    time = PaperTime()
    pos = institution(
        PaperWire(DOWN, DOWN, problem(503, "OVERLOADED", "later", 5.0), DOWN, *[DOWN] * 20),
        time=time, patience=Patience(deadline_seconds=30.0, gap_seconds_max=4.0),
    )  # fmt: skip
    await pos.send(pos.message("2102", {}))
    first, second, third, *_ = time.pauses
    assert 0.5 <= first <= 0.625
    assert 1.0 <= second <= 1.25
    assert third == 5.0
    assert time.seconds <= 30.0
    assert max(time.pauses[3:]) <= 5.0


async def test_resend_is_the_same_body_under_the_same_nonce_signed_anew() -> None:
    _, wire = await outcome_of(LOST, good())
    (_, one, headers), (_, other, again) = wire.sent
    assert one == other
    assert headers["x-tif-nonce"] == again["x-tif-nonce"]
    assert tif_verified(
        timestamp=headers["x-tif-timestamp"], secret=SECRET, nonce=headers["x-tif-nonce"],
        signature=headers["x-tif-signature"],
    )  # fmt: skip


async def test_message_survives_a_restart_byte_for_byte() -> None:
    pos = institution(PaperWire())
    message = pos.pharmacy.sale(PATIENT, LINES)
    again = Message.restored(message.stored())
    assert again == message
    assert again.nonce == message.nonce
    assert message.input["druginfo"]["medfee_sumamt"] == Decimal("4.34")  # type: ignore[index]


async def test_nothing_personal_is_in_the_text_of_a_message() -> None:
    pos = institution(PaperWire())
    shown = repr(pos.pharmacy.sale(PATIENT, LINES))
    assert PATIENT.certno not in shown
    assert PATIENT.psn_name not in shown


async def test_infcode_may_come_as_text_and_nulls_for_empty() -> None:
    body = b'{"infcode":"0","err_msg":null,"warn_msg":null,"output":{"a":{"b":1.10}}}'
    outcome, _ = await outcome_of(Came(status=200, body=body))
    assert isinstance(outcome, Done)
    assert outcome.node("a") == {"b": Decimal("1.10")}
    assert not outcome.is_replay


REPLAYS = [
    # warn_msg,                            is a replay
    ("",                                   False),
    ("仅存储：本平台已收存该数据",           False),
    ("重复报文，返回首次处理结果",           True),
    ("重复报文，返回首次处理结果；仅存储",   True),
]  # fmt: skip


@pytest.mark.parametrize(("warn_msg", "is_replay"), REPLAYS)
async def test_only_a_first_answer_again_is_a_replay(warn_msg: str, is_replay: bool) -> None:
    outcome, _ = await outcome_of(good(warn_msg=warn_msg))
    assert isinstance(outcome, Done)
    assert outcome.is_replay is is_replay


async def test_file_is_the_answer_itself() -> None:
    wire = PaperWire(LOST, Came(status=200, body=b"PK\x03\x04file"), good({"a": 1}))
    his = institution(wire)
    fetched = await his.send(his.files.download("7", filename="a.zip"))
    assert isinstance(fetched, Done)
    assert fetched.file == b"PK\x03\x04file"
    assert fetched.attempts == 2
    other = await his.send(his.files.download("8", filename="a.zip"))
    assert isinstance(other, Done)
    with pytest.raises(AnswerError):
        _ = other.file


async def test_page_that_is_no_file_proves_nothing() -> None:
    outcome, wire = await outcome_of(*[Came(status=200, body=b"<html>")] * 9)
    assert isinstance(outcome, Unknown)
    assert len(wire.sent) > 1


async def test_file_is_sent_as_base64_under_the_own_code() -> None:
    his = institution(PaperWire())
    node = his.files.upload(b"PK\x00", filename="detail.zip").input["fsUploadIn"]
    assert node == {"in": "UEsA", "filename": "detail.zip", "fixmedins_code": his.code}


async def test_sign_in_is_in_every_later_envelope() -> None:
    wire = PaperWire(good({"signinoutb": {"sign_no": "S1"}}), good(), good(), good())
    pos = institution(wire)
    await pos.sign_in(mac="02-00-00-00-00-01", ip="127.0.0.1")
    await pos.look_up(PATIENT)
    await pos.sign_out()
    await pos.look_up(PATIENT)
    assert [envelope.get("sign_no") for _, envelope, _ in wire.sent] == [None, "S1", None, None]
