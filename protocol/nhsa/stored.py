"""Reading an upload that is kept as sent: the part that is looked at, and the whole as a tree."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import cast

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.explain import Tree, blank_numbers_dropped
from protocol.nhsa.messages.stored import Stored


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


def holds_nul(tree: object) -> bool:
    """Is the NUL character in any text or name? Databases cannot keep it."""
    match tree:
        case str():
            return "\0" in tree
        case dict():
            return any(holds_nul(name) or holds_nul(value) for name, value in tree.items())
        case list():
            return any(map(holds_nul, tree))
    return False


_TREE_DECODER = Decoder(float_hook=Decimal)


@cache
def _decoder_of(view: type[Struct]) -> Decoder[Struct]:
    return Decoder(view)
