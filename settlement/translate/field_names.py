"""What the fields of a filing that was kept as it was sent are called, for whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from protocol.nhsa.dictionary import LISTS
from protocol.nhsa.facts import TABLES
from settlement.elsewhere.off_site import KIND_ZH, OffSiteKind
from settlement.elsewhere.places import place_zh
from settlement.people.filing import FilingKind

_SENT_AS = {
    FilingKind.TRANSFER: "2501", FilingKind.CHRONIC: "2503", FilingKind.CHOSEN: "2505",
}  # fmt: skip
_HIDDEN = frozenset({
    "tel", "addr", "agnter_name", "agnter_cert_type", "agnter_certno", "agnter_tel", "agnter_addr",
    "agnter_rlts", "memo",
})  # fmt: skip
"""What says more of a person, or of who came for them, than whoever decides needs."""


class NamedField(NamedTuple):
    """A field with its name, its value, and the value's name in a code list."""

    name: str
    name_zh: str
    value: str
    value_zh: str


def named_fields(kind: FilingKind, kept: Mapping[str, object]) -> list[NamedField]:
    """In the order in which they were sent; what is personal beyond the filing is left out."""
    if kind is FilingKind.OFF_SITE:
        return _off_site(kept)
    table = TABLES.get(_SENT_AS.get(kind, ""))
    nodes = () if table is None else table.input.values()
    known = {field.name: field for node in nodes for field in node.fields}
    told = []
    for name, value in kept.items():
        if name in _HIDDEN:
            continue
        field, text = known.get(name), str(value)
        labels = LISTS[field.code_list].labels if field and field.code_list in LISTS else {}
        name_zh = name if field is None else field.name_zh
        told.append(NamedField(name, name_zh, text, labels.get(text, "")))
    return told


def _off_site(kept: Mapping[str, object]) -> list[NamedField]:
    """Of one that a person made themselves: it was no message, and its fields are ours."""
    told = []
    for name, name_zh in (("kind", "备案类型"), ("place", "就医地"), ("reason", "事由")):
        value = str(kept.get(name) or "")
        value_zh = ""
        if value and name == "kind":
            value_zh = KIND_ZH[OffSiteKind(value)]
        elif value and name == "place":
            value_zh = place_zh(value)
        if value:
            told.append(NamedField(name, name_zh, value, value_zh))
    return told
