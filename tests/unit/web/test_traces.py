"""Which requests are traced, and how a wish for traces is refused."""

from __future__ import annotations

import sys

import pytest

from settlement.telemetry import otlp
from settlement.telemetry.metrics import Outcome
from settlement.telemetry.otlp import SHARE_VARIABLE, URL_VARIABLE, TracesError, TracesWanted
from settlement.telemetry.traces import OPEN_MAX, Trace, Traces

URL = "http://127.0.0.1:4318"


def picking(share: float) -> tuple[Traces, list[Trace]]:
    traces, told = Traces(), list[Trace]()
    traces.start(share, told.append)
    return traces, told


def message(number: int) -> bytes:
    return b'{"infno":"2102","msgid":"P%d","input":{}}' % number


def test_one_in_so_many_is_picked() -> None:
    traces, told = picking(0.1)
    for number in range(100):
        trace = traces.pick("2102", message(number), "P1")
        if trace is not None:
            traces.end(trace, Outcome.OK)
    assert len(told) == 10
    assert {one.facts["outcome"] for one in told} == {"ok"}


def test_body_without_an_id_is_passed_over_and_the_next_one_is_picked() -> None:
    traces, told = picking(0.5)
    bodies = (message(1), b"rubbish", b'{"msgid":"\xff"}', message(2))
    assert [traces.pick("2102", body, "P1") is not None for body in bodies] == [
        False, False, False, True,
    ]  # fmt: skip
    assert not told


def test_the_same_message_sent_twice_is_one_trace() -> None:
    traces, _ = picking(1.0)
    first = traces.pick("2102", message(1), "P1")
    assert first is not None
    assert traces.pick("2102", message(1), "P1") is None
    traces.end(first, Outcome.UNAVAILABLE)
    assert first.failed
    assert traces.pick("2102", message(1), "P1") is not None


def test_requests_that_never_end_do_not_fill_the_memory() -> None:
    traces, _ = picking(1.0)
    picked = [traces.pick("2102", message(number), "P1") for number in range(2 * OPEN_MAX)]
    assert sum(one is not None for one in picked) == OPEN_MAX


def test_parts_follow_one_another() -> None:
    traces, told = picking(1.0)
    trace = traces.pick("2102", message(1), "P1")
    assert trace is not None
    traces.part("P1", "nonce", trace.began)
    traces.batch(["P1", "P2"], [0.0, 0.0])
    traces.written(["P2", "P1"], 0.0)
    traces.part("P2", "nobody's", trace.began)
    traces.end(trace, Outcome.OK)
    assert [one.name for one in told[0].parts] == [
        "nonce", "journal.wait", "batch.read", "batch.decide", "batch.write",
    ]  # fmt: skip
    assert told[0].parts[2].facts == {"items": 2}
    for before, part in zip(told[0].parts, told[0].parts[1:], strict=False):
        assert part.ended >= before.ended


def test_what_is_asked_for() -> None:
    assert otlp.wanted({}) is None
    assert otlp.wanted({SHARE_VARIABLE: "1"}) is None
    assert otlp.wanted({URL_VARIABLE: URL}) == TracesWanted(f"{URL}/v1/traces", 0.01)
    own = f"{URL}/of/ours"
    assert otlp.wanted({URL_VARIABLE: own, SHARE_VARIABLE: "1"}) == TracesWanted(own, 1.0)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({URL_VARIABLE: "collector:4318"}, "no address of a collector"),
        ({URL_VARIABLE: URL, SHARE_VARIABLE: "0"}, "over 0 and up to 1"),
        ({URL_VARIABLE: URL, SHARE_VARIABLE: "nan"}, "over 0 and up to 1"),
        ({URL_VARIABLE: URL, SHARE_VARIABLE: "1 %"}, "over 0 and up to 1"),
    ],
)
def test_wish_that_cannot_be_met_says_why(environment: dict[str, str], said: str) -> None:
    with pytest.raises(TracesError, match=said):
        otlp.wanted(environment)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.setattr(otlp, "find_spec", lambda name: sys.modules.get(name, object()))
    with pytest.raises(TracesError, match="requirements-traces"):
        otlp.wanted({URL_VARIABLE: URL})
