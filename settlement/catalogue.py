"""The catalogue of drugs, services and materials (医保目录), as pricing reads it.

One immutable `Catalogue` holds every item of a region, each version with its dates of effect. A
change is a new `Catalogue`, swapped in whole. It knows nothing of files, tables or how an
institution names its own items.

Sized for 200,000 items in each gateway process: items are flat structs outside the garbage
collector, and values that repeat (dates, ceilings, ratios by scheme) are shared between them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from settlement.catalogue_pages import Walk, Walks

OPEN_END = date.max
"""`effective_to` of an item without an end date."""

_Shared = TypeVar("_Shared", bound=Hashable)


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """One version of a catalogue item (目录项目); both dates of effect are inclusive."""

    code: str
    """医保目录编码, the national code"""
    name: str
    list_type: str
    """目录类别: 101 western and Chinese medicine, 201 service, 301 material …"""
    item_class: str
    """费用等级: 01 甲, 02 乙, 03 丙"""
    charge_kind: str
    """收费项目类别"""
    self_pay_bp: int
    """先行自付比例; 10000 makes the item full self-pay whatever its class says"""
    self_pay_bp_by_scheme: Mapping[str, int] | None = None
    """ratios of schemes (险种) that differ from `self_pay_bp`"""
    ceiling_e6: Mapping[str, int] | None = None
    """定价上限 a unit by the institution's ceiling level; a level not named has no ceiling"""
    effective_from: date
    effective_to: date = OPEN_END


class Missing(StrEnum):
    """Why a code has no item on a date: the two cases are treated differently (DOMAIN 22)."""

    UNKNOWN = "unknown"
    NOT_IN_FORCE = "not_in_force"


class CatalogueError(ValueError):
    """The items do not make a catalogue: two versions of one code are in force together."""


class Catalogue:
    """Every version of every item, found by code and date."""

    __slots__ = ("_earlier", "_latest", "_walks")

    def __init__(self, items: Iterable[Item]) -> None:
        """Index `items`, in any order; raises CatalogueError where dates of a code overlap."""
        self._latest: dict[str, Item] = {}
        self._earlier: dict[str, tuple[Item, ...]] = {}
        self._walks: Walks | None = None
        sharing = _Sharing()
        for item in items:
            self._add(sharing.shared(item))

    def __len__(self) -> int:
        return len(self._latest)

    def __iter__(self) -> Iterator[Item]:
        """Iterate over the latest version of every item."""
        return iter(self._latest.values())

    def find(self, code: str, on: date) -> Item | None:
        """Return the version of `code` in force on a date; `why_missing` explains a None."""
        item = self._latest.get(code)
        if item is None:
            return None
        if item.effective_from <= on <= item.effective_to:
            return item
        for earlier in self._earlier.get(code, ()):
            if earlier.effective_from <= on <= earlier.effective_to:
                return earlier
        return None

    def versions(self, code: str) -> Iterator[Item]:
        """Every version of a code, the latest first."""
        if code in self._latest:
            yield self._latest[code]
            yield from self._earlier.get(code, ())

    def all_versions(self) -> Iterator[Item]:
        """Every version of every item, in the order in which the items were given."""
        return _versions(self._latest, self._earlier)

    def walk(self, enquiry: Hashable, count: Callable[[Item], int]) -> Walk:
        """A paged enquiry into every version of every item, begun anew or as it was left; `count`
        says how many rows it shows of an item (settlement/catalogue_pages.py)."""
        if self._walks is None:
            self._walks = Walks(self.all_versions())
        return self._walks.walk(enquiry, count)

    def version(self, code: str, effective_from: date) -> Item | None:
        """Return the version of `code` that begins on a date."""
        latest = self._latest.get(code)
        if latest is None or latest.effective_from == effective_from:
            return latest
        for earlier in self._earlier.get(code, ()):
            if earlier.effective_from == effective_from:
                return earlier
        return None

    def why_missing(self, code: str) -> Missing:
        """Say why `find` returned None for this code."""
        return Missing.NOT_IN_FORCE if code in self._latest else Missing.UNKNOWN

    def _add(self, item: Item) -> None:
        latest = self._latest.get(item.code)
        if latest is None:
            self._latest[item.code] = item
            return
        versions = sorted(
            (*self._earlier.get(item.code, ()), latest, item),
            key=lambda version: version.effective_from,
            reverse=True,
        )
        for later, earlier in pairwise(versions):
            if earlier.effective_to >= later.effective_from:
                raise CatalogueError(f"目录编码 {item.code} 的两个版本有效期重叠")
        self._latest[item.code] = versions[0]
        self._earlier[item.code] = tuple(versions[1:])


def _versions(
    latest: Mapping[str, Item], earlier: Mapping[str, tuple[Item, ...]]
) -> Iterator[Item]:
    """Apart from the catalogue: what it keeps of an enquiry must not hold on to itself."""
    for code, item in latest.items():
        yield item
        yield from earlier.get(code, ())


class CatalogueMaker:
    """Makes a catalogue piece by piece, so that a process can do other things in between.

    Versions that an earlier catalogue has the same are the same objects: while both are in memory
    they cost little more than one, and to let go of the old one takes no time.
    """

    def __init__(self, earlier: Catalogue | None = None) -> None:
        self.catalogue = Catalogue(())
        self._earlier = earlier or self.catalogue
        self._sharing = _Sharing()

    def add(self, items: Iterable[Item]) -> None:
        """Add a piece; raises CatalogueError where dates of a code overlap."""
        for item in items:
            known = self._earlier.version(item.code, item.effective_from)
            self.catalogue._add(known if known and known == item else self._sharing.shared(item))


class _Sharing:
    """Rebuilds items so that equal dates, codes and tables are one object in memory."""

    __slots__ = ("_seen", "_tables")

    def __init__(self) -> None:
        self._seen: dict[Hashable, Hashable] = {}
        self._tables: dict[Hashable, Mapping[str, int]] = {}

    def shared(self, item: Item) -> Item:
        """The item, of shared values."""
        share, share_table = self._share, self._share_table
        return replace(
            item,
            list_type=share(item.list_type),
            item_class=share(item.item_class),
            charge_kind=share(item.charge_kind),
            self_pay_bp=share(item.self_pay_bp),
            self_pay_bp_by_scheme=share_table(item.self_pay_bp_by_scheme),
            ceiling_e6=share_table(item.ceiling_e6),
            effective_from=share(item.effective_from),
            effective_to=share(item.effective_to),
        )

    def _share(self, value: _Shared) -> _Shared:
        return self._seen.setdefault((type(value), value), value)  # type: ignore[return-value]

    def _share_table(self, table: Mapping[str, int] | None) -> Mapping[str, int] | None:
        if not table:
            return None
        return self._tables.setdefault(tuple(sorted(table.items())), table)
