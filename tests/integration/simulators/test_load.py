"""`make load`, small: both runners, with the audit, and what makes a run void."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from loadtest.load import figures, pages
from loadtest.load.guards import LoadRefusedError
from loadtest.load.presets import Kind, Period, preset_named
from loadtest.load.run import Plan, Played, Sender, Target, play
from loadtest.load.target import started, started_with_neighbour
from loadtest.load.under_locust import LOCUSTFILE, locust
from tests.kit.served import ROOT
from tests.services import embedded_environment, temporary_directory

PERSONS, STRANGERS = 3_000, 300
SECONDS, SECONDS_OF_LOCUST = 12.0, 9.0
SCALE = 0.012
"""Of a day of a city: some six hundred settlements."""


@contextmanager
def _server() -> Iterator[tuple[Target, Path]]:
    environment = {**embedded_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    with (
        temporary_directory() as base,
        started(
            base / "data", workers=1, persons=PERSONS, environment=environment, log=base / "log"
        ) as target,
    ):
        yield target, base


@contextmanager
def _two_servers() -> Iterator[tuple[Target, Path]]:
    environment = {**embedded_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    with (
        temporary_directory() as base,
        started_with_neighbour(
            base / "load", base / "data", workers=1, persons=PERSONS, environment=environment,
            persons_there=STRANGERS,
        ) as target,
    ):  # fmt: skip
        yield target, base


def _plan(seed: int, seconds: float) -> Plan:
    return Plan(
        preset=preset_named("dongguan"), period=Period.DAY, scale=SCALE, seconds=seconds,
        seed=seed, persons=PERSONS,
    )  # fmt: skip


def _told(played: Played) -> str:
    return f"{played.void} {played.counts.complaints} {played.audited.findings}"


def _lies(path: Path) -> Sender:
    """A runner that sends nothing, and brings the book of another run, less one settlement."""

    def send(*arguments: object) -> str:
        book = arguments[4]
        assert isinstance(book, Path)
        lines = path.read_text().splitlines(keepends=True)
        lines.remove(next(line for line in lines if line.startswith('["settled"')))
        book.write_text("".join(lines))
        return ""

    return send


def test_a_day_of_a_city_ends_with_equal_books_and_a_report(
    rng: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _plan(rng.randrange(10_000), SECONDS)
    with _two_servers() as (target, base):
        played = play(plan, target, base / "book")
        assert not played.void, _told(played)
        _report_is_whole(played, base)
        with pytest.raises(LoadRefusedError, match="old run's data"):
            play(plan, target, base / "again")
        monkeypatch.setattr("loadtest.load.guards.check_clean", lambda *, is_dirty: None)
        shutil.copy(base / "book", base / "kept")
        lied = play(plan, target, base / "lied", send=_lies(base / "kept"))
    assert any("booked without an answer" in one for one in lied.void), _told(lied)


def _report_is_whole(played: Played, folder: Path) -> None:
    counts, audited = played.counts, played.audited
    assert {str(one) for one in Kind} == set(counts.kinds), counts.kinds
    assert audited.settled > 100 and audited.lines["undone"], audited.lines
    assert not counts.dropped and not counts.failed, _told(played)
    report = figures.report_of(
        played, machine={"cores": "2"}, commit="test", started_at="2026-11-26", runner="lean"
    )
    pages.write(report, folder, "load")
    written = json.loads((folder / "load.json").read_text("utf-8"))
    assert written["void"] is False and written["settled"] == audited.settled
    assert written["transactions"]["2207"]["latency_ms"]["p99"] > 0
    assert written["growth"]["by_table"]["settlement"] > 0
    assert written["resources"]["cpu_us_per_settlement"]["gateway"] > 0
    assert [one["preset"] for one in written["sizes"]] == ["dongguan", "guangdong", "nation"]
    page = (folder / "load.html").read_text("utf-8")
    assert page.count("<svg") == 6 and "http" not in page and "<script" not in page
    assert "有效 VALID" in page and "2207" in (folder / "load.md").read_text("utf-8")


def test_locust_headless_ends_with_equal_books(rng: Random) -> None:
    with _server() as (target, base):
        plan = _plan(rng.randrange(10_000), SECONDS_OF_LOCUST)
        played = play(plan, target, base / "book.jsonl", send=locust(users=16))
    assert not played.void, _told(played)
    assert played.audited.settled > 10 and len(played.counts.kinds) >= 3, _told(played)
    assert played.counts.of("2102").done and not played.counts.failed, _told(played)


def test_whoever_is_at_a_counter_when_people_go_is_served_to_the_end() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.hurried_people"],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert not done.returncode, done.stderr
    came, left = map(int, done.stdout.split())
    assert came > 50 and not left


def test_locust_by_hand_refuses_another_machine_and_nobody_comes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host",
         "http://192.0.2.1:80", "--load-book", str(tmp_path / "book")],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2 and not (tmp_path / "book").exists()
    assert "VOID, nothing was played: 192.0.2.1 is not this machine" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
