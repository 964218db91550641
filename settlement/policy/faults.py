"""Says in Chinese what is wrong with the form of a policy file, and where.

The decoder and the TOML parser speak English, to programmers; whoever writes a policy is told here
what to correct, with the names or values that would have been right. Knows the types of the format
only through inspection, and nothing of whether the parts of a file fit together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from tomllib import TOMLDecodeError

import msgspec
from msgspec import inspect

from settlement.policy.errors import Place, PolicyError

_PATH = re.compile(r" - at `(?:key` in `)?\$([^`]*)`\Z")
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.+)`\Z")
_MISSING_KEY = re.compile(r"Object missing required field `(.+)`\Z")
_BAD_VALUE = re.compile(r"Invalid (?:enum )?value '(.*)'\Z")
_WRONG_TYPE = re.compile(r"Expected `(.+)`, got `(.+)`\Z")
_LIMIT = re.compile(r"Expected `int` (>=|<=|>|<) (-?\d+)\Z")
_LENGTH = re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)\Z")
_PATTERN = re.compile(r"Expected `str` matching regex '(.+)'\Z")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)\Z")

# What the decoder calls the types, and what a person writes.
_TYPES = {
    "int": "整数", "str": "加引号的文字", "bool": "true 或 false", "float": "小数",
    "array": "列表 [ … ]", "object": "一组 键 = 值", "date": "日期",
}  # fmt: skip
_SIGNS = {">=": "不小于", "<=": "不大于", ">": "大于", "<": "小于"}
_PATTERNS = {
    r"^[a-z0-9]+([-_][a-z0-9]+)*$": "名称只能用小写字母和数字，以 - 或 _ 连接",
    r"^[0-9A-Za-z]+$": "代码只能用数字和字母",
    r"^[0-9]{6}$": "须为六位数字",
}
_TOML = {
    "Expected newline or end of document after a statement": "一行只能写一项，值写完后有多余的内容",
    "Expected '=' after a key in a key/value pair": "键的后面须有等号",
    "Invalid value": "值的写法不对：文字须加半角引号，是非写 true 或 false",
    "Invalid statement": "这一行既不是 键 = 值，也不是 [标题]",
    "Unclosed array": "列表中缺少逗号或右方括号",
    "Cannot overwrite a value": "同一个键写了两次",
    "Invalid initial character for a key part": "键只能用字母、数字、- 和 _",
    "Illegal character '\\n'": "引号没有成对",
    "Unclosed inline table": "花括号中缺少逗号或右花括号",
    "Expected ']' at the end of a table declaration": "标题须写作 [标题]，单独一行",
    "Expected ']]' at the end of an array declaration": "标题须写作 [[标题]]，单独一行",
}
_FULL_WIDTH = frozenset("“”‘’＂，：＝［］｛｝（）＃．０１２３４５６７８９")


def unreadable(content: bytes, error: UnicodeDecodeError) -> str:
    """A file that is not UTF-8: what to do, and the number of the line."""
    number = content.count(b"\n", 0, error.start) + 1
    return f"第 {number} 行: 文件须以 UTF-8 编码保存"


def syntax(text: str, error: TOMLDecodeError) -> str:
    """A file that is not TOML: the number of the line, and what is wrong there."""
    said = str(error)
    place = _TOML_PLACE.search(said)
    english = _TOML_PLACE.sub("", said)
    lines = text.splitlines()
    number = int(place[1]) if place is not None and place[1] else len(lines)
    told = _TOML.get(english, "不符合 TOML 的写法")
    if number <= len(lines) and _FULL_WIDTH.intersection(lines[number - 1]):
        told += "；此行有全角字符，引号以外须用半角"
    return f"第 {number} 行: {told} ({english})"


def form(error: msgspec.ValidationError, kind: object, data: object) -> PolicyError:
    """A part of a file that is not as the format says: `data` was to become a `kind`."""
    path = _PATH.search(str(error))
    of_key = path is not None and "key` in" in path[0]
    said = _PATH.sub("", str(error))
    steps = _STEP.findall("" if path is None else path[1])
    place: Place = tuple(int(number) if number else key for key, number in steps)
    type_, found = _at(inspect.type_info(kind), data, place)
    if of_key and isinstance(type_, inspect.DictType):
        return _wrong_key(said, place, type_, found)
    unknown = _UNKNOWN_KEY.match(said)
    if unknown is not None:
        return PolicyError(_not_a_key(unknown[1], type_), (*place, unknown[1]))
    missing = _MISSING_KEY.match(said)
    if missing is not None:
        return PolicyError(f"缺少 {missing[1]}", place)
    return PolicyError(_value(said, type_, place), place)


def _at(type_: inspect.Type, data: object, place: Place) -> tuple[inspect.Type, object]:
    """The type that the format has for a place, and what the file has there."""
    for step in place:
        type_ = _alternative(type_, data)
        match type_:
            case inspect.StructType():
                fields = {each.encode_name: each.type for each in type_.fields}
                type_ = fields.get(str(step), inspect.AnyType())
            case inspect.DictType():
                type_ = type_.value_type
            case inspect.CollectionType():
                type_ = type_.item_type
        if isinstance(data, Mapping):
            data = data.get(str(step))
        elif isinstance(data, Sequence) and isinstance(step, int) and step < len(data):
            data = data[step]
    return _alternative(type_, data), data


def _alternative(type_: inspect.Type, data: object) -> inspect.Type:
    """Of several forms the one that the data means; the union itself where that is not clear."""
    if not isinstance(type_, inspect.UnionType):
        return type_
    forms = [each for each in type_.types if not isinstance(each, inspect.NoneType)]
    tagged = [each for each in forms if isinstance(each, inspect.StructType) and each.tag_field]
    for each in tagged:
        if isinstance(data, Mapping) and data.get(each.tag_field) == each.tag:
            return each
    return forms[0] if len(forms) == 1 else type_


def _wrong_key(said: str, place: Place, type_: inspect.DictType, data: object) -> PolicyError:
    pattern = _PATTERN.match(said)
    keys = [str(key) for key in data] if isinstance(data, Mapping) else []
    if pattern is not None:
        keys = [key for key in keys if not re.search(pattern[1], key)]
    value = _BAD_VALUE.match(said)
    if value is not None:
        keys = [value[1]]
    told = _value(said, type_.key_type, place)
    return PolicyError(told, (*place, *keys[:1]))


def _not_a_key(key: str, type_: inspect.Type) -> str:
    known = []
    if isinstance(type_, inspect.StructType):
        known = [each.encode_name for each in type_.fields]
        known += [type_.tag_field] if type_.tag_field is not None else []
    return f"没有 {key} 这一项{_instead(key, known)}"


def _value(said: str, type_: inspect.Type, place: Place) -> str:
    """What is wrong with one value; English where the decoder says what is not known here."""
    if match := _BAD_VALUE.match(said):
        return f'"{match[1]}" 不是可以写的值{_instead(match[1], _allowed(type_, place))}'
    if match := _WRONG_TYPE.match(said):
        wanted = [_TYPES.get(each, each) for each in match[1].split(" | ") if each != "null"]
        return f"须写{'或'.join(wanted)}，写的是{_TYPES.get(match[2], match[2])}"
    if match := _LIMIT.match(said):
        return f"须{_SIGNS[match[1]]} {match[2]}"
    if match := _LENGTH.match(said):
        empty = (match[2], match[3]) == (">=", "1")
        return "不能为空" if empty else f"长度须{_SIGNS[match[2]]} {match[3]}"
    if match := _PATTERN.match(said):
        form = _PATTERNS.get(match[1], f"须符合 {match[1]}")
        number = isinstance(type_, inspect.UnionType) and any(
            isinstance(each, inspect.IntType) for each in type_.types
        )
        return f"须写整数或一张表的名称；{form}" if number else form
    if said.startswith("Invalid RFC3339"):
        return "不是日期，应写作 2026-01-01"
    return said


def _allowed(type_: inspect.Type, place: Place) -> list[str]:
    """The values that may stand at a place where there are only some."""
    if isinstance(type_, inspect.EnumType):
        return [str(each.value) for each in type_.cls]
    forms = type_.types if isinstance(type_, inspect.UnionType) else ()
    tagged = [each for each in forms if isinstance(each, inspect.StructType)]
    return [str(each.tag) for each in tagged if each.tag_field == (place or ("",))[-1]]


def _instead(given: str, known: Sequence[str]) -> str:
    close = get_close_matches(given.lower(), known, n=1)
    if close:
        return f"，是否应为 {close[0]}？"
    return f"，可以写：{'、'.join(known)}" if known else ""
