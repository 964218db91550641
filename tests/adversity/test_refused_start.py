"""A start that cannot be done says why in one sentence, and leaves everything as it was.

The full disk is in `test_full_disk`, and what else may be wrong with a data directory in
tests/integration/embedded.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ledger.postgres.shape import Shape
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import REDIS_VARIABLE, Services, start_services
from settlement.serve.operations import prepare
from settlement.serve.supervisor import ServeSettings
from settlement.storage.install import SCHEMA_VERSION
from tests.kit.command import refusal, settlement
from tests.services import (
    FreshDatabase,
    embedded_environment,
    fresh_database,
    run_apart,
    temporary_directory,
)

OTHER_UID = 54321
WHAT_IS_THERE = """
select c.relname, c.relkind, c.relnatts, pg_relation_filenode(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('settlement', 'ledger')
order by n.nspname, c.relname
"""
ROWS = "select i.*, i.xmin::text from settlement.installation i"


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory that every user may enter."""
    with temporary_directory() as path:
        yield path


def serve(data: Path, *, port: int = 0) -> list[str]:
    """The arguments of a start."""
    return ["serve", "--port", str(port), "--data-dir", str(data)]


def test_busy_port_is_named_and_nothing_is_made(base: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refusal(settlement(serve(base / "data", port=port)))
    assert f"port {port} of 127.0.0.1 is in use" in said and "--port" in said
    assert not (base / "data").exists()


def test_data_directory_of_somebody_else_is_named_with_its_owner(base: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a directory of somebody else's")
    data = base / "data"
    data.mkdir()
    (data / "file").write_text("theirs")
    os.chown(data, OTHER_UID, OTHER_UID)
    before = data.stat()
    said = refusal(settlement(serve(data)))
    assert f"{data} belongs to 'uid {OTHER_UID}'" in said and "--data-dir" in said
    after = data.stat()
    assert os.listdir(data) == ["file"]
    assert (after.st_uid, after.st_mode, after.st_mtime_ns) == (
        before.st_uid, before.st_mode, before.st_mtime_ns,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("step", "advice"),
    [(1, "this program knows {}: use the newer program"), (-1, "this program needs {} and cannot")],
    ids=["newer", "older"],
)
def test_another_schema_is_refused_and_left_as_it_is(
    services: Services, base: Path, step: int, advice: str
) -> None:
    with fresh_database(services) as database:
        environment = _of_the_site(services, database)
        run_apart(lambda: _install(base / "data", environment))
        before = run_apart(lambda: _made_other(database, step))
        said = refusal(settlement(serve(base / "data"), environment))
        assert f"has schema {SCHEMA_VERSION + step}" in said
        assert advice.format(SCHEMA_VERSION) in said
        assert run_apart(lambda: _seen(database)) == before


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--shape", "one_machine"], "has the shape cluster, not one_machine"),
        (["--journals", "2"], "every lane has a journal: 64, not 2"),
        (["--workers", "50"], "50 gateway processes with 64 journals need 3365 connections"),
    ],
    ids=["shape", "journals", "connections"],
)
def test_what_a_database_in_the_shape_of_a_cluster_cannot_be_is_refused(
    services: Services, base: Path, options: list[str], reason: str
) -> None:
    with fresh_database(services) as database:
        environment = _of_the_site(services, database)
        run_apart(lambda: _install(base / "data", environment, shape=Shape.CLUSTER))
        before = run_apart(lambda: _seen(database))
        said = refusal(settlement([*serve(base / "data"), "--workers", "1", *options], environment))
        assert reason in said
        assert run_apart(lambda: _seen(database)) == before


def _of_the_site(services: Services, database: FreshDatabase) -> dict[str, str]:
    """The environment of a program that is given this database."""
    return {
        **embedded_environment(),
        OWNER_VARIABLE: database.owner_dsn,
        APP_VARIABLE: database.app_dsn,
        REDIS_VARIABLE: services.redis_url,
    }


async def _install(data: Path, environment: dict[str, str], shape: Shape | None = None) -> None:
    services = await start_services(data, environment)
    try:
        told = ServeSettings(host="127.0.0.1", port=0, workers=1, data_dir=data, shape=shape)
        await prepare(services, told)
    finally:
        await services.stop()


async def _made_other(database: FreshDatabase, step: int) -> list[object]:
    """As a newer or older program would leave it; what there is then."""
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(
        "update settlement.installation set schema_version = schema_version + $1", step
    )
    await owner.close()
    return await _seen(database)


async def _seen(database: FreshDatabase) -> list[object]:
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        return [*await owner.fetch(WHAT_IS_THERE), *await owner.fetch(ROWS)]
    finally:
        await owner.close()
