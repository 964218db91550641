"""The baselines: the echo over real sockets, and what pgbench prints."""

from __future__ import annotations

import pytest

from loadtest.audit import accept_anything
from loadtest.baseline import BaselineError, EchoServer, pgbench_program, tps_in
from loadtest.echo import reply_of
from loadtest.generator.runner import Timing, run_closed
from loadtest.generator.tally import Book
from loadtest.workload import Scenario

from .worlds import make_population

PRINTED = """number of failed transactions: 0 (0.000%)
latency average = 5.1 ms
initial connection time = 12.1 ms
tps = 3127.445123 (without initial connection time)
"""


def test_the_rate_is_read_from_what_pgbench_prints() -> None:
    assert tps_in(PRINTED) == pytest.approx(3127.445123)


def test_output_without_a_rate_is_an_error() -> None:
    with pytest.raises(BaselineError, match="no rate"):
        tps_in("pgbench: error: connection refused")


def test_pgbench_comes_with_the_embedded_server() -> None:
    assert pgbench_program().is_file()


@pytest.mark.parametrize("size", [100, 2_800])
def test_the_echo_answers_as_many_bytes_as_asked(size: int) -> None:
    assert len(reply_of(size)) == size


def test_the_echo_takes_our_requests_in_two_processes() -> None:
    population = make_population()
    with EchoServer(workers=2, reply_bytes=900) as address:
        tally = run_closed(
            address,
            population.scripts(Scenario.ONESHOT, 8),
            timing=Timing(warm_up_seconds=0.1, window_seconds=0.2),
            book=Book(len(population.codes)),
            check=accept_anything,
        )
    assert tally.clean
    assert tally.accepted > 0
