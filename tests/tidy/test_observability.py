"""Dashboards and alerts ask only for what /metrics has, load as they are, and lead to a runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from settlement.telemetry.metrics import declared
from tests.kit.all_metrics import full_page
from tests.kit.promql import grouped, objections, selectors, series_of, shown
from tests.tidy.test_documentation import anchors
from tests.tidy.tree import ROOT
from tools.dashboards import DASHBOARDS, DIRECTORY, text_of

HERE = Path(__file__).resolve().parent
PLACE = ROOT / "deploy" / "observability"
SERIES = series_of(full_page())
RUNBOOK_PARTS = ("**Means:**", "**Look", "**Call:**")
PARTS = ("_total", "_bucket", "_sum", "_count")
ALERT_LABELS = {"page", "ticket"}

OUTERMOST = re.compile(
    r"[\d* ]*(?:topk\(\d+, |sort_desc\()?\(?(?:sum|max|count)\b(?P<by> by)?"
)
"""The aggregation that decides which labels are left."""

Json = dict[str, Any]


def documents() -> list[tuple[str, Json]]:
    return [
        (path.name, json.loads(path.read_text("utf-8"))) for path in sorted(DIRECTORY.glob("*"))
    ]


def panels(document: Json) -> list[Json]:
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def targets() -> Iterator[tuple[str, Json]]:
    """Every query of every dashboard, with where it is."""
    for name, document in documents():
        for panel in panels(document):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target


def rules() -> list[Json]:
    document = yaml.safe_load((PLACE / "alerts.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def overlapping(document: Json) -> list[str]:
    """Panels that lie on a cell that another one has."""
    taken: dict[tuple[int, int], str] = {}
    found = []
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = [
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ]
        if any(cell in taken or cell[0] >= 24 for cell in cells):
            found.append(panel["title"])
        taken |= dict.fromkeys(cells, panel["title"])
    return found


def ragged(document: Json) -> list[int]:
    """Lines of panels that do not go from edge to edge."""
    widths: dict[int, int] = {}
    for panel in document["panels"]:
        place = panel["gridPos"]
        widths[place["y"]] = widths.get(place["y"], 0) + place["w"]
    return [y for y, width in widths.items() if width != 24]


def test_dashboards_are_what_the_panels_say() -> None:
    written = {name: (DIRECTORY / name).read_text("utf-8") for name, _ in documents()}
    made = {f"{one.uid}.json": text_of(one) for one in DASHBOARDS}
    assert written == made, "write them with `python -m tools.dashboards`"


@pytest.mark.parametrize(("name", "document"), documents())
def test_dashboard_is_one_that_grafana_loads(name: str, document: Json) -> None:
    schema = json.loads((HERE / "dashboard.schema.json").read_text("utf-8"))
    faults = jsonschema_rs.validator_for(schema).iter_errors(document)
    assert [f"{one.instance_path}: {one.message[:200]}" for one in faults] == []
    assert name == f"{document['uid']}.json"
    assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
    assert overlapping(document) == []
    assert ragged(document) == []


def test_schema_and_layout_refuse_planted_breaches() -> None:
    schema = json.loads((HERE / "dashboard.schema.json").read_text("utf-8"))
    takes = jsonschema_rs.validator_for(schema).is_valid
    for breach in ("unit", "source", "legend", "kind", "nothing"):
        document = documents()[0][1]
        panel = panels(document)[0]
        match breach:
            case "unit":
                del panel["fieldConfig"]["defaults"]["unit"]
            case "source":
                panel["targets"][0]["datasource"]["uid"] = "PBFA97CFB590B2093"
            case "legend":
                panel["targets"][0]["legendFormat"] = ""
            case "kind":
                panel["type"] = "graph"
        assert takes(document) == (breach == "nothing"), breach
    document["panels"][2]["gridPos"] = document["panels"][1]["gridPos"]
    assert overlapping(document) == [document["panels"][2]["title"]]


def test_queries_of_dashboards_find_what_metrics_have() -> None:
    found = [
        f"{where}: {objection}"
        for where, target in targets()
        for objection in objections(target["expr"], SERIES)
    ]
    found += [
        f"{name}: {objection}"
        for name, document in documents()
        for one in document["annotations"]["list"]
        for objection in objections(one["expr"], SERIES)
    ]
    assert found == []


def left_of(expr: str) -> set[str]:
    """The labels that tell the lines of an expression apart."""
    outer = OUTERMOST.match(expr)
    if outer is not None and not outer["by"]:
        return set()
    if outer is not None or "histogram_quantile" in expr:
        return grouped(expr) - {"le"}
    return {label for one in selectors(expr) for label in SERIES[one.name][0]} - {"job"}


def test_legends_show_exactly_what_tells_lines_apart() -> None:
    wrong = [
        f"{where}: {target['legendFormat']}"
        for where, target in targets()
        if shown(target["legendFormat"]) != left_of(target["expr"])
    ]
    assert wrong == []


def test_expressions_of_alerts_find_what_metrics_have() -> None:
    found = [
        f"{rule['alert']}: {objection}"
        for rule in rules()
        for objection in objections(rule["expr"], SERIES)
    ]
    assert found == []


def test_every_alert_is_in_the_runbook_and_the_runbook_has_no_other() -> None:
    page = (ROOT / "docs/operating/runbook.md").read_text("utf-8")
    sections = dict(re.findall(r"^### (Settlement\w+)\n(.*?)(?=^##|\Z)", page, re.M | re.S))
    assert sorted(sections) == sorted(rule["alert"] for rule in rules())
    for rule in rules():
        name, notes = rule["alert"], rule["annotations"]
        path, _, anchor = notes["runbook"].partition("#")
        assert anchor in anchors((ROOT / path).read_text("utf-8")), name
        assert anchor == name.lower()
        assert rule["labels"]["severity"] in ALERT_LABELS, name
        assert notes["summary"] and notes["description"], name
        absent = [part for part in RUNBOOK_PARTS if part not in sections[name]]
        assert not absent and re.search(r"\*\*(Do|Look and do):\*\*", sections[name]), name


def alert_tests() -> list[Json]:
    """Of both files: those whose alerts wait for hours are evaluated seldom."""
    return [
        test
        for path in sorted(PLACE.glob("alerts*.test.yml"))
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
    ]


def test_every_alert_is_seen_to_fire() -> None:
    seen = {
        one["alertname"]
        for test in alert_tests()
        for one in test.get("alert_rule_test", ())
        if one["exp_alerts"]
    }
    assert seen == {rule["alert"] for rule in rules()}


def test_series_of_alert_tests_are_series_of_metrics() -> None:
    """A test that feeds a rule with what nobody shows would prove nothing."""
    for test in alert_tests():
        for one in test["input_series"]:
            (fed,) = selectors(one["series"])
            labels = {label for label, _, _ in fed.matchers}
            assert labels == set(SERIES[fed.name][0]), one["series"]


def test_every_metric_is_on_a_dashboard_or_in_an_alert() -> None:
    expressions = (*(t["expr"] for _, t in targets()), *(rule["expr"] for rule in rules()))
    asked = {one.name for expr in expressions for one in selectors(expr)}
    shown_nowhere = [
        one.name
        for one in declared()
        if not asked & {one.name, *(f"{one.name}{part}" for part in PARTS)}
    ]
    assert shown_nowhere == []


def test_checker_of_queries_names_each_planted_breach() -> None:
    plants = {
        'sum by (outcome) (rate(settlement_requests_total{infno="2102"}[5m]))': 0,
        "sum(rate(settlement_request_total[5m]))": 1,
        'sum(rate(settlement_requests_total{outcome="fine"}[5m]))': 1,
        'sum(rate(settlement_requests_total{psn_no="1"}[5m]))': 1,
        "sum by (institution) (rate(settlement_requests_total[5m]))": 1,
        "sum(rate(http_requests_total[5m]))": 2,
        "histogram_quantile(0.9, sum by (le) (rate(settlement_request_seconds_bucket[5m])))": 0,
        "sum(rate(settlement_request_seconds[5m]))": 1,
    }
    assert {expr: len(list(objections(expr, SERIES))) for expr in plants} == plants
