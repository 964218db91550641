"""The fee lines of a settlement, to be shown again. Pure.

Those of a sale or of a charge batch are sealed beside their settlement; those of a stay lie in the
uploads that its settlement covers. What undoes a settlement keeps the lines as they were, so they
are turned here.
"""

from __future__ import annotations

from msgspec import structs

from settlement.claim import PricedLine
from settlement.keyring import Keyring
from settlement.rows import Detail, EventKind, SettledLine, VisitKind
from settlement.stay import lines_head
from settlement.usecases.booking import detail_record, open_detail
from settlement.usecases.lines_needed import covered_by
from settlement.usecases.visit_payloads import open_upload
from settlement.view import SettlementFact, VisitFact


def settled_lines(fact: SettlementFact, visit: VisitFact | None, keyring: Keyring) -> Detail:
    """The detail of a settlement with its lines, negative where it undoes another; no lines once
    they were erased. Raises ErasedError where those of a stay were."""
    row = fact.row
    if visit is not None and visit.row.kind is VisitKind.STAY:
        lines = _lines_of_stay(visit, row.undoes_setl_id or row.setl_id, keyring)
        detail = Detail(lines=lines)
    else:
        detail = open_detail(fact.detail, keyring, detail_record(row.lane, row.setl_id))
    if row.undoes_setl_id is None:
        return detail
    return structs.replace(detail, lines=tuple(map(_turned, detail.lines)))


def _lines_of_stay(visit: VisitFact, setl_id: int, keyring: Keyring) -> tuple[SettledLine, ...]:
    """The lines that a settlement of a stay has: they stay where they were uploaded. A number may
    come again after its line was withdrawn, so the last upload that brought it counts."""
    covered = [visit.events[number - 1] for number in sorted(covered_by(visit, setl_id))]
    brought: dict[str, int] = {}
    for event in covered:
        line_nos = lines_head(event.head).line_nos
        if event.kind is EventKind.LINES:
            brought |= dict.fromkeys(line_nos, event.event_no)
        else:
            for line_no in line_nos:
                brought.pop(line_no, None)
    standing = set(brought.values())
    return tuple(
        SettledLine(line.priced, line.kept)
        for event in covered
        if event.event_no in standing
        for line in open_upload(event, keyring).lines
        if brought.get(line.priced.line.line_no) == event.event_no
    )


def _turned(settled: SettledLine) -> SettledLine:
    """A line that takes another back whole."""
    priced = settled.priced
    line = structs.replace(
        priced.line, quantity_e4=-priced.line.quantity_e4, amount_fen=-priced.line.amount_fen
    )
    turned: PricedLine = structs.replace(
        priced, line=line, full_self_pay_fen=-priced.full_self_pay_fen,
        over_ceiling_fen=-priced.over_ceiling_fen, pre_self_pay_fen=-priced.pre_self_pay_fen,
        in_scope_fen=-priced.in_scope_fen,
    )  # fmt: skip
    return SettledLine(turned, settled.kept)
