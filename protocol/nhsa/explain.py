"""Says what is wrong with a request that was not accepted: the first fault, in reading order.

This is the slow reading. It walks the plain JSON tree by the field tables and knows positions,
Chinese names and what was expected; the fast reading (structs and compiled checks) only says yes or
no. A test holds the two to the same verdict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal, DecimalException

from protocol.nhsa.amounts import scaled
from protocol.nhsa.codes import CREDENTIAL_CARD
from protocol.nhsa.errors import WireError, WireErrorCode
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Node, Rows
from protocol.nhsa.profile import ENVELOPE_NODE, FieldRule, Profile, rule_of
from protocol.nhsa.times import parse_date, parse_datetime, parse_moment

Tree = dict[str, object]

SERIAL_LENGTH_MAX = 30
SERIAL_NAMES = ("feedetl_sn", "feedetlSn")
"""What the serial number of a line is called; mobile payment speaks camelCase."""

TIME_PARSERS: dict[Kind, Callable[[str], date]] = {
    Kind.DATETIME: parse_datetime,
    Kind.DATE: parse_date,
    Kind.MOMENT: parse_moment,
}
"""Which shape each kind of time is read in; a datetime is a date to the type checker."""

_SERIAL_LIMIT = 10**SERIAL_LENGTH_MAX
FOUND_LENGTH_MAX = 40
CODES_SHOWN = 12

_PRIVATE = frozenset(
    {
        "psn_name",
        "certno",
        "mdtrt_cert_no",
        "card_sn",
        "opter_name",
        "dev_safe_info",
        "cainfo",
        "tel",
        "addr",
        "coner_name",
        "agnter_name",
        "agnter_certno",
        "agnter_tel",
        "agnter_addr",
        "ssn",
        "in",
        "idNo",
        "userName",
        "ecToken",
        "payToken",
        "payAuthNo",
        "ecAuthCode",
    }
)
_LONG_NUMBER = re.compile(r"\d{8,}[0-9Xx]?")


def explain(infno: str, tree: Tree, profile: Profile, *, lines_max: int) -> WireError | None:
    """The first fault of the message, or None when there is none."""
    return next(_faults(infno, tree, profile, lines_max), None)


def blank_numbers_dropped(infno: str, tree: Tree) -> Tree:
    """The tree without optional numbers sent as "": some senders write that for "no value"."""
    body = tree.get("input")
    if not isinstance(body, dict):
        return tree
    return {**tree, "input": {name: _without_blanks(infno, name, body[name]) for name in body}}


def _without_blanks(infno: str, name: str, value: object) -> object:
    node = TABLES[infno].input.get(name)
    if node is None:
        return value
    if isinstance(value, list):
        return [_row_without_blanks(node, row) for row in value]
    row = _row_without_blanks(node, value)
    if isinstance(row, dict) and node.rows is Rows.ONE:
        lists = [each for each, one in TABLES[infno].input.items() if one.inside == name]
        row |= {each: _without_blanks(infno, each, row[each]) for each in lists if each in row}
    return row


def _row_without_blanks(node: Node, row: object) -> object:
    if not isinstance(row, dict):
        return row
    blank = {
        field.name
        for field in node.fields
        if field.is_number and row.get(field.name) == ""
    }
    return {name: value for name, value in row.items() if name not in blank}


def _faults(infno: str, tree: Tree, profile: Profile, lines_max: int) -> Iterator[WireError]:
    yield from _row_faults(infno, ENVELOPE_NODE, ENVELOPE_FIELDS, tree, "", profile)
    body = tree.get("input")
    if body is None:
        yield WireError(WireErrorCode.FIELD_MISSING, "input", {"name_zh": "交易输入"})
        return
    if not isinstance(body, dict):
        yield _type_fault("input", "交易输入", "对象", body)
        return
    for name, node in TABLES[infno].input.items():
        if node.inside is None:
            yield from _node_faults(infno, name, node, body, "input", profile, lines_max)


def _node_faults(
    infno: str,
    name: str,
    node: Node,
    parent: Tree,
    parent_path: str,
    profile: Profile,
    lines_max: int,
) -> Iterator[WireError]:
    path, value = f"{parent_path}.{name}", parent.get(name)
    if node.rows is Rows.ONE:
        if value is None:
            yield WireError(WireErrorCode.FIELD_MISSING, path, {"expected": "对象"})
        elif not isinstance(value, dict):
            yield _type_fault(path, name, "对象", value)
        else:
            yield from _row_faults(infno, name, node.fields, value, f"{path}.", profile)
            for child_name, child in TABLES[infno].input.items():
                if child.inside == name:
                    yield from _node_faults(
                        infno, child_name, child, value, path, profile, lines_max
                    )
        return
    if value is None and node.rows is Rows.ANY and (node.inside or name not in parent):
        return
    if value is None:
        yield WireError(WireErrorCode.FIELD_MISSING, path, {"expected": "数组"})
        return
    if (node.inside or node.lone) and isinstance(value, dict):
        value = [value]
    if not isinstance(value, list | tuple):
        yield _type_fault(path, name, "数组", value)
        return
    yield from _count_faults(node, path, len(value), lines_max)
    for index, row in enumerate(value):
        if not isinstance(row, dict):
            yield _type_fault(f"{path}[{index}]", name, "对象", row)
            return
        at = f"{path}[{index}]"
        yield from _row_faults(infno, name, node.fields, row, f"{at}.", profile)
        for child_name, child in TABLES[infno].input.items():
            if child.inside == name:
                yield from _node_faults(infno, child_name, child, row, at, profile, lines_max)
    if node.inside is None or TABLES[infno].input[node.inside].rows is Rows.ONE:
        yield from _duplicate_faults(path, value)


def _count_faults(node: Node, path: str, count: int, lines_max: int) -> Iterator[WireError]:
    if count == 0 and node.rows is Rows.SOME:
        yield WireError(WireErrorCode.LINES_NONE, path, {"expected": "至少1行"})
    if count > lines_max:
        params = {"expected": f"最多{lines_max}行", "found": str(count)}
        yield WireError(WireErrorCode.LINES_TOO_MANY, path, params)


def _duplicate_faults(path: str, rows: Sequence[Tree]) -> Iterator[WireError]:
    seen: dict[str, int] = {}
    for index, row in enumerate(rows):
        name = next((each for each in SERIAL_NAMES if each in row), SERIAL_NAMES[0])
        serial = row.get(name)
        if serial is None:
            continue
        first = seen.setdefault(str(serial), index)
        if first != index:
            params = {
                "name_zh": "费用明细流水号",
                "expected": f"同一报文内不重复（与第{first + 1}行相同）",
                "found": _shown(name, serial),
            }
            yield WireError(WireErrorCode.DUPLICATE_LINE, f"{path}[{index}].{name}", params)


def _row_faults(
    infno: str,
    node_name: str,
    fields: tuple[Field, ...],
    row: Tree,
    prefix: str,
    profile: Profile,
) -> Iterator[WireError]:
    for field in fields:
        rule = rule_of(profile, infno, node_name, field)
        value = row.get(field.name)
        code = _fault_of(field, rule, value, row)
        if code is None:
            continue
        params = {"name_zh": field.name_zh, "expected": expected_zh(field, rule, code)}
        if code is not WireErrorCode.FIELD_MISSING:
            params["found"] = _shown(field.name, value)
        yield WireError(code, prefix + field.name, params)


def _fault_of(field: Field, rule: FieldRule, value: object, row: Tree) -> WireErrorCode | None:
    if value is None or value == "":
        missing = rule.required or (
            field.name == "card_sn" and row.get("mdtrt_cert_type") == CREDENTIAL_CARD
        )
        return WireErrorCode.FIELD_MISSING if missing else None
    match field.kind:
        case Kind.TEXT:
            return _text_fault(rule, value)
        case Kind.SERIAL:
            return _serial_fault(rule, value)
        case Kind.NUMBER | Kind.SIGNED:
            return _number_fault(field, value)
        case Kind.DATETIME | Kind.DATE | Kind.MOMENT:
            return _time_fault(field.kind, value)
        case Kind.BINARY:
            return None if isinstance(value, str) else WireErrorCode.FIELD_TYPE
        case Kind.BYTES:
            return _bytes_fault(value)
        case Kind.BOOLEAN:
            return None if isinstance(value, bool) else WireErrorCode.FIELD_TYPE
        case Kind.NODE | Kind.ANY:
            return None


def _text_fault(rule: FieldRule, value: object) -> WireErrorCode | None:
    if not isinstance(value, str):
        return WireErrorCode.FIELD_TYPE
    if rule.length_max is not None and len(value) > rule.length_max:
        return WireErrorCode.FIELD_TOO_LONG
    if "\0" in value:
        return WireErrorCode.FIELD_FORMAT
    if rule.codes is not None and value not in rule.codes:
        return WireErrorCode.CODE_UNKNOWN
    return None


def _serial_fault(rule: FieldRule, value: object) -> WireErrorCode | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return None if 0 <= value < _SERIAL_LIMIT else WireErrorCode.FIELD_TOO_LONG
    return _text_fault(rule, value)


def _number_fault(field: Field, value: object) -> WireErrorCode | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return WireErrorCode.FIELD_TYPE
    digits, places = field.digits
    try:
        number = Decimal(value)
        integer = scaled(number, places, field.name)
    except DecimalException:
        return WireErrorCode.FIELD_TYPE
    except WireError as error:
        return error.code
    if abs(integer) >= 10**digits:
        return WireErrorCode.AMOUNT_TOO_LARGE
    negative = integer < 0 and field.kind is not Kind.SIGNED
    return WireErrorCode.AMOUNT_NEGATIVE if negative else None


def _bytes_fault(value: object) -> WireErrorCode | None:
    if isinstance(value, str):
        return None
    if not isinstance(value, list | tuple):
        return WireErrorCode.FIELD_TYPE
    if not value:
        return WireErrorCode.FIELD_MISSING
    whole = all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    return None if whole and -128 <= min(value) <= max(value) <= 255 else WireErrorCode.FIELD_FORMAT


def _time_fault(kind: Kind, value: object) -> WireErrorCode | None:
    if not isinstance(value, str):
        return WireErrorCode.FIELD_TYPE
    try:
        TIME_PARSERS[kind](value)
    except ValueError:
        return WireErrorCode.FIELD_FORMAT
    return None


def expected_zh(field: Field, rule: FieldRule, code: WireErrorCode) -> str:
    """What the field should have been, in the reader's words."""
    if code is WireErrorCode.FIELD_MISSING and field.name == "card_sn":
        return "就诊凭证类型为03时必填"
    if rule.codes is not None and code in (WireErrorCode.FIELD_MISSING, WireErrorCode.CODE_UNKNOWN):
        return _codes_zh(sorted(rule.codes))
    match field.kind:
        case Kind.NUMBER:
            digits, places = field.digits
            return f"数值，不小于0，整数最多{digits - places}位，最多{places}位小数"
        case Kind.SIGNED:
            digits, places = field.digits
            return f"数值，可为负数，整数最多{digits - places}位，最多{places}位小数"
        case Kind.DATETIME:
            return "格式 yyyy-MM-dd HH:mm:ss"
        case Kind.DATE:
            return "格式 yyyy-MM-dd"
        case Kind.MOMENT:
            return "格式 yyyy-MM-dd HH:mm:ss 或 yyyy-MM-dd"
        case Kind.BYTES:
            return "Base64文本，或字节数组"
        case _:
            limit = f"，最长{rule.length_max}个字符" if rule.length_max else ""
            return f"文本{limit}"


def _codes_zh(codes: Sequence[str]) -> str:
    """The values there are; of many the first, for the text has an end."""
    shown = ",".join(codes[:CODES_SHOWN])
    return f"取值：{shown}" + (f"…等{len(codes)}个" if len(codes) > CODES_SHOWN else "")


def _type_fault(path: str, name_zh: str, expected: str, value: object) -> WireError:
    params = {"name_zh": name_zh, "expected": expected, "found": _type_zh(value)}
    return WireError(WireErrorCode.FIELD_TYPE, path, params)


def _type_zh(value: object) -> str:
    match value:
        case bool():
            return "布尔值"
        case str():
            return "文本"
        case int() | Decimal():
            return "数值"
        case dict():
            return "对象"
        case list() | tuple():
            return "数组"
        case _:
            return "空值"


def _shown(name: str, value: object) -> str:
    """What was sent, fit to be shown: short, and nobody's name or identity number."""
    if isinstance(value, bool | dict | list | tuple):
        return _type_zh(value)
    if isinstance(value, int) and abs(value) >= _SERIAL_LIMIT:
        return "数值过长"
    text = str(value)
    if name in _PRIVATE:
        return f"（已隐去，{len(text)}个字符）"
    text = _LONG_NUMBER.sub(lambda number: number[0][:4] + "…", text[: FOUND_LENGTH_MAX * 2])
    return text if len(text) <= FOUND_LENGTH_MAX else text[:FOUND_LENGTH_MAX] + "…"
