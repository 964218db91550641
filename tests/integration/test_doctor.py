"""Each finding of `settlement doctor` is made where it is so, and not where everything is well."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.doctor.findings import Code, Severity, as_text
from settlement.doctor.server import expected_rights, right_text
from settlement.doctor.words import WORDS
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import start_services
from settlement.storage.doctor import rights
from settlement.storage.lease import connection_for
from settlement.web.tls import CERTIFICATE_VARIABLE, CLIENT_CA_VARIABLE, KEY_VARIABLE
from tests.kit.ailments import SCENES, time_server
from tests.kit.command import settlement
from tests.kit.patient import Deployment, a_deployment
from tests.kit.tls import Authority, Folder
from tests.services import temporary_directory
from tests.tidy.tree import ROOT

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(OWNER_VARIABLE in os.environ, reason="breaks embedded servers of its own"),
]

STOPPED = (Code.CHECKSUMS_OFF, Code.WAL_MINIMAL)
"""What takes a server that is stopped."""
ALONE = (*STOPPED, Code.ARCHIVE_FAILING)
"""Made by a test with a server of its own: a failed archive is tried again only after a minute."""
CODES = [code for code in Code if code not in ALONE]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment() -> AsyncIterator[Deployment]:
    """One that is well; each test leaves it so."""
    with temporary_directory() as base:
        async with a_deployment(base) as deployment:
            yield deployment


async def test_nothing_is_found_where_everything_is_well(deployment: Deployment) -> None:
    report = await deployment.look().report()
    assert ([one.zh for one in report.findings], report.status) == ([], 0)
    seen = {one.what.split()[0] for one in report.examined if one.seen}
    assert {"时钟", "磁盘", "密钥", "数据库", "权限", "租约", "Redis", "备份", "待办"} <= seen
    assert "未发现问题" in as_text(report)


async def test_application_may_what_a_new_database_lets_it(deployment: Deployment) -> None:
    async with connection_for(deployment.services.owner_dsn, "settlement-doctor") as owner:
        held = {right_text(one) for one in await rights(owner)}
    assert held == expected_rights(), "write them: python -m tests.integration.write_rights"


async def test_command_tells_people_and_machines_the_same(deployment: Deployment) -> None:
    place = ["--data-dir", str(deployment.data_dir)]
    secrets = deployment.data_dir / "secrets"
    secrets.chmod(0o755)
    try:
        told = settlement(["doctor", "--json", *place])
        text = settlement(["doctor", *place])
    finally:
        secrets.chmod(0o700)
    found = json.loads(told.stdout)
    assert (told.returncode, text.returncode, found["status"]) == (2, 2, 2)
    [finding] = found["findings"]
    assert finding["code"] == "secrets_open" and finding["severity"] == "fault"
    for field in ("zh", "en", "do_zh", "do_en"):
        assert finding[field] in text.stdout


@pytest.mark.parametrize("code", CODES)
async def test_finding_is_made_where_it_is_so(deployment: Deployment, code: Code) -> None:
    look = deployment.look()
    async with SCENES[code](deployment, look):
        report = await look.report()
    told = {one.code: one for one in report.findings}
    assert code in told, as_text(report)
    assert report.status == max(1 if one.severity is Severity.WARNING else 2 for one in
                                report.findings)  # fmt: skip
    assert told[code].severity is WORDS[code][0] and "{" not in told[code].zh + told[code].do_en


async def test_clock_is_held_against_a_source_of_time(deployment: Deployment) -> None:
    found = []
    for ahead in (timedelta(0), timedelta(seconds=5), timedelta(minutes=-2)):
        async with time_server(ahead) as address:
            look = deployment.look()
            look.time_source = address
            found.append([one.code for one in (await look.report()).findings])
    assert found == [[], [Code.CLOCK_APART], [Code.CLOCK_FAR_APART]]
    async with time_server(timedelta(0), stratum=0) as address:
        look = deployment.look()
        look.time_source = address
        assert [one.code for one in (await look.report()).findings] == [Code.TIME_SOURCE_SILENT]


@pytest.mark.parametrize(
    ("days", "code"),
    [(60, None), (10, Code.CERTIFICATE_ENDS_SOON), (-1, Code.CERTIFICATE_ENDED)],
)
async def test_certificate_of_the_gateways_is_told_before_it_ends(
    deployment: Deployment, tmp_path: Path, days: int, code: Code | None
) -> None:
    folder, authority = Folder(tmp_path), Authority("authority")
    folder.put(authority.issue("127.0.0.1", days=days))
    folder.key.chmod(0o600)
    look = deployment.look()
    look.environment |= {
        CERTIFICATE_VARIABLE: str(folder.certificate), KEY_VARIABLE: str(folder.key),
    }  # fmt: skip
    report = await look.report()
    told = [(one.code, str(folder.certificate) in one.zh) for one in report.findings]
    assert told == ([] if code is None else [(code, True)]), as_text(report)
    assert any(one.seen and one.what == "TLS" for one in report.examined)


async def test_authority_of_the_senders_is_told_before_it_ends(
    deployment: Deployment, tmp_path: Path
) -> None:
    folder, authority = Folder(tmp_path), Authority("authority")
    folder.put(authority.issue("127.0.0.1", days=60))
    folder.trust(authority)  # which ends in thirty days
    folder.key.chmod(0o600)
    look = deployment.look()
    look.environment |= {
        CERTIFICATE_VARIABLE: str(folder.certificate), KEY_VARIABLE: str(folder.key),
        CLIENT_CA_VARIABLE: str(folder.client_ca),
    }  # fmt: skip
    [told] = (await look.report()).findings
    assert told.code is Code.CERTIFICATE_ENDS_SOON and str(folder.client_ca) in told.zh


async def test_site_without_the_role_of_the_application_is_told_and_gets_none(
    deployment: Deployment,
) -> None:
    """A start would make the role and its password; a look makes nothing."""
    secrets = deployment.data_dir / "secrets"
    before = {path.name: path.stat().st_mtime_ns for path in secrets.iterdir()}
    roles = "select string_agg(rolname, ',' order by rolname) from pg_roles"
    there = await deployment.value(roles)
    look = deployment.look()
    look.environment = deployment.as_site()
    del look.environment[APP_VARIABLE]
    assert [one.code for one in (await look.report()).findings] == [
        Code.APP_LOGIN_FAILED,
    ]  # fmt: skip
    assert {path.name: path.stat().st_mtime_ns for path in secrets.iterdir()} == before
    assert await deployment.value(roles) == there


AS_A_STRANGER = """
import os, sys
from settlement.cli import main
import settlement.doctor.desk

os.setgroups([])
os.setgid(54321)
os.setuid(54321)
sys.exit(main(["doctor", "--data-dir", sys.argv[1]]))
"""


async def test_somebody_who_may_not_read_the_keys_is_told_who_may(deployment: Deployment) -> None:
    """All is imported before rights are given up: the interpreter may be in root's own home."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as somebody else")
    command = [sys.executable, "-c", AS_A_STRANGER, str(deployment.data_dir)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True,
        check=False, cwd="/", env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "secrets" in done.stdout and "run this as the user" in done.stdout


async def test_database_that_is_away_leaves_the_rest_looked_at(deployment: Deployment) -> None:
    look = deployment.look()
    async with SCENES[Code.DATABASE_UNREACHABLE](deployment, look):
        report = await look.report()
    assert any(not one.seen and "backups" in one.what for one in report.examined)
    assert any(one.seen and one.what == "Redis" for one in report.examined)


async def test_server_without_archive_and_checksums_is_found() -> None:
    with temporary_directory() as base:
        async with a_deployment(base) as deployment:
            look = deployment.look()
            async with SCENES[Code.ARCHIVE_FAILING](deployment, look):
                found = {one.code for one in (await look.report()).findings}
            assert Code.ARCHIVE_FAILING in found
            await deployment.run(
                "alter system set wal_level = 'minimal'", "alter system set max_wal_senders = 0",
                "alter system set archive_mode = 'off'",
            )  # fmt: skip
            services = deployment.services
            programs, directory = services.binaries().postgres_bin, services.directory()
            await services.stop()
            command = [str(programs / "pg_checksums"), "--disable", "-D", str(directory.postgres)]
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            again = await start_services(deployment.data_dir, deployment.environment)
            try:
                report = await deployment.look().report()
            finally:
                await again.stop()
    assert {one.code for one in report.findings} >= set(STOPPED)


async def test_every_finding_has_its_scene_and_its_words() -> None:
    assert set(SCENES) | set(STOPPED) == set(Code) == set(WORDS)
