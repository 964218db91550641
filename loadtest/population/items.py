"""The catalogue of the demonstration region: drugs for the most part, some services and materials.

Codes sort by ordinal, so that the first items of the catalogue are as mixed as all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from msgspec import Struct

from loadtest.population.draws import Draws
from settlement.catalogue import Item

EFFECTIVE_FROM = date(2024, 1, 1)
_FEN_E6 = 10_000
_CEILING_PER_THOUSAND = 200
_CEILING_PERCENT = {"1": 80, "2": 90, "3": 100}
"""What an item may cost at each price level, of its demonstration price."""


class _Sort(Struct, frozen=True, kw_only=True):
    """One sort of item: how many of a thousand and those before, its codes, its price in fen."""

    below: int
    list_type: str
    charge_kind: str
    title: str
    price_fen: tuple[int, int]


_SORTS = (
    _Sort(below=560, list_type="101", charge_kind="09", title="西药片", price_fen=(300, 4800)),
    _Sort(below=600, list_type="101", charge_kind="09", title="注射液", price_fen=(5000, 98000)),
    _Sort(below=780, list_type="101", charge_kind="11", title="中成药", price_fen=(500, 5900)),
    _Sort(below=840, list_type="102", charge_kind="10", title="中药饮片", price_fen=(3, 90)),
    _Sort(below=870, list_type="201", charge_kind="02", title="诊察费", price_fen=(400, 4000)),
    _Sort(below=900, list_type="201", charge_kind="04", title="化验", price_fen=(500, 12000)),
    _Sort(below=930, list_type="201", charge_kind="03", title="检查", price_fen=(2000, 45000)),
    _Sort(below=960, list_type="201", charge_kind="05", title="治疗", price_fen=(800, 20000)),
    _Sort(below=1000, list_type="301", charge_kind="08", title="医用材料", price_fen=(100, 30000)),
)
_PART_SELF_PAY_BP = (500, 1000, 1500, 2000)


class DemoItem(Struct, frozen=True, kw_only=True, gc=False):
    """A catalogue item with what it costs in the demonstration, in millionths of a yuan."""

    item: Item
    price_e6: int


def make_items(count: int, *, seed: int, first: int = 1) -> Iterator[DemoItem]:
    """So many items, from the ordinal `first` on."""
    for ordinal in range(first, first + count):
        yield make_item(ordinal, seed=seed)


def make_item(ordinal: int, *, seed: int) -> DemoItem:
    """The item with this ordinal, from 1 on."""
    draws = Draws(seed, "item", ordinal)
    place = draws.below(1000)
    sort = next(sort for sort in _SORTS if place < sort.below)
    item_class, self_pay_bp = _class(draws)
    price_e6 = _price(draws, sort)
    item = Item(
        code=f"X{ordinal:06d}TEST{sort.list_type}{sort.charge_kind}",
        name=f"测试{sort.title}{ordinal:05d}",
        list_type=sort.list_type,
        item_class=item_class,
        charge_kind=sort.charge_kind,
        self_pay_bp=self_pay_bp,
        ceiling_e6=_ceilings(draws, item_class, price_e6),
        effective_from=EFFECTIVE_FROM,
    )
    return DemoItem(item=item, price_e6=price_e6)


def _class(draws: Draws) -> tuple[str, int]:
    """费用等级 and 先行自付比例: half are 甲, two in five 乙, the rest 丙, paid by oneself."""
    place = draws.below(10)
    if place < 5:
        return "01", 0
    if place < 9:
        return "02", _PART_SELF_PAY_BP[draws.below(len(_PART_SELF_PAY_BP))]
    return "03", 10_000


def _price(draws: Draws, sort: _Sort) -> int:
    """Whole fen, except herbs, which are sold by the gram at hundredths of a fen."""
    low, high = sort.price_fen
    drawn_fen = low + draws.below(high - low)
    part_e6 = draws.below(100) * 100 if sort.list_type == "102" else 0
    return drawn_fen * _FEN_E6 + part_e6


def _ceilings(draws: Draws, item_class: str, price_e6: int) -> Mapping[str, int] | None:
    if item_class == "03" or not draws.happens(_CEILING_PER_THOUSAND):
        return None
    return {level: price_e6 * percent // 100 for level, percent in _CEILING_PERCENT.items()}
