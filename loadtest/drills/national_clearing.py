"""A national month of clearing between 32 provinces: netted, stated, and proved.

`python -m loadtest.drills.national_clearing --legs 20000000`: generates as many settlements as data
(seeded; what each province treated, and what each has at home of its own people), and then does
with the product's own code what the month needs: every province states what each other one owes it
and is checked as whoever takes the statement checks it; every province compares the groups with its
own book; the nets of all come to zero, also once both debts of each pair are set off; samples are
followed down to their legs, read again and added up by hand. Prints one JSON object; exit status 1
where anything does not agree.

A leg is 20 bytes in a file of its pair of provinces, so that neither the legs nor their statement
are ever in memory for more than one pair. Seconds are those of two processes on two cores.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from multiprocessing import get_context
from pathlib import Path
from struct import Struct as Layout

import msgspec
from msgspec import Struct

from protocol.hub.clearing import ClearingRow
from settlement.elsewhere.regional_netting import Sums, net_pairs, net_positions, tally, together
from settlement.elsewhere.regional_statements import GroupKey, Place, faults_of, make_statement

PROVINCES = tuple(
    f"{code}0000"
    for code in (11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45,
                 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 66)
)  # fmt: skip
"""31 provinces, and 66 for the Production and Construction Corps."""
MONTH = date(2026, 11, 1)
STATED_AT = datetime(2026, 12, 8, 1, 0, tzinfo=UTC)
TYPES, SCHEMES = ("11", "21", "14", "99"), ("310", "390")
CITIES = 12
CANCEL_EVERY = 50
"""Every so-many-th leg takes back the one before it."""
LEG = Layout("<IBBBBiii")
"""Serial, day, city, clearing type, scheme; total, funds, account in fen."""
CHUNK = 20_000
SAMPLES = 200


class Task(Struct, frozen=True, kw_only=True):
    """One province's part of a step."""

    folder: str
    province: int
    legs: int
    seed: int


class Stated(Struct, frozen=True, kw_only=True):
    """What one province claims: the groups of its statements, by debtor."""

    creditor: str
    groups: dict[str, dict[GroupKey, Sums]]
    faults: list[str]
    took: float
    """processor seconds"""
    peak_bytes: int


class Booked(Struct, frozen=True, kw_only=True):
    """What one province has at home, by creditor."""

    debtor: str
    groups: dict[str, dict[GroupKey, Sums]]
    took: float
    peak_bytes: int


class Result(Struct, frozen=True, kw_only=True):
    """What is printed."""

    ok: bool
    legs: int
    seed: int
    provinces: int
    statements: int
    groups: int
    owed_fen: int
    sum_of_nets_fen: int
    pairs_left_after_netting: int
    netted_fen: int
    samples_followed: int
    disagreements: list[str]
    generate_seconds: float
    state_seconds: float
    compare_seconds: float
    net_seconds: float
    clearing_seconds: float
    """without generating"""
    processor_seconds: float
    """of that, over all processes: what a machine that does nothing else needs, times its cores"""
    peak_bytes: int
    """of all processes together"""


def generate(task: Task) -> int:
    """Write the legs of one province of treatment, and at each province of insurance the same
    legs as that one has them; how many."""
    folder, creditor = Path(task.folder), PROVINCES[task.province]
    chance = random.Random(f"{task.seed}:{creditor}")
    weights = [0 if debtor == creditor else 1 + chance.randrange(20) for debtor in PROVINCES]
    ends = list(accumulate(weights))
    whose = [next(p for p, end in enumerate(ends) if draw < end) for draw in range(ends[-1])]
    serial = 0
    while serial < task.legs:
        number = min(CHUNK, task.legs - serial)
        bundles: dict[int, bytearray] = {}
        for debtor, leg in _drawn(chance, whose, serial, number):
            bundles.setdefault(debtor, bytearray()).extend(leg)
        for debtor, content in bundles.items():
            for name in ("treated", "insured"):
                with _file(folder, name, creditor, PROVINCES[debtor]).open("ab") as file:
                    file.write(content)
        serial += number
    return serial


def _drawn(
    chance: random.Random, whose: list[int], first: int, number: int
) -> Iterator[tuple[int, bytes]]:
    pack, places = LEG.pack, len(whose)
    before: tuple[int, tuple[int, ...]] | None = None
    for place, (draw, more) in enumerate(Layout("<QQ").iter_unpack(chance.randbytes(16 * number))):
        serial = first + place
        if before is not None and serial % CANCEL_EVERY == 0:
            debtor, (of, day, city, kind, scheme, total, fund, account) = before
            yield debtor, pack(of, day, city, kind, scheme, -total, -fund, -account)
            before = None
            continue
        debtor = whose[draw % places]
        total = 1_000 + (draw >> 12) % 3_000_000
        fund = total * (30 + (draw >> 40) % 60) // 100
        account = (total - fund) * (more & 0x3F) // 100
        leg = (
            serial, (more >> 6) % 30, (more >> 12) % CITIES, (more >> 20) % len(TYPES),
            (more >> 24) % len(SCHEMES), total, fund, account,
        )  # fmt: skip
        before = debtor, leg
        yield debtor, pack(*leg)


def state(task: Task) -> Stated:
    """Every statement of one province, made and checked by the product's code."""
    folder, creditor, began = Path(task.folder), PROVINCES[task.province], time.process_time()
    groups: dict[str, dict[GroupKey, Sums]] = {}
    faults: list[str] = []
    for debtor in PROVINCES:
        path = _file(folder, "treated", creditor, debtor)
        if not path.exists():
            continue
        rows = list(_rows(creditor, debtor, path))
        statement = make_statement(
            rows, statement_no=f"{creditor}-{debtor}-202611", month=MONTH, creditor=creditor,
            debtor=debtor, stated_at=STATED_AT,
        )  # fmt: skip
        expected = Place(
            month=MONTH, own=frozenset({debtor}), creditors=frozenset(PROVINCES)
        )
        faults += [f"{statement.statement_no}: {fault}" for fault in faults_of(statement, expected)]
        groups[debtor] = {
            (one.insured_region, one.clearing_type, one.scheme): Sums(
                legs=one.legs, total_fen=one.total_fen, fund_fen=one.fund_fen,
                account_fen=one.account_fen,
            )
            for one in statement.groups
        }  # fmt: skip
    return Stated(
        creditor=creditor, groups=groups, faults=faults, took=time.process_time() - began,
        peak_bytes=_peak_bytes(),
    )  # fmt: skip


def compare(task: Task) -> Booked:
    """What one province's own book of its people says, netted by the product's code."""
    folder, debtor, began = Path(task.folder), PROVINCES[task.province], time.process_time()
    groups: dict[str, dict[GroupKey, Sums]] = {}
    for creditor in PROVINCES:
        path = _file(folder, "insured", creditor, debtor)
        if path.exists():
            groups[creditor] = tally(_grouped(debtor, path))
    return Booked(
        debtor=debtor, groups=groups, took=time.process_time() - began,
        peak_bytes=_peak_bytes(),
    )  # fmt: skip


def drill(legs: int, seed: int, folder: Path, processes: int) -> Result:
    """The whole month."""
    tasks = [
        Task(
            folder=str(folder), province=place, seed=seed,
            legs=legs // len(PROVINCES) + (place < legs % len(PROVINCES)),
        )
        for place in range(len(PROVINCES))
    ]  # fmt: skip
    clock = [time.perf_counter()]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        made = sum(pool.map(generate, tasks))
        clock.append(time.perf_counter())
        stated = list(pool.map(state, tasks))
        clock.append(time.perf_counter())
        booked = list(pool.map(compare, tasks))
        clock.append(time.perf_counter())
    groups = {
        (debtor, one.creditor): sums for one in stated for debtor, sums in one.groups.items()
    }
    owed = {pair: together(sums.values()).owed_fen for pair, sums in groups.items()}
    positions, left = net_positions(owed), net_pairs(owed)
    clock.append(time.perf_counter())
    disagreements = [
        *(fault for one in stated for fault in one.faults),
        *books_differ(groups, booked, made, legs),
        *nets_differ(positions, left),
        *samples_differ(groups, folder, seed),
    ]
    seconds = [after - before for before, after in pairwise(clock)]
    peak = max(*(one.peak_bytes for one in stated), *(one.peak_bytes for one in booked))
    return Result(
        ok=not disagreements, legs=made, seed=seed, provinces=len(PROVINCES),
        statements=len(groups), groups=sum(map(len, groups.values())),
        owed_fen=sum(owed.values()), sum_of_nets_fen=sum(positions.values()),
        pairs_left_after_netting=len(left), netted_fen=sum(left.values()),
        samples_followed=SAMPLES, disagreements=disagreements[:20],
        generate_seconds=round(seconds[0], 1), state_seconds=round(seconds[1], 1),
        compare_seconds=round(seconds[2], 1), net_seconds=round(seconds[3], 3),
        clearing_seconds=round(sum(seconds[1:]), 1),
        processor_seconds=round(
            sum(one.took for one in stated) + sum(one.took for one in booked) + seconds[3], 1
        ),
        peak_bytes=_peak_bytes() + peak * processes,
    )  # fmt: skip


def books_differ(
    groups: dict[tuple[str, str], dict[GroupKey, Sums]], booked: list[Booked], made: int,
    wanted: int,
) -> Iterator[str]:  # fmt: skip
    """Where a debtor's book is not what was stated; or legs were lost."""
    own = {
        (one.debtor, creditor): sums for one in booked for creditor, sums in one.groups.items()
    }
    for pair in sorted({*groups, *own}):
        if groups.get(pair) != own.get(pair):
            yield f"{pair[0]} has other groups at home than {pair[1]} states"
    stated = sum(sums.legs for one in groups.values() for sums in one.values())
    if not stated == made == wanted:
        yield f"{wanted} legs wanted, {made} made, {stated} stated"


def nets_differ(
    positions: dict[str, int], left: dict[tuple[str, str], int]
) -> Iterator[str]:
    """Where nets do not come to zero, or paying what is left does not settle all."""
    if sum(positions.values()):
        yield "the nets of all provinces do not come to zero"
    paid = net_positions(left)
    for province, fen in positions.items():
        if paid.get(province, 0) != fen:
            yield f"{province} is at {fen}, and gets {paid.get(province, 0)} by the net pairs"


def samples_differ(
    groups: dict[tuple[str, str], dict[GroupKey, Sums]], folder: Path, seed: int
) -> Iterator[str]:
    """Where the legs of a group, read again and added up by hand, are not the group."""
    chance = random.Random(f"{seed}:samples")
    every = sorted((pair, key) for pair, sums in groups.items() for key in sums)
    for (debtor, creditor), key in chance.sample(every, min(SAMPLES, len(every))):
        legs = total = fund = account = 0
        path = _file(folder, "treated", creditor, debtor)
        for _, _, city, kind, scheme, total_fen, fund_fen, account_fen in _legs(path):
            if (_city(debtor, city), TYPES[kind], SCHEMES[scheme]) == key:
                legs += 1
                total += total_fen
                fund += fund_fen
                account += account_fen
        sums = groups[debtor, creditor][key]
        if (legs, total, fund, account) != (
            sums.legs, sums.total_fen, sums.fund_fen, sums.account_fen,
        ):  # fmt: skip
            yield f"group {key} of {debtor} to {creditor} is not the sum of its legs"


def _legs(path: Path) -> Iterator[tuple[int, ...]]:
    return LEG.iter_unpack(path.read_bytes())


def _grouped(debtor: str, path: Path) -> Iterator[tuple[GroupKey, int, int, int]]:
    names = {
        (city, kind, scheme): (_city(debtor, city), TYPES[kind], SCHEMES[scheme])
        for city in range(CITIES) for kind in range(len(TYPES)) for scheme in range(len(SCHEMES))
    }  # fmt: skip
    for _, _, city, kind, scheme, total_fen, fund_fen, account_fen in _legs(path):
        yield names[city, kind, scheme], total_fen, fund_fen, account_fen


def _rows(creditor: str, debtor: str, path: Path) -> Iterator[ClearingRow]:
    cities = [_city(debtor, city) for city in range(CITIES)]
    institutions = [f"H{creditor}{city:05d}" for city in range(CITIES)]
    days = [MONTH + timedelta(day) for day in range(31)]
    for serial, day, city, kind, scheme, total_fen, fund_fen, account_fen in _legs(path):
        yield ClearingRow(
            case_no=f"{creditor}-{serial:010d}", reversal=total_fen < 0,
            insured_region=cities[city], institution=institutions[city],
            clearing_type=TYPES[kind], scheme=SCHEMES[scheme], settled_on=days[day],
            total_fen=total_fen, fund_fen=fund_fen, account_fen=account_fen,
        )  # fmt: skip


def _city(province: str, city: int) -> str:
    return f"{province[:2]}{city + 1:02d}00"


def _file(folder: Path, name: str, creditor: str, debtor: str) -> Path:
    return folder / f"{name}-{creditor}-{debtor}.legs"


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--legs", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=20_261_101)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, help="also write the result there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="national-", dir="/tmp") as folder:
        result = drill(arguments.legs, arguments.seed, Path(folder), arguments.processes)
    text = msgspec.json.format(msgspec.json.encode(result), indent=2).decode()
    print(text)
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text + "\n")
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
