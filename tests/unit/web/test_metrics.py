"""Counting is exact, adds up over processes, survives a restart, and is documented."""

from __future__ import annotations

import os
import re
from pathlib import Path

from settlement.telemetry import metrics
from settlement.telemetry.metrics import INFNOS_MAX, Metrics, Numbers, Outcome, declared, render

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "metrics.md"


def counted() -> Metrics:
    counts = Metrics()
    counts.request_ended("2102", Outcome.OK, 0.002)
    counts.request_ended(None, Outcome.REFUSED, 20.0)
    counts.batch_items.observe(128)
    counts.in_flight = 3
    counts.replayed = 2
    return counts


def test_page_lists_every_metric_with_its_kind_and_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .*?\| (.+?) \|$", PAGE.read_text("utf-8"), re.M)
    on_page = [(name.removesuffix("_total"), kind, about) for name, kind, about in rows]
    assert on_page == [(each.name, each.type, each.documentation) for each in declared()]


def test_every_declared_metric_is_rendered_once() -> None:
    page = render([counted().numbers()]).decode()
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", page, re.M)
    assert {name.removesuffix("_total") for name, _ in kinds} == {m.name for m in declared()}


def test_numbers_of_processes_add_up() -> None:
    page = render([counted().numbers(), counted().numbers()]).decode()
    assert 'settlement_requests_total{infno="2102",outcome="ok"} 2.0' in page
    assert 'settlement_requests_total{infno="in_body",outcome="refused"} 2.0' in page
    assert 'settlement_request_seconds_bucket{le="0.002"} 2.0' in page
    assert 'settlement_request_seconds_bucket{le="10.0"} 2.0' in page
    assert "settlement_request_seconds_count 4.0" in page
    assert 'settlement_batch_items_count_bucket{le="64"} 0.0' in page
    assert 'settlement_batch_items_count_bucket{le="128"} 2.0' in page
    assert "settlement_requests_in_flight 6.0" in page


def test_gauges_of_dead_processes_do_not_count_but_their_counters_do() -> None:
    numbers = counted().numbers()
    dead = Numbers(pid=2**30, counters=numbers.counters, gauges=numbers.gauges)
    page = render([dead]).decode()
    assert "settlement_messages_replayed_total 2.0" in page
    assert "settlement_requests_in_flight 0.0" in page
    assert "settlement_processes 0.0" in page


def test_restarted_process_continues_its_counters() -> None:
    successor = Metrics()
    successor.resume(counted().numbers())
    successor.request_ended("2102", Outcome.OK, 0.002)
    numbers = successor.numbers()
    assert numbers.requests["2102"][Outcome.OK] == 2
    assert numbers.counters["settlement_messages_replayed_total"] == 2
    assert numbers.gauges["settlement_requests_in_flight"] == 0
    assert sum(numbers.histograms["settlement_request_seconds"][0]) == 3
    assert numbers.pid == os.getpid()


def test_invented_transaction_codes_do_not_grow_without_end() -> None:
    counts = Metrics()
    for number in range(INFNOS_MAX + 50):
        counts.request_ended(f"x{number}", Outcome.UNREADABLE, 0.0)
    assert len(counts.requests) == INFNOS_MAX + 1
    assert counts.requests["other"][Outcome.UNREADABLE] == 50


def test_every_number_has_a_declaration() -> None:
    names = {name.removesuffix("_total") for name in counted().numbers().counters}
    names |= set(counted().numbers().gauges) | set(counted().numbers().histograms)
    assert names <= {each.name for each in metrics.declared()}


def test_numbers_that_cannot_be_written_stop_nobody(tmp_path: Path) -> None:
    board = metrics.Board(tmp_path / "metrics", "gateway-0")
    board.publish()
    (tmp_path / "metrics" / "metrics-gateway-0.partial").mkdir()
    board.publish()
    assert b"settlement_processes 1.0" in board.render()
