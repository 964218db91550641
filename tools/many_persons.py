"""Writes a file of made-up persons for `settlement import persons`, to see how fast that is.

    python tools/many_persons.py 2000000 persons.ndjson

Every number looks made up: certificates begin with 999999, a region that does not exist.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def person(number: int) -> dict[str, object]:
    """The n-th of them: three in four employed, one in a hundred suspended."""
    employed, suspended = number % 4 != 0, number % 100 == 99
    return {
        "psn_no": f"4419009999{number:010}",
        "psn_name": f"测试{number}",
        "certno": f"999999{1940 + number % 80}{1 + number % 12:02}{number:010}",
        "gend": 1 + number % 2,
        "brdy": f"{1940 + number % 80}-{1 + number % 12:02}-{1 + number % 28:02}",
        "card_no": f"T{number:010}",
        "card_sn": f"441900D156T{number:010}",
        "emp_name": f"测试单位{number % 20_000}" if employed else "",
        "insutype": "310" if employed else "390",
        "psn_type": "11" if employed else "15",
        "psn_insu_stas": 2 if suspended else 1,
        "psn_insu_date": f"{2005 + number % 20}-01-01",
        "paus_insu_date": "2026-06-01" if suspended else "",
        "cvlserv_flag": 0,
        "insuplc_admdvs": "441900",
    }


def main() -> None:
    """Write the file."""
    count, path = int(sys.argv[1]), Path(sys.argv[2])
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, count + 1):
            file.write(json.dumps(person(number), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
