"""What is wrong with a request of our own interfaces that cannot be read, in the reader's words.

The JSON library says it in English and in terms of Python; whoever wrote the request wants the
field and what it should be. What is said in a way not known here is passed on as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import Struct

from protocol.nhsa.errors import WireError

LENGTH_MAX = 120
_AT = re.compile(r" - at `\$\.?(?P<at>[^`]*)`$")
_TYPES = {
    "str": "文本", "int": "整数", "float": "数值", "decimal": "数值", "bool": "布尔值",
    "object": "对象", "array": "数组", "null": "空值", "date": "日期", "datetime": "时间",
}  # fmt: skip
_BOUND = {">=": "至少", "<=": "最多"}


class Unread(Struct, frozen=True, kw_only=True):
    """What stopped the reader. `field` is empty where it is not one field that is at fault."""

    text: str
    field: str = ""


def unread(exc: Exception) -> Unread:
    """Of an exception of a decoder."""
    if isinstance(exc, WireError):
        return Unread(text=str(exc)[:LENGTH_MAX], field=exc.field or "")
    if isinstance(exc, UnicodeDecodeError):
        return Unread(text="不是UTF-8编码")
    if isinstance(exc, msgspec.DecodeError) and not isinstance(exc, msgspec.ValidationError):
        return Unread(text="不是合法的JSON")
    return _of_a_form(str(exc))


def _of_a_form(said: str) -> Unread:
    place = _AT.search(said)
    said, at = (said, "") if place is None else (said[: place.start()], place["at"])
    for pattern, tell in _SAID:
        found = pattern.fullmatch(said)
        if found is not None:
            named = found.groupdict().get("name")
            field = ".".join(filter(None, (at, named)))
            return Unread(text=tell(field or "请求", found)[:LENGTH_MAX], field=field)
    return Unread(text=f"{at} {said}".strip()[:LENGTH_MAX], field=at)


def _type_zh(name: str) -> str:
    return "或".join(_TYPES.get(one.strip(), one.strip()) for one in name.split("|"))


_Tell = Callable[[str, re.Match[str]], str]
_SAID: tuple[tuple[re.Pattern[str], _Tell], ...] = tuple(
    (re.compile(pattern), tell)
    for pattern, tell in (
        (r"Object missing required field `(?P<name>\w+)`", lambda at, _: f"缺少必填字段{at}"),
        (r"Object contains unknown field `(?P<name>[^`]*)`", lambda at, _: f"没有{at}这个字段"),
        (r"Invalid enum value (?P<value>.*)", lambda at, m: f"{at}没有{m['value']}这个取值"),
        (r"Expected `(?P<type>[^`]+)`, got `(?P<got>[^`]+)`",
         lambda at, m: f"{at}应为{_type_zh(m['type'])}，收到{_type_zh(m['got'])}"),
        (r"Expected `\w+` matching regex .*", lambda at, _: f"{at}格式不正确"),
        (r"Expected `array` of length (?P<sign>[<>]=) (?P<count>\d+)",
         lambda at, m: f"{at}{_BOUND[m['sign']]}{m['count']}项"),
        (r"Expected `\w+` of length (?P<sign>[<>]=) (?P<count>\d+)",
         lambda at, m: f"{at}{_BOUND[m['sign']]}{m['count']}个字符"),
        (r"Invalid decimal string", lambda at, _: f"{at}不是数字"),
        (r"Invalid RFC3339 encoded date\w*", lambda at, _: f"{at}不是日期，格式 yyyy-MM-dd"),
    )
)  # fmt: skip
