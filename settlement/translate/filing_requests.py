"""From the wire's requests about filings to commands: 2501–2506, 5301, 5302, 5304."""

from __future__ import annotations

from datetime import date

from protocol.nhsa.messages import filing, filing_enquiry
from protocol.nhsa.times import parse_moment
from settlement.commands import WHOLE_HISTORY, FilePerson, FindFilings, WithdrawFiling
from settlement.people.filing import FilingKind
from settlement.translate.pieces import Sender, kept_of, number_of
from settlement.translate.requests import Translator

_USED = frozenset({"psn_no"})
"""The rest is kept as it was sent: enquiries show it again."""
_KIND_OF_CANCEL = {
    "2502": FilingKind.TRANSFER, "2504": FilingKind.CHRONIC, "2506": FilingKind.CHOSEN,
}  # fmt: skip
Cancel = (
    filing.TransferFilingCancel
    | filing.ChronicFilingCancel
    | filing.ChosenInstitutionFilingCancel
)


def transfer(translator: Translator, request: filing.TransferFiling, sender: Sender) -> FilePerson:
    """2501. Without a first day it holds from the day of the transfer."""
    data = request.input.refmedin
    return FilePerson(
        asked=translator.asked(request, sender, data.psn_no),
        kind=FilingKind.TRANSFER,
        institution=data.reflin_medins_no,
        subject="",
        order="",
        scheme=data.insutype or "",
        begins_on=_day(data.begndate or data.refl_date),
        ends_on=_last_day(data.enddate),
        kept=kept_of(data, _USED),
    )


def disease(translator: Translator, request: filing.ChronicFiling, sender: Sender) -> FilePerson:
    """2503."""
    data = request.input.data
    return FilePerson(
        asked=translator.asked(request, sender, data.psn_no),
        kind=FilingKind.CHRONIC,
        institution=data.ide_fixmedins_no,
        subject=data.opsp_dise_code,
        order="",
        scheme=data.insutype,
        begins_on=_day(data.begndate),
        ends_on=_last_day(data.enddate),
        kept=kept_of(data, _USED),
    )


def chosen_institution(
    translator: Translator, request: filing.ChosenInstitutionFiling, sender: Sender
) -> FilePerson:
    """2505."""
    data = request.input.data
    return FilePerson(
        asked=translator.asked(request, sender, data.psn_no),
        kind=FilingKind.CHOSEN,
        institution=data.fixmedins_code,
        subject=data.biz_appy_type,
        order=data.fix_srt_no,
        scheme="",
        begins_on=_day(data.begndate),
        ends_on=_last_day(data.enddate),
        kept=kept_of(data, _USED),
    )


def withdraw(translator: Translator, request: Cancel, sender: Sender) -> WithdrawFiling:
    """2502, 2504 and 2506. What was settled by the filing is looked for in the history."""
    data = request.input.data
    filing_no = number_of(data.trt_dcla_detl_sn)
    return WithdrawFiling(
        asked=translator.asked(request, sender, data.psn_no),
        history=WHOLE_HISTORY,
        filing_ids=(filing_no,),
        kind=_KIND_OF_CANCEL[request.infno],
        filing_no=filing_no,
        kept=kept_of(data, _USED),
    )


def find_diseases(
    translator: Translator, request: filing_enquiry.ChronicEnquiry, sender: Sender
) -> FindFilings:
    """5301."""
    return _find(translator, request, sender, FilingKind.CHRONIC)


def find_chosen_institutions(
    translator: Translator, request: filing_enquiry.ChosenInstitutionEnquiry, sender: Sender
) -> FindFilings:
    """5302."""
    business = request.input.data.biz_appy_type
    return _find(translator, request, sender, FilingKind.CHOSEN, subject=business)


def find_transfers(
    translator: Translator, request: filing_enquiry.TransferEnquiry, sender: Sender
) -> FindFilings:
    """5304."""
    data = request.input.data
    return _find(
        translator, request, sender, FilingKind.TRANSFER, begin=_day(data.begntime),
        end=_last_day(data.endtime) or date.max,
    )  # fmt: skip


Enquiry = (
    filing_enquiry.ChronicEnquiry
    | filing_enquiry.ChosenInstitutionEnquiry
    | filing_enquiry.TransferEnquiry
)


def _find(
    translator: Translator,
    request: Enquiry,
    sender: Sender,
    kind: FilingKind,
    *,
    subject: str = "",
    begin: date = date.min,
    end: date = date.max,
) -> FindFilings:
    return FindFilings(
        asked=translator.asked(request, sender, request.input.data.psn_no),
        standing_filings=True,
        kind=kind,
        subject=subject,
        begin=begin,
        end=end,
    )


def _day(text: str) -> date:
    return parse_moment(text).date()


def _last_day(text: str | None) -> date | None:
    return _day(text) if text else None
