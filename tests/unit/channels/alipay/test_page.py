"""The page about Alipay lists every key of the configuration and every code of the tables."""

from __future__ import annotations

import re
import tomllib

import msgspec

from settlement.channels.alipay_config import AlipayMerchant, read_merchant
from settlement.channels.alipay_outcomes import CLOSE, GATEWAY, HAND, PAY, REFUND, UNDO
from tests.tidy.tree import ROOT

PAGE = (ROOT / "docs/reference/channels/alipay.md").read_text("utf-8")


def quoted(heading: str) -> set[str]:
    """What stands in code quotes in the first column below a heading."""
    section = PAGE.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    cells = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_key_is_explained_and_the_example_is_one() -> None:
    fields = msgspec.structs.fields(AlipayMerchant)
    assert quoted("## A merchant") == {field.name for field in fields}
    example = tomllib.loads(PAGE.split("```toml\n")[1].split("```")[0])
    assert read_merchant(example["alipay"]["dongcheng"]).store_id == "S1"


def test_every_code_is_listed() -> None:
    for what, table in (
        ("a payment", PAY), ("an undo", UNDO), ("an order for a phone", HAND),
        ("a closing", CLOSE), ("a refund", REFUND),
    ):  # fmt: skip
        assert quoted(f"### Refusals of {what}") - {"sub_code"} == set(table)
    assert all(f"`{code}`" in PAGE for code in GATEWAY)
