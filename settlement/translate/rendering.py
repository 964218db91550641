"""Facts to outputs: opens what is sealed, then hands over to the translation."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from protocol.nhsa.messages.inpatient import AdmitReply, Admitted
from protocol.nhsa.messages.outpatient import Registered, RegisterReply
from protocol.nhsa.messages.stored import SettlementListReply
from settlement.commands import Asked
from settlement.elsewhere.remote_rows import told_by
from settlement.payers import Payers, payers_told
from settlement.policy.model import Policy
from settlement.rows import EventKind, RowKind, SettlementRow
from settlement.translate import answers
from settlement.usecases.booking import detail_record, open_detail
from settlement.usecases.visit_payloads import (
    Registration,
    UploadedLine,
    open_payload,
    open_upload,
    visit_record,
)
from settlement.view import SettlementFact, View, VisitFact
from settlement.world import World

_ANSWERED_UPLOADS = frozenset({"2204", "2301"})
_ANSWERED_LISTS = frozenset({"4101", "4101A"})


class PolicyGoneError(Exception):
    """A settlement names a policy version that is no longer loaded: its files must stay."""


def policy_of(row: SettlementRow, world: World) -> Policy:
    """The policy that decided a row."""
    policy = world.policies.version(row.policy)
    if policy is None:
        raise PolicyGoneError(row.policy)
    return policy


def payers_of(row: SettlementRow, world: World) -> Payers:
    """Who paid of a row: by our policy, or as another region told."""
    if told_by(row.policy):
        return payers_told(answers.shares_of(row))
    return policy_of(row, world)


def settlement_output(fact: SettlementFact, view: View, world: World) -> Raw | None:
    """The output of the message that made a settlement row, from the row."""
    row = fact.row
    identity = view.persons[row.psn_no].identity
    payers = payers_of(row, world)
    if row.kind is RowKind.REVERSE:
        return None
    if row.kind is RowKind.CANCEL:
        return answers.cancel_reply(row, identity, payers, world.profile)
    if row.infno != "2102":
        return answers.visit_reply(row, identity, payers, world.profile)
    detail = open_detail(fact.detail, world.keyring, detail_record(row.lane, row.setl_id))
    return answers.purchase_reply(row, detail.lines, identity, payers, world.profile)


def registration_output(fact: VisitFact, world: World) -> RegisterReply:
    """The output of 2201."""
    row = fact.row
    plain = open_payload(row.payload, world.keyring, visit_record(row.lane, row.mdtrt_id, 0))
    registration = msgspec.json.decode(plain, type=Registration)
    return RegisterReply(
        data=Registered(
            mdtrt_id=str(row.mdtrt_id), psn_no=row.psn_no, ipt_otp_no=registration.outpatient_no
        )
    )


def admission_output(fact: VisitFact) -> AdmitReply:
    """The output of 2401."""
    return AdmitReply(result=Admitted(mdtrt_id=str(fact.row.mdtrt_id)))


def stored_output(upload_id: int, infno: str) -> SettlementListReply | None:
    """The output of an upload that is only stored: 4101 answers a number, the others nothing."""
    if infno not in _ANSWERED_LISTS:
        return None
    return SettlementListReply(setl_list_id=str(upload_id))


def upload_output(fact: VisitFact, asked: Asked, world: World) -> Raw | None:
    """The output of 2204 and 2301; None for the uploads whose answer carries none."""
    if asked.infno not in _ANSWERED_UPLOADS:
        return None
    lines: list[UploadedLine] = []
    for event in fact.events:
        if event.kind is not EventKind.LINES:
            continue
        if not event.payload:  # of a stay, and not what this message brought
            continue
        upload = open_upload(event, world.keyring)
        if upload.msgid == asked.msgid:
            lines += upload.lines
    lines.sort(key=lambda line: line.position)
    return answers.upload_reply(line.priced for line in lines)
