"""Mapping of an institution's own item codes to the catalogue (目录对照): 3301, 3302, and what
lines say against it (DOMAIN 22).

A mapping is a row with dates; nothing is edited. For each pair of codes the newest row holds: a
mapping with other dates replaces the one before, a withdrawal ends it. One own code has one
catalogue code at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from settlement.catalogue import Missing
from settlement.claim import UNMAPPED, ClaimLine
from settlement.clock import Moment
from settlement.commands import Asked, MapItems, UnmapItem
from settlement.decision import Answer, Decision
from settlement.policy.region import MappingCheck, UnmappedItem
from settlement.refusal import Refusal
from settlement.rows import MappingKind, MappingRow, MessageOutcome
from settlement.usecases import booking
from settlement.usecases.replay import replayed
from settlement.view import Effects, View
from settlement.world import World

NAMED_MAX = 3
"""How many lines a warning names."""


class Checked(Struct, frozen=True, gc=False):
    """Lines as they are to be priced, and what the sender should read."""

    lines: tuple[ClaimLine, ...]
    warning: str = ""


def map_items(command: MapItems, view: View, world: World, moment: Moment) -> Decision:
    """Own codes get catalogue codes (3301)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    new: list[MappingRow] = []
    for n, row in enumerate(command.rows):
        refused = _unfit(row, n, [*view.mappings.get(_key(row), ()), *new], world)
        if refused is not None:
            return Decision(refused)
        number = world.next_number(asked.lane, moment.business_day)
        new.append(replace(row, mapping_id=number, recorded_at=moment.at))
    unknown = [
        row.item_code for row in new if world.catalogue.find(row.item_code, row.begins_on) is None
    ]
    warning = f"目录编码{_named(unknown)}在开始日期不在医保目录内" if unknown else ""
    return Decision(Answer(output=None, warning=warning), _effects(asked, new))


def unmap_item(command: UnmapItem, view: View, world: World, moment: Moment) -> Decision:
    """A mapping ends (3302); lines that came before keep what they were priced by."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    rows = view.mappings.get((asked.institution.code, command.own_code), ())
    standing = [
        row
        for row in standing_of(rows)
        if (row.item_code, row.list_type) == (command.item_code, command.list_type)
    ]
    if not standing or command.institution_code != asked.institution.code:
        params: dict[str, str | int] = {"own": command.own_code, "item_code": command.item_code}
        return Decision(Refusal(code="MAPPING_UNKNOWN", field="own_code", params=params))
    number = world.next_number(asked.lane, moment.business_day)
    row = replace(
        standing[0], mapping_id=number, kind=MappingKind.WITHDRAWN, recorded_at=moment.at
    )
    return Decision(Answer(output=None), _effects(asked, [row]))


def check_lines(
    lines: tuple[ClaimLine, ...], asked: Asked, view: View, world: World
) -> Checked | Refusal:
    """Lines against the standing mappings, as the region wants it. Refunds follow the line that
    they take back, whatever was mapped since, and are not looked at."""
    profile = world.profile
    if not profile.reads_mappings:
        return Checked(lines)
    checked: list[ClaimLine] = []
    differing: list[str] = []
    for n, line in enumerate(lines):
        if line.quantity_e4 < 0:
            checked.append(line)
            continue
        mapped = _mapped_to(line, asked.institution.code, view)
        params: dict[str, str | int] = {
            "line_no": line.line_no, "own": line.institution_item_code,
            "item_code": line.item_code, "mapped": mapped or "",
        }  # fmt: skip
        if mapped is None and profile.unmapped_item is UnmappedItem.REFUSE:
            return Refusal(code="ITEM_UNMAPPED", field=f"lines[{n}].own_code", params=params)
        if mapped is None and profile.unmapped_item is UnmappedItem.FULL_SELF_PAY:
            line = replace(line, approval=UNMAPPED)
        if mapped not in (None, line.item_code):
            if profile.mapping_check is MappingCheck.REFUSE:
                return Refusal(code="MAPPING_DIFFERS", field=f"lines[{n}].item_code", params=params)
            if profile.mapping_check is MappingCheck.WARN:
                differing.append(line.line_no)
        checked.append(line)
    warning = f"明细{_named(differing)}的目录编码与目录对照不一致" if differing else ""
    return Checked(tuple(checked), warning)


def standing_of(rows: Iterable[MappingRow]) -> list[MappingRow]:
    """The mappings of one own code that stand."""
    newest: dict[tuple[str, str], MappingRow] = {}
    for row in sorted(rows, key=lambda row: (row.recorded_at, row.mapping_id)):
        newest[row.item_code, row.list_type] = row
    return [row for row in newest.values() if row.kind is MappingKind.MAPPED]


def _mapped_to(line: ClaimLine, institution: str, view: View) -> str | None:
    """The catalogue code of a line's own code on its day."""
    rows = view.mappings.get((institution, line.institution_item_code), ())
    for row in standing_of(rows):
        if row.begins_on <= line.occurred_on <= row.ends_on:
            return row.item_code
    return None


def _unfit(
    row: MappingRow, n: int, others: Sequence[MappingRow], world: World
) -> Refusal | None:
    """Dates in order, a code of a known form, and no other code on the same days."""
    params: dict[str, str | int] = {"own": row.own_code, "item_code": row.item_code}
    if row.begins_on > row.ends_on:
        return Refusal(code="MAPPING_DATES_WRONG", field=f"lines[{n}].ends_on", params=params)
    missing = world.catalogue.why_missing(row.item_code) is Missing.UNKNOWN
    if missing and world.profile.item_code.match(row.item_code) is None:
        return Refusal(code="ITEM_CODE_MALFORMED", field=f"lines[{n}].item_code", params=params)
    for other in standing_of(one for one in others if _key(one) == _key(row)):
        same = (other.item_code, other.list_type) == (row.item_code, row.list_type)
        if not same and _overlap(other, row):
            params["mapped"] = other.item_code
            return Refusal(code="MAPPING_OVERLAPS", field=f"lines[{n}].own_code", params=params)
    return None


def _overlap(one: MappingRow, other: MappingRow) -> bool:
    latest_start: date = max(one.begins_on, other.begins_on)
    return latest_start <= min(one.ends_on, other.ends_on)


def _key(row: MappingRow) -> tuple[str, str]:
    return row.institution, row.own_code


def _named(texts: Sequence[str]) -> str:
    more = f"等{len(texts)}项" if len(texts) > NAMED_MAX else ""
    return "、".join(texts[:NAMED_MAX]) + more


def _effects(asked: Asked, rows: Sequence[MappingRow]) -> Effects:
    first = rows[0].mapping_id
    return Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.DONE, first),),
        mappings=tuple(rows),
    )
