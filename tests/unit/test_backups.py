"""Which base backup, which WAL, what is old, and what a restored database lacks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec import structs

from settlement.backups import (
    Head,
    Manifest,
    Mark,
    NotedBlock,
    NotedEntry,
    Origin,
    SealHead,
    base_for,
    kept_bases,
    missing_of,
    needed_since,
)
from settlement.wal_names import Segment, first_gap, is_segment, name_of, parse, segment_at

NOON = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
ORIGIN = Origin(region="441900", installed_at=NOON, system_identifier="7", database="settlement")
DAY = (date(2026, 10, 31), date(2026, 10, 31))


def head(block_no: int, letter: str = "a", journal: int = 1) -> Head:
    """The end of a chain."""
    return Head(journal=journal, block_no=block_no, block_hash=letter * 64, booked_at=NOON)


def manifest(hours: int, lsn: str = "0/3000028") -> Manifest:
    """A base backup that was whole so many hours after noon."""
    at = NOON + timedelta(hours=hours)
    return Manifest(
        name=f"base-{hours}", began_at=at - timedelta(minutes=5), ended_at=at, origin=ORIGIN,
        embedded=True, schema_version=1, postgres_version=180000, timeline=1, start_lsn=lsn,
        end_lsn="0/3000100", owner_role="owner", app_role="app", size_bytes=1, heads=[head(4)],
        seals=[seal("d")], key_fingerprints={}, beside=[],
    )  # fmt: skip


def seal(letter: str) -> SealHead:
    """A day's seals."""
    return SealHead(
        begins_on=DAY[0], ends_on=DAY[1], sealed_at=NOON, institutions=1, settlements=2,
        digest=letter * 64,
    )  # fmt: skip


def mark(after: int, through: int, *, journal: int = 1, letter: str = "a") -> Mark:
    """A mark that lists the blocks behind one and up to another, an entry each."""
    blocks = [
        NotedBlock(
            journal=journal, block_no=n, booked_at=NOON + timedelta(seconds=n),
            entries=[NotedEntry(lane=n % 3, number=1000 + n, code=1, institution="P1")],
        )
        for n in range(after + 1, through + 1)
    ]  # fmt: skip
    return Mark(
        at=NOON + timedelta(seconds=through), heads=[head(through, letter, journal)],
        blocks=blocks, seals=[],
    )  # fmt: skip


def test_restoring_begins_with_the_newest_base_that_was_whole_by_then() -> None:
    bases = [manifest(1), manifest(3), manifest(2)]
    at = NOON + timedelta(hours=2, minutes=30)
    chosen = [base_for(bases, at), base_for(bases, bases[0].ended_at), base_for(bases, None)]
    assert [one.name for one in chosen if one is not None] == ["base-2", "base-1", "base-3"]
    assert base_for(bases, NOON) is None


def test_what_is_kept_decides_which_wal_is_needed() -> None:
    bases = [manifest(1, "0/3000028"), manifest(2, "0/5000028"), manifest(3, "1/28")]
    kept = kept_bases(bases, 2)
    assert [one.name for one in kept] == ["base-2", "base-3"]
    assert needed_since(kept) == Segment(timeline=1, number=5)
    assert needed_since([]) is None


#   names of the archive, by number                   first that is missing from 3 on
GAPS = [
    ((3, 4, 5),                                       None),
    ((1, 2, 3, 4),                                    None),
    ((3, 5, 6),                                       4),
    ((4, 5),                                          3),
    ((1, 2),                                          3),
    ((),                                              3),
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "missing"), GAPS)
def test_gap_in_the_archive_is_named(numbers: tuple[int, ...], missing: int | None) -> None:
    names = [name_of(Segment(timeline=1, number=number)) for number in numbers]
    noise = ["000000010000000000000003.00000028.backup", "00000002.history"]
    expected = None if missing is None else name_of(Segment(timeline=1, number=missing))
    assert first_gap([*names, *noise], Segment(timeline=1, number=3)) == expected


def test_names_of_segments_are_those_of_postgresql() -> None:
    assert segment_at("1/6B3740A0", 2) == parse("00000002000000010000006B")
    assert name_of(Segment(timeline=2, number=256 + 0x6B)) == "00000002000000010000006B"
    assert parse("000000010000000100000001", 64 * 2**20).number == 64 + 1
    assert not is_segment("000000010000000000000003.partial")
    with pytest.raises(ValueError, match="no WAL segment"):
        parse("00000002.history")


def test_a_restored_database_is_told_what_it_lacks() -> None:
    marks = [mark(4, 6), mark(6, 8)]
    lacks = missing_of(
        manifest=manifest(1), marks=marks, heads={1: 7},
        hashes={(1, 4): "a" * 64, (1, 6): "a" * 64}, seals={DAY: "d" * 64},
    )  # fmt: skip
    assert [entry.number for entry in lacks.entries] == [1008]
    assert not lacks.altered and not lacks.unlisted and not lacks.seals


def test_a_journal_that_is_not_there_at_all_lacks_everything() -> None:
    lacks = missing_of(
        manifest=manifest(1), marks=[mark(0, 2, journal=2)], heads={1: 4},
        hashes={(1, 4): "a" * 64}, seals={DAY: "d" * 64},
    )  # fmt: skip
    assert [(block.journal, block.block_no) for block in lacks.blocks] == [(2, 1), (2, 2)]


def test_another_hash_or_seal_is_no_loss_but_a_change() -> None:
    lacks = missing_of(
        manifest=manifest(1), marks=[], heads={1: 4}, hashes={(1, 4): "b" * 64},
        seals={DAY: "e" * 64},
    )  # fmt: skip
    assert lacks.altered == [head(4)] and lacks.seals_altered == [seal("d")]
    assert not lacks.blocks and not lacks.seals


def test_an_end_that_no_mark_lists_is_named_as_such() -> None:
    later = structs.replace(mark(6, 8), blocks=[])
    lacks = missing_of(
        manifest=manifest(1), marks=[later], heads={1: 6}, hashes={(1, 4): "a" * 64}, seals={}
    )
    assert lacks.unlisted == [head(8)] and lacks.seals == [seal("d")]
