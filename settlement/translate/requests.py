"""From the wire's requests to commands.

The wire layer has checked types, lengths, code lists and scales; here values change their
vocabulary and unit: yuan to fen, text to time, wire numbers to ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from protocol.nhsa import canonical, msgid
from protocol.nhsa.codec import Checked
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.fields import Numbers
from protocol.nhsa.messages import outpatient, outpatient_settle, person, pharmacy, reversal
from protocol.nhsa.registry import TRANSACTIONS, Effect
from protocol.nhsa.times import parse_moment
from settlement import keys, numbers
from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.commands import (
    Asked,
    Cancel,
    CheckEntitlement,
    Command,
    Credential,
    DescribeVisit,
    Purchase,
    RegisterVisit,
    Reverse,
    SettleVisit,
    UploadLines,
    WithdrawLines,
    WithdrawVisit,
)
from settlement.institution import Institution
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of
from settlement.rows import KeptLine

ALL_UNSETTLED = "0000"
"""2205: every line not yet settled."""
UNKNOWN_NUMBER = 0
_LINE_PRICED = frozenset(
    {
        "feedetl_sn", "fee_ocur_time", "med_list_codg", "medins_list_codg", "det_item_fee_sumamt",
        "cnt", "pric", "mdtrt_id", "psn_no", "chrg_bchno",
    }
)  # fmt: skip
_HEAD_USED = frozenset(
    {
        "psn_no", "mdtrt_cert_type", "mdtrt_cert_no", "card_sn", "psn_cert_type", "certno",
        "psn_type", "psn_name", "medfee_sumamt", "invono", "insutype", "acct_used_flag",
        "med_type", "mdtrt_id", "chrg_bchno", "fulamt_ownpay_amt", "overlmt_selfpay",
        "preselfpay_amt", "inscp_scp_amt", "setl_id", "ipt_otp_no",
    }
)  # fmt: skip


class Sender(Struct, frozen=True, gc=False):
    """Who sent a request, the fingerprint of what it says (empty where it binds nothing), and the
    numbers in it."""

    institution: Institution
    fingerprint: bytes = b""
    numbers: Numbers = {}


class Translator:
    """Turns requests into commands for one region (its number of lanes and its keys)."""

    def __init__(self, *, lanes: int, keyring: Keyring) -> None:
        self._lanes = lanes
        self._keyring = keyring

    def command_all(
        self, requests: Sequence[tuple[Checked, Institution]]
    ) -> list[Command | None]:
        """The commands of requests; None for those that have none (sign-in, enquiries).

        Fingerprints first, then the rest: a step at a time, as the desk decides.
        """
        senders = [
            Sender(institution, self._fingerprint(one), one.numbers)
            for one, institution in requests
        ]
        commands: list[Command | None] = []
        for (one, _), sender in zip(requests, senders, strict=True):
            make = _MAKERS.get(type(one.request))
            commands.append(None if make is None else make(self, one.request, sender))
        return commands

    def _fingerprint(self, one: Checked) -> bytes:
        """Of a message that may bind its key; quotes and enquiries bind nothing."""
        if one.request.infno not in _BINDING:
            return b""
        key = self._keyring.digest_key
        return canonical.fingerprint(one.request, one.numbers, person_key=key).pack()

    def asked(self, request: Envelope, sender: Sender, person_no: str) -> Asked:
        """Who asks, under which key, about whom."""
        sent_at = msgid.sent_at(request.msgid) or 0
        return Asked(
            infno=request.infno,
            institution=sender.institution,
            msgid=request.msgid,
            operator=request.opter,
            lane=lane_of(person_no, self._lanes),
            person_no=person_no,
            message_key=keys.message_key(
                request.fixmedins_code, request.infno, request.msgid, sent_at
            ),
            fingerprint=sender.fingerprint,
        )

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
            lines=_lines(rows, numbers, "drugdetail"),
        )
        credential = _credential(head)
        return Purchase(
            asked=self.asked(request, sender, head.psn_no),
            business_key=keys.purchase_key(claim, self._keyring.digest_key),
            token_key=self.token_key(credential),
            claim=claim,
            credential=credential,
            kept_lines=tuple(map(_kept_line, rows)),
            kept=_kept(head, _HEAD_USED),
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
        mdtrt_id = _number(data.mdtrt_id)
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
        credential = _credential(data)
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
            kept=_kept(data, _HEAD_USED),
            quote=declared is None,
        )

    def cancel(
        self,
        request: pharmacy.PharmacyCancel | outpatient_settle.OutpatientCancel,
        sender: Sender,
    ) -> Cancel:
        """2103 and 2208."""
        data = request.input.data
        setl_id, mdtrt_id = _number(data.setl_id), _number(data.mdtrt_id)
        kind = CareKind.PHARMACY if request.infno == "2103" else CareKind.OUTPATIENT
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
            other_keys=tuple((lane, original_key) for lane in range(self._lanes)),
            original_infno=data.oinfno,
            original_msgid=data.omsgid,
            original_key=original_key,
        )

    def register(self, request: outpatient.Register, sender: Sender) -> RegisterVisit:
        """2201."""
        data = request.input.data
        credential = _credential(data)
        return RegisterVisit(
            asked=self.asked(request, sender, data.psn_no),
            token_key=self.token_key(credential),
            scheme=data.insutype,
            begun_at=parse_moment(data.begntime),
            outpatient_no=data.ipt_otp_no,
            credential=credential,
            kept=_kept(data, _HEAD_USED),
        )

    def withdraw_visit(
        self, request: outpatient.RegisterCancel, sender: Sender
    ) -> WithdrawVisit:
        """2202."""
        data = request.input.data
        mdtrt_id = _number(data.mdtrt_id)
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
        mdtrt_id = _number(head.mdtrt_id)
        kept = _kept(head, _HEAD_USED)
        kept["diseinfo"] = [_kept(row, frozenset()) for row in request.input.diseinfo]
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
        mdtrt_id = _number(first.mdtrt_id)
        return UploadLines(
            asked=self.asked(request, sender, first.psn_no),
            visit_ids=(mdtrt_id,),
            mdtrt_id=mdtrt_id,
            lines=_lines(rows, sender.numbers, "feedetail"),
            batches=tuple([row.chrg_bchno for row in rows]),
            kept_lines=tuple([_kept_line(row) for row in rows]),
            same_visit=all(
                row.mdtrt_id == first.mdtrt_id and row.psn_no == first.psn_no for row in rows
            ),
        )

    def withdraw_lines(
        self, request: outpatient.FeeCancel, sender: Sender
    ) -> WithdrawLines:
        """2205."""
        data = request.input.data
        mdtrt_id = _number(data.mdtrt_id)
        return WithdrawLines(
            asked=self.asked(request, sender, data.psn_no),
            visit_ids=(mdtrt_id,),
            mdtrt_id=mdtrt_id,
            batch_no=None if data.chrg_bchno == ALL_UNSETTLED else data.chrg_bchno,
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
        )


_Maker = Callable[[Translator, Any, Sender], Command]
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
}

_BINDING = frozenset(
    infno
    for infno, transaction in TRANSACTIONS.items()
    if transaction.effect is Effect.WRITE and transaction.request in _MAKERS
)
"""Transactions whose effect binds the message's key (DESIGN D3)."""

_Row = pharmacy.DrugDetail | outpatient.FeeDetail
_WithCredential = (
    pharmacy.DrugInfo
    | outpatient.RegisterData
    | outpatient_settle.OutpatientQuoteData
    | outpatient_settle.OutpatientSettleData
)


def _lines(rows: Sequence[_Row], numbers: Numbers, node: str) -> tuple[ClaimLine, ...]:
    approvable = node != "drugdetail"
    columns = (numbers[node, name] for name in ("cnt", "pric", "det_item_fee_sumamt"))
    return tuple(
        [
            ClaimLine(
                line_no=str(row.feedetl_sn),
                item_code=row.med_list_codg,
                institution_item_code=row.medins_list_codg,
                quantity_e4=quantity_e4,
                price_e6=price_e6,
                amount_fen=amount_fen,
                occurred_on=_day(row.fee_ocur_time),
                approval=row.hosp_appr_flag if approvable else "",
            )
            for row, quantity_e4, price_e6, amount_fen in zip(rows, *columns, strict=True)
        ]
    )


@lru_cache(maxsize=4_096)
def _day(text: str) -> date:
    return parse_moment(text).date()


def _credential(data: _WithCredential) -> Credential:
    """Empty text counts as not given."""
    return Credential(
        kind=data.mdtrt_cert_type,
        number=data.mdtrt_cert_no,
        card_serial=data.card_sn or None,
        certificate_no=data.certno or None,
        name=data.psn_name or None,
    )


def _kept_line(row: _Row) -> KeptLine:
    return KeptLine(occurred_at=row.fee_ocur_time, extra=_kept(row, _LINE_PRICED))


def _kept(row: msgspec.Struct, used: frozenset[str]) -> dict[str, object]:
    """What the sender said and we only keep, by its wire name; absent and empty fields are not."""
    names, values_of = _keeping(type(row), used)
    values = values_of(row)
    if not any(values):  # the usual line says nothing more, and a number 0 counts as absent
        return {}
    return {
        name: value
        for name, value in zip(names, values, strict=True)
        if value is not None and value != ""
    }


@cache
def _keeping(
    kind: type[msgspec.Struct], used: frozenset[str]
) -> tuple[tuple[str, ...], Callable[[msgspec.Struct], tuple[object, ...]]]:
    names = tuple(name for name in kind.__struct_fields__ if name not in used)
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda row: tuple([getattr(row, name) for name in names])


def _number(text: str) -> int:
    """A number of ours; text that cannot be one names nothing we ever issued."""
    return numbers.parse(text) or UNKNOWN_NUMBER
