"""Units of work end with a line in the book, whatever becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtest.generator.unit import Answer, NotSentError, Pause, Send, Unit, request_parts
from loadtest.load.book import Line, LoadBook, What, read_book
from loadtest.load.city import City, zipf_weights
from loadtest.load.presets import Kind
from loadtest.load.supply import makers_of
from tests.unit.loadtest.worlds import FROM_SECOND, make_world

ADDRESS = ("127.0.0.1", 8080)
PAID = (
    b'{"infcode":0,"output":{"setlinfo":{"setl_id":"11","mdtrt_id":"11","medfee_sumamt":10.00,'
    b'"fund_pay_sumamt":6.00,"acct_pay":3.00,"psn_cash_pay":1.00}}}'
)
LATER = b'{"infcode":-1,"err_code":"BUSY","retry":"later"}'
REFUSED = b'{"infcode":-1,"err_code":"PERSON_UNKNOWN","retry":"never"}'


def _unit(kind: Kind, book: LoadBook, seed: int = 1) -> Unit:
    city = City(make_world(), address=ADDRESS, seed=seed, from_second=FROM_SECOND)
    return makers_of(city, book)[kind]()


def _next_send(unit: Unit, answer: Answer | None) -> Send:
    wanted = unit.send(answer)
    while isinstance(wanted, Pause):
        wanted = unit.send(None)
    return wanted


def _played(path: Path, kind: Kind, bodies: list[bytes | None]) -> tuple[list[Send], list[Line]]:
    """Plays answers to a unit; where they are used up, the run ends for it."""
    sends = []
    with LoadBook(path) as book:
        unit, answer = _unit(kind, book), None
        try:
            for body in bodies:
                send = _next_send(unit, answer)
                sends.append(send)
                answer = (body and Answer(status=200, body=body, is_done=send.done in body)) or None
            sends.append(_next_send(unit, answer))
        except StopIteration:
            pass
        unit.close()
    return sends, list(read_book(path))


def test_a_sale_is_written_down_as_it_was_answered(tmp_path: Path) -> None:
    sends, lines = _played(tmp_path / "book", Kind.PHARMACY, [PAID])
    (line,) = lines
    assert line.what is What.SETTLED and line.moves and line.setl_id == "11"
    assert (line.total_fen, line.fund_fen, line.account_fen, line.cash_fen) == (1000, 600, 300, 100)
    assert [send.name for send in sends] == ["2102"] and sends[0].settles


def test_what_was_not_answered_is_sent_again_unchanged(tmp_path: Path) -> None:
    sends, lines = _played(tmp_path / "book", Kind.PHARMACY, [None, LATER, PAID])
    assert len({send.payload for send in sends}) == 1 and len(sends) == 3
    assert [line.what for line in lines] == [What.SETTLED]


def test_a_refusal_is_final(tmp_path: Path) -> None:
    sends, lines = _played(tmp_path / "book", Kind.PHARMACY, [REFUSED])
    assert len(sends) == 1 and [line.what for line in lines] == [What.REFUSED]
    assert "PERSON_UNKNOWN" in lines[0].said and not lines[0].moves


TOKEN = b'{"mdtrt_cert_type":"01","mdtrt_cert_no":"E1"}'
UPLOADED = (
    b'{"infcode":0,"output":{"data":{"payOrdId":"ORD1","payToken":"T1","cashierUrl":"",'
    b'"extData":{"mdtrtId":"12","chrgBchno":"B1"}}}}'
)
AGREED = b'{"infcode":0,"output":{"data":{"payOrdId":"ORD1","extData":%s}}}' % PAID[
    len(b'{"infcode":0,"output":') : -1
]


def test_an_order_on_the_phone_is_known_by_its_own_number(tmp_path: Path) -> None:
    sends, (line,) = _played(tmp_path / "book", Kind.PHONE, [TOKEN, UPLOADED, None, AGREED])
    assert [send.name for send in sends] == ["token", "6201", "6202", "6202"]
    assert (line.what, line.msgid, line.setl_id) == (What.SETTLED, "ORD1", "11")
    assert (line.total_fen, line.fund_fen, line.account_fen, line.cash_fen) == (1000, 600, 300, 100)
    assert [send.settles for send in sends] == [False, False, True, True]


@pytest.mark.parametrize(("bodies", "what"), [
    ([TOKEN, UPLOADED, None], What.UNKNOWN), ([TOKEN, UPLOADED, REFUSED], What.REFUSED),
])  # fmt: skip
def test_what_became_of_an_order_on_the_phone_is_written_down(
    bodies: list[bytes | None], what: What, tmp_path: Path
) -> None:
    _, lines = _played(tmp_path / "book", Kind.PHONE, bodies)
    assert [(line.what, line.msgid) for line in lines] == [(what, "ORD1")]


def test_a_stranger_comes_where_there_is_a_region_of_insurance_and_names_it(tmp_path: Path) -> None:
    world = make_world()
    city = City(
        world, address=ADDRESS, seed=1, from_second=FROM_SECOND,
        strangers=replace(world, region="611000"),
    )  # fmt: skip
    with LoadBook(tmp_path / "book") as book:
        unit = makers_of(city, book)[Kind.AWAY]()
        first = _next_send(unit, None)
        assert b'"insuplc_admdvs":"611000"' in first.payload
        unit.close()
    ours = City(world, address=ADDRESS, seed=1, from_second=FROM_SECOND)
    with LoadBook(tmp_path / "other") as book:
        assert Kind.AWAY not in makers_of(ours, book)


@pytest.mark.parametrize("kind", [Kind.PHARMACY, Kind.SCAN])
def test_a_run_that_ends_before_the_answer_leaves_the_outcome_unknown(
    kind: Kind, tmp_path: Path
) -> None:
    _, lines = _played(tmp_path / "book", kind, [None])
    assert [line.what for line in lines] == [What.UNKNOWN]


@pytest.mark.parametrize("kind", [Kind.PHARMACY, Kind.SCAN, Kind.OUTPATIENT, Kind.INPATIENT])
def test_of_who_is_turned_away_before_anything_was_sent_nothing_is_unknown(
    kind: Kind, tmp_path: Path
) -> None:
    with LoadBook(tmp_path / "book") as book:
        unit = _unit(kind, book)
        assert isinstance(next(unit), Send)
        with pytest.raises(NotSentError):
            unit.throw(NotSentError)
    assert not list(read_book(tmp_path / "book"))


def test_the_same_seed_makes_the_same_customers(tmp_path: Path) -> None:
    with LoadBook(tmp_path / "book") as book:
        one, same, other = (next(_unit(Kind.PHARMACY, book, seed)) for seed in (1, 1, 2))
    assert isinstance(one, Send) and isinstance(same, Send) and isinstance(other, Send)
    bodies = [request_parts(send.payload).body for send in (one, same, other)]
    assert bodies[0].partition(b'"input"')[2] == bodies[1].partition(b'"input"')[2]
    assert bodies[0] != bodies[2]


def test_a_request_taken_apart_is_the_same_request() -> None:
    parts = request_parts(b"POST /x HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}")
    assert (parts.method, parts.path, parts.headers, parts.body) == (
        "POST", "/x", {"X-A": "1"}, b"{}",
    )  # fmt: skip


def test_the_largest_hospital_sees_far_more_than_the_smallest() -> None:
    weights = zipf_weights(75, 1.0)
    assert weights[0] / sum(weights) > 0.2 and weights[0] == 75 * weights[-1]
