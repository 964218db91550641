"""Requests of a stay (入院登记申请): made on the patient's phone with a first deposit.

The ward confirms and admits; or the deposit goes back. Pure. A request is a visit of its own kind,
whose events say what became of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from settlement.rows import EventKind, VisitKind
from settlement.view import VisitFact

REQUEST_LIVES = timedelta(hours=24)
"""How long the ward has to answer; then the deposit goes back by itself."""


def expires_at(request: VisitFact) -> datetime:
    """Until when the ward may admit, local time of the region."""
    return request.row.begun_at + REQUEST_LIVES


def admitted_as(fact: VisitFact) -> int | None:
    """The stay that a request became; None for anything else."""
    if fact.row.kind is not VisitKind.REQUEST:
        return None
    heads = (event.head for event in fact.events if event.kind is EventKind.ADMITTED)
    found = next(heads, None)
    return None if found is None else int(found)


def is_open(fact: VisitFact) -> bool:
    """Whether it is a request that nobody has answered."""
    answers = {EventKind.ADMITTED, EventKind.ENDED}
    kinds = {event.kind for event in fact.events}
    return fact.row.kind is VisitKind.REQUEST and kinds.isdisjoint(answers)
