"""Which numbers are of a year, when a year may go, and what is written down of its files."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from msgspec import structs

from settlement.archiving import (
    ONLINE_YEARS_MIN,
    ArchivedFile,
    ArchivedYear,
    ArchiveError,
    ArchiveSeen,
    Manifest,
    bounds_of,
    first_day_of_archiving,
    manifest_bytes,
    months_to_be_sealed,
    online_years,
    read_manifest,
)
from settlement.cli import main
from settlement.numbers import NumberBlock, month_of, numbers_of
from settlement.serve.rekey_desk import archives_that_need

AT = datetime(2032, 1, 2, tzinfo=UTC)
FILES = tuple(
    ArchivedFile(
        name=f"settlements-{lane:04d}.parquet", lane=lane, settlements=10, details=9,
        size_bytes=100, digest="00" * 32,
    )
    for lane in (3, 5)
)  # fmt: skip
MANIFEST = Manifest(region="441900", year=2026, written_at=AT, key_versions=(1, 2), files=FILES)


def known(content: bytes) -> ArchivedYear:
    return ArchivedYear(
        year=2026, archived_at=AT, settlements=20, details=18, key_versions=(1, 2),
        manifest=sha256(content).digest(), actor="zhou", reason="年度归档",
    )  # fmt: skip


@pytest.mark.parametrize("lane", [0, 63, 1023])
@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 12, 31)])
def test_every_number_of_a_year_lies_within_its_bounds(day: date, lane: int) -> None:
    number = NumberBlock(1).next(lane, day)
    first, before = numbers_of(2026)
    assert first <= number < before
    assert bounds_of(2026) == (first - 1, before)
    assert month_of(number) == day.replace(day=1)


def test_years_lie_one_behind_the_other() -> None:
    assert numbers_of(2026)[1] == numbers_of(2027)[0]
    assert numbers_of(2091)[1] < 2**63
    assert month_of(numbers_of(2029)[0]) == date(2029, 1, 1)


def test_year_may_go_after_so_many_full_years() -> None:
    assert first_day_of_archiving(2026, 5) == date(2032, 1, 1)


@pytest.mark.parametrize("text", ["", "1", "-5", "5.0", "five", "٥"])
def test_nonsense_for_years_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"{ONLINE_YEARS_MIN}"):
        online_years({"SETTLEMENT_ONLINE_YEARS": text})


def test_years_are_five_unless_said() -> None:
    assert online_years({}) == 5
    assert online_years({"SETTLEMENT_ONLINE_YEARS": "2"}) == 2


def test_months_before_anything_was_booked_need_no_seal() -> None:
    assert months_to_be_sealed(2026, date(2026, 11, 23)) == [date(2026, 11, 1), date(2026, 12, 1)]
    assert len(months_to_be_sealed(2026, date(2025, 7, 1))) == 12
    assert months_to_be_sealed(2026, date(2027, 1, 2)) == []


def test_manifest_is_read_as_it_was_written() -> None:
    content = manifest_bytes(MANIFEST)
    assert read_manifest(content, known(content)) == MANIFEST
    assert (MANIFEST.settlements, MANIFEST.details) == (20, 18)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (manifest_bytes(MANIFEST).replace(b'"lane": 3', b'"lane": 4'), "not the one"),
        (b"", "not the one"),
    ],
)  # fmt: skip
def test_manifest_that_was_changed_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        read_manifest(content, known(manifest_bytes(MANIFEST)))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", manifest_bytes(MANIFEST).replace(b"archive/1", b"archive/2")]
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"manifest\.json"):
        read_manifest(content)


def test_note_of_the_audit_has_all_that_is_kept() -> None:
    one = known(b"x")
    assert one.note == f"年度归档 | {one.manifest.hex()} 20 18 1,2"


def test_who_retires_a_key_hears_which_archives_need_it() -> None:
    one = known(b"x")
    assert "2026" in archives_that_need([one], 2)
    assert archives_that_need([structs.replace(one, key_versions=(2,))], 2) == ""
    assert archives_that_need([], 2) == ""


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({},                                  "not looked at"),
        ({"checked": True},                   "核验通过 verified"),
        ({"checked": True, "unopened": 3},    "3 项缺密钥"),
        ({"checked": True, "wrong": "x.pq"},  "NOT verified: x.pq"),
    ],
)  # fmt: skip
def test_verification_says_what_it_saw_of_an_archive(seen: dict[str, object], said: str) -> None:
    told = ArchiveSeen(year=2026, details=18, **seen).prose()  # type: ignore[arg-type]
    assert told.startswith("2026 年明细已归档 details archived: 18")
    assert said in told


def test_without_the_library_it_is_said_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [one for one in sys.modules if one.startswith("settlement.archive")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    command = ["archive", "2026", "--to", "/nowhere", "--actor", "zhou", "--reason", "x"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert "requirements-archive.txt" in printed.out + printed.err


@pytest.mark.parametrize("year", ["26", "1999", "2092", "2026.0", "year"])
def test_no_year_is_no_year(year: str) -> None:
    with pytest.raises(SystemExit):
        main(["archive", year, "--to", "/nowhere", "--actor", "zhou", "--reason", "x"])
