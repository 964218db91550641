"""`make run` as a person meets it: the story, then a server, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtest.simulators.receiver import fetch_book
from loadtest.world import fetch_world
from settlement.demo.server import Ready, Served
from settlement.demo.story import INTERRUPTED, ServerGoneError, keep_serving
from settlement.demo.table import width
from tests.services import embedded_environment, temporary_directory

LINE_COLUMNS_MAX = 99
STOP_SECONDS_MAX = 60
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with temporary_directory() as base:
        yield base / "demo"


def test_story_is_told_served_and_stopped_by_ctrl_c(data_dir: Path) -> None:
    with _story(data_dir) as process:
        told = _told_until_serving(process)
        url = next(line.split()[-1] for line in told if "服务中" in line)
        app = next(line.split()[-1] for line in told if "参保人的页面" in line)
        door = _sent_on_from(app)
        let_in = _sent_on_from(door)
        world = fetch_world(url, persons=1_000)
        told_hospital = fetch_book(str(world.channels["mobile"]["receiver_url"]))
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_SECONDS_MAX) == 0
    text = "\n".join(told)
    assert len(world.persons) == 1_000 and len(world.catalogue) == 200
    assert min(len(world.of_kind(kind)) for kind in ("hospital", "pharmacy")) >= 20
    assert [line for line in told if width(line) > LINE_COLUMNS_MAX] == []
    for said in ("same setl_id", "MESSAGE_REVERSED", "总费用", "统筹基金", "个人账户", "现金",
                 "余额", "已办理入院", "退回 back", "told 6302", "SUCC", "核验通过 verified",
                 "平 balanced", "微信确认 WeChat confirms: ok → 支付成功",
                 "支付宝确认 Alipay confirms: ok → 支付成功", "Alipay was closed first: fail",
                 "云闪付确认 云闪付 confirms: ok → 支付成功",
                 "异地长期居住人员，陕西省", "已生效 in force",
                 "REGION_UNCLEAR", "= 平台 the hub 134.82", "✓ 611000",
                 "supervisor  supervisor    "):  # fmt: skip
        assert said in text
    assert "NOT balanced" not in text
    assert re.search(r"，平台 \d+ 笔 \S+ 元，全部一致", text)
    scenes = sum(re.match(r"\d+  \S", line) is not None for line in told)
    assert f"{scenes} scenes" in (ROOT / "README.md").read_text("utf-8")
    assert f"{scenes} 幕" in (ROOT / "README.zh-CN.md").read_text("utf-8")
    assert door.startswith(f"{url}/my/?ticket=") and let_in == "/my/"
    assert [one.topic for one in told_hospital.entries] == ["6204", "6302", "6302"]
    assert not told_hospital.refused


@pytest.mark.asyncio
async def test_killed_server_leaves_a_word_on_what_is_kept() -> None:
    ended, lives = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", line, stdin=subprocess.PIPE)
        for line in ("raise SystemExit(9)", "input()")
    ]
    servers = [Served(one, Ready(url="http://127.0.0.1:1")) for one in (ended, lives)]
    with pytest.raises(ServerGoneError, match=r"status 9(.|\n)*verify --data-dir var/demo\n"):
        await keep_serving(*servers, "http://127.0.0.1:2/", Path("var/demo"))
    lives.kill()
    await lives.wait()


def test_ctrl_c_while_the_server_starts_leaves_nothing_running(data_dir: Path) -> None:
    with _story(data_dir) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_SECONDS_MAX) == INTERRUPTED
    assert not [pid for pid in os.listdir("/proc") if str(data_dir) in _command_of(pid)]


def _sent_on_from(url: str) -> str:
    """Where a redirect leads."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=STOP_SECONDS_MAX)
    connection.request("GET", f"{parts.path}?{parts.query}")
    return connection.getresponse().headers["Location"]


def _command_of(pid: str) -> str:
    """The command line of a process; nothing where it is none, or has ended meanwhile."""
    try:
        return Path("/proc", pid, "cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _told_until_serving(process: subprocess.Popen[str]) -> list[str]:
    """Everything printed up to where the server can be used; its end where that never comes."""
    told = []
    assert process.stdout is not None
    for line in process.stdout:
        told.append(line.rstrip("\n"))
        if "Ctrl-C" in line:
            return told
    pytest.fail("the story ended early:\n" + "\n".join(told))


def _story(data_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "settlement.cli", "story", "--data-dir", str(data_dir)]
    environment = {**embedded_environment(), "PYTHONUTF8": "1"}
    return subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, text=True, env=environment
    )
