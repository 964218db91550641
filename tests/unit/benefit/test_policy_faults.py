"""What somebody who writes a policy is told: in Chinese, with the line and what would be right."""

from __future__ import annotations

import random
import re

import pytest

from settlement.policy.loader import PolicyError, parse_file, parse_policies, shipped_files
from tests.unit.benefit.builders import DEDUCTIBLE_POLICY, REGION_PROFILE

FILES_SPOILT = 60
BOM = b"\xef\xbb\xbf"


def told(old: str, new: str, text: str = DEDUCTIBLE_POLICY) -> str:
    """What the loader says of a file with one thing changed."""
    assert old in text
    with pytest.raises(PolicyError) as raised:
        parse_policies({"p.toml": text.replace(old, new, 1).encode()})
    return str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("ratio_bp = 7000",     "ratio = 7000",       45, "没有 ratio 这一项，是否应为 ratio_bp？"),
        ("ratio_bp = 7000",     'ratio_bp = "70%"',   45, "须写整数或一张表的名称；名称只能用"),
        ("ratio_bp = 7000",     "ratio_bp = 70.5",    45, "须写整数或加引号的文字，写的是小数"),
        ('step = "share"',      'step = "gift"',      43, "可以写：first_off、deductible、share"),
        ('step = "share"',      "",                   42, "缺少 step"),
        ('per = "year"',        'per = "month"',      39, '"month" 不是可以写的值，可以写：year'),
        ('kind = "fund"',       'kind = "Fund"',      60, "是否应为 fund？"),
        ('region = "999999"',   "region = 999999",     5, "须写加引号的文字，写的是整数"),
        ('region = "999999"',   'region = "9999"',     5, "须为六位数字"),
        ('scheme = "310"',      'scheme = "三一〇"',    6, "代码只能用数字和字母"),
        ("= 2024-01-01",        '= "2024-1-1"',        7, "不是日期，应写作 2026-01-01"),
        ("verified = false",    "verified = 0",        8, "须写true 或 false，写的是整数"),
        ('by = ["level"]',      'by = "level"',       24, "须写列表 [ … ]，写的是"),
        ('by = ["level"]',      "by = []",            24, "不能为空"),
        ("ledger_code = 1",     "ledger_code = 0",    62, "须不小于 1"),
        ('test = "测试"',        "test = 3",           13, "写的是整数"),
        ("[caps.pool]",         "[cap.pool]",         31, "没有 cap 这一项，是否应为 caps？"),
        ("[caps.pool]",         "[caps.Pool]",        31, "名称只能用小写字母和数字"),
        ("[account]",           "[account.family]",   16, "account.family.fund）: 没有 fund"),
        ('per = "year"', 'per = "year"\nwhen = { levl = "1" }', 40, "是否应为 level？"),
        ('by = ["level"]', 'by = ["level"]\nwhen = 1',    25, "可以写：by、rows、source"),
        ('["1", 10_000]',       '["*", 9_000]',       27, "表的第 2 行永远用不到"),
    ],
)  # fmt: skip
def test_fault_of_form_is_told_with_line_and_what_would_be_right(
    old: str, new: str, line: int, said: str
) -> None:
    text = told(old, new)
    assert text.startswith(f"p.toml 第 {line} 行")
    assert said in text


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("7000",            "7000 %",       45, "值写完后有多余的内容"),
        ("= false",         "= False",       8, "是非写 true 或 false"),
        ('"统筹"',           "“统筹”",        58, "此行有全角字符"),
        ('["1", 10_000]',   '["1" 10_000]', 26, "缺少逗号"),
        ("[sources]",       "[sources",     12, "标题须写作 [标题]，单独一行"),
        ('"测试政策"',        '"测试政策',      4, "引号没有成对"),
        ('cap = "pool"',    'cap = "pool"\ncap = "pool"', 47, "同一个键写了两次"),
    ],
)  # fmt: skip
def test_fault_of_syntax_is_told_with_its_line(old: str, new: str, line: int, said: str) -> None:
    text = told(old, new)
    assert text.startswith(f"p.toml 第 {line} 行: ")
    assert said in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", inpatient = 10",   "",                 "（backdating_days_max）: 缺少 inpatient"),
        (" inpatient = \"dis", " inpatent = \"dis", "第 11 行（ruling_date.inpatent）: "),
        ("'^[A-Z0-9]{4,30}$'", "'[A-Z'",           "第 7 行（item_code_pattern）: 不是有效"),
        ("account = false",    "account = 1",      "第 10 行（fund_total_includes_account）"),
        ("region-profile/1",   "region-profile/9", "是否应为 region-profile/1？"),
        ("fund_total",         'split_stay_at = ["scheme"]\nfund_total',
         "第 10 行（split_stay_at）: 分段结算按费用日期确定待遇"),
        (", inpatient = 10",   ", inpatient = 731",
         "第 12 行（backdating_days_max.inpatient）: 最多 730 天：个人年度累计只保留最近 3 个年度"),
        ("inpatient = 10 }",   "inpatient = 10 }\n[reimbursement]\nclaim_days_max = 731",
         "第 14 行（reimbursement.claim_days_max）: 最多 730 天：个人年度累计只保留最近 3 个年度"),
    ],
)  # fmt: skip
def test_fault_in_a_region_profile_has_its_line_too(old: str, new: str, said: str) -> None:
    assert said in told(old, new, REGION_PROFILE)


def test_care_of_the_two_years_before_may_still_come() -> None:
    text = REGION_PROFILE.replace(
        "inpatient = 10 }", "inpatient = 730 }\n[reimbursement]\nclaim_days_max = 730"
    )
    profile = parse_policies({"p.toml": text.encode()}).region("999999")
    assert profile is not None
    assert profile.reimbursement.claim_days_max == 730


def test_yearly_own_share_that_is_counted_in_two_ways_is_told_with_the_rule() -> None:
    rule = """
[[rules.visit]]
step = "share"
fund = "330100"
take = ["{}"]
along = "year"
threshold_fen = 1
ratio_bp = 1
source = "test"
"""
    text = DEDUCTIBLE_POLICY + rule.format("own") + rule.format("deductible")
    line = text.splitlines().index('take = ["deductible"]') + 1
    said = told("测试政策", "测试", text)
    assert said.startswith(f"p.toml 第 {line} 行（rules.visit.4.take）: 按年度累计的自付口径")


def test_ceiling_may_stand_anywhere_before_a_fund_that_it_binds() -> None:
    rule = '[[rules.visit]]\nstep = "ceiling"\nratio_bp = 9000\nsource = "test"\n\n'
    last = '[[rules.visit]]\nstep = "share"\nfund = "330100"'
    assert parse_policies({"p.toml": DEDUCTIBLE_POLICY.replace(last, rule + last).encode()})
    said = told("[[funds]]", rule + "[[funds]]")
    assert said == "p.toml 第 56 行（rules.visit.3）: 此规则永远用不到：它之后没有基金支付"


def test_file_may_begin_with_the_mark_that_windows_puts_there() -> None:
    assert parse_policies({"p.toml": BOM + DEDUCTIBLE_POLICY.encode()}).policies()


def test_file_that_is_not_utf_8_is_told_with_the_line() -> None:
    with pytest.raises(PolicyError, match=r"p\.toml 第 4 行: 文件须以 UTF-8 编码保存"):
        parse_policies({"p.toml": DEDUCTIBLE_POLICY.encode("gbk")})


def spoilt(text: str, rng: random.Random) -> str:
    """A file with one line of it gone, or written wrong."""
    lines = text.split("\n")
    number = rng.randrange(len(lines))
    line = lines[number]
    at = rng.randrange(len(line) + 1)
    lines[number] = rng.choice(
        [
            "",
            re.sub(r"\w+", lambda word: word[0] + rng.choice(("", "x")), line),
            re.sub(r"= .*", "= " + rng.choice(("1", "1.5", '"x"', "true", "[]", "{}", "-1")), line),
            line[:at] + rng.choice('"[]{},=#.x9- “') + line[at:],
        ]
    )
    return "\n".join(lines)


def test_fault_anywhere_is_told_in_chinese_and_with_its_line(rng: random.Random) -> None:
    """Only a key that is missing in the whole file has no line."""
    faults = 0
    for name, content in shipped_files().items():
        for _ in range(FILES_SPOILT):
            file = spoilt(content.decode(), rng)
            try:
                parse_file("p.toml", file.encode())
            except PolicyError as error:
                faults += 1
                said = str(error)
                assert re.match(r"p\.toml( 第 \d+ 行|: 缺少)", said), (name, said)
                assert not re.search(r"(?<!\()\b(Expected|Object|Invalid)\b", said), (name, said)
    assert faults > FILES_SPOILT
