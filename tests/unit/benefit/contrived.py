"""A policy of no city that uses what the shipped ones do not: brackets along the year without the
deductible, a hospital's share, payers of what is apart and of what is out of scope, a fixed amount
for a visit, a cap over two groups, a ceiling after a share, every factor of a ratio."""

from __future__ import annotations

from settlement.policy.loader import parse_policies
from settlement.policy.model import Policy

_FUNDS = (
    ("310100", "fund", "hifp_pay"),
    ("330100", "fund", "hifob_pay"),
    ("390200", "fund", "hifmi_pay"),
    ("610100", "fund", "maf_pay"),
    ("999109", "other", "oth_pay"),
    ("999997", "hospital", "hosp_part_amt"),
    ("310200", "account", "acct_pay"),
)
_FUND = """
[[funds]]
code = "{0}"
name = "测试基金"
name_en = "test fund"
kind = "{1}"
amount_field = "{2}"
ledger_code = {0}
"""
_TEXT = """
format = "benefit-policy/2"
name = "contrived"
title = "测试（未核实）"
region = "999999"
scheme = "310"
effective_from = 2020-01-01
verified = false
reported = ["in_scope", "deductible", "own_share", "admissions"]
categories = [
  { name = "active", title = "在职", person_types = ["11"] },
  { name = "retired", title = "退休", person_types = ["12"] },
]
sources = { test = "测试" }
tags = { poor = "困难" }

[[care]]
care_types = ["11"]
kind = "outpatient"
rules = "visit"
clearing_type = "11"

[[care]]
care_types = ["21"]
kind = "inpatient"
rules = "stay"
clearing_type = "21"
counts_admission = true

[account]
fund = "310200"
credential_types = ["01", "03"]
pays = ["in_scope_own", "pre_self_pay"]
while_suspended = false
while_waiting = false
source = "test"

[account.family]
relations = ["01"]
pays = ["in_scope_own", "apart"]

[amounts_fen.deductible]
by = ["level", "transfer"]
rows = [
  ["1", "*", 20_000],
  [["2", "3"], "no", 60_000],
  [["2", "3"], "yes", 30_000],
  ["*", "*", 50_000],
]
source = "test"

[ratios_bp.own-share]
by = ["category", "age"]
rows = [ ["retired", "70..", 5000], ["retired", "..69", 6000], ["*", "*", 10_000] ]
source = "test"

[ratios_bp.off-site]
by = ["where"]
rows = [ ["outside", 9333], ["*", 10_000] ]
source = "test"

[points_bp.poor]
by = ["tag"]
rows = [ ["poor", 250], ["*", -150] ]
source = "test"

[caps.pool]
amount_fen = 9_000_000
funds = ["310100"]
groups = ["inpatient", "outpatient"]
source = "test"

[caps.two-funds]
amount_fen = 12_000_000
funds = ["310100", "330100"]
source = "test"

[[rules.visit]]
step = "deductible"
amount_fen = 40_000
per = "year"
source = "test"

[[rules.visit]]
step = "share"
fund = "310100"
ratio_bp = 1234
cap = "pool"
case_cap_fen = 15_000
source = "test"

[[rules.visit]]
step = "share"
fund = "999109"
take = ["own"]
ratio_bp = 9000
source = "test"

[[rules.stay]]
step = "first_off"
ratio_bp = 1250
when = { where = "outside", filing = ["none", "referral"] }
source = "test"

[[rules.stay]]
step = "deductible"
amount_fen = "deductible"
per = "case"
less_per_admission_fen = 7_000
least_fen = 15_000
source = "test"

[[rules.stay]]
step = "share"
fund = "310100"
along = "year"
brackets = [
  { up_to_fen = 1_000_000, ratio_bp = 8000 },
  { up_to_fen = 5_000_000, ratio_bp = 8501 },
  { ratio_bp = 9001 },
]
own_share_factor_bp = "own-share"
plus_bp = ["poor", 33]
factor_bp = "off-site"
cap = "pool"
source = "test"

[[rules.stay]]
step = "share"
fund = "330100"
take = ["over_cap"]
ratio_bp = 7777
cap = "two-funds"
source = "test"

[[rules.stay]]
step = "share"
fund = "999997"
take = ["own"]
ratio_bp = 333
source = "test"

[[rules.stay]]
step = "share"
fund = "390200"
take = ["in_scope_own"]
along = "year"
threshold_fen = 700_000
brackets = [ { up_to_fen = 2_000_000, ratio_bp = 6000 }, { ratio_bp = 7333 } ]
source = "test"

[[rules.stay]]
step = "ceiling"
ratio_bp = 9500
of = "in_scope"
when = { category = "retired" }
source = "test"

[[rules.stay]]
step = "share"
fund = "610100"
take = ["apart", "in_scope_own"]
ratio_bp = 4444
when = { tag = "poor" }
source = "test"

[[rules.stay]]
step = "share"
fund = "999109"
take = ["full_self_pay", "over_ceiling"]
ratio_bp = 1111
source = "test"
"""


def contrived() -> Policy:
    """Load it, by the same gate as any other."""
    text = _TEXT + "".join(_FUND.format(*fund) for fund in _FUNDS)
    (policy,) = parse_policies({"contrived.toml": text.encode()}).policies()
    return policy
