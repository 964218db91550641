"""The transactions that ask for something before a batch, or instead of one.

Sign-ins, who somebody is, lists, reconciliation and files: what is read beside the journals, or in
another region.
"""

from __future__ import annotations

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages import (
    catalogue,
    clearing,
    enquiry,
    files,
    history,
    person,
    reconciliation,
    session,
)
from settlement.commands import Command
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.institution import Institution
from settlement.refusal import Refusal
from settlement.serve.reconciling import Download, Reconciling
from settlement.serve.sessions import Sessions
from settlement.serve.strangers import StrangerDesk
from settlement.translate import lists
from settlement.translate.enquiries import find_command
from settlement.translate.pieces import CREDENTIAL_KINDS, Sender, credential_of
from settlement.translate.requests import Translator

__all__ = ["Download", "Enquiries"]


class Enquiries:
    """What one process answers beside its journals."""

    def __init__(
        self, *, sessions: Sessions, reconciling: Reconciling, strangers: StrangerDesk,
        desk: DecisionDesk, translator: Translator,
    ) -> None:  # fmt: skip
        self._sessions = sessions
        self._reconciling = reconciling
        self._strangers = strangers
        self._desk = desk
        self._translator = translator

    async def found(
        self, request: Envelope, institution: Institution
    ) -> Command | Answer | Refusal | Download:
        """An answer, or a command that goes on. Raises StorageError, Unavailable, Overloaded."""
        match request:
            case session.SignIn():
                return await self._sessions.sign_in(request, institution)
            case session.SignOut():
                return await self._sessions.sign_out(request, institution)
            case person.PersonLookup():
                return await self._stranger(request, institution)
            case (
                enquiry.SettlementEnquiry()
                | enquiry.FeeEnquiry()
                | enquiry.VisitEnquiry()
                | history.ChronicMedicineEnquiry()
                | history.AccumulatorEnquiry()
            ):
                return find_command(request, institution, self._translator)
            case catalogue.DictionaryQuery():
                return lists.dictionary_answer(request, self._desk.world.profile.wire)
            case catalogue.MappingQuery():
                return await self._sessions.mapping_page(request, institution)
            case catalogue.MatchQuery():
                return await self._sessions.match_page(request, institution)
            case (
                catalogue.EthnicDrugQuery()
                | catalogue.ItemQuery()
                | catalogue.CeilingQuery()
                | catalogue.SelfPayQuery()
            ):
                return await self._sessions.catalogue_page(request)
            case (
                reconciliation.TotalsCheck()
                | reconciliation.DetailCheck()
                | clearing.ClearingApply()
                | clearing.ClearingCancel()
                | clearing.CrossCityExtract()
                | clearing.CrossCityConfirm()
                | clearing.CrossCityRollback()
                | files.FileUpload()
                | files.FileDownload()
                | catalogue.CatalogueFile()
            ):
                return await self._reconciling.answer(request, institution)
        return Refusal(
            code="TRANSACTION_UNSUPPORTED", field="infno", params={"value": request.infno}
        )

    async def _stranger(
        self, request: person.PersonLookup, institution: Institution
    ) -> Command | Answer | Refusal:
        """1101 of people insured elsewhere, who are asked for there. Ours are looked up with the
        batch (`Translator.look_up`)."""
        data = request.input.data
        if data.mdtrt_cert_type not in CREDENTIAL_KINDS:
            return Refusal(code="CREDENTIAL_MISMATCH", field="credential_kind")
        credential = credential_of(data)
        asked = self._translator.asked(request, Sender(institution), "")
        token_key = self._translator.token_key(credential)
        return await self._strangers.look_up(asked, credential, token_key)
