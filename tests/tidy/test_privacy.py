"""No number in this tree could be a living person's: identity numbers are visibly synthetic."""

from __future__ import annotations

import re
from datetime import date

from tests.tidy.tree import Finding, expect_none, text_files

# First two digits of the administrative codes (GB/T 2260); 000000 and 999999 belong to nobody.
PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65"
    " 71 81 82 83".split()
)
CANDIDATE = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"


def check_character(first_17: str) -> str:
    """The last character of an identity number (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def could_be_real(number: str) -> bool:
    """True where region, date of birth and check character are all such as a person could have."""
    if number[:2] not in PROVINCES or number[17].upper() != check_character(number[:17]):
        return False
    try:
        born_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return 1880 <= born_on.year <= 2099


def privacy_findings(path: str, text: str) -> list[Finding]:
    """Identity numbers that somebody may bear; the number itself is not repeated."""
    return [
        Finding(
            path,
            text.count("\n", 0, match.start()) + 1,
            "a number somebody may bear",
        )
        for match in CANDIDATE.finditer(text)
        if could_be_real(match[0])
    ]


def test_no_plausible_identity_number_is_in_the_tree() -> None:
    findings = [f for path, text in text_files() for f in privacy_findings(path, text)]
    expect_none(findings, "Identity numbers use region 000000 or 999999:")


def _number(region: str, born: str) -> str:
    first = f"{region}{born}002"
    return first + check_character(first)


def test_checker_names_each_planted_breach() -> None:
    real = _number("441900", "19800101")
    wrong_check = real[:17] + ("0" if real[17] != "0" else "1")
    plants = {
        f'"{real}"': True,
        f"certno={real},": True,
        f"令牌{real}。": True,
        f'"{wrong_check}"': False,
        f'"{_number("000000", "19800101")}"': False,
        f'"{_number("999999", "19800101")}"': False,
        f'"{_number("441900", "19801301")}"': False,
        f'"1{real}"': False,
    }
    assert {text: bool(privacy_findings("x", text)) for text in plants} == plants
