"""The actions of `settlement reconcile-regions`, each opened on a data directory."""

from __future__ import annotations

import argparse
from pathlib import Path

from settlement.elsewhere.regional_clearing import SIDES, Side
from settlement.said import Said
from settlement.serve import regional_asking
from settlement.serve import regional_ending as ending
from settlement.serve import regional_reconciling as reconciling
from settlement.serve.regional_books import RegionalBooks, run
from settlement.serve.regional_files import keep_as_it_came
from settlement.who import Who


def worklist(data_dir: Path) -> Said:
    """What differs and nobody has ended."""
    return run(data_dir, reconciling.worklist)


def compare(parsed: argparse.Namespace) -> Said:
    """Compare the lists of a day."""
    files: dict[str, bytes] = {}
    for path in parsed.lists:
        try:
            files[path.name] = path.read_bytes()
        except OSError as exc:
            return Said(1, f"{path} 读不出 | cannot be read: {exc.strerror}")

    async def act(books: RegionalBooks) -> Said:
        told = reconciling.read_lists(books, parsed.day, files)
        if isinstance(told, Said):
            return told
        said = await reconciling.reconcile(books, told, _who(parsed))
        return await keep_as_it_came(books, said, files, _who(parsed))

    return run(parsed.data_dir, act)


def ask(parsed: argparse.Namespace) -> Said:
    """Compare a day with what regions tell over the line."""
    hub_file: tuple[str, bytes] | None = None
    if parsed.hub is not None:
        try:
            hub_file = parsed.hub.name, parsed.hub.read_bytes()
        except OSError as exc:
            return Said(1, f"{parsed.hub} 读不出 | cannot be read: {exc.strerror}")
    wanted = regional_asking.Wanted(day=parsed.day, region=parsed.region, hub_file=hub_file)
    return regional_asking.ask(parsed.data_dir, wanted, _who(parsed))


def write(parsed: argparse.Namespace) -> Said:
    """Write our list of a day."""
    return run(
        parsed.data_dir,
        lambda books: reconciling.write_list(
            books, parsed.region, _side(parsed), parsed.day, parsed.out
        ),
    )


def end(parsed: argparse.Namespace) -> Said:
    """End differences of a day: propose it, confirm it, or send it back."""
    act: ending.EndingAct = "propose"
    if parsed.confirm or parsed.send_back:
        act = "confirm" if parsed.confirm else "send-back"
    return run(
        parsed.data_dir,
        lambda books: ending.end(
            books, parsed.region, _side(parsed), parsed.day, act, parsed.end, _who(parsed)
        ),
    )


def _side(parsed: argparse.Namespace) -> Side:
    return SIDES[parsed.side]


def _who(parsed: argparse.Namespace) -> Who:
    return Who(actor=parsed.actor.strip(), reason=parsed.reason.strip())
