"""Drug trace codes (药品追溯码) of a sale: are they there, was the box sold before (DOMAIN 25).

A whole box is sold once; a box that is split (拆零) may be sold from many times, but not whole any
more. What was sold is the settlements that stand, so a cancel frees a code by itself. Two sales at
the same instant do not see each other here: `settlement traces` lists what was sold twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from settlement.commands import Purchase
from settlement.policy.region import TraceRules, TraceUse
from settlement.refusal import Refusal
from settlement.rows import TraceRow
from settlement.view import View
from settlement.world import World

NAMED_MAX = 3


def check_traces(command: Purchase, view: View, world: World) -> str | Refusal:
    """What the sender should read of the codes of a sale; empty where all is well."""
    rules = world.profile.traces
    missing = () if rules.required is TraceUse.OFF else _missing(command, rules, world)
    repeated = () if rules.repeated is TraceUse.OFF else _repeated(command, view)
    if missing and rules.required is TraceUse.REFUSE:
        return _refusal(command, "TRACE_MISSING", missing[0])
    if repeated and rules.repeated is TraceUse.REFUSE:
        return _refusal(command, "TRACE_SOLD_BEFORE", repeated[0])
    said = []
    if missing:
        said.append(f"明细{_named(command, missing)}缺少药品追溯码")
    if repeated:
        said.append(f"明细{_named(command, repeated)}的药品追溯码已售出")
    return "；".join(said)


def trace_rows(command: Purchase, setl_id: int) -> tuple[TraceRow, ...]:
    """What is written of the codes of a sale, once each."""
    whole: dict[bytes, bool] = {}
    for trace in command.traces:
        whole[trace.key] = trace.whole or whole.get(trace.key, False)
    lane = command.asked.lane
    return tuple(
        TraceRow(lane=lane, key=key, setl_id=setl_id, whole=is_whole)
        for key, is_whole in whole.items()
    )


def _missing(command: Purchase, rules: TraceRules, world: World) -> tuple[int, ...]:
    """Lines of drugs without a code. Items outside the catalogue are not known to be drugs."""
    traced = {trace.line for trace in command.traces}
    missing = []
    for n, line in enumerate(command.claim.lines):
        if n in traced or line.item_code.startswith(rules.exempt):
            continue
        item = world.catalogue.find(line.item_code, line.occurred_on)
        if item is not None and item.list_type in rules.list_types:
            missing.append(n)
    return tuple(missing)


def _repeated(command: Purchase, view: View) -> tuple[int, ...]:
    """Lines with a box that was sold before, here or elsewhere, or twice in this sale."""
    repeated: list[int] = []
    mine: dict[bytes, bool] = {}
    for trace in command.traces:
        before = [fact.whole for fact in view.traces.get(trace.key, ())]
        if trace.key in mine:
            before.append(mine[trace.key])
        if before and (trace.whole or any(before)) and trace.line not in repeated:
            repeated.append(trace.line)
        mine[trace.key] = trace.whole or mine.get(trace.key, False)
    return tuple(repeated)


def _refusal(command: Purchase, code: str, n: int) -> Refusal:
    line_no = command.claim.lines[n].line_no
    return Refusal(code=code, field=f"lines[{n}].trace", params={"line_no": line_no})


def _named(command: Purchase, numbers: Sequence[int]) -> str:
    names = "、".join(command.claim.lines[n].line_no for n in numbers[:NAMED_MAX])
    return names + (f"等{len(numbers)}项" if len(numbers) > NAMED_MAX else "")
