"""The drill of a national month: it proves what it says, and sees a fen that is wrong."""

from __future__ import annotations

from pathlib import Path

from loadtest.drills.national_clearing import (
    LEG,
    PROVINCES,
    Booked,
    Stated,
    Task,
    books_differ,
    compare,
    drill,
    generate,
    nets_differ,
    samples_differ,
    state,
)

LEGS = 3_000


def tasks(folder: Path) -> list[Task]:
    """Three provinces that treat."""
    return [
        Task(folder=str(folder), province=place, legs=LEGS, seed=7) for place in range(3)
    ]


def books(folder: Path) -> tuple[list[Stated], list[Booked]]:
    """What is stated, and what everybody has at home."""
    at_home = [
        Task(folder=str(folder), province=place, legs=0, seed=7) for place in range(len(PROVINCES))
    ]
    return [state(task) for task in tasks(folder)], [compare(task) for task in at_home]


def test_a_small_month_agrees_in_everything(tmp_path: Path) -> None:
    found = drill(6_400, 7, tmp_path, 1)
    assert found.ok, found.disagreements
    assert (found.legs, found.sum_of_nets_fen) == (6_400, 0)
    assert 900 < found.statements <= 32 * 31
    assert found.samples_followed == 200


def test_the_same_seed_makes_the_same_legs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert [generate(task) for task in tasks(tmp_path / name)] == [LEGS] * 3
    one, other = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in "ab")
    assert one == other


def test_a_fen_that_is_wrong_at_home_is_seen(tmp_path: Path) -> None:
    for task in tasks(tmp_path):
        generate(task)
    stated, booked = books(tmp_path)
    groups = {(d, one.creditor): g for one in stated for d, g in one.groups.items()}
    assert list(books_differ(groups, booked, 3 * LEGS, 3 * LEGS)) == []
    assert list(samples_differ(groups, tmp_path, 7)) == []
    assert list(books_differ(groups, booked, 3 * LEGS, 3 * LEGS + 1)) != []

    path = tmp_path / f"insured-{PROVINCES[0]}-{PROVINCES[9]}.legs"
    content = path.read_bytes()
    first = LEG.unpack_from(content)
    path.write_bytes(LEG.pack(*first[:-1], first[-1] + 1) + content[LEG.size :])
    _, tampered = books(tmp_path)
    [said] = books_differ(groups, tampered, 3 * LEGS, 3 * LEGS)
    assert PROVINCES[9] in said and PROVINCES[0] in said

    path = tmp_path / f"treated-{PROVINCES[0]}-{PROVINCES[9]}.legs"
    path.write_bytes(LEG.pack(*first[:-1], first[-1] + 1) + path.read_bytes()[LEG.size :])
    key = next(key for key in groups if key == (PROVINCES[9], PROVINCES[0]))
    assert list(samples_differ({key: groups[key]}, tmp_path, 7)) != []


def test_nets_that_do_not_settle_are_seen() -> None:
    positions = {"a": 5, "b": -5}
    assert list(nets_differ(positions, {("b", "a"): 5})) == []
    assert len(list(nets_differ(positions, {("b", "a"): 4}))) == 2
    assert list(nets_differ({"a": 5, "b": -4}, {("b", "a"): 5})) != []
