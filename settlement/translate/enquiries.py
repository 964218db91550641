"""From the enquiries of the wire (5201, 5203 to 5206) to commands."""

from __future__ import annotations

from datetime import datetime

from protocol.nhsa.messages import enquiry, history
from protocol.nhsa.times import DAY_END, parse_moment
from settlement import numbers
from settlement.clock import CHINA
from settlement.commands import (
    EARLIEST,
    FindAccumulators,
    FindMedicines,
    FindSettlement,
    FindVisits,
    History,
)
from settlement.institution import Institution
from settlement.translate.pieces import UNKNOWN_NUMBER, Sender
from settlement.translate.requests import Translator

Enquiry = (
    enquiry.SettlementEnquiry
    | enquiry.FeeEnquiry
    | enquiry.VisitEnquiry
    | history.ChronicMedicineEnquiry
    | history.AccumulatorEnquiry
)


def find_command(
    request: Enquiry, institution: Institution, translator: Translator
) -> FindSettlement | FindVisits | FindMedicines | FindAccumulators:
    """The command of an enquiry."""
    asked = translator.asked(request, Sender(institution), request.input.data.psn_no)
    if isinstance(request, enquiry.VisitEnquiry):
        query = request.input.data
        return FindVisits(
            asked=asked,
            history=History(institution=institution.code),
            begin=parse_moment(query.begntime),
            end=parse_moment(query.endtime),
            care_type=query.med_type,
            mdtrt_id=(numbers.parse(query.mdtrt_id) or UNKNOWN_NUMBER) if query.mdtrt_id else None,
            made_by=query.medins_setl_id or None,
        )
    if isinstance(request, history.ChronicMedicineEnquiry):
        asked_for = request.input.data
        begin = parse_moment(asked_for.begntime)
        return FindMedicines(
            asked=asked,
            history=History(
                institution=institution.code, since=_since(begin), standing=True, visits=False
            ),
            begin=begin,
            end=parse_moment(asked_for.endtime, at=DAY_END) if asked_for.endtime else None,
        )
    if isinstance(request, history.AccumulatorEnquiry):
        return FindAccumulators(asked=asked, month=request.input.data.cum_ym or "")
    data = request.input.data
    setl_id = numbers.parse(data.setl_id) or UNKNOWN_NUMBER
    return FindSettlement(
        asked=asked,
        setl_ids=(setl_id,),
        setl_id=setl_id,
        mdtrt_id=numbers.parse(data.mdtrt_id) or UNKNOWN_NUMBER,
        with_lines=isinstance(request, enquiry.FeeEnquiry),
    )


def _since(begin: datetime) -> datetime:
    """The instant of a moment here; nothing is older than `EARLIEST`."""
    return begin.replace(tzinfo=CHINA) if begin.year > EARLIEST.year else EARLIEST
