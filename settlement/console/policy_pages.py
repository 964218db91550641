"""政策与参数, 医保目录: which versions are in force from when to when and who put them there; what
two versions of a file say differently; and the catalogue by code or name, with periods and limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from settlement.catalogue import Item
from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.setting_words import policy_words, setting_words, value_words
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.policy.history import (
    Changed,
    FileVersion,
    Loaded,
    changes,
    versions_over_time,
)
from settlement.policy.loader import settings_of, shipped_files
from settlement.policy.model import Policy
from settlement.storage import console_reading
from settlement.storage.policies import loaded_files

TITLE = Words("政策与参数", "Policies")
DIFFERENT = Words("版本比较", "Two versions")
CATALOGUE = Words("医保目录", "Catalogue")
MISSING = Words("没有这个文件或版本", "There is no such file or version")
REGION_FORMAT = "region-profile/1"
TEXT_MAX = 64
SHOWN_MAX = 100


class Difference(Struct, frozen=True, kw_only=True):
    """A setting that changed, in words."""

    path: str
    name: Words
    before: list[Words]
    after: list[Words]
    is_list: bool
    """then what came and what went is told as well"""

    @property
    def came(self) -> list[Words]:
        """What is in the later version alone."""
        return [one for one in self.after if one not in self.before]

    @property
    def went(self) -> list[Words]:
        """What is in the earlier version alone."""
        return [one for one in self.before if one not in self.after]


class InForce(Struct, frozen=True, kw_only=True):
    """A policy with the version of the file that it stands in."""

    policy: Policy
    version: FileVersion | None


async def policy(visit: Visit) -> Answer:
    """The region's profile with its versions, the policies, and what was loaded."""
    history = await _history(visit)
    policies = await visit.desk.policies()
    told = await asyncio.to_thread(_by_name, history)
    shown = [
        InForce(policy=one, version=told.get((one.name, str(one.effective_from))))
        for one in policies.in_force()
    ]
    profile = told.get((visit.desk.region, REGION_FORMAT))
    loads = sorted(
        (one for kept in history.values() for one in kept if one.since is not None),
        key=lambda one: (str(one.since), one.number), reverse=True,
    )  # fmt: skip
    return visit.page(
        "policy.html", TITLE, profile=profile,
        profile_versions=[] if profile is None else history[profile.name],
        own=[one for one in shown if one.policy.region == visit.desk.region],
        others=[one for one in shown if one.policy.region != visit.desk.region],
        loads=loads[:SHOWN_MAX], load_count=len(loads), today=local_time(visit.at).date(),
        open_end=date.max,
    )  # fmt: skip


async def difference(visit: Visit) -> Answer:
    """What two versions of a file say differently; by default the newest and the one before."""
    query = visit.asked.query
    kept = (await _history(visit)).get(query.get("name", ""), [])
    before, after = (_numbered(kept, query.get(end, "")) for end in ("before", "after"))
    if not kept or (before is None and query.get("before")) or (not after and query.get("after")):
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    later = after or kept[-1]
    earlier = before or (kept[-2] if len(kept) > 1 else kept[-1])
    told, is_profile = await asyncio.to_thread(_differences, earlier, later)
    return visit.page(
        "policy_difference.html", DIFFERENT, kept=kept, earlier=earlier, later=later,
        differences=told, is_profile=is_profile,
    )  # fmt: skip


async def catalogue(visit: Visit) -> Answer:
    """By the beginning of a code or a part of a name."""
    query = visit.asked.query
    text = query.get("text", "").strip()[:TEXT_MAX]
    on = _day(query.get("on", ""))
    after_code, after_day = query.get("after", "")[:TEXT_MAX], _day(query.get("after_day", ""))
    after = (after_code, after_day) if after_day else console_reading.BEFORE_ALL
    rows: list[Item] = []
    if text:
        async with visit.desk.reading() as connection:
            rows = await console_reading.catalogue_page(
                connection, text, after=after, on=on, limit=SHOWN_MAX + 1
            )
    return visit.page(
        "catalogue.html", CATALOGUE, text=text, on=on, rows=rows[:SHOWN_MAX],
        more=rows[SHOWN_MAX - 1] if len(rows) > SHOWN_MAX else None, shown_max=SHOWN_MAX,
        open_end=date.max, today=local_time(visit.at).date(),
    )  # fmt: skip


async def _history(visit: Visit) -> dict[str, list[FileVersion]]:
    async with visit.desk.reading() as connection:
        files = await loaded_files(connection)
    loaded = [
        Loaded(
            name=one.name, content=one.content, loaded_at=one.loaded_at, actor=one.actor,
            reason=one.reason,
        )
        for one in files
    ]  # fmt: skip
    return versions_over_time(shipped_files(), loaded)


def _by_name(history: Mapping[str, list[FileVersion]]) -> dict[tuple[str, str], FileVersion]:
    """The version in force of each file: by a policy's name and first day, or by a region's code
    and the format of profiles."""
    found = {}
    for name, kept in history.items():
        told = settings_of(name, kept[-1].content)
        if told.get("format") == REGION_FORMAT:
            found[str(told["code"]), REGION_FORMAT] = kept[-1]
        else:
            found[str(told.get("name")), str(told.get("effective_from"))] = kept[-1]
    return found


def _differences(earlier: FileVersion, later: FileVersion) -> tuple[list[Difference], bool]:
    one, other = (settings_of(each.name, each.content) for each in (earlier, later))
    is_profile = other.get("format") == REGION_FORMAT
    return [_told(change, is_profile=is_profile) for change in changes(one, other)], is_profile


def _told(change: Changed, *, is_profile: bool) -> Difference:
    name = setting_words(change.path) if is_profile else policy_words(change.path)
    return Difference(
        path=".".join(change.path), name=name, before=value_words(change.path, change.before),
        after=value_words(change.path, change.after),
        is_list=any(isinstance(one, list | tuple) for one in (change.before, change.after)),
    )  # fmt: skip


def _numbered(kept: list[FileVersion], text: str) -> FileVersion | None:
    return next((one for one in kept if str(one.number) == text), None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
