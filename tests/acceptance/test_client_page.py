"""The page of the client cannot rot: its example is run as it stands, and so is certification."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.server import Server
from tests.kit.command import settlement
from tests.kit.served import ROOT
from tests.services import embedded_environment, temporary_directory

PAGE = "docs/reference/client.md"
URL = "http://127.0.0.1:8080"
PHARMACY = "P44190099002"
SECONDS_MAX = 180


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A demo server."""
    environment = {**embedded_environment(), "PYTHONPATH": str(ROOT)}
    with (
        temporary_directory() as base,
        Server(base / "demo", workers=2, environment=environment) as running,
    ):
        yield running


def test_example_of_the_page_does_what_the_page_says(server: Server, tmp_path: Path) -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```text output\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert URL in example
    ran = subprocess.run(
        [sys.executable, "-c", example.replace(URL, server.url)],
        cwd=tmp_path, env={**embedded_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
    )  # fmt: skip
    assert (ran.stdout, ran.returncode) == (shown, 0), ran.stderr


def test_certify_command_passes_on_a_demo_server_and_writes_its_report(
    server: Server, tmp_path: Path
) -> None:
    ran = settlement(
        ["certify", "--url", server.url, "--institution", PHARMACY, "--demo",
         "--report", str(tmp_path)]
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "认证通过" in ran.stdout
    report = json.loads((tmp_path / f"certification-{PHARMACY}.json").read_bytes())
    assert report["passed"] is True
    assert (tmp_path / f"certification-{PHARMACY}.html").exists()


def test_certify_takes_what_an_agency_hands_out(server: Server, tmp_path: Path) -> None:
    from loadtest.world import fetch_world

    world = fetch_world(server.url, persons=500)
    pharmacy = next(one for one in world.institutions if one.code == PHARMACY)
    employees = [p for p in world.persons if p.insutype == "310" and p.balance >= 300][-3:]
    persons, secret = tmp_path / "persons.json", tmp_path / "secret"
    shown = [
        {name: str(getattr(one, name)) for name in one.__struct_fields__} for one in employees
    ]
    items = [
        {"med_list_codg": i.med_list_codg, "medins_list_codg": "1", "price": str(i.price)}
        for i in world.catalogue
    ]
    persons.write_text(json.dumps({"persons": shown, "catalogue": items}), "utf-8")
    secret.write_text(pharmacy.secret + "\n")
    arguments = [
        "certify", "--url", server.url, "--institution", PHARMACY, "--paasid", pharmacy.paasid,
        "--secret-file", str(secret), "--person-file", str(persons),
        "--counter-file", str(tmp_path / "counter"), "--report", str(tmp_path),
    ]  # fmt: skip
    ran = settlement(arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    secret.write_text("another secret")
    assert settlement(arguments).returncode == 1


def test_certify_that_cannot_begin_says_why(tmp_path: Path) -> None:
    nobody = ["certify", "--url", "http://127.0.0.1:1", "--institution", PHARMACY, "--report",
              str(tmp_path)]  # fmt: skip
    for arguments, words in (([], "--person-file"), (["--demo"], "world.json")):
        ran = settlement([*nobody, *arguments])
        assert (ran.returncode, ran.stdout) == (2, "")
        assert words in ran.stderr
        assert "Traceback" not in ran.stderr
