"""Accumulators have names in our policies and codes of ten characters on the wire."""

from __future__ import annotations

from settlement.policy.loader import load_policies
from settlement.translate.past_care import CODE_LENGTH_MAX, _codes, code_of

CODES = [
    # name,                      code
    ("outpatient.paid.310102",   "OTP310102"),
    ("inpatient.paid.310100",    "IPT310100"),
    ("inpatient.deductible",     "IPTDEDC"),
    ("inpatient.in_scope",       "IPTINSCP"),
    ("inpatient.own_share",      "IPTOWNPAY"),
    ("inpatient.admissions",     "IPTCNT"),
    ("chronic-a.paid.310102",    "CHR310102"),
]  # fmt: skip


def test_name_is_abbreviated() -> None:
    for name, code in CODES:
        assert code_of(name) == code


def test_shipped_policies_have_a_code_of_its_own_for_every_accumulator() -> None:
    for policy in load_policies().policies():
        names = {name for care in policy.care.values() for name in care.counted}
        codes = _codes(names)
        assert len(set(codes.values())) == len(names)
        assert all(len(code) <= CODE_LENGTH_MAX for code in codes.values())
        assert codes == {name: code_of(name) for name in names}


def test_groups_that_abbreviate_to_the_same_are_numbered() -> None:
    names = {f"chronic-{letter}.paid.310102" for letter in "abc"} | {"outpatient.paid.310102"}
    codes = _codes(names)
    assert sorted(codes.values()) == ["CHR310102", "CHR3101022", "CHR3101023", "OTP310102"]
    assert codes["chronic-a.paid.310102"] == "CHR310102"
