"""Counting is exact, adds up over processes, survives a restart, and is documented."""

from __future__ import annotations

import os
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from settlement.clock import monotonic
from settlement.telemetry import metrics
from settlement.telemetry.metrics import (
    INFNOS_MAX,
    SECONDS_BOUNDS,
    Metrics,
    Outcome,
    declared,
    labels,
    render,
)
from settlement.telemetry.numbers import Numbers
from settlement.telemetry.summing import CENSUS_SECONDS_MAX, REFERENCE_SECONDS_MAX

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "metrics.md"


def counted() -> Metrics:
    counts = Metrics()
    counts.request_ended("2102", Outcome.OK, 0.002)
    counts.request_ended(None, Outcome.REFUSED, 20.0)
    counts.batch_items.observe(128)
    counts.in_flight = 3
    counts.replayed = 2
    return counts


def test_page_lists_every_metric_with_its_kind_labels_and_meaning() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+?) \|$", PAGE.read_text("utf-8"), re.M
    )
    on_page = [(name.removesuffix("_total"), *rest) for name, *rest in rows]
    assert on_page == [
        (each.name, each.type, ", ".join(labels()[each.name]), each.documentation)
        for each in declared()
    ]


def test_every_declared_metric_is_rendered_once() -> None:
    page = render([counted().numbers()]).decode()
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", page, re.M)
    assert {name.removesuffix("_total") for name, _ in kinds} == {m.name for m in declared()}


def test_the_library_of_prometheus_reads_the_page_as_it_was_meant() -> None:
    counts = counted()
    counts.request_ended('a"b\\c\nd', Outcome.REFUSED, 0.5)
    page = render([counts.numbers()]).decode()
    families = {one.name: one for one in text_string_to_metric_families(page)}
    assert [(f.name, f.type, f.documentation) for f in families.values()] == [
        (each.name, each.type, each.documentation) for each in declared()
    ]
    infnos = {sample.labels["infno"] for sample in families["settlement_requests"].samples}
    assert infnos == {"2102", "in_body", 'a"b\\c\nd'}
    buckets = [
        sample
        for sample in families["settlement_request_seconds"].samples
        if sample.labels["infno"] == "2102" and sample.name.endswith("_bucket")
    ]
    assert [float(one.labels["le"]) for one in buckets] == [*SECONDS_BOUNDS, float("inf")]
    assert [one.value for one in buckets] == [0, 0, *[1] * (len(buckets) - 2)]


def test_numbers_of_processes_add_up() -> None:
    page = render([counted().numbers(), counted().numbers()]).decode()
    assert 'settlement_requests_total{infno="2102",outcome="ok"} 2.0' in page
    assert 'settlement_requests_total{infno="in_body",outcome="refused"} 2.0' in page
    assert 'settlement_request_seconds_bucket{infno="2102",le="0.002"} 2.0' in page
    assert 'settlement_request_seconds_bucket{infno="in_body",le="10.0"} 0.0' in page
    assert 'settlement_request_seconds_count{infno="in_body"} 2.0' in page
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
    assert {of: sum(shown[0]) for of, shown in numbers.request_seconds.items()} == {
        "2102": 2, "in_body": 1,
    }  # fmt: skip
    assert numbers.starts == 2
    assert numbers.pid == os.getpid()


def test_invented_transaction_codes_do_not_grow_without_end() -> None:
    counts = Metrics()
    for number in range(INFNOS_MAX + 50):
        counts.request_ended(f"x{number}", Outcome.UNREADABLE, 0.0)
    assert len(counts.requests) == INFNOS_MAX + 1
    assert counts.requests["other"][Outcome.UNREADABLE] == 50
    assert sum(counts.request_seconds["other"].counts) == 50


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


def test_a_process_shows_what_it_takes_of_the_machine(tmp_path: Path) -> None:
    board = metrics.Board(tmp_path / "metrics", "background", looks_at_disk=True)
    found = dict(re.findall(r"^(settlement_(?:process|disk)_\S+) (\S+)$", text(board), re.M))
    assert float(found['settlement_process_resident_bytes{process="background"}']) > 1e6
    assert float(found['settlement_process_open_files{process="background"}']) >= 3
    assert float(found["settlement_disk_free_bytes"]) <= float(found["settlement_disk_size_bytes"])


def test_gateways_that_are_not_sure_of_their_reference_data_are_counted() -> None:
    now = monotonic()
    long_ago = now - REFERENCE_SECONDS_MAX - 1
    sure = Numbers(pid=os.getpid(), switches_at=now, reference_at=now)
    loading = Numbers(pid=os.getpid(), switches_at=now, reference_at=long_ago)
    hanging = Numbers(pid=os.getpid(), switches_at=long_ago, reference_at=long_ago)
    dead = Numbers(pid=2**30, switches_at=long_ago, reference_at=long_ago)
    needs_none = Numbers(pid=os.getpid())
    page = render([sure, loading, hanging, dead, needs_none]).decode()
    assert 'settlement_reference_behind{part="switches"} 1.0' in page
    assert 'settlement_reference_behind{part="all"} 2.0' in page


def test_a_census_is_shown_while_it_is_fresh() -> None:
    counts = Metrics()
    counts.counted({"settlement_in_doubt": [(("payment",), 3)]}, monotonic())
    earlier = Metrics()
    earlier.counted({"settlement_in_doubt": [(("payment",), 9)]}, monotonic() - 1)
    page = render([earlier.numbers(), counts.numbers(), Metrics().numbers()]).decode()
    assert 'settlement_in_doubt{what="payment"} 3.0' in page
    counts.counted(counts.census, monotonic() - CENSUS_SECONDS_MAX - 1)
    assert "settlement_in_doubt{" not in render([counts.numbers()]).decode()


def test_pools_of_one_name_are_counted_together_and_go_on() -> None:
    counts = Metrics()
    counts.pool("settlement-my").size += 3
    counts.pool("settlement-my").uses += 5
    page = render([counts.numbers(), counts.numbers()]).decode()
    assert 'settlement_pool_connections{pool="settlement-my"} 6.0' in page
    successor = Metrics()
    successor.pool("settlement-my").size += 3
    successor.resume(counts.numbers())
    assert successor.pool("settlement-my").uses == 5
    assert successor.pool("settlement-my").size == 3


def text(board: metrics.Board) -> str:
    return board.render().decode()
