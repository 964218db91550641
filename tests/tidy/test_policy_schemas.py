"""The schemas in the reference are those of the code, and the shipped files are as they say."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from settlement.policy.loader import shipped_files
from settlement.policy.schema import policy_schema, region_schema, schema_text
from tests.kit.json_schema import objections
from tests.tidy.tree import ROOT

PAGES = {
    "docs/reference/benefit-policy.schema.json": schema_text(),
    "docs/reference/region-profile.schema.json": schema_text(region=True),
}
FORMATS = {"benefit-policy/2": policy_schema(), "region-profile/1": region_schema()}
SHIPPED = {name: tomllib.loads(text.decode()) for name, text in shipped_files().items()}


@pytest.mark.parametrize("page", PAGES)
def test_schema_in_the_reference_is_that_of_the_code(page: str) -> None:
    region = " --region" if "region" in page else ""
    told = f"{page} is old: .venv/bin/settlement policy schema{region} > {page}"
    assert (ROOT / page).read_text("utf-8") == PAGES[page] + "\n", told


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_file_is_as_its_schema_says(name: str) -> None:
    file = SHIPPED[name]
    assert objections(file, FORMATS[str(file["format"])]) == []


def test_every_key_of_a_format_is_described() -> None:
    for schema in (json.loads(page) for page in PAGES.values()):
        for name, part in schema["$defs"].items():
            assert part["description"], f"{name} is not described"
            for key, about in part.get("properties", {}).items():
                said = about.get("description") or key in {"format", "step"}
                assert said, f"{name}.{key} is not described"


@pytest.mark.parametrize(
    ("path", "value", "objection"),
    [
        ("name",                              "乌有",       "$.name: pattern"),
        ("region",                            999999,      "$.region: type string"),
        ("verified",                          0,           "$.verified: type boolean"),
        ("funds",                             [],          "$.funds: minItems 1"),
        ("funds.0.kind",                      "Fund",      "$.funds[0].kind: enum"),
        ("funds.0.ledger_code",               0,           "exclusiveMinimum 0"),
        ("fund",                              [],          "$: fund is not known"),
        ("ratios_bp.inpatient.by",            ["lev"],     "$.ratios_bp.inpatient.by[0]: enum"),
        ("ratios_bp.In",                      {},          "$.ratios_bp.In: pattern"),
        ("rules.inpatient.0.per",             "month",     "none of 4 forms"),
        ("rules.inpatient.0.step",            "gift",      "none of 4 forms"),
        ("rules.inpatient.0.when",            {"who": 1},  "none of 4 forms"),
        ("account.pays",                      None,        "$.account.pays: type array"),
        ("account",                           None,        "$.account: type object"),
    ],
)  # fmt: skip
def test_schema_refuses_each_planted_breach(path: str, value: object, objection: str) -> None:
    file = tomllib.loads(shipped_files()["dongguan-demo-employee.toml"].decode())
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = file
    for step in steps:
        place = place[step]
    place[last] = value
    assert any(objection in said for said in objections(file, policy_schema()))


def test_validator_refuses_a_keyword_that_it_does_not_know() -> None:
    with pytest.raises(AssertionError, match="oneOf"):
        objections(1, {"oneOf": []})
