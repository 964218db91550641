"""One server takes the place of another under load: the drill in its short form, of this very tree.

`make drill-upgrade OLD=HEAD~1` plays it with the tree of another commit.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from loadtest.drills.restore import Book, Told
from loadtest.drills.upgrade import Came, Front, judge, old_tree, upgrade
from tests.services import embedded_environment, run_apart, temporary_directory

SECONDS = 0.5
PERSONS = 200


def test_nobody_is_refused_while_a_server_takes_the_place_of_another() -> None:
    came = Came(old="this tree")
    with temporary_directory() as folder:
        run_apart(
            lambda: upgrade(
                folder, old=None, seconds=SECONDS, persons=PERSONS, came=came,
                environment=embedded_environment(), sellers=1,
            )
        )  # fmt: skip
    assert came.wrong == []
    assert set(came.answered_by) == {"old", "new"} and came.acknowledged > 0


def test_judge_names_what_was_refused_lost_or_booked_unasked() -> None:
    front, book, came = Front(), Book(), Came(old="a test")
    front.answered = {"old": 3}
    front.failed.append("new: HTTP 503")
    book.told = [Told(number=n, sent_at=0.0, answered_at=1.0) for n in (1, 2)]
    judge(front, book, came, {2, 3})
    assert came.wrong == [
        "1 failed, 0 unanswered: new: HTTP 503",
        "the new server answered nothing",
        "1 acknowledged and not in the ledger",
        "1 in the ledger and never acknowledged",
    ]


def test_server_that_is_taken_out_has_answered_everything_first() -> None:
    async def play() -> list[str]:
        front, order = Front(), []
        front.take_in("old", "http://127.0.0.1:1")
        front.in_flight["old"] = 1

        async def out() -> None:
            await front.take_out("old")
            order.append("out")

        task = asyncio.create_task(out())
        await asyncio.sleep(0)
        order.append("answered")
        await front.over("old")
        await task
        return order

    assert asyncio.run(play()) == ["answered", "out"]


def test_tree_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="there is no tree of no-such-commit"):
        old_tree("no-such-commit", tmp_path / "tree")
