"""The front page cannot rot: its tour is run against a demo server, answers included.

In the pages, a block ```sh tour is run, and the ```json answer or ```text answer after it must be
what came back. An answer on a page is cut with …, laid out for reading, and holds numbers of the
day it was written: spaces, numbers that we issue and times are left out of the comparison.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.services import embedded_environment, temporary_directory

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^```(\w+) (tour|answer|server)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVER_URL = "http://127.0.0.1:8080"
DATA_DIRECTORY = "var/demo"
COMMAND = ".venv/bin/settlement"
ISSUED = re.compile(r"P?\d{14,30}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
COMMAND_SECONDS_MAX = 120
START_SECONDS_MAX = 120


class TourStep(Struct, frozen=True):
    """A block that a reader types, and what the page says comes back ("" where it says nothing)."""

    script: str
    answer: str


class DemoServer(Struct, frozen=True, kw_only=True):
    """A running demo server."""

    url: str
    data_directory: Path


def steps_of(page: str) -> list[TourStep]:
    """The tour of a page, in its order."""
    blocks = [(match[2], match[3]) for match in FENCE.finditer(page) if match[2] != "server"]
    followers = [*blocks[1:], ("", "")]
    return [
        TourStep(text, after if tag_after == "answer" else "")
        for (tag, text), (tag_after, after) in zip(blocks, followers, strict=True)
        if tag == "tour"
    ]


def missing_parts(shown: str, came: str) -> list[str]:
    """Parts of an answer on a page that did not come back, in their order."""
    rest, missing = comparable(came), []
    for part in filter(None, map(comparable, shown.split("…"))):
        at = rest.find(part)
        if at < 0:
            missing.append(part)
        else:
            rest = rest[at + len(part) :]
    return missing


def comparable(text: str) -> str:
    """Without layout, without what differs from run to run."""
    return re.sub(r"\s", "", ISSUED.sub("#", text))


@pytest.fixture
def server() -> Iterator[DemoServer]:
    """A demo server of its own for each page: both sell to the same person."""
    with temporary_directory() as base:
        data = base / "demo"
        process = _start(data)
        try:
            yield DemoServer(url=_wait_until_ready(process), data_directory=data)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=COMMAND_SECONDS_MAX)


@pytest.mark.parametrize("page", PAGES)
def test_readme_tour_runs_and_answers_as_shown(
    page: str, server: DemoServer, tmp_path: Path
) -> None:
    steps = steps_of((ROOT / page).read_text("utf-8"))
    assert len(steps) >= 6, f"{page} has lost its tour"
    came = run_tour(steps, server, tmp_path)
    for step, answer in zip(steps, came, strict=True):
        assert not missing_parts(step.answer, answer), f"{page}:\n{step.script}\nanswered\n{answer}"


def test_readme_starts_the_server_that_the_tour_talks_to() -> None:
    for page in PAGES:
        started = [m[3] for m in FENCE.finditer((ROOT / page).read_text("utf-8"))
                   if m[2] == "server"]  # fmt: skip
        expected = f"{COMMAND} serve --demo --port 8080 --data-dir {DATA_DIRECTORY}\n"
        assert started == [expected], page


def test_chinese_page_has_the_same_tour() -> None:
    english, chinese = (steps_of((ROOT / page).read_text("utf-8")) for page in PAGES)
    commands = [[_without_comments(step.script) for step in steps] for steps in (english, chinese)]
    assert commands[0] == commands[1]


def test_answer_checker_names_each_planted_breach() -> None:
    came = '{"infcode":0,"setl_id":"2611001500003000009","balc":30.75,"warn_msg":"重复"}\n'
    plants = {
        '{"infcode":0, … "balc":30.75, …': [],
        '{"infcode":0,\n "setl_id":"2611001500003000001", …': [],
        '{"infcode":0, … "balc":30.76, …': ['"balc":30.76,'],
        '… "balc":30.75, … {"infcode":0, …': ['{"infcode":0,'],
    }
    assert {shown: missing_parts(shown, came) for shown in plants} == plants
    page = "```sh tour\na\n```\n```sh tour\nb\n```\ntext\n```json answer\n{}\n```\n"
    assert steps_of(page) == [TourStep("a\n", ""), TourStep("b\n", "{}\n")]


def run_tour(steps: list[TourStep], server: DemoServer, directory: Path) -> list[str]:
    """What each step printed; one shell for all of them, as a reader has one."""
    (directory / "var").mkdir()
    border = "--- end of step ---"
    script = "set -euo pipefail\n" + "".join(f"{step.script}\necho '{border}'\n" for step in steps)
    script = script.replace(SERVER_URL, server.url)
    script = script.replace(DATA_DIRECTORY, str(server.data_directory))
    script = script.replace(COMMAND, f"{sys.executable} -m settlement.cli")
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=directory, env=_environment(), capture_output=True, text=True, check=False,
        timeout=COMMAND_SECONDS_MAX,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.split(border)[:-1]


def _start(data: Path) -> subprocess.Popen[str]:
    arguments = ["serve", "--demo", "--port", "0", "--data-dir", str(data)]
    return subprocess.Popen(
        [sys.executable, "-m", "settlement.cli", *arguments],
        cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _wait_until_ready(process: subprocess.Popen[str]) -> str:
    """The URL in the ready line. pytest's own limit ends a server that never says it."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the demo server ended with status {process.wait(timeout=START_SECONDS_MAX)}"
    ready = json.loads(line)
    assert ready["event"] == "ready"
    return str(ready["url"])


def _environment() -> dict[str, str]:
    """The tour is about the embedded servers, whatever the rest of the run uses."""
    return {**embedded_environment(), "PYTHONPATH": str(ROOT)}


def _without_comments(script: str) -> str:
    return re.sub(r" +#.*", "", script)


@pytest.fixture(autouse=True)
def needs_curl() -> None:
    """The tour is typed with curl; a machine without it cannot play it."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
