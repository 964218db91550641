"""What one process does with a piece of a file of persons: read, check, compare, encrypt.

A function of its input and the keys, so that any process of a pool can do any piece. The rows of
new persons leave in the format in which the database takes them.
"""

from __future__ import annotations

import gc
import os
import threading
from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import groupby
from multiprocessing import parent_process
from multiprocessing.connection import wait
from operator import itemgetter
from pathlib import Path

import msgspec
from msgspec import Struct

from settlement import chart
from settlement.intake.faults import Fault
from settlement.intake.persons import (
    COLUMNS,
    Difference,
    FilePerson,
    Known,
    difference,
    read_person,
)
from settlement.intake.report import SAMPLES_MAX, Sample
from settlement.intake.source import Lines, Row, rows_of_lines
from settlement.keyring import Keyring
from settlement.lanes import lane_of
from settlement.person import Enrolment, FamilyLink, Identity, person_record
from settlement.person_keys import Key, holds_alone, person_keys
from settlement.storage import copy_format
from settlement.storage.keyfile import load_keyring
from settlement.storage.person_import import Change, KnownRow, NewRows
from settlement.telemetry.logs import mask_number
from settlement.telemetry.private_memory import keep_memory_private

PARTS = 16
"""Marks are kept in so many parts, so that none of them is large."""
_NICE = 10
"""Who settles comes first."""
_ENCODE = msgspec.json.Encoder().encode
DECODE_IDENTITY = msgspec.json.Decoder(Identity).decode
DECODE_ENROLMENTS = msgspec.json.Decoder(tuple[Enrolment, ...]).decode
_DECODE_FAMILY = msgspec.json.Decoder(tuple[FamilyLink, ...]).decode

Fresh = tuple[int, str, FilePerson, list[Key]]
"""Somebody new: lane, number, what the file says, and what they are found by."""
_PLACE = itemgetter(0, 1)


class Terms(Struct, frozen=True, kw_only=True):
    """What holds for a whole import."""

    region: str
    lanes: int
    whole: bool


class Chunk(Struct, frozen=True, kw_only=True):
    """A piece of a file: whole persons, and what the database knows of them."""

    rows: list[Row] | Lines
    """read, or lines to be read where nothing must be known of them before"""
    known: list[KnownRow]
    compare_keys: bool
    """whether somebody else may have their certificates and cards already"""
    first_account: int
    """so many account numbers as there are rows are this chunk's own"""


class Worked(Struct, kw_only=True):
    """What became of a chunk."""

    faults: list[Fault]
    new: NewRows | None = None
    changes: list[Change] = []
    unchanged: int = 0
    samples: list[Sample] = []
    marks: list[array[int]]
    """by part: 62 bits of a hash and what it is of: 0 person, 1 certificate, 2 card"""
    rows: list[array[int]]
    """the row of each mark"""
    keys: list[tuple[int, Key, str]] = []
    """keys that will be written, with row and person, to be compared with those of others"""


def number_in(row: Row) -> str:
    """The person number of a row, the first of the columns."""
    return row[1][0].strip()


def mark_of(person_no: str) -> int:
    """What a person number leaves behind, to find one that comes again."""
    return int.from_bytes(blake2b(person_no.encode(), digest_size=8).digest(), "big") & ~3


def part_of(mark: int) -> int:
    """Where a mark is kept."""
    return mark >> 60


class Worker:
    """A process with the keys."""

    def __init__(self, keyring: Keyring, terms: Terms) -> None:
        self._keyring = keyring
        self._terms = terms

    def work(self, chunk: Chunk) -> Worked:
        """Everything that is to be done with a chunk before it is written."""
        done = Worked(
            faults=[], marks=[array("Q") for _ in range(PARTS)],
            rows=[array("L") for _ in range(PARTS)],
        )  # fmt: skip
        known = {row[0]: row for row in chunk.known}
        fresh: list[Fresh] = []
        for number, group in groupby(_rows(chunk, done.faults), key=number_in):
            rows = list(group)
            _mark(done, rows[0][0], mark_of(number))
            person = read_person(rows, self._terms.region, done.faults)
            if person is None:
                continue
            lane = lane_of(person.person_no, self._terms.lanes)
            keys = self._keys(person.person_no, person.identity)
            for _, kind, key in filter(holds_alone, keys):
                _mark(done, person.row, int.from_bytes(key[:8], "big") & ~3 | kind)
            row = known.get(person.person_no)
            if row is None:
                fresh.append((lane, person.person_no, person, keys))
                if chunk.compare_keys:
                    _compare_with_others(done, person, keys)
            else:
                self._compare(done, lane, person, row)
        if fresh:
            done.new = self._new_rows(fresh, chunk.first_account)
        return done

    def open(self, row: KnownRow) -> Known:
        """What the database says of a person."""
        person_no, account, home_region, key_version, identity, enrolments, family = row
        record = person_record(
            lane_of(person_no, self._terms.lanes), person_no, account=account,
            home_region=home_region, enrolments=enrolments, family=family,
        )  # fmt: skip
        return Known(
            identity=DECODE_IDENTITY(self._keyring.open(identity, record, key_version)),
            enrolments=DECODE_ENROLMENTS(enrolments), family=_DECODE_FAMILY(family),
        )  # fmt: skip

    def ended(self, lane: int, row: KnownRow, differs: Difference) -> Change:
        """The change of somebody whom a whole file leaves out. Raises UndecipherableError."""
        return self._change(lane, row, differs, self.open(row).identity, [], [])

    def _compare(
        self, done: Worked, lane: int, person: FilePerson, row: KnownRow
    ) -> None:
        known = self.open(row)
        differs = difference(person, known, whole=self._terms.whole)
        if differs is None:
            done.unchanged += 1
            return
        number = person.person_no
        old = self._keys(number, known.identity)
        identity = known.identity if differs.identity is None else differs.identity
        keys = old if differs.identity is None else self._keys(number, identity)
        change = self._change(lane, row, differs, identity, keys, old)
        done.changes.append(change)
        _compare_with_others(done, person, change.new_keys)
        if len(done.samples) < SAMPLES_MAX:
            sample = Sample(person.row, mask_number(person.person_no), differs.fields)
            done.samples.append(sample)

    def _change(
        self, lane: int, row: KnownRow, differs: Difference, identity: Identity,
        keys: list[Key], old: list[Key],
    ) -> Change:  # fmt: skip
        person_no, account, home_region, _, _, _, family = row
        if differs.family is not None:
            family = _ENCODE(differs.family).decode()
        enrolments = _ENCODE(differs.enrolments).decode()
        record = person_record(
            lane, person_no, account=account, home_region=home_region, enrolments=enrolments,
            family=family,
        )  # fmt: skip
        return Change(
            lane=lane, person_no=person_no, key_version=self._keyring.version,
            identity=self._keyring.seal(_ENCODE(identity), record), enrolments=enrolments,
            family=family,
            days=differs.days,
            new_keys=[key for key in keys if key not in old],
            old_keys=[key for key in old if key not in keys],
        )  # fmt: skip

    def _new_rows(self, fresh: list[Fresh], first_account: int) -> NewRows:
        """The rows of new persons, in the order of the indexes that they go into: an index takes
        neighbours for half of what it asks for strangers."""
        version = self._keyring.version
        fresh.sort(key=_PLACE)
        said = [
            (_ENCODE(person.enrolments), _ENCODE(person.family or ())) for _, _, person, _ in fresh
        ]
        identities = self._keyring.seal_all([
            (
                _ENCODE(person.identity),
                person_record(
                    lane, number, account=account, home_region="", enrolments=schemes.decode(),
                    family=family.decode(),
                ),
            )
            for account, ((lane, number, person, _), (schemes, family)) in enumerate(
                zip(fresh, said, strict=True), first_account
            )
        ])  # fmt: skip
        persons: list[bytes] = []
        lookups: list[tuple[int, int, bytes, int, bytes]] = []
        balances: list[bytes] = []
        told = zip(fresh, identities, said, strict=True)
        for account, ((lane, person_no, _, keys), identity, texts) in enumerate(
            told, first_account
        ):
            number = person_no.encode()
            told_of = number, identity, *texts
            persons.append(copy_format.person_row(account, lane, version, told_of))
            lookups += [(key_lane, kind, key, lane, number) for key_lane, kind, key in keys]
            balances.append(copy_format.balance_row(lane, account))
        lookups.sort()
        lookup_row = copy_format.lookup_row
        return NewRows(
            count=len(fresh), persons=b"".join(persons),
            lookups=b"".join([
                lookup_row(lane, key_lane, kind, key, number)
                for key_lane, kind, key, lane, number in lookups
            ]),
            balances=b"".join(balances),
        )  # fmt: skip

    def _keys(self, person_no: str, identity: Identity) -> list[Key]:
        return person_keys(self._keyring, self._terms.lanes, person_no, identity)


_WORKERS: list[Worker] = []
"""The worker of this process of a pool, once it is prepared."""


def prepare(key_file: Path, terms: Terms) -> None:
    """Make this process of a pool ready."""
    keep_memory_private()
    os.nice(_NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.disable()  # a piece is a tree of lists, which counting frees
    _WORKERS.append(Worker(load_keyring(key_file), terms))


def _end_with_parent() -> None:
    """A pool does not notice that its owner was killed; then its processes would keep the keys, and
    the owner's pipes open, for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def work(chunk: Chunk) -> Worked:
    """In a process of a pool: what `Worker.work` does."""
    return _WORKERS[0].work(chunk)


def first_account_after(last: int | None) -> int:
    """The next personal account, behind the last one that there is."""
    return chart.personal_account(1) if last is None else last + 1


def _rows(chunk: Chunk, faults: list[Fault]) -> Iterable[Row]:
    """The rows of a chunk."""
    if not isinstance(chunk.rows, Lines):
        return chunk.rows
    lines = chunk.rows.text.split(b"\n")
    return rows_of_lines(lines, chunk.rows.first, COLUMNS, faults)


def _compare_with_others(done: Worked, person: FilePerson, keys: Iterable[Key]) -> None:
    """Have keys looked up that nobody else may have."""
    done.keys += ((person.row, key, person.person_no) for key in keys if holds_alone(key))


def _mark(done: Worked, row: int, mark: int) -> None:
    part = part_of(mark)
    done.marks[part].append(mark)
    done.rows[part].append(row)
