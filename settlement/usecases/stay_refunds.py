"""Lines of a stay that take others back (退费明细): whether they may, and how they are split.

Such a line names a line that stands, is of the same item and price, and takes no more than is left
of it. It is split as that line was, whatever the catalogue, the mappings, the person's scheme and
the approval say by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from settlement.claim import ClaimLine, PricedLine
from settlement.commands import UploadStayLines
from settlement.pricing import price_refund
from settlement.refusal import Refusal
from settlement.stay import StayState
from settlement.usecases.visit_payloads import open_upload
from settlement.view import VisitFact
from settlement.world import World


def lines_before(
    command: UploadStayLines, visit: VisitFact, state: StayState, world: World
) -> dict[str, PricedLine]:
    """Of what stands the lines that an upload takes back, and those that did so before."""
    originals = {original for original in command.originals if original in state.event_of}
    return lines_named(visit, state, originals.union(state.taking_back(originals)), world)


def refundable(
    command: UploadStayLines, state: StayState, before: Mapping[str, PricedLine]
) -> Refusal | None:
    """Every negative line names a line that stands, of its item, of which enough is left."""
    mine = {line.line_no: line for line in command.lines}
    refunded = dict(state.refunded)
    known = {line_no: priced.line for line_no, priced in before.items()}
    for n, (line, original) in enumerate(zip(command.lines, command.originals, strict=True)):
        if line.quantity_e4 >= 0 and not original:
            continue
        params: dict[str, str | int] = {"line_no": line.line_no, "original": original}
        if not original or line.quantity_e4 >= 0:
            return Refusal(
                code="REFUND_LINE_UNNAMED", field=f"lines[{n}].original", params=params
            )
        taken_back = mine.get(original) or known.get(original)
        if taken_back is None or taken_back.quantity_e4 <= 0:
            return Refusal(
                code="REFUND_ORIGINAL_UNKNOWN", field=f"lines[{n}].original", params=params
            )
        if (line.item_code, line.price_e6) != (taken_back.item_code, taken_back.price_e6):
            return Refusal(
                code="REFUND_ITEM_DIFFERS", field=f"lines[{n}].item_code", params=params
            )
        refunded[original] = refunded.get(original, 0) - line.quantity_e4
        if refunded[original] > taken_back.quantity_e4:
            return Refusal(
                code="REFUND_EXCEEDS_LINE", field=f"lines[{n}].quantity", params=params
            )
    return None


def with_refunds(
    command: UploadStayLines, lines: Iterable[ClaimLine], charges: Mapping[str, PricedLine],
    state: StayState, before: Mapping[str, PricedLine],
) -> tuple[PricedLine, ...]:  # fmt: skip
    """All lines of an upload in their order: its charges as they are priced, and what takes a line
    back split as that one is."""
    taken: dict[str, list[PricedLine]] = {}
    for line_no in state.taking_back(set(command.originals)):
        taken.setdefault(state.refund_of[line_no][0], []).append(before[line_no])
    priced: list[PricedLine] = []
    for line, original in zip(lines, command.originals, strict=True):
        if not original:
            priced.append(charges[line.line_no])
            continue
        earlier = taken.setdefault(original, [])
        refund = price_refund(line, charges.get(original) or before[original], earlier)
        earlier.append(refund)
        priced.append(refund)
    return tuple(priced)


def lines_named(
    visit: VisitFact, state: StayState, names: Iterable[str], world: World
) -> dict[str, PricedLine]:
    """Standing lines by their numbers; the uploads that brought them are opened."""
    wanted = set(names)
    numbers = {state.event_of[line_no] for line_no in wanted}
    return {
        line.priced.line.line_no: line.priced
        for event in visit.events
        if event.event_no in numbers
        for line in open_upload(event, world.keyring).lines
        if line.priced.line.line_no in wanted
    }
