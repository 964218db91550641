"""Reading /proc and telling our processes apart."""

from __future__ import annotations

from loadtest.processes import (
    TICKS_PER_SECOND,
    Process,
    cpu_seconds_by_kind,
    parse_stat,
    read_processes,
)

STAT = "42 (a (b) c) S 7 1 1 0 -1 0 0 0 0 0 11 12 13 14 20 0"


def process(pid: int, parent: int, name: str, command: str = "", seconds: int = 1) -> Process:
    ticks = seconds * TICKS_PER_SECOND
    return Process(pid=pid, parent=parent, name=name, command=command, cpu_ticks=ticks)


def test_a_name_with_brackets_does_not_shift_the_fields() -> None:
    assert parse_stat(STAT) == ("a (b) c", 7, 11 + 12 + 13 + 14)


def test_time_is_summed_by_kind_over_the_server_and_its_own_databases_only() -> None:
    processes = [
        process(10, 1, "python", "settlement serve --workers 2"),
        process(11, 10, "python", "python -m settlement.serve.worker", 3),
        process(12, 10, "python", "python -m settlement.serve.worker", 4),
        process(13, 10, "python", "python -m settlement.serve.background"),
        process(14, 10, "python", "python -m settlement.demo.channels", 8),
        process(20, 1, "postgres", "postgres -D /data/x/postgres", 5),
        process(21, 20, "postgres", "postgres: backend", 6),
        process(22, 10, "redis-server", "redis", 2),
        process(30, 1, "postgres", "postgres -D /data/somebody-else", 100),
        process(31, 1, "python", "vi /data/x/notes", 100),
    ]
    assert cpu_seconds_by_kind(processes, server_pid=10, places=("/data/x",)) == {
        "supervisor": 1.0,
        "gateway": 7.0,
        "worker": 1.0,
        "simulators": 8.0,
        "postgres": 11.0,
        "redis": 2.0,
    }


def test_this_machine_can_be_read() -> None:
    assert any("python" in one.command or "pytest" in one.command for one in read_processes())
