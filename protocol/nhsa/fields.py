"""The field check of a decoded request: what the decoder's types cannot say, compiled per profile.

The decoder has already checked types, lengths and presence of what every edition requires. Left
are: fields that a profile requires, shortened texts, code lists, date shapes, decimals and signs,
serials that repeat, and the number of lines. The compiled check answers yes or no; on no,
`explain` reads the message again and says why.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from operator import attrgetter

from msgspec import Struct

from protocol.nhsa.amounts import memo_of
from protocol.nhsa.codes import CREDENTIAL_CARD
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.errors import WireError, WireErrorCode
from protocol.nhsa.explain import SERIAL_LENGTH_MAX, SERIAL_NAMES, TIME_PARSERS, explain
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Rows
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.profile import BASELINE, ENVELOPE_NODE, STRICT, Profile, rule_of
from protocol.nhsa.stored import seen, tree_of

__all__ = ["BASELINE", "LINES_MAX", "STRICT", "Profile", "check"]

LINES_MAX = 1_000
"""Lines of one message where the caller sets no limit of its own."""

_GOOD_CODES_MAX = 4_096
"""Combinations of codes remembered per node; real traffic has a few dozen."""


Numbers = dict[tuple[str, str], list[int]]
"""The numbers of a checked request, by node and field: a whole number at the field's scale for
each row, 0 where absent. They are read once, here; whoever needs one takes it from these."""


def check(request: Envelope, profile: Profile, *, lines_max: int = LINES_MAX) -> Numbers:
    """The request's numbers; raises `WireError` for the first field that does not meet the
    profile."""
    numbers = passes(request, profile, lines_max=lines_max)
    if numbers is not None:
        return numbers
    error = explain(request.infno, tree_of(request), profile, lines_max=lines_max)
    raise error or WireError(WireErrorCode.FIELD_FORMAT, "input")


def passes(request: Envelope, profile: Profile, *, lines_max: int) -> Numbers | None:
    """The fast verdict: the numbers of a request that meets the profile, None for another."""
    plan = _plan(request.infno, profile)
    numbers: Numbers = {}
    try:
        if not plan.envelope.passes((request,), numbers):
            return None
        body = request.input  # type: ignore[attr-defined]  # every request type adds its own
        if isinstance(request, Stored):
            body = seen(request)
        for rule in plan.heads:
            if not rule.passes((getattr(body, rule.node),), numbers):
                return None
        for rule, lines_min in plan.lines:
            rows = rows_of(rule.of_input(body))
            if not lines_min <= len(rows) <= lines_max:
                return None
            if not _lines_pass(rule, rows, lines_max, numbers):
                return None
        return numbers
    except (ValueError, ArithmeticError):
        return None


def rows_of(node: tuple[Row, ...] | Row) -> tuple[Row, ...]:
    """The rows of a node that may also come as a single object."""
    return node if isinstance(node, tuple) else (node,)


Row = Struct
Getter = Callable[[Row], tuple[object, ...]]


class _NodeRule:
    """The compiled check of one node. It looks at columns, not rows: the values of all rows that
    must be codes, dates or numbers are taken out and tested together, without a Python loop."""

    def __init__(
        self, infno: str, node: str, fields: tuple[Field, ...], profile: Profile, *,
        inside: str | None = None,
    ) -> None:  # fmt: skip
        self.node = node
        self.of_input = attrgetter(node if inside is None else f"{inside}.{node}")
        self.inner: _NodeRule | None = None
        rules = [(field, rule_of(profile, infno, node, field)) for field in fields]
        names = {field.name for field in fields}
        needed = [f for f, rule in rules if rule.required and f.need is not Need.ALWAYS]
        self._needed = _getter([f.attribute for f in needed if not f.is_number])
        self._needed_numbers = _getter([f.attribute for f in needed if f.is_number])
        shortened = [(f, rule) for f, rule in rules if rule.length_max != f.length_max]
        self._shortened = _getter([f.attribute for f, _ in shortened])
        self._length_max = [rule.length_max or 0 for _, rule in shortened]
        coded = [(f.attribute, rule.codes) for f, rule in rules if rule.codes is not None]
        self._codes = _getter([name for name, _ in coded])
        self._code_lists = [codes for _, codes in coded]
        self._codes_good: set[tuple[object, ...]] = set()
        self._times = [
            (attrgetter(f.attribute), TIME_PARSERS[f.kind])
            for f in fields
            if f.kind in TIME_PARSERS
        ]
        self._numbers = [
            (
                (node, f.name),
                attrgetter(f.attribute),
                memo_of(*f.digits).__getitem__,
                -(10 ** f.digits[0]) if f.kind is Kind.SIGNED else 0,
            )
            for f in fields
            if f.is_number
        ]
        self._card = {"card_sn", "mdtrt_cert_type"} <= names
        serial = next((name for name in SERIAL_NAMES if name in names), None)
        self._serial = None if serial is None else attrgetter(serial)

    def passes(self, rows: tuple[Row, ...], numbers: Numbers) -> bool:
        """All rows; their numbers are added to `numbers`. Raises ValueError or ArithmeticError
        where a value does not parse."""
        if self._codes is not None and not all(map(self._learn, set(map(self._codes, rows)))):
            return False
        for get, parse in self._times:
            for text in set(map(get, rows)):
                if text:
                    parse(text)
        for place, get, integer_of, least in self._numbers:
            read = numbers[place] = [integer_of(str(get(row))) for row in rows]
            if read and min(read) < least:
                return False
        if self._card and not all(map(_card_named, rows)):
            return False
        if self._needed is not None and not all(chain.from_iterable(map(self._needed, rows))):
            return False
        if self._needed_numbers is not None and None in chain.from_iterable(
            map(self._needed_numbers, rows)
        ):
            return False
        return self._shortened is None or all(map(self._short_enough, map(self._shortened, rows)))

    def serials_differ(self, rows: tuple[Row, ...]) -> bool:
        """No serial number twice, and none longer than a serial may be."""
        if self._serial is None or not rows:
            return True
        serials = set(map(str, map(self._serial, rows)))
        return len(serials) == len(rows) and max(map(len, serials)) <= SERIAL_LENGTH_MAX

    def _learn(self, codes: tuple[object, ...]) -> bool:
        """Is each code in its list? A good combination is remembered, so that the next is cheap."""
        if codes in self._codes_good:
            return True
        pairs = zip(codes, self._code_lists, strict=True)
        if not all(not code or code in allowed for code, allowed in pairs):
            return False
        if len(self._codes_good) < _GOOD_CODES_MAX:
            self._codes_good.add(codes)
        return True

    def _short_enough(self, texts: tuple[object, ...]) -> bool:
        pairs = zip(texts, self._length_max, strict=True)
        return all(not text or len(str(text)) <= length for text, length in pairs)


class _Plan(Struct, frozen=True, kw_only=True):
    envelope: _NodeRule
    heads: tuple[_NodeRule, ...]
    lines: tuple[tuple[_NodeRule, int], ...]
    """The repeated nodes and how many rows each must have at least."""


@lru_cache(maxsize=1_024)
def _plan(infno: str, profile: Profile) -> _Plan:
    heads, lines = [], []
    nodes = TABLES[infno].input
    for name, node in nodes.items():
        if node.inside is not None and nodes[node.inside].rows is not Rows.ONE:
            continue  # belongs to each row of the node around it
        rule = _NodeRule(infno, name, node.fields, profile, inside=node.inside)
        if node.rows is Rows.ONE:
            heads.append(rule)
            continue
        lines.append((rule, int(node.rows is Rows.SOME)))
        for inner_name, inner in nodes.items():
            if inner.inside == name:
                rule.inner = _NodeRule(infno, inner_name, inner.fields, profile)
    return _Plan(
        envelope=_NodeRule(infno, ENVELOPE_NODE, ENVELOPE_FIELDS, profile),
        heads=tuple(heads),
        lines=tuple(lines),
    )


def _lines_pass(
    rule: _NodeRule, rows: tuple[Row, ...], lines_max: int, numbers: Numbers
) -> bool:
    if not (rule.passes(rows, numbers) and rule.serials_differ(rows)):
        return False
    inner = rule.inner
    if inner is None:
        return True
    for nested in filter(None, map(attrgetter(inner.node), rows)):
        inner_rows = rows_of(nested)
        if len(inner_rows) > lines_max or not inner.passes(inner_rows, {}):
            return False
        if not all(inner.serials_differ((row,)) for row in inner_rows):
            return False
    return True


def _card_named(row: Row) -> bool:
    return row.mdtrt_cert_type != CREDENTIAL_CARD or bool(row.card_sn)  # type: ignore[attr-defined]


def _getter(names: list[str]) -> Getter | None:
    """The values of these fields as a tuple, in one call; None for no field."""
    if not names:
        return None
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda row: (get(row),)
