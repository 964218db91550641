"""`settlement reconcile-regions --day D`: what other regions and the hub say of a day, asked over
the line.

Who treated asks who insures, for that is the way of the wire: so what others owe us is compared
here, and what we owe them is compared by them. A region that does not tell is named, and holds up
no other.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import date
from pathlib import Path

from msgspec import Struct

from settlement.clock import system_clock
from settlement.region.hub import HubLine
from settlement.region.hub_config import hub_file, read_hub
from settlement.said import UNUSABLE, Said
from settlement.serve.hub_keys import UNUSABLE_FOR
from settlement.serve.hub_office import HubOffice
from settlement.serve.regional_books import RegionalBooks, opened
from settlement.serve.regional_files import keep_as_it_came
from settlement.serve.regional_lists import ask_both, hub_is_known, unasked_hub
from settlement.serve.regional_reconciling import HubSays, Told, read_hub_list, reconcile
from settlement.storage.keyfile import key_file, load_keyring
from settlement.who import Who

AT_A_TIME = 8
"""Regions that are asked at the same time."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A day, and whom to ask about it."""

    day: date
    region: str | None = None
    """without one, all"""
    hub_file: tuple[str, bytes] | None = None
    """name and content of the hub's list of the day with that region"""


def ask(data_dir: Path, wanted: Wanted, who: Who) -> Said:
    """Ask, and compare the day."""
    try:
        return asyncio.run(_asked(data_dir, wanted, who))
    except UNUSABLE_FOR as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _asked(data_dir: Path, wanted: Wanted, who: Who) -> Said:
    path = hub_file(data_dir, os.environ)
    settings = read_hub(path)
    if settings is None:
        return Said(
            UNUSABLE, f"settlement: there is no {path}: give the other region's list by --lists"
        )
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    async with opened(data_dir) as room:
        office = await HubOffice.open(
            settings, dsn=room.owner_dsn, keyring=keyring, clock=system_clock
        )
        try:
            return await compare_over_line(room.books, office.line, wanted, who)
        finally:
            await office.stop()


async def compare_over_line(
    books: RegionalBooks, line: HubLine, wanted: Wanted, who: Who
) -> Said:
    """Ask, then compare with whoever told. Status 1 where somebody did not."""
    region = wanted.region
    if region is not None and region not in books.counterparts:
        return Said(1, f"{region} 未登记为对方统筹区 | it is no counterpart")
    regions = [region] if region is not None else all_that_insure(books)
    if not regions:
        return Said(1, "没有登记对方统筹区 | no counterpart is registered")
    by_file: HubSays | None = None
    if wanted.hub_file is not None:
        rows = read_hub_list(books, region or "", wanted.day, *wanted.hub_file)
        if isinstance(rows, Said):
            return rows
        by_file = HubSays(rows=rows, asked=False)
    known = await hub_is_known(books)
    places = asyncio.Semaphore(AT_A_TIME)
    run_no = secrets.token_hex(8)

    async def told_by(one: str) -> Told | Said:
        async with places:
            return await ask_both(
                line, books, one, wanted.day, correlation=f"{run_no}-{one}",
                hub=by_file or unasked_hub(books, one, known=known),
            )  # fmt: skip

    lines, silent = [], []
    for one, told in zip(regions, await asyncio.gather(*map(told_by, regions)), strict=True):
        if isinstance(told, Said):
            silent.append(one)
            lines.append(told.text)
            continue
        said = await reconcile(books, told, who)
        if wanted.hub_file is not None:
            said = await keep_as_it_came(books, said, dict([wanted.hub_file]), who)
        lines += [said.text, _got(told)]
        silent += [one] if said.status else []
    if silent:
        lines.append(f"未能对账：{'、'.join(map(books.name_of, silent))} | not compared")
    return Said(1 if silent else 0, "\n".join(lines))


def all_that_insure(books: RegionalBooks) -> list[str]:
    """A province whose cities are registered is a party to clear with and insures nobody itself."""
    with_cities = {one[:2] for one in books.counterparts if one[2:] != "0000"}
    return sorted(
        one for one in books.counterparts if one[2:] != "0000" or one[:2] not in with_cities
    )


def _got(told: Told) -> str:
    return (
        f"  经平台取得对方清单：当日 {len(told.theirs)} 笔，前后各一日共 "
        f"{len(told.theirs_around)} 笔 | asked over the line"
    )
