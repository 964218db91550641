"""Three PostgreSQL nodes that follow one leader, on this machine: for drills of their failures.

Starts etcd, Patroni and HAProxy from Debian's packages with the configuration of `deploy/ha/`, so
that what is drilled is what is deployed; only addresses, passwords and directories are its own.
Knows processes and what Patroni says of itself; knows nothing of settlements.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec
from msgspec import Struct

from loadtest.drills.ha_line import fetch
from loadtest.drills.ha_nodes import LOOPBACK, NAMES, draw_site, environment_of
from loadtest.processes import read_processes
from settlement.embedded.binaries import find_binaries
from settlement.embedded.identity import choose_user, server_environment
from settlement.embedded.processes import ServerProcess

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "ha"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.1
STOP_SECONDS = 15.0
DATABASE, OWNER = "settlement", "settlement_owner"


class ClusterError(Exception):
    """The cluster is not as it should be; the text says who is what."""


class Programs(Struct, frozen=True, kw_only=True):
    """Where the programs are."""

    patroni: str
    patronictl: str
    etcd: str
    haproxy: str


def find_programs() -> Programs | None:
    """Debian's programs; None where one of the packages is not installed."""
    found = {
        name: shutil.which(name, path=SYSTEM_PATH) for name in Programs.__struct_fields__
    }
    if not all(found.values()):
        return None
    return Programs(**{name: str(path) for name, path in found.items()})


class Member(Struct, frozen=True, kw_only=True):
    """What Patroni says of a node."""

    name: str
    role: str
    """leader, sync_standby, replica"""
    state: str
    timeline: int = 0
    """a node that is unwell has none"""


class _Members(Struct, frozen=True):
    members: list[Member]


_DECODE = msgspec.json.Decoder(_Members).decode


class Cluster:
    """The cluster and its parts; `running_cluster` starts and ends one."""

    def __init__(self, base: Path, programs: Programs) -> None:
        self.programs = programs
        self._base = base
        self._user = choose_user(os.environ)
        self._site = draw_site(base, find_binaries(self._user, os.environ).postgres_bin)
        self.nodes = self._site.nodes
        self._running: dict[tuple[str, str], ServerProcess] = {}
        """by program and node"""

    @property
    def password(self) -> str:
        """Of every role."""
        return self._site.password

    def dsn(self, *, user: str = "postgres", database: str = "postgres", node: str = "") -> str:
        """The door for writers, or a node itself."""
        port = self.nodes[node].postgres if node else self._site.write_port
        return f"postgresql://{user}:{self._site.password}@{LOOPBACK}:{port}/{database}"

    def told(self, name: str) -> dict[str, str]:
        """The variables of a node."""
        return environment_of(self._site, name)

    async def start(self) -> None:
        """All of it, until there are a leader, a synchronous standby and another replica."""
        for node in self.nodes.values():
            node.folder.mkdir(mode=0o700)
            self._user.own(node.folder)
            self.start_etcd(node.name)
        for name in self.nodes:
            self.start_patroni(name)
        door = [self.programs.haproxy, "-db", "-f", str(DEPLOY / "haproxy.cfg")]
        self._spawn("haproxy", "door", door)
        await self.whole()

    def start_etcd(self, name: str) -> None:
        """A member of the quorum; it goes on from its data where it has some."""
        self._spawn("etcd", name, [self.programs.etcd])

    def start_patroni(self, name: str) -> None:
        """A node; what becomes of its PostgreSQL is Patroni's business."""
        self._spawn("patroni", name, [self.programs.patroni, str(DEPLOY / "patroni.yml")])

    def kill_etcd(self, name: str) -> None:
        """SIGKILL."""
        self._running.pop(("etcd", name)).send(signal.SIGKILL)

    def kill_node(self, name: str) -> None:
        """SIGKILL of Patroni, then of the postmaster and all that it has started."""
        pids = self._postgres_pids(name)
        self._running.pop(("patroni", name)).send(signal.SIGKILL)
        _send(pids, signal.SIGKILL)

    def kill_postgres(self, name: str) -> None:
        """SIGKILL of the postmaster and its children; Patroni lives."""
        _send(self._postgres_pids(name), signal.SIGKILL)

    def freeze_node(self, name: str) -> list[int]:
        """SIGSTOP of Patroni and of every process of its PostgreSQL; answers whom."""
        pids = [self._running["patroni", name].pid, *self._postgres_pids(name)]
        _send(pids, signal.SIGSTOP)
        return pids

    def thaw(self, pids: list[int]) -> None:
        """They go on as if nothing had been."""
        _send(pids, signal.SIGCONT)

    async def members(self, *, asked: str = "") -> list[Member]:
        """The nodes as one of those that answer sees them; empty while none does."""
        for node in [self.nodes[asked]] if asked else self.nodes.values():
            text = await fetch((LOOPBACK, node.rest), "/cluster")
            if text:
                return _DECODE(text).members
        return []

    async def role(self, name: str) -> str:
        """leader, sync_standby, replica; empty where it is not among the members."""
        return next((one.role for one in await self.members() if one.name == name), "")

    async def leader(self) -> str:
        """Who leads and answers as a leader. Raises ClusterError where nobody does in time."""
        return await self._one("leader", "/primary")

    async def sync_standby(self) -> str:
        """Who has what was answered."""
        return await self._one("sync_standby", "/sync")

    async def sync_standby_other_than(self, name: str) -> str:
        """Wait until another node is the synchronous standby."""

        async def another() -> bool:
            return any(
                one.role == "sync_standby" and one.name != name and one.state == "running"
                for one in await self.members_seen_by_others(name)
            )

        await self._until(another, f"nobody took the place of {name}")
        return await self.sync_standby()

    async def whole(self) -> None:
        """Wait until all three are there and stream from the leader. Raises ClusterError."""
        await self._until(self._is_whole, "the cluster is not whole")

    async def leads_other_than(self, name: str) -> str:
        """Wait until somebody else leads."""
        await self._until(lambda: self._leads_other(name), f"nobody took over from {name}")
        return await self.leader()

    def patronictl(self, *arguments: str) -> str:
        """What an operator types. Raises ClusterError."""
        command = [self.programs.patronictl, "-c", str(DEPLOY / "patroni.yml"), *arguments]
        done = subprocess.run(  # noqa: S603 - our own command line
            command, env=self._environment(NAMES[0]), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ClusterError(f"patronictl {arguments[0]}: {done.stdout} {done.stderr}")
        return done.stdout

    async def make_database(self) -> str:
        """An owner and a database as docs/operating/high-availability.md says; the owner's URL."""
        await self._execute(
            f"create role {OWNER} login createrole password '{self._site.password}'",
            f"create database {DATABASE} owner {OWNER}",
            f"revoke all on database {DATABASE} from public",
        )
        return self.dsn(user=OWNER, database=DATABASE)

    async def stop(self) -> None:
        """End what we started: Patroni ends its PostgreSQL in good order; the rest is killed."""
        started = list(self._running.items())
        for (program, _), process in started:
            process.send(signal.SIGCONT)
            if program != "etcd":
                process.send(signal.SIGTERM)
        postmasters = [pid for name in self.nodes for pid in self._postgres_pids(name)]
        for (program, _), process in started:
            if program != "etcd":  # of which Patroni takes leave
                await process.wait_end(STOP_SECONDS)
        for _, process in started:
            process.send(signal.SIGKILL)
            await process.wait_end(STOP_SECONDS)
        _send([pid for pid in postmasters if _is_postgres(pid)], signal.SIGKILL)

    async def _one(self, role: str, question: str) -> str:
        found: list[str] = []

        async def answers() -> bool:
            found[:] = [one.name for one in await self.members() if one.role == role]
            if len(found) != 1:
                return False
            return await fetch((LOOPBACK, self.nodes[found[0]].rest), question) is not None

        await self._until(answers, f"there is no {role}")
        return found[0]

    async def _is_whole(self) -> bool:
        members = await self.members()
        roles = sorted(one.role for one in members)
        running = all(one.state in ("running", "streaming") for one in members)
        same = len({one.timeline for one in members}) == 1
        return roles == ["leader", "replica", "sync_standby"] and running and same

    async def _leads_other(self, name: str) -> bool:
        return any(
            one.role == "leader" and one.name != name and one.state == "running"
            for one in await self.members_seen_by_others(name)
        )

    async def members_seen_by_others(self, name: str) -> list[Member]:
        """As `members`, without asking a node that may be frozen."""
        for other in self.nodes:
            if other != name and (seen := await self.members(asked=other)):
                return seen
        return []

    async def _until(self, look: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not await look():
            if time.monotonic() > deadline:
                raise ClusterError(f"{otherwise}: {await self.members()}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.dsn(), timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def _postgres_pids(self, name: str) -> list[int]:
        """The postmaster and its children; empty where it does not run."""
        try:
            text = (self.nodes[name].folder / "data" / "postmaster.pid").read_text()
        except OSError:
            return []
        postmaster = int(text.split("\n", 1)[0])
        children = [one.pid for one in read_processes() if one.parent == postmaster]
        return [pid for pid in (postmaster, *children) if _is_postgres(pid)]

    def _spawn(self, program: str, name: str, command: list[str]) -> None:
        user, log = self._user, self._base / f"{program}-{name}.log"
        with log.open("ab") as said:
            child = subprocess.Popen(  # noqa: S603 - our own command line
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/",
                env=self._environment(name if name in self.nodes else NAMES[0]),
                start_new_session=True,
                user=user.uid if user.switch else None, group=user.gid if user.switch else None,
                extra_groups=[] if user.switch else None,
            )  # fmt: skip
        self._running[program, name] = ServerProcess(child.pid, child)


    def _environment(self, name: str) -> dict[str, str]:
        return {**server_environment(), "PATH": SYSTEM_PATH, **self.told(name)}


@asynccontextmanager
async def running_cluster(base: Path, programs: Programs) -> AsyncIterator[Cluster]:
    """A whole cluster below `base`, which the servers' user may enter; ended whatever happens."""
    cluster = Cluster(base, programs)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # it ended with its postmaster


def _is_postgres(pid: int) -> bool:
    """Whether the number is still that of a PostgreSQL, and not somebody else's by now."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False
