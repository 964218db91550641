"""`make run`: starts a demonstration server, plays the story, prints the books, and keeps serving.

The server is the `settlement` command in a process of its own and the story speaks HTTP to it like
any institution, so what is shown here is what a hospital would see. Which scenes there are is
settlement/demo/scenes.py and its neighbours.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from loadtest.city_app import open_app
from loadtest.hub_members import Member, Operator
from loadtest.institution_client import ClientError, open_clients
from loadtest.server import ServerError, Verdict, program, read_verdict
from loadtest.simulators.hub_server import HubServer
from loadtest.world import fetch_world
from settlement.clock import monotonic
from settlement.demo.books import agency_book, agency_lines, institution_lines, read_book
from settlement.demo.cast import Cast, Props, cast_of, region_cast
from settlement.demo.hospital_scenes import HOSPITAL_SCENES
from settlement.demo.mobile_scenes import mobile_scenes
from settlement.demo.my_scenes import MY_SCENES, city_app
from settlement.demo.neighbour import REGION as NEIGHBOUR
from settlement.demo.neighbour import WORKERS as NEIGHBOUR_WORKERS
from settlement.demo.neighbour import (
    Neighbour,
    join_hub,
    neighbour_folder,
    open_hub,
    server_environment,
    server_options,
)
from settlement.demo.pay_scenes import PAY_SCENES
from settlement.demo.phone_scenes import PHONE_SCENES
from settlement.demo.region_scenes import region_scenes
from settlement.demo.scene import Paid, Scene, StoryError
from settlement.demo.scenes import SCENES
from settlement.demo.server import Served, changed_environment, demo_server
from settlement.demo.table import Column, banner, money, pad, rule, table
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.serve.operations import REGION
from settlement.storage.connect import connect_plain

WORKERS = 2
SHOWN_PERSONS = 1_000
SETTLEMENT = ".venv/bin/settlement"
INTERRUPTED = 130
"""Exit status after Ctrl-C before the story was told, as shells have it."""

_PAID_TABLE = (
    Column(chinese="序", english="#"),
    Column(chinese="事项", english="what"),
    Column(chinese="总费用", english="total fee", is_number=True),
    Column(chinese="统筹基金", english="pool fund", is_number=True),
    Column(chinese="个人账户", english="account", is_number=True),
    Column(chinese="现金", english="cash", is_number=True),
    Column(chinese="余额", english="balance", is_number=True),
)


class ServerGoneError(Exception):
    """A server was killed, or ended by itself, after the story was told; the text says what is
    left of it."""


def run(data_dir: Path, *, host: str, port: int, serve: bool = True) -> int:
    """Play the story on a server of its own; then serve until Ctrl-C unless told otherwise.

    The exit status: 0 where everything went as the story says and the ledger verified.
    """
    try:
        return asyncio.run(_run(data_dir, host, port, serve=serve))
    except asyncio.CancelledError:
        return INTERRUPTED
    except ServerGoneError as exc:
        print(f"\n{exc}", flush=True)
        return 1
    except (StoryError, ClientError, ServerError, ServiceError) as exc:
        print(f"\n演示未能完成 the story did not finish: {exc}", flush=True)
        return 1


async def _run(data_dir: Path, host: str, port: int, *, serve: bool) -> int:
    story = asyncio.ensure_future(_play(data_dir, host, port, serve=serve))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, story.cancel)
    return await story


async def _play(data_dir: Path, host: str, port: int, *, serve: bool) -> int:
    async with open_hub(data_dir) as hub, _servers(data_dir, host, port) as (served, other):
        ours = Member(
            region=REGION, url=served.url, data_dir=data_dir, operator=_operator(data_dir)
        )
        theirs = Member(
            region=NEIGHBOUR, url=other.url, data_dir=neighbour_folder(data_dir),
            operator=_operator(neighbour_folder(data_dir), server_environment()),
        )  # fmt: skip
        await join_hub(hub, data_dir, (ours, theirs))
        verdicts, cast = await _tell(ours, theirs, hub)
        if serve:
            # Ctrl-C is how serving is meant to end.
            with suppress(asyncio.CancelledError):
                async with open_app(city_app(cast), host) as app_url:
                    await keep_serving(served, other, app_url, data_dir)
        return 0 if all(one.ok for one in verdicts) else 1


@asynccontextmanager
async def _servers(data_dir: Path, host: str, port: int) -> AsyncIterator[tuple[Served, Served]]:
    """Ours and the other region's, started together."""
    log = data_dir.with_name(data_dir.name + ".log")
    _print([
        "启动中 starting: PostgreSQL, Redis, 100,000 people on the first start",
        f"日志 log: {log}",
    ])  # fmt: skip
    elsewhere = neighbour_folder(data_dir)
    async with AsyncExitStack() as stack:
        ours, theirs = await asyncio.gather(
            stack.enter_async_context(
                demo_server(data_dir, host, port, workers=WORKERS, log_path=log)
            ),
            stack.enter_async_context(
                demo_server(
                    elsewhere, host, 0, workers=NEIGHBOUR_WORKERS,
                    log_path=elsewhere.with_name(elsewhere.name + ".log"),
                    options=server_options(), environment=server_environment(),
                )
            ),
        )  # fmt: skip
        yield ours, theirs


async def _tell(ours: Member, theirs: Member, hub: HubServer) -> tuple[list[Verdict], Cast]:
    world, elsewhere = await asyncio.gather(
        *(asyncio.to_thread(fetch_world, one.url, persons=SHOWN_PERSONS) for one in (ours, theirs))
    )
    _print(banner(
        f"医保实时结算演示 · settlement demo, region {world.region}，{ours.url}",
        "人员、机构、目录全部为虚构 everybody and everything here is made up, and looks it",
    ))  # fmt: skip
    paid: list[tuple[int, Scene, Paid]] = []
    async with (
        open_clients(ours.url, world.region) as clients,
        open_clients(theirs.url, elsewhere.region) as their_clients,
    ):
        cast, props = cast_of(world, clients, ours), Props()
        neighbour = Neighbour(
            cast=region_cast(elsewhere, their_clients), data_dir=theirs.data_dir, hub=hub
        )
        makers = (
            *SCENES, *PAY_SCENES, *PHONE_SCENES, *HOSPITAL_SCENES, *mobile_scenes(world),
            *MY_SCENES, *region_scenes(neighbour),
        )  # fmt: skip
        for number, make in enumerate(makers, 1):
            scene = await make(cast, props)
            _print(_scene_lines(number, scene))
            if scene.paid is not None:
                paid.append((number, scene, scene.paid))
    _print(_heading("谁付了多少", "who paid what", "元 yuan"), _paid_lines(paid))
    await _print_books(ours.data_dir, cast)
    verdicts = await asyncio.gather(*(_verify(one.data_dir) for one in (ours, theirs)))
    _print(
        _heading("账本核验", "the ledgers, recomputed from their rows"),
        [
            _verdict_line(one.region, found)
            for one, found in zip((ours, theirs), verdicts, strict=True)
        ],
    )
    return list(verdicts), cast


def _operator(data_dir: Path, environment: Mapping[str, str] | None = None) -> Operator:
    async def command(arguments: Sequence[str]) -> str:
        line = [*program(), *arguments, "--data-dir", str(data_dir)]
        process = await asyncio.create_subprocess_exec(
            *line, stdout=PIPE, stderr=PIPE, env=changed_environment(environment or {})
        )
        stdout, stderr = await process.communicate()
        if process.returncode:
            said = (stderr or stdout).decode("utf-8", "replace").strip()
            raise StoryError(f"settlement {arguments[0]}: {said}")
        return stdout.decode()

    return command


async def _print_books(data_dir: Path, cast: Cast) -> None:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-story")
        try:
            agency = await agency_book(connection)
            institutions = [
                (one.name, await read_book(connection, one.code))
                for one in (cast.pharmacy.institution, cast.hospital.institution)
            ]
        finally:
            await connection.close()
    _print(
        _heading("试算平衡：经办机构", "trial balance of the agency", "元 yuan"),
        agency_lines(agency),
        _heading("试算平衡：机构", "and of the institutions in the story", "元 yuan"),
        institution_lines(institutions),
    )


async def _verify(data_dir: Path) -> Verdict:
    started = monotonic()
    command = [*program(), "verify", "--data-dir", str(data_dir), "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    stdout, stderr = await process.communicate()
    return read_verdict(stdout, process.returncode or 0, stderr, monotonic() - started)


async def keep_serving(served: Served, other: Served, app_url: str, data_dir: Path) -> None:
    """Say where what is, and wait until cancelled. Raises ServerGoneError."""
    url = served.url
    _print([
        "",
        f"  控制台 console {url}/console/",
        "  演示用户 demo users，密码只显示这一次 passwords are shown this once:",
        *(
            f"    {pad(one.name, 12)}{pad(one.role, 14)}{one.password}"
            for one in served.ready.users
        ),
        "",
        f"  参保人的页面 an insured person's page {app_url}",
        f"  服务中 serving at {url}",
        f"  接口 interface {url}/hsa/hgs/{{infno}}，文档 documents {url}/docs",
        f"  测试数据 test data {url}/demo/world.json，按 Ctrl-C 停止 stops",
        f"  另一统筹区 the other region {NEIGHBOUR}：{other.url}",
    ])  # fmt: skip
    ends = [asyncio.ensure_future(one.process.wait()) for one in (served, other)]
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    status = done.pop().result()
    raise ServerGoneError(
        f"服务已终止 the server ended, exit status {status}；"
        "已应答的都已入账 what was answered is kept:\n"
        f"  {SETTLEMENT} verify --data-dir {data_dir}\n"
        f"  {SETTLEMENT} serve --demo --data-dir {data_dir}   再次启动 starts it again"
    )


def _scene_lines(number: int, scene: Scene) -> list[str]:
    title = f"{number}  {scene.chinese}  {scene.english}"
    return ["", f"{title}  ·  {scene.infno}", *(f"   {line}" for line in scene.lines),
            *([f"   {_receipt(scene.paid)}"] if scene.paid else [])]  # fmt: skip


def _receipt(paid: Paid) -> str:
    return (
        f"总费用 {money(paid.total)} = 统筹基金 {money(paid.fund)} + 个人账户 {money(paid.account)}"
        f" + 现金 {money(paid.cash)}；余额 {money(paid.balance)}"
    )


def _paid_lines(paid: Sequence[tuple[int, Scene, Paid]]) -> list[str]:
    rows = [
        (
            str(number),
            f"{scene.chinese} {scene.infno.split(' ')[-1]}",
            *(money(x) for x in (one.total, one.fund, one.account, one.cash, one.balance)),
        )
        for number, scene, one in paid
    ]
    sums = (sum(getattr(one, name) for _, _, one in paid) for name in _SUMMED)
    return table(_PAID_TABLE, rows, total=("", "合计 total", *map(money, sums), ""))


_SUMMED = ("total", "fund", "account", "cash")


def _verdict_line(region: str, verdict: Verdict) -> str:
    if not verdict.ok:
        return f"  ✗ {region} 核验未通过 NOT verified: {verdict.first_bad}"
    return (
        f"  ✓ {region} 核验通过 verified: {verdict.journals} 条账链 chains，"
        f"{verdict.entries:,} 张凭证 entries，{verdict.seconds:.1f} s；与记账时一致 as booked"
    )


def _heading(chinese: str, english: str, unit: str = "") -> list[str]:
    title = f"{chinese}  {english}"
    return ["", rule(), pad(title, 84) + unit if unit else title]


def _print(*parts: Sequence[str]) -> None:
    print("\n".join(line for part in parts for line in part), flush=True)
