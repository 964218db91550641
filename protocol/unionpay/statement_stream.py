"""Lines of a statement file, one at a time, only as far as they are asked for (see `statement`).

Cut by bytes; all separators of a line are one and the same byte. A line of another width, or with
something else between two columns, is given as the reason why it cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from struct import Struct

from protocol.unionpay.layouts import Layout


def cut_lines(
    lines: Iterable[bytes], layout: Layout, wanted: Sequence[str]
) -> Iterator[tuple[int, list[str] | str]]:
    """Each line's number, and its values in the columns `wanted` without padding, or the reason."""
    places = _places(layout)
    in_order = sorted(wanted, key=places.__getitem__)
    cut = _cutter([places[name] for name in in_order], layout.width)
    as_wanted = itemgetter(*map(in_order.index, wanted))
    between = itemgetter(*(end for _, end in list(places.values())[:-1]))
    count = len(layout.columns) - 1
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip(b"\r\n")
        if not line.strip():
            continue
        if len(line) != layout.width:
            yield number, f"{len(line)} bytes instead of {layout.width}"
            continue
        marks = between(line)
        if marks.count(marks[0]) != count:
            yield number, "columns are not where they should be"
            continue
        try:
            # Decoded together, which is a third of the time: no cell has a line's end in it, and no
            # character goes on behind one.
            cells = b"\n".join(cut(line)).decode("gbk").split("\n")
        except UnicodeDecodeError:
            yield number, "not GBK"
            continue
        yield number, [cell.strip() for cell in as_wanted(cells)]


def _cutter(places: Sequence[tuple[int, int]], width: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """Cuts a line into the columns at these places, which are in order."""
    parts, position = [], 0
    for begin, end in places:
        parts.append(f"{begin - position}x{end - begin}s")
        position = end
    return Struct(f"{''.join(parts)}{width - position}x").unpack


def _places(layout: Layout) -> dict[str, tuple[int, int]]:
    """Where each column begins and ends."""
    places: dict[str, tuple[int, int]] = {}
    begin = 0
    for column in layout.columns:
        places[column.name] = begin, begin + column.width
        begin += column.width + 1
    return places
