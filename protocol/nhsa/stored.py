"""Reading an upload that is kept as sent: the part that is looked at, and the whole as a tree."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import cast

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from protocol.nhsa.amounts import decimal_of
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.errors import WireErrorCode
from protocol.nhsa.explain import Tree, blank_numbers_dropped
from protocol.nhsa.messages.stored import Stored

NESTING_MAX = 100
"""Levels of objects and arrays in an upload; real ones have four or five."""


def seen(request: Stored) -> Struct:
    """The view that the request's type names. ValueError where the input does not fit it."""
    try:
        return _decoder_of(request.view).decode(request.input)
    except msgspec.ValidationError:
        tree = blank_numbers_dropped(request.infno, {"input": input_of(request)})
        return msgspec.convert(tree["input"], request.view)


def input_of(request: Stored) -> object:
    """The input as plain objects, numbers exact."""
    return _TREE_DECODER.decode(request.input)


def tree_of(request: Envelope) -> Tree:
    """A whole message as plain objects, whether its input was kept as sent or not."""
    if not isinstance(request, Stored):
        return cast(Tree, msgspec.to_builtins(request, builtin_types=(Decimal,)))
    names = (name for name in request.__struct_fields__ if name != "input")
    return {**{name: getattr(request, name) for name in names}, "input": input_of(request)}


def unkeepable(tree: Tree, *, look_for_nul: bool) -> WireErrorCode | None:
    """Why a message cannot be kept: nested so deep that nobody might read it again, or with a NUL
    in a text or a name, which databases cannot keep."""
    level: list[object] = [tree]
    for _depth in range(NESTING_MAX):
        inner: list[object] = []
        for node in level:
            for each in _members(node):
                if isinstance(each, dict | list):
                    inner.append(each)
                elif look_for_nul and isinstance(each, str) and "\0" in each:
                    return WireErrorCode.FIELD_FORMAT
        if not inner:
            return None
        level = inner
    return WireErrorCode.TOO_DEEP


def _members(node: object) -> Iterable[object]:
    match node:
        case dict():
            return chain(node, node.values())
        case list():
            return node
    return ()


_TREE_DECODER = Decoder(float_hook=decimal_of)


@cache
def _decoder_of(view: type[Struct]) -> Decoder[Struct]:
    return Decoder(view)
