"""Files of the catalogue (1301, 1302, …): which items are in which, and how an item is a row. Pure.

The catalogue is versioned as a whole and does not hold when a row was changed, so a file has all of
its list or, for who has the newest version already, nothing. No source prints the national columns:
these are those of `settlement import items`, and the version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from protocol.nhsa.amounts import price_json, ratio_json
from protocol.nhsa.textfile import text_of
from settlement.catalogue import OPEN_END, Item
from settlement.refusal import Refusal

COLUMNS = (
    "med_list_codg", "hilist_name", "list_type", "chrgitm_lv", "med_chrgitm_type", "selfpay_prop",
    "scheme_props", "pric_uplmt_amt", "begndate", "enddate", "ver",
)  # fmt: skip

LIST_TYPE_OF_FILE: Mapping[str, str] = {
    "1301": "101",
    "1302": "102",
    "1303": "103",
    "1305": "201",
    "1306": "301",
    "1306A": "301",
    "1320": "106",
}
"""infno to list_type (目录类别). 104 is asked for page by page (1304); 105 其他 is in no file."""

PIECE = 250
"""Items looked at in one go: two or three milliseconds where all of them are rows."""

_VERSION = re.compile(r"v(\d{1,18})", re.ASCII)
_NOTHING_YET = 0


def version_text(version: int) -> str:
    """A version of the catalogue as institutions know it: 7 is v0007."""
    return f"v{version:04d}"


def file_name(infno: str, version: int) -> str:
    """What a file is called, without its ending."""
    return f"{infno}_{version_text(version)}"


def has_newest(said: str, version: int) -> bool | Refusal:
    """Whether an institution that has a version of a list needs nothing. Who has a version that is
    none, or that is still to come, is told so: its list may be another platform's."""
    told = _VERSION.fullmatch(said)
    if told is None or int(told[1]) > version:
        return Refusal(
            code="CATALOGUE_VERSION_UNKNOWN", field="ver",
            params={"value": said, "version": version_text(version)},
        )  # fmt: skip
    return int(told[1]) == version != _NOTHING_YET


def pieces(items: Iterable[Item], list_type: str, version: int) -> Iterator[tuple[str, int]]:
    """The text of a file, piece by piece, with the number of rows in each; some have none."""
    told = version_text(version)
    left = iter(items)
    while some := list(islice(left, PIECE)):
        rows = [_row(item, told) for item in some if item.list_type == list_type]
        yield text_of(rows), len(rows)


def _row(item: Item, version: str) -> tuple[str, ...]:
    return (
        item.code,
        item.name,
        item.list_type,
        item.item_class,
        item.charge_kind,
        ratio_json(item.self_pay_bp),
        _table({scheme: ratio_json(bp) for scheme, bp in _sorted(item.self_pay_bp_by_scheme)}),
        _table({level: price_json(e6) for level, e6 in _sorted(item.ceiling_e6)}),
        item.effective_from.isoformat(),
        "" if item.effective_to == OPEN_END else item.effective_to.isoformat(),
        version,
    )


def _sorted(table: Mapping[str, int] | None) -> list[tuple[str, int]]:
    return sorted((table or {}).items())


def _table(values: Mapping[str, str]) -> str:
    return ";".join([f"{key}:{value}" for key, value in values.items()])
