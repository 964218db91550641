"""Writes the Grafana dashboards under deploy/observability from what tools/panels*.py say.

`python -m tools.dashboards`. A dashboard is for one kind of person; each panel answers one
question. What is shown is in the modules of panels, how Grafana wants it said is here. A test holds
the files against this module, against a schema, and against /metrics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.panels import Dashboard, Kind, Panel
from tools.panels_capacity import CAPACITY
from tools.panels_finance import FINANCE
from tools.panels_operations import OPERATIONS

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "deploy/observability/grafana/dashboards"
DASHBOARDS = (OPERATIONS, FINANCE, CAPACITY)
COLUMNS = 24
_SCHEMA_VERSION = 37
"""Grafana 9.4; later ones migrate it while they load."""
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLOURS = ("green", "orange", "red")


def main() -> None:
    """Write the files."""
    for dashboard in DASHBOARDS:
        (DIRECTORY / f"{dashboard.uid}.json").write_text(text_of(dashboard), "utf-8")


def text_of(dashboard: Dashboard) -> str:
    """A dashboard as its file has it."""
    return json.dumps(_document(dashboard), ensure_ascii=False, indent=2) + "\n"


def _document(dashboard: Dashboard) -> dict[str, object]:
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["settlement"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "timezone": "Asia/Shanghai",
        "refresh": dashboard.refresh,
        "time": {"from": f"now-{dashboard.hours}h", "to": "now"},
        "links": [
            {
                "type": "dashboards", "title": "settlement", "tags": ["settlement"],
                "asDropdown": False, "includeVars": True, "keepTime": True,
            }
        ],
        "templating": {
            "list": [
                {
                    "name": "datasource", "label": "Prometheus", "type": "datasource",
                    "query": "prometheus", "hide": 0, "refresh": 1, "current": {}, "options": [],
                    "multi": False, "includeAll": False,
                }
            ]
        },
        "annotations": {"list": [_alerts_as_marks()] if dashboard.marks_alerts else []},
        "panels": list(_laid_out(dashboard)),
    }  # fmt: skip


def _alerts_as_marks() -> dict[str, object]:
    return {
        "name": "Alerts", "enable": True, "datasource": _SOURCE, "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Settlement.*",alertstate="firing"}', "step": "60s",
        "titleFormat": "{{alertname}}", "textFormat": "{{severity}}",
    }  # fmt: skip


def _laid_out(dashboard: Dashboard) -> Iterator[dict[str, object]]:
    """Panels from left to right, each section below a line of its own."""
    top, number = 0, 0
    for section in dashboard.sections:
        number += 1
        yield {
            "id": number, "type": "row", "title": section.title, "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}, "panels": [],
        }  # fmt: skip
        top, left = top + 1, 0
        for panel in section.panels:
            if left + panel.width > COLUMNS:
                top, left = top + section.height, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": section.height}
            yield _panel(panel, number, place)
            left += panel.width
        top += section.height


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, object]:
    return {
        "id": number,
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "instant": panel.kind is not Kind.LINES,
                "range": panel.kind is Kind.LINES,
            }
            for index, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _options(panel),
    }


def _field(panel: Panel) -> dict[str, object]:
    steps: list[dict[str, object]] = [{"color": _COLOURS[0], "value": None}]
    for colour, limit in zip(_COLOURS[-len(panel.limits) :], panel.limits, strict=False):
        steps.append({"color": colour, "value": limit})
    field: dict[str, object] = {
        "unit": panel.unit,
        "min": panel.least,
        "color": {"mode": "thresholds" if panel.kind is Kind.FIGURE else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.least is None:
        del field["min"]
    if panel.decimals is not None:
        field["decimals"] = panel.decimals
    if panel.kind is Kind.LINES:
        field["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 25 if panel.stacked else 5,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if panel.limits else "off"},
        }
    return field


def _options(panel: Panel) -> dict[str, object]:
    if panel.kind is Kind.LINES:
        return {
            "legend": {
                "showLegend": True, "displayMode": "table", "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }  # fmt: skip
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind is Kind.BARS:
        return {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": reduced}
    return {
        "colorMode": "background" if panel.limits else "value", "graphMode": "none",
        "textMode": "auto", "reduceOptions": reduced,
    }  # fmt: skip


if __name__ == "__main__":
    main()
