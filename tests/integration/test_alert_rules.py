"""Prometheus itself says that rules and queries are well formed, and that each alert fires."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.kit.all_metrics import full_page
from tests.tidy.tree import ROOT
from tools.dashboards import DIRECTORY
from tools.promtool import find
from tools.render_chart import CHART

PLACE = ROOT / "deploy" / "observability"
VARIABLES = re.compile(r"\$__rate_interval|\$__interval|\$__range")


@pytest.fixture(scope="module")
def promtool() -> Path:
    program = find()
    if program is None:
        pytest.skip("there is no promtool; `python -m tools.promtool` fetches it where it may")
    return program


def said_by(promtool: Path, *arguments: str, given: str = "") -> str:
    """What it says, where it is content."""
    done = subprocess.run(
        [promtool, *arguments], input=given, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_and_configuration_are_valid(promtool: Path) -> None:
    said = said_by(promtool, "check", "config", str(PLACE / "prometheus.yml"))
    rules = yaml.safe_load((PLACE / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
    assert f"{len(rules)} rules found" in said


def test_job_of_the_chart_is_one_that_prometheus_takes(promtool: Path, tmp_path: Path) -> None:
    """Debian's knows nothing of Kubernetes: the rest is shown to it."""
    [job] = yaml.safe_load((CHART / "files" / "prometheus-scrape.yaml").read_text("utf-8"))
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    whole = tmp_path / "prometheus.yml"
    whole.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    assert "SUCCESS" in said_by(promtool, "check", "config", str(whole))


def test_every_alert_fires_on_what_it_is_for_and_none_on_a_healthy_day(promtool: Path) -> None:
    files = sorted(map(str, PLACE.glob("alerts*.test.yml")))
    assert said_by(promtool, "test", "rules", *files).count("SUCCESS") == len(files) == 2


def test_metrics_are_named_as_prometheus_wants_them(promtool: Path) -> None:
    assert said_by(promtool, "check", "metrics", given=full_page()) == ""


def test_queries_of_dashboards_are_promql(promtool: Path, tmp_path: Path) -> None:
    documents = [json.loads(path.read_text("utf-8")) for path in sorted(DIRECTORY.glob("*.json"))]
    queries = [
        VARIABLES.sub("5m", target["expr"])
        for document in documents
        for panel in document["panels"]
        for target in panel.get("targets", ())
    ]
    recorded = [{"record": f"query_{n}", "expr": expr} for n, expr in enumerate(queries)]
    rules = tmp_path / "queries.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    assert f"{len(queries)} rules found" in said_by(promtool, "check", "rules", str(rules))


def test_a_rule_that_fires_on_nothing_fails(promtool: Path, tmp_path: Path) -> None:
    """The tests above would see it."""
    text = (PLACE / "alerts.yml").read_text("utf-8")
    (tmp_path / "alerts.yml").write_text(text.replace('part="switches"} > 0', 'part="no"} > 0'))
    tests = yaml.safe_load((PLACE / "alerts.test.yml").read_text("utf-8"))
    tests["tests"] = [t for t in tests["tests"] if t["name"] == "SettlementSwitchesBehind"]
    (tmp_path / "alerts.test.yml").write_text(yaml.safe_dump(tests))
    done = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "alerts.test.yml")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SettlementSwitchesBehind" in done.stdout + done.stderr
