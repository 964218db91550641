"""The configuration of three nodes: programs take it, and it is as durable as our own server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from loadtest.drills.ha_cluster import DEPLOY, SYSTEM_PATH, Programs, find_programs
from loadtest.drills.ha_nodes import NAMES, draw_site, environment_of
from settlement.embedded.postgres_settings import PostgresSettings, render

OURS = PostgresSettings(
    shared_buffers="512MB", effective_cache_size="1GB", dynamic_shared_memory_type="posix",
    parallel_workers=1,
)  # fmt: skip
OF_THE_MACHINE = {"max_connections", "shared_buffers"}
DURABLE = {"fsync", "full_page_writes", "synchronous_commit", "wal_level", "max_wal_size"}
KNOWN = ("127.0.0.1", "is not reachable", "unix_socket_directories")
"""Complaints about addresses of one machine, an etcd that does not run, and no socket."""


@pytest.fixture(scope="module")
def programs() -> Programs:
    """Debian's; where they are not installed there is nobody to ask."""
    found = find_programs()
    if found is None:
        pytest.skip("patroni, etcd and haproxy are not installed")
    return found


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a node is told."""
    site = draw_site(tmp_path, Path("/usr/lib/postgresql/15/bin"))
    return {"PATH": SYSTEM_PATH, **environment_of(site, NAMES[0])}


def test_haproxy_takes_its_file(programs: Programs, environment: dict[str, str]) -> None:
    command = [programs.haproxy, "-c", "-f", str(DEPLOY / "haproxy.cfg")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_patroni_takes_its_file(programs: Programs, environment: dict[str, str]) -> None:
    command = [programs.patroni, "--validate-config", str(DEPLOY / "patroni.yml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert not [one for one in complaints if not any(known in one for known in KNOWN)]


def test_settings_that_both_servers_have_are_the_same() -> None:
    text = render(OURS, cluster_name="a", socket_directory="b", log_directory="c")
    lines = [line.partition(" = ") for line in text.splitlines() if " = " in line]
    embedded = {name: value.strip("'") for name, _, value in lines}
    theirs = _configuration()["bootstrap"]["dcs"]["postgresql"]["parameters"]
    differ = {
        name: (value, embedded[name])
        for name, value in theirs.items()
        if name in embedded and name not in OF_THE_MACHINE and str(value) != embedded[name]
    }
    assert not differ
    assert theirs.keys() >= DURABLE


def test_nothing_is_answered_that_one_server_alone_has() -> None:
    cluster = _configuration()["bootstrap"]["dcs"]
    assert cluster["synchronous_mode"] is True
    assert cluster["synchronous_mode_strict"] is True
    assert cluster["ttl"] >= cluster["loop_wait"] + 2 * cluster["retry_timeout"]
    assert cluster["ttl"] + cluster["loop_wait"] < 30


def test_a_node_is_told_what_the_drill_tells_it(environment: dict[str, str]) -> None:
    lines = (DEPLOY / "node.env").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert names == environment.keys() - {"PATH"}


def _configuration() -> dict:  # type: ignore[type-arg]
    return dict(yaml.safe_load((DEPLOY / "patroni.yml").read_text()))
