"""Drug trace codes (药品追溯码) of lines: are they there, was the box sold before (DOMAIN 25).

A whole box is sold once; a box that is split (拆零) may be sold from many times, but not whole any
more. What was sold is the settlements that stand, so a cancel frees a code by itself. A sale is
looked at when it is made, lines of a visit or a stay when they are uploaded: then the code can
still be mended. What happens elsewhere between upload and settlement, or at the same instant, is
not seen here: `settlement traces` lists what was sold twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from settlement.claim import ClaimLine
from settlement.policy.region import TraceRules, TraceUse
from settlement.refusal import Refusal
from settlement.rows import TraceRow
from settlement.trace import Boxes, Trace, together
from settlement.view import View
from settlement.world import World

NAMED_MAX = 3


def check_traces(
    traces: Sequence[Trace],
    lines: Sequence[ClaimLine],
    view: View,
    world: World,
    uploaded: Callable[[], Boxes] = dict,
) -> str | Refusal:
    """What the sender should read of the codes of lines; empty where all is well. `uploaded` tells
    the boxes on earlier lines of the same visit that are not settled yet. Lines that take others
    back need no code, and sell nothing."""
    rules = world.profile.traces
    missing = () if rules.required is TraceUse.OFF else _missing(traces, lines, rules, world)
    repeated: Sequence[int] = ()
    if rules.repeated is not TraceUse.OFF:
        repeated = _repeated(traces, lines, view, uploaded())
    if missing and rules.required is TraceUse.REFUSE:
        return _refusal(lines, "TRACE_MISSING", missing[0])
    if repeated and rules.repeated is TraceUse.REFUSE:
        return _refusal(lines, "TRACE_SOLD_BEFORE", repeated[0])
    said = []
    if missing:
        said.append(f"明细{_named(lines, missing)}缺少药品追溯码")
    if repeated:
        said.append(f"明细{_named(lines, repeated)}的药品追溯码已售出")
    return "；".join(said)


def joined(*warnings: str) -> str:
    """What the sender should read of several checks."""
    return "；".join(filter(None, warnings))


def boxes_sold(traces: Sequence[Trace]) -> Boxes:
    """The boxes of a sale."""
    return together((trace.key, trace.whole) for trace in traces)


def trace_rows(boxes: Boxes, lane: int, setl_id: int) -> tuple[TraceRow, ...]:
    """What is written of the boxes of a settlement."""
    return tuple(
        TraceRow(lane=lane, key=key, setl_id=setl_id, whole=whole) for key, whole in boxes.items()
    )


def _missing(
    traces: Sequence[Trace], lines: Sequence[ClaimLine], rules: TraceRules, world: World
) -> tuple[int, ...]:
    """Lines of drugs without a code. Items outside the catalogue are not known to be drugs."""
    traced = {trace.line for trace in traces}
    missing = []
    for n, line in enumerate(lines):
        if n in traced or line.quantity_e4 < 0 or line.item_code.startswith(rules.exempt):
            continue
        item = world.catalogue.find(line.item_code, line.occurred_on)
        if item is not None and item.list_type in rules.list_types:
            missing.append(n)
    return tuple(missing)


def _repeated(
    traces: Sequence[Trace], lines: Sequence[ClaimLine], view: View, uploaded: Boxes
) -> tuple[int, ...]:
    """Lines with a box that was sold before, here or elsewhere, or twice in this message."""
    repeated: list[int] = []
    mine = dict(uploaded)
    for trace in traces:
        if lines[trace.line].quantity_e4 < 0:
            continue
        before = [fact.whole for fact in view.traces.get(trace.key, ())]
        if trace.key in mine:
            before.append(mine[trace.key])
        if before and (trace.whole or any(before)) and trace.line not in repeated:
            repeated.append(trace.line)
        mine[trace.key] = trace.whole or mine.get(trace.key, False)
    return tuple(repeated)


def _refusal(lines: Sequence[ClaimLine], code: str, n: int) -> Refusal:
    return Refusal(code=code, field=f"lines[{n}].trace", params={"line_no": lines[n].line_no})


def _named(lines: Sequence[ClaimLine], numbers: Sequence[int]) -> str:
    names = "、".join(lines[n].line_no for n in numbers[:NAMED_MAX])
    return names + (f"等{len(numbers)}项" if len(numbers) > NAMED_MAX else "")
