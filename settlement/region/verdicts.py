"""What an answer of another region means for a case, and what its refusals are told as. Pure."""

from __future__ import annotations

from protocol.hub.messages import (
    CancelTold,
    CaseState,
    CaseTold,
    Refused,
    ReverseTold,
    StatusTold,
    Told,
)
from settlement.elsewhere.remote_commands import Heard
from settlement.elsewhere.remote_states import Errand, Happening
from settlement.refusal import Refusal
from settlement.region.hub import NoAnswer, Why

_LATER = "later"
_UNSENT = {Errand.SETTLE: Happening.REFUSED, Errand.CANCEL: Happening.CANCEL_REFUSED}


def happened(
    errand: Errand, told: Told | Refused | NoAnswer, *, settled: bool, first: bool
) -> tuple[Happening, Heard]:
    """What an answer to an errand means. `settled`: the case was settled before; `first`: nothing
    was asked about it yet, so that what never left had no effect."""
    if isinstance(told, NoAnswer):
        never_left = first and told.why is Why.NOT_SENT
        return _UNSENT.get(errand, Happening.SILENT) if never_left else Happening.SILENT, Heard()
    if isinstance(told, Refused):
        return _refused(errand, told, settled=settled)
    match errand, told:
        case Errand.SETTLE, CaseTold():
            return Happening.SETTLED, Heard(case=told)
        case Errand.CANCEL, CancelTold():
            return Happening.CANCELLED, Heard(cancel=told)
        case Errand.REVERSE, ReverseTold():
            return Happening.UNDONE, Heard()
        case Errand.STATUS, StatusTold():
            return _standing_there(told)
        case _:
            return Happening.SILENT, Heard()


def _refused(errand: Errand, told: Refused, *, settled: bool) -> tuple[Happening, Heard]:
    heard = Heard(refused=told)
    if errand is Errand.SETTLE:
        return Happening.REFUSED, heard
    if errand is Errand.CANCEL:
        return Happening.CANCEL_REFUSED, heard
    if errand is Errand.REVERSE and settled and told.retry != _LATER:
        return Happening.CANCEL_REFUSED, heard
    return Happening.SILENT, Heard()


def _standing_there(told: StatusTold) -> tuple[Happening, Heard]:
    match told.state:
        case CaseState.SETTLED if told.case is not None:
            return Happening.SETTLED, Heard(case=told.case)
        case CaseState.REVERSED:
            return Happening.UNDONE, Heard()
        case CaseState.CANCELLED:
            return Happening.CANCELLED, Heard(cancel=told.cancel)
        case _:
            return Happening.SILENT, Heard()


def refused_there(told: Refused) -> Refusal:
    """The other region's own words."""
    code = "REGION_REFUSED_LATER" if told.retry == _LATER else "REGION_REFUSED"
    return Refusal(code=code, params={"text": told.text, "there": told.code})
