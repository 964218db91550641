"""Any valid message of a transaction, made from the field facts. Not a test file.

The pseudo-random source is the caller's, so a failure is repeated from its seed.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Node, Rows

_LETTERS = "abcXYZ019 -_/\"\\\n测试医保𠮷é"
_ROWS_MAX = 3


def message(infno: str, random: Random) -> dict[str, Any]:
    """A valid message: any text within its length, any code of a list, any number at its scale."""
    body = {
        name: _node(infno, name, node, random)
        for name, node in TABLES[infno].input.items()
        if node.inside is None and (node.rows is not Rows.ANY or random.random() < 0.8)
    }
    return {**row(ENVELOPE_FIELDS, random), "infno": infno, "input": body}


def row(fields: tuple[Field, ...], random: Random) -> dict[str, Any]:
    """One row of a node; optional fields are there, absent, null or empty."""
    made: dict[str, Any] = {}
    for field in fields:
        if field.kind is Kind.NODE:
            continue
        if field.need is Need.ALWAYS or random.random() < 0.6:
            made[field.name] = value(field, random)
        elif random.random() < 0.5:
            made[field.name] = random.choice([None, ""])
    if made.get("mdtrt_cert_type") == "03" and any(field.name == "card_sn" for field in fields):
        made["card_sn"] = "C1"
    return made


def value(field: Field, random: Random) -> Any:
    """A valid value of a field."""
    if field.code_list is not None:
        return random.choice(sorted(CODE_LISTS[field.code_list]))
    match field.kind:
        case Kind.TEXT:
            return text(field.length_max or 0, random)
        case Kind.SERIAL:
            serial = random.randrange(10 ** random.randint(1, 30))
            return random.choice([serial, str(serial)])
        case Kind.NUMBER | Kind.SIGNED:
            return number(field, random)
        case Kind.DATETIME:
            return f"{_date(random)} {random.randrange(24):02d}:{random.randrange(60):02d}:59"
        case Kind.DATE:
            return _date(random)
        case Kind.MOMENT:
            return random.choice([_date(random), f"{_date(random)} 23:59:59"])
        case Kind.BINARY:
            return "UEsFBg=="
        case Kind.BYTES:
            return random.choice(["UEsFBg==", [80, 75, -128, 255]])
        case Kind.BOOLEAN:
            return random.random() < 0.5
        case Kind.ANY:
            return random.choice(["text", {"a": [1, {"b": None}]}, [True], 7])
    raise AssertionError(f"no value for {field}")


def text(length_max: int, random: Random) -> str:
    """A text of at least one character, often as long as may be."""
    length = random.choice([1, length_max, random.randint(1, length_max)])
    return "".join(random.choices(_LETTERS, k=length))


def number(field: Field, random: Random) -> Any:
    """A number at the field's scale or a coarser one, as text or as a JSON number."""
    digits, places = field.digits
    signs = [1, -1] if field.kind is Kind.SIGNED else [1]
    size = random.choice([0, 1, 10**digits - 1, random.randrange(10 ** random.randint(1, digits))])
    exact = Decimal(size * random.choice(signs)).scaleb(-places)
    spelt = random.choice([f"{exact:f}", f"{exact.normalize():E}", f"{exact:f}"])
    return spelt if random.random() < 0.5 or abs(size) > 10**14 else float(exact)


def _node(infno: str, name: str, node: Node, random: Random) -> Any:
    if node.rows is Rows.ONE:
        head = row(node.fields, random)
        for inner_name, inner in TABLES[infno].input.items():
            if inner.inside == name:
                head[inner_name] = _node(infno, inner_name, inner, random)
        return head
    rows = []
    for index in range(random.randint(int(node.rows is Rows.SOME), _ROWS_MAX)):
        made = row(node.fields, random)
        for serial in {"feedetl_sn", "feedetlSn"} & made.keys():
            made[serial] = random.choice([index, str(index)])
        for inner_name, inner in TABLES[infno].input.items():
            if inner.inside == name and random.random() < 0.5:
                made[inner_name] = [{**row(inner.fields, random), "feedetl_sn": index}]
        rows.append(made)
    return rows[0] if node.lone and len(rows) == 1 and random.random() < 0.5 else rows


def _date(random: Random) -> str:
    return f"{random.randint(1900, 2099)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
