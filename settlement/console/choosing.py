"""Institutions that are chosen, not typed: what a list offers while somebody types, by code or by
any part of a name, and which institution a field means. Whoever sees one institution is offered
that one alone.

It is looked up among the names that the console remembers, so that a key costs no statement.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from settlement.console.asking import Answer
from settlement.console.visits import Visit

FIELD = "institution"
"""What such fields are called, in every form."""
OFFERED_MAX = 20
TEXT_MAX = 64


async def choices(visit: Visit) -> Answer:
    """Codes and names for what was typed so far, as JSON: those whose code begins so, then those
    whose name has it. At most OFFERED_MAX; whoever does not find it types on."""
    text = visit.asked.query.get("text", "").strip()[:TEXT_MAX]
    names = await _seen(visit)
    return Answer(
        media="application/json",
        body=msgspec.json.encode([[code, names[code]] for code in offered(names, text)]),
    )


async def with_codes(visit: Visit) -> Visit:
    """The visit with the code where a field has an institution's whole name; what is no name of
    one alone stays as it is, for the page to say what is wrong with it."""
    asked = visit.asked
    if not (asked.query.get(FIELD, "").strip() or asked.form.get(FIELD, "").strip()):
        return visit
    names = await _seen(visit)
    return replace(
        visit, asked=replace(asked, query=_coded(asked.query, names),
                             form=_coded(asked.form, names)),
    )  # fmt: skip


def offered(names: Mapping[str, str], text: str) -> list[str]:
    """Codes to offer for a text, in order; nothing for no text."""
    if not text:
        return []
    upper = text.upper()
    begins = sorted(code for code in names if code.startswith(upper))
    if len(begins) >= OFFERED_MAX:
        return begins[:OFFERED_MAX]
    rest = sorted(
        (code for code, name in names.items() if text in name and not code.startswith(upper)),
        key=lambda code: (not names[code].startswith(text), len(names[code]), code),
    )
    return [*begins, *rest][:OFFERED_MAX]


async def _seen(visit: Visit) -> Mapping[str, str]:
    """The institutions that the visitor may see, with their names."""
    names = await visit.desk.institution_names()
    if visit.scope is None:
        return names
    own = visit.scope
    return {own: names[own]} if own in names else {}


def _coded(fields: Mapping[str, str], names: Mapping[str, str]) -> Mapping[str, str]:
    told = fields.get(FIELD, "").strip()
    if not told or told in names:
        return fields
    called = [code for code, name in names.items() if name == told]
    return {**fields, FIELD: called[0]} if len(called) == 1 else fields
