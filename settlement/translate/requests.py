"""From the wire's requests to commands.

The wire layer has checked types, lengths, code lists and scales; here values change their
vocabulary and unit: yuan to fen, text to time, wire numbers to ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from protocol.nhsa import msgid
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages import (
    inpatient_settle,
    outpatient,
    outpatient_settle,
    person,
    pharmacy,
    reversal,
)
from protocol.nhsa.times import parse_moment
from settlement import keys
from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.commands import (
    Asked,
    Cancel,
    CheckEntitlement,
    Credential,
    DescribeVisit,
    LookUpPerson,
    Purchase,
    RegisterVisit,
    Reverse,
    SettleVisit,
    Sought,
    UploadLines,
    WithdrawLines,
    WithdrawVisit,
)
from settlement.elsewhere.abroad import elsewhere
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import lane_in
from settlement.trace import Trace, keys_of
from settlement.translate.pieces import (
    ALL_UNSETTLED,
    CREDENTIAL_KINDS,
    HEAD_USED,
    Sender,
    Traceable,
    credential_of,
    kept_line,
    kept_of,
    lines_of,
    number_of,
    traces_of,
)

_CANCELLED_KIND = {"2103": CareKind.PHARMACY, "2305": CareKind.INPATIENT}


class Translator:
    """Turns requests into commands for one region (its number of lanes and its keys)."""

    def __init__(
        self, *, lanes: int, keyring: Keyring, reads_mappings: Callable[[], bool] = lambda: False,
        reads_traces: Callable[[], bool] = lambda: False, region: str = "",
    ) -> None:  # fmt: skip
        self.lanes = lanes
        self._region = region
        self._reads_traces = reads_traces
        self._reads_mappings = reads_mappings
        self._keyring = keyring
        self.digest_key = keyring.digest_key

    def asked(self, request: Envelope, sender: Sender, person_no: str) -> Asked:
        """Who asks, under which key, about whom."""
        sent_at = msgid.sent_at(request.msgid) or 0
        return Asked(
            infno=request.infno,
            institution=sender.institution,
            msgid=request.msgid,
            operator=request.opter,
            lane=lane_of(person_no, self.lanes),
            person_no=person_no,
            message_key=keys.message_key(
                request.fixmedins_code, request.infno, request.msgid, sent_at
            ),
            fingerprint=sender.fingerprint,
            insured_region=elsewhere(request.insuplc_admdvs or "", self._region),
        )

    def in_lane_of(self, asked: Asked, number: int) -> Asked:
        """The same, in the lane that a number of ours carries; as it was for any other number."""
        lane = lane_in(number)
        return replace(asked, lane=lane) if lane < self.lanes else asked

    def mapping_keys(
        self, sender: Sender, lines: Iterable[ClaimLine]
    ) -> tuple[tuple[int, str], ...]:
        """The own item codes of lines, where the region holds lines against mappings."""
        if not self._reads_mappings():
            return ()
        lane = lane_of(sender.institution.code, self.lanes)
        return tuple({(lane, line.institution_item_code) for line in lines})

    def traces(self, rows: Sequence[Traceable]) -> tuple[Trace, ...]:
        """The drug trace codes of lines, where the region looks at them."""
        return traces_of(rows, self._keyring.digest_key) if self._reads_traces() else ()

    def token_key(self, credential: Credential) -> bytes:
        """The keyed hash of an e-credential token; empty for other credentials."""
        if credential.kind != "01":
            return b""
        return self._keyring.lookup_key(LookupKind.TOKEN, credential.number)

    def purchase(
        self, request: pharmacy.PharmacySettle | pharmacy.PharmacyQuote, sender: Sender
    ) -> Purchase:
        """2101 and 2102."""
        head = request.input.druginfo
        rows = request.input.drugdetail
        numbers = sender.numbers
        claim = Claim(
            kind=CareKind.PHARMACY,
            care_type=head.med_type,
            scheme=head.insutype,
            institution_code=sender.institution.code,
            person_no=head.psn_no,
            account_use=AccountUse(head.acct_used_flag),
            total_fen=numbers["druginfo", "medfee_sumamt"][0],
            service_at=parse_moment(head.begntime),
            lines=lines_of(rows, numbers, "drugdetail"),
        )
        credential = credential_of(head)
        traces = self.traces(rows)
        return Purchase(
            asked=self.asked(request, sender, head.psn_no),
            traces=traces,
            trace_keys=keys_of(traces),
            trace_lanes=self.lanes,
            business_key=keys.purchase_key(claim, self._keyring.digest_key),
            mapping_keys=self.mapping_keys(sender, claim.lines),
            token_key=self.token_key(credential),
            claim=claim,
            credential=credential,
            kept_lines=tuple(map(kept_line, rows)),
            kept=kept_of(head, HEAD_USED),
            invoice_no=head.invono or "",
            quote=request.infno == "2101",
        )

    def settle_visit(
        self,
        request: outpatient_settle.OutpatientSettle | outpatient_settle.OutpatientQuote,
        sender: Sender,
    ) -> SettleVisit:
        """2206 and 2207, with their A editions."""
        data = request.input.data
        mdtrt_id = number_of(data.mdtrt_id)
        numbers = sender.numbers
        declared = None
        invoice_no = ""
        if isinstance(data, outpatient_settle.OutpatientSettleData):
            declared = (
                numbers["data", "fulamt_ownpay_amt"][0],
                numbers["data", "overlmt_selfpay"][0],
                numbers["data", "preselfpay_amt"][0],
                numbers["data", "inscp_scp_amt"][0],
            )
            invoice_no = data.invono or ""
        credential = credential_of(data)
        return SettleVisit(
            asked=self.asked(request, sender, data.psn_no),
            business_key=keys.visit_key(mdtrt_id, data.chrg_bchno, self._keyring.digest_key),
            token_key=self.token_key(credential),
            visit_ids=(mdtrt_id,),
            mdtrt_id=mdtrt_id,
            batch_no=data.chrg_bchno,
            scheme=data.insutype,
            care_type=data.med_type,
            kind=CareKind.OUTPATIENT,
            account_use=AccountUse(data.acct_used_flag),
            total_fen=numbers["data", "medfee_sumamt"][0],
            declared_split=declared,
            credential=credential,
            invoice_no=invoice_no,
            kept=kept_of(data, HEAD_USED),
            quote=declared is None,
        )

    def cancel(
        self,
        request: pharmacy.PharmacyCancel
        | outpatient_settle.OutpatientCancel
        | inpatient_settle.StayCancel,
        sender: Sender,
    ) -> Cancel:
        """2103, 2208 and 2305."""
        data = request.input.data
        setl_id, mdtrt_id = number_of(data.setl_id), number_of(data.mdtrt_id)
        kind = _CANCELLED_KIND.get(request.infno, CareKind.OUTPATIENT)
        return Cancel(
            asked=self.asked(request, sender, data.psn_no),
            setl_ids=(setl_id,),
            setl_id=setl_id,
            mdtrt_id=mdtrt_id,
            kind=kind,
        )

    def reverse(self, request: reversal.Reversal, sender: Sender) -> Reverse:
        """2601. The original is looked for in every lane: the person named may be the wrong one."""
        data = request.input.data
        original_key = keys.message_key(
            request.fixmedins_code, data.oinfno, data.omsgid, msgid.sent_at(data.omsgid) or 0
        )
        return Reverse(
            asked=self.asked(request, sender, data.psn_no),
            other_keys=tuple((lane, original_key) for lane in range(self.lanes)),
            original_infno=data.oinfno,
            original_msgid=data.omsgid,
            original_key=original_key,
        )

    def register(self, request: outpatient.Register, sender: Sender) -> RegisterVisit:
        """2201."""
        data = request.input.data
        credential = credential_of(data)
        return RegisterVisit(
            asked=self.asked(request, sender, data.psn_no),
            token_key=self.token_key(credential),
            scheme=data.insutype,
            begun_at=parse_moment(data.begntime),
            outpatient_no=data.ipt_otp_no,
            credential=credential,
            kept=kept_of(data, HEAD_USED),
        )

    def withdraw_visit(
        self, request: outpatient.RegisterCancel, sender: Sender
    ) -> WithdrawVisit:
        """2202."""
        data = request.input.data
        mdtrt_id = number_of(data.mdtrt_id)
        return WithdrawVisit(
            asked=self.asked(request, sender, data.psn_no),
            visit_ids=(mdtrt_id,),
            mdtrt_id=mdtrt_id,
            outpatient_no=data.ipt_otp_no,
        )

    def describe(
        self, request: outpatient.VisitUpload | outpatient.VisitUploadA, sender: Sender
    ) -> DescribeVisit:
        """2203 and 2203A."""
        head = request.input.mdtrtinfo
        mdtrt_id = number_of(head.mdtrt_id)
        kept = kept_of(head, HEAD_USED)
        kept["diseinfo"] = [kept_of(row, frozenset()) for row in request.input.diseinfo]
        return DescribeVisit(
            asked=self.asked(request, sender, head.psn_no),
            visit_ids=(mdtrt_id,),
            mdtrt_id=mdtrt_id,
            care_type=head.med_type,
            kept=kept,
        )

    def upload(self, request: outpatient.FeeUpload, sender: Sender) -> UploadLines:
        """2204: one message is about one visit of one person."""
        rows = request.input.feedetail
        first = rows[0]
        mdtrt_id = number_of(first.mdtrt_id)
        lines = lines_of(rows, sender.numbers, "feedetail")
        traces = self.traces(rows)
        return UploadLines(
            asked=self.asked(request, sender, first.psn_no),
            traces=traces,
            trace_keys=keys_of(traces),
            trace_lanes=self.lanes,
            visit_ids=(mdtrt_id,),
            mapping_keys=self.mapping_keys(sender, lines),
            mdtrt_id=mdtrt_id,
            lines=lines,
            batches=tuple([row.chrg_bchno for row in rows]),
            kept_lines=tuple([kept_line(row) for row in rows]),
            same_visit=all(
                row.mdtrt_id == first.mdtrt_id and row.psn_no == first.psn_no for row in rows
            ),
        )

    def withdraw_lines(
        self, request: outpatient.FeeCancel, sender: Sender
    ) -> WithdrawLines:
        """2205."""
        data = request.input.data
        mdtrt_id = number_of(data.mdtrt_id)
        return WithdrawLines(
            asked=self.asked(request, sender, data.psn_no),
            visit_ids=(mdtrt_id,),
            mdtrt_id=mdtrt_id,
            batch_no=None if data.chrg_bchno == ALL_UNSETTLED else data.chrg_bchno,
        )

    def look_up(self, request: person.PersonLookup, sender: Sender) -> LookUpPerson | None:
        """1101 of our own people; None for others, and for what is no credential."""
        data = request.input.data
        kind = CREDENTIAL_KINDS.get(data.mdtrt_cert_type)
        asked = self.asked(request, sender, "")
        if kind is None or asked.insured_region:
            return None
        credential = credential_of(data)
        key = self._keyring.lookup_key(kind, credential.number)
        lane = lane_of_key(key, self.lanes)
        return LookUpPerson(
            asked=replace(asked, lane=lane, message_key=keys.NO_KEY),
            token_key=key if kind is LookupKind.TOKEN else b"",
            sought=Sought(lane, kind, key),
            credential=credential,
        )

    def entitlement(
        self, request: person.EntitlementCheck, sender: Sender
    ) -> CheckEntitlement:
        """2001."""
        data = request.input.data
        return CheckEntitlement(
            asked=self.asked(request, sender, data.psn_no),
            scheme=data.insutype,
            care_type=data.med_type,
            on=parse_moment(data.begntime),
            disease=data.dise_codg or "",
        )
