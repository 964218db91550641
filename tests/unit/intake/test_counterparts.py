"""Other regions in a file: what it may say, and that only the authority's word counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.hub.certificates import HUB, Authority
from settlement.chart import REGION_BASE
from settlement.elsewhere.counterpart import Counterpart
from settlement.intake import counterparts as intake
from settlement.intake.faults import Fault, FileError
from settlement.intake.source import rows_of
from tests.kit.hub import AT, AUTHORITY, INSURED, OTHER, TREATED, papers_of

KNOWN = Counterpart(region=OTHER, name="测试统筹区乙", account_base=REGION_BASE + 70)
PAPERS = papers_of(INSURED)
STRANGER = Authority(Ed25519PrivateKey.from_private_bytes(b"x" * 32))
ROW = {"region": INSURED, "name": "测试统筹区甲"}


def read(*rows: Mapping[str, str]) -> tuple[list[intake.FileCounterpart], list[Fault]]:
    """The rows of a file, and what is wrong."""
    faults: list[Fault] = []
    told = [
        (number, [row.get(column.name, "") for column in intake.COLUMNS])
        for number, row in enumerate(rows, 2)
    ]
    return intake.read_counterparts(told, TREATED, faults), faults


def planned(
    *rows: Mapping[str, str], whole: bool = False, root: bytes | None = AUTHORITY.root,
    certificates: Mapping[str, str] | None = None,
) -> tuple[intake.Plan, list[Fault]]:  # fmt: skip
    """What a file would change where OTHER is known."""
    told, faults = read(*rows)
    known = intake.Known(
        own_region=TREATED, root=root, counterparts={OTHER: KNOWN},
        certificates=certificates or {}, withdrawn=frozenset(),
    )  # fmt: skip
    return intake.plan(told, known, faults, whole=whole), faults


def test_new_region_gets_the_next_block_of_accounts_and_its_certificates() -> None:
    plan, faults = planned({**ROW, "certificates": PAPERS.content, "route": "https://hub.test/"})
    assert not faults
    [one] = plan.counterparts
    assert (one.account_base, one.route, one.active) == (REGION_BASE + 80, "https://hub.test", True)
    assert [kept.told for kept in plan.certificates] == [PAPERS.certificate]
    assert (plan.counts.new, plan.counts.changed) == (1, 0)


def test_known_region_keeps_its_accounts_and_says_what_changes() -> None:
    withdrawal = AUTHORITY.withdraw(f"{OTHER}-1", at=AT, reason="测试：密钥遗失")
    plan, faults = planned({"region": OTHER, "name": "测试统筹区丙", "withdrawals": withdrawal})
    assert not faults
    assert plan.counterparts[0].account_base == KNOWN.account_base
    [sample] = plan.counts.samples
    assert sample.fields == (
        "name: 测试统筹区乙 → 测试统筹区丙", f"certificate {OTHER}-1: withdrawn (测试：密钥遗失)"
    )


def test_same_file_again_changes_nothing() -> None:
    told = {"region": OTHER, "name": KNOWN.name, "certificates": papers_of(OTHER).content}
    plan, faults = planned(told, certificates={f"{OTHER}-1": papers_of(OTHER).content})
    assert (faults, plan.counterparts, plan.certificates) == ([], [], [])
    assert plan.counts.unchanged == 1


def test_the_hub_has_certificates_and_is_nobody_to_clear_with() -> None:
    hub = papers_of(HUB)
    gone = AUTHORITY.withdraw(f"{HUB}-0", at=AT, reason="测试：更换")
    told = {"region": HUB, "name": "省际平台", "certificates": hub.content, "withdrawals": gone}
    plan, faults = planned(told, ROW, whole=True)
    assert not faults
    assert [(one.region, one.account_base) for one in plan.counterparts if one.active] == [
        (INSURED, REGION_BASE + 80)
    ], "it takes no block of accounts"
    assert [kept.told for kept in plan.certificates] == [hub.certificate]
    assert [kept.content for kept in plan.withdrawals] == [gone]
    again, _ = planned({**told, "withdrawals": ""}, certificates={f"{HUB}-1": hub.content})
    assert (again.counts.unchanged, again.counts.changed) == (1, 0)
    _, faults = planned({**told, "certificates": PAPERS.content})
    assert [fault.column for fault in faults] == ["certificates"], "of a region"


def test_whole_file_ends_what_it_leaves_out() -> None:
    plan, _ = planned(ROW, whole=True)
    assert [(one.region, one.active) for one in plan.counterparts] == [
        (INSURED, True), (OTHER, False),
    ]  # fmt: skip
    assert plan.counts.missing == 1


def forged(content: str) -> str:
    """The same with another letter in what was signed."""
    at = content.index(".") + 30
    return content[:at] + ("A" if content[at] != "A" else "B") + content[at + 1 :]


BAD = [
    # what the row says otherwise,                                             column at fault
    ({"region": "4301"},                                                       "region"),
    ({"region": TREATED},                                                      "region"),
    ({"name": ""},                                                             "name"),
    ({"route": "hub.test"},                                                    "route"),
    ({"active": "yes"},                                                        "active"),
    ({"certificates": "HUBCERT1.x"},                                           "certificates"),
    ({"certificates": forged(PAPERS.content)},                                 "certificates"),
    ({"certificates": papers_of(OTHER).content},                               "certificates"),
    ({"certificates": papers_of(INSURED, authority=STRANGER).content},         "certificates"),
    ({"withdrawals": STRANGER.withdraw("1", at=AT, reason="x")},               "withdrawals"),
    ({"withdrawals": PAPERS.content},                                          "withdrawals"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "column"), BAD)
def test_row_at_fault_is_named(changes: Mapping[str, str], column: str) -> None:
    plan, faults = planned({**ROW, **changes})
    assert [fault.column for fault in faults] == [column]
    assert not plan.certificates and not plan.withdrawals


def test_number_of_a_certificate_stands_for_one_content() -> None:
    later = papers_of(INSURED, begins_at=AT + timedelta(days=1))
    told = {**ROW, "certificates": later.content}
    _, faults = planned(told, certificates={f"{INSURED}-1": PAPERS.content})
    assert faults[0].problem.en == f"{INSURED}-1 is there with other content"


def test_without_a_pinned_root_no_certificate_is_believed() -> None:
    _, faults = planned({**ROW, "certificates": PAPERS.content}, root=None)
    assert faults[0].problem.en == "no hub is configured to check it by"
    _, faults = planned(ROW, root=None)
    assert not faults


def test_region_stands_in_a_file_once() -> None:
    _, faults = read(ROW, ROW)
    assert str(faults[0]).endswith("row 3, region: is in row 2 already")


def toml(path: Path, text: str) -> tuple[list[intake.FileCounterpart], list[Fault]]:
    """What a TOML file says."""
    file = path / "regions.toml"
    file.write_text(text, "utf-8")
    faults: list[Fault] = []
    rows = rows_of(file, "toml", intake.COLUMNS, faults)
    return intake.read_counterparts(rows, TREATED, faults), faults


def test_toml_file_has_a_table_a_region(tmp_path: Path) -> None:
    found, faults = toml(
        tmp_path,
        f'[[counterpart]]\nregion = "{INSURED}"\nname = "测试统筹区甲"\nactive = false\n'
        f'certificates = ["{PAPERS.content}", "{papers_of(INSURED, 2).content}"]\n'
        f'[[counterpart]]\nregion = "{OTHER}"\nname = "测试统筹区乙"\ncolour = "red"\n',
    )
    [one] = found
    assert (one.row, one.counterpart.active, len(one.certificates)) == (1, False, 2)
    assert [(fault.row, fault.column) for fault in faults] == [(2, "colour")]


@pytest.mark.parametrize("text", ["[[a]\n", '[[a]]\nregion="1"\n[[b]]\nregion="2"\n', "a = 1\n"])
def test_toml_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError, match=r"TOML|tables"):
        toml(tmp_path, text)
