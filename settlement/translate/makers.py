"""Which request becomes which command, and the fingerprint of what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from protocol.nhsa import canonical
from protocol.nhsa.codec import Checked
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages import (
    filing,
    filing_enquiry,
    inpatient,
    inpatient_settle,
    mapping,
    outpatient,
    outpatient_settle,
    person,
    pharmacy,
    reversal,
    stored,
)
from protocol.nhsa.messages import mobile as mobile_messages
from protocol.nhsa.registry import TRANSACTIONS, Effect
from settlement.commands import Command
from settlement.institution import Institution
from settlement.translate import filing_requests, mappings, mobile, stays, uploads
from settlement.translate.pieces import Sender
from settlement.translate.requests import Translator


def command_all(
    translator: Translator, requests: Sequence[tuple[Checked, Institution]]
) -> list[Command | None]:
    """The commands of requests; None for those that have none (sign-in, enquiries), or need to be
    looked up first.

    Fingerprints first, then the rest: a step at a time, as the desk decides.
    """
    key = translator.digest_key
    senders = [
        Sender(institution, _fingerprint(one, key), one.numbers) for one, institution in requests
    ]
    commands: list[Command | None] = []
    for (one, _), sender in zip(requests, senders, strict=True):
        make = _MAKERS.get(type(one.request))
        commands.append(None if make is None else make(translator, one.request, sender))
    return commands


def _fingerprint(one: Checked, key: bytes) -> bytes:
    """Of a message that may bind its key; quotes and enquiries bind nothing."""
    if one.request.infno not in _BINDING:
        return b""
    return canonical.fingerprint(one.request, one.numbers, person_key=key).pack()


_Maker = Callable[[Translator, Any, Sender], Command | None]
_MAKERS: dict[type[Envelope], _Maker] = {
    pharmacy.PharmacyQuote: Translator.purchase,
    pharmacy.PharmacySettle: Translator.purchase,
    pharmacy.PharmacyCancel: Translator.cancel,
    outpatient.Register: Translator.register,
    outpatient.RegisterCancel: Translator.withdraw_visit,
    outpatient.VisitUpload: Translator.describe,
    outpatient.VisitUploadA: Translator.describe,
    outpatient.FeeUpload: Translator.upload,
    outpatient.FeeCancel: Translator.withdraw_lines,
    outpatient_settle.OutpatientQuote: Translator.settle_visit,
    outpatient_settle.OutpatientSettle: Translator.settle_visit,
    outpatient_settle.OutpatientCancel: Translator.cancel,
    reversal.Reversal: Translator.reverse,
    person.EntitlementCheck: Translator.entitlement,
    person.PersonLookup: Translator.look_up,
    inpatient.Admit: stays.admit,
    inpatient.StayChange: stays.change,
    inpatient.Discharge: stays.discharge,
    inpatient.AdmitCancel: stays.withdraw_admission,
    inpatient.DischargeCancel: stays.withdraw_discharge,
    inpatient.StayFeeUpload: stays.upload,
    inpatient.StayFeeCancel: stays.withdraw_lines,
    inpatient_settle.StayQuote: stays.settle,
    inpatient_settle.StaySettle: stays.settle,
    inpatient_settle.StayCancel: Translator.cancel,
    filing.TransferFiling: filing_requests.transfer,
    filing.ChronicFiling: filing_requests.disease,
    filing.ChosenInstitutionFiling: filing_requests.chosen_institution,
    filing.TransferFilingCancel: filing_requests.withdraw,
    filing.ChronicFilingCancel: filing_requests.withdraw,
    filing.ChosenInstitutionFilingCancel: filing_requests.withdraw,
    filing_enquiry.ChronicEnquiry: filing_requests.find_diseases,
    filing_enquiry.ChosenInstitutionEnquiry: filing_requests.find_chosen_institutions,
    filing_enquiry.TransferEnquiry: filing_requests.find_transfers,
    mapping.MappingUpload: mappings.map_items,
    mapping.MappingCancel: mappings.unmap_item,
    stored.Stored: uploads.keep,
    stored.SettlementList: uploads.keep_list,
    mobile_messages.FeesUpload: mobile.upload,
    mobile_messages.PayOrder: mobile.place,
    mobile_messages.Refund: mobile.refund,
    mobile_messages.OrderEnquiry: mobile.find,
    mobile_messages.Withdraw: mobile.withdraw,
}

_BINDING = frozenset(
    infno
    for infno, transaction in TRANSACTIONS.items()
    if transaction.effect is Effect.WRITE and transaction.request in _MAKERS
)
"""Transactions whose effect binds the message's key (ADR 0005)."""
