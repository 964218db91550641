"""The offline calculator: its contract, and every input that must not become a silent zero."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settlement import offline
from settlement.calculator import CaseError, calculate
from settlement.cli import main
from settlement.policy.loader import load_policies
from tests.unit.benefit.builders import DEDUCTIBLE_POLICY

POLICIES = load_policies()

STAY = {
    "policy": "dongguan-demo-employee",
    "care": "inpatient",
    "on": "2025-03-01",
    "person": {"status": "active", "age": 45},
    "institution": {"level": "3"},
    "amounts": {"total": "10000.00", "full_self": "500.00", "pre_self": "500.00",
                "in_scope": "9000.00"},
}  # fmt: skip


def answer(**changes: object) -> dict[str, object]:
    case = {**STAY, **changes}
    [one] = calculate(json.dumps(case).encode(), POLICIES).answers
    return one


def test_answer_has_every_field_of_the_contract() -> None:
    one = answer(account_balance="100.00")
    assert one["deductible"] == "1300.00"
    assert one["funds"] == {
        "pool": "6545.00", "critical_illness": "0.00", "large_amount": "0.00",
        "civil_servant": "0.00", "medical_aid": "0.00", "other": "0.00",
    }  # fmt: skip
    assert one["hospital_borne"] == "0.00"
    assert (one["account"], one["cash"], one["person_total"]) == ("100.00", "3355.00", "3455.00")
    assert str(one["policy_version"]).startswith("dongguan-demo-employee@2024-01-01#")
    steps = one["explanation"]
    assert isinstance(steps, list)
    assert steps[-1]["text_zh"] == "个人现金支付 3355.00 元"
    for step in steps:
        assert {"rule", "base", "ratio", "amount", "text_zh", "text_en", "source"} == set(step)


@pytest.mark.parametrize(
    ("changes", "pool", "critical", "deductible"),
    [
        ({"institution": {"level": "1"}},                        "8075.00", "0.00", "500.00"),
        ({"institution": {"level": "community"}},                "8075.00", "0.00", "500.00"),
        ({"institution": {"level": "1", "deductible_level": "2"}}, "7380.00", "0.00", "800.00"),
        ({"person": {"status": "retired"}},                      "6930.00", "0.00", "1300.00"),
        ({"institution": {"level": "3", "where": "outside", "referred": True}},
                                                                 "5890.50", "0.00", "1300.00"),
        ({"institution": {"level": "3", "where": "outside", "filing": "long_term"}},
                                                                 "6545.00", "0.00", "1300.00"),
        ({"institution": {"level": "3", "where": "outside"}},    "4581.50", "0.00", "1300.00"),
        # 600 000.00 a year, 599 000.00 of it used: 1000.00 left, which is 85 % of 1176.48; the
        # other 6523.52 is above the cap, and with the own share it meets critical illness
        ({"year_to_date": {"pool_paid": "599000.00", "own_share": "12000.00"}},
                                                                 "1000.00", "5200.00", "1300.00"),
        ({"year_to_date": {"funds_paid": {"pool": "599000.00"}, "own_share": "12000.00"}},
                                                                 "1000.00", "5200.00", "1300.00"),
        ({"stay": {"deductible_paid": "1000.00"}},               "7395.00", "0.00", "300.00"),
    ],
)  # fmt: skip
def test_case_is_computed_as_the_policy_says(
    changes: dict[str, object], pool: str, critical: str, deductible: str
) -> None:
    one = answer(**changes)
    funds = one["funds"]
    assert isinstance(funds, dict)
    assert (funds["pool"], funds["critical_illness"]) == (pool, critical)
    assert one["deductible"] == deductible


def test_lines_are_split_as_the_live_path_splits_them() -> None:
    """The sale of the front page."""
    lines = [
        {"amount": "72.50", "class": "A", "quantity": 2, "price": "36.25"},
        {"amount": "29.65", "class": "B", "pre_self_ratio": "0.1", "price_ceiling": "23.72"},
        {"amount": 27.03, "class": "C"},
    ]
    changes: dict[str, object] = {"care": "pharmacy", "lines": lines, "account_balance": "30.75"}
    case = {**STAY, **changes}
    del case["amounts"]
    [one] = calculate(json.dumps(case).encode(), POLICIES).answers
    assert (one["account"], one["cash"]) == ("30.75", "42.12")


def test_family_pays_after_the_own_account_in_order() -> None:
    family = [{"relation": "01", "balance": "1000.00"}, {"relation": "99", "balance": "9.00"},
              {"relation": "02", "balance": "5000.00"}]  # fmt: skip
    one = answer(account_balance="100.00", family=family)
    # of 3455.00 the family may not pay the 500.00 that are wholly self-paid
    assert (one["account"], one["family_account"], one["cash"]) == ("2955.00", "2855.00", "500.00")


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"policy": "nowhere"},                       "NO_POLICY",            "$.policy"),
        ({"on": "2023-12-31"},                        "NO_POLICY",            "$.on"),
        ({"on": "yesterday"},                         "INVALID",              "$.on"),
        ({"policy": "beijing-employee", "care": "maternity"}, "NO_RULE",       "$.care"),
        ({"care": "dentist"},                         "INVALID",              "$.care"),
        ({"person": {"status": "resident"}},          "NO_RULE",              "$.person.status"),
        ({"persons": {}},                             "INVALID",              "$"),
        ({"amounts": {"total": "10.00"}},             "TOTAL_MISMATCH",       "$.amounts.total"),
        ({"amounts": {"in_scope": "1.001"}},          "INVALID",              "$.amounts.in_scope"),
        ({"amounts": {"in_scope": "-1.00"}},          "INVALID",              "$.amounts.in_scope"),
        ({"amounts": {"in_scope": "NaN"}},            "INVALID",              "$.amounts.in_scope"),
        ({"amounts": {"inscope": "1.00"}},            "INVALID",              "$.amounts"),
        ({"lines": [{"amount": "1.00"}]},             "INVALID",              "$.lines"),
        ({"year_to_date": {"funds_paid": {"gold": 1}}},
                                  "INVALID",          "$.year_to_date.funds_paid.gold"),
        ({"amounts": None, "lines": [{"amount": "1.00", "class": "Z"}]},
                                                      "INVALID",              "$.lines[0].class"),
        ({"amounts": None, "lines": [{"amount": "9.00", "price": "1.00"}]},
                                                      "LINE_AMOUNT_MISMATCH", "$.lines[0].amount"),
        ({"amounts": None, "lines": [{"amount": "1.00", "pre_self_ratio": "1.5"}]},
                                                  "INVALID", "$.lines[0].pre_self_ratio"),
        ({"amounts": None, "lines": [{"amount": "-1.00"}]},
                                                      "REFUND_EXCEEDS_CHARGES", "$.lines"),
    ],
)  # fmt: skip
def test_case_that_cannot_be_computed_says_why(
    changes: dict[str, object], code: str, path: str
) -> None:
    error = answer(**changes)["error"]
    assert isinstance(error, dict)
    assert (error["code"], error["path"]) == (code, path), error
    assert error["message"]


def test_array_is_answered_in_its_order_and_a_bad_case_does_not_spoil_the_rest() -> None:
    cases = [{**STAY, "id": 1}, {**STAY, "policy": "nowhere"}, {**STAY, "id": "three"}]
    done = calculate(json.dumps(cases).encode(), POLICIES)
    assert [one.get("id") for one in done.answers] == [1, None, "three"]
    assert not done.single and not done.fine


def test_text_that_is_no_json_is_refused_whole() -> None:
    with pytest.raises(CaseError):
        calculate(b"{", POLICIES)


def test_command_takes_policy_files_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "test-deductible.toml"
    file.write_text(DEDUCTIBLE_POLICY)
    case = {**STAY, "policy": "test-deductible", "care": "outpatient"}
    said = offline.adjudicate(json.dumps(case).encode(), [file], as_json=True)
    assert said.status == 0
    assert json.loads(said.text)["deductible"] == "100.00"
    said = offline.adjudicate(json.dumps(case).encode(), [], as_json=False)
    assert said.status == 1
    assert "test-deductible" in said.text
    broken = tmp_path / "broken.toml"
    broken.write_text(DEDUCTIBLE_POLICY.replace("7000", "70000"))
    said = offline.adjudicate(json.dumps(case).encode(), [broken], as_json=True)
    assert said.status == 2
    assert "broken.toml 第 45 行" in said.text


def test_command_reads_stdin_and_prints_json(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = tmp_path / "case.json"
    given.write_text(json.dumps(STAY))
    with given.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["adjudicate", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["deductible"] == "1300.00"
