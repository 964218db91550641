"""Uploads that are only stored (只存储的上传): 35xx stock, 4101 settlement lists, 43xx to 49xx.

Kept sealed, as they were sent, and answered 0 with a warning that nothing else becomes of them. A
settlement list must cite a settlement of this institution that stands, and what it says of money
must be what was settled; once that is cancelled, every enquiry of operators shows it (DOMAIN 28).
"""

from __future__ import annotations

import zlib

import msgspec
from msgspec import Raw, Struct

from settlement.clock import Moment
from settlement.commands import KeepList, KeepUpload, Sum
from settlement.decision import Answer, Decision
from settlement.keyring import Keyring
from settlement.payers import Payers
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, RowKind, SettlementRow, UploadRow
from settlement.translate import rendering
from settlement.usecases import booking
from settlement.usecases.replay import STORED_ONLY, replayed
from settlement.view import Effects, SettlementFact, View
from settlement.world import World

_ENCODE = msgspec.json.Encoder().encode
_FAST = 1
"""Level of compression: texts of records shrink to a fifth even so."""


class Kept(Struct, frozen=True, kw_only=True, array_like=True):
    """What is sealed of an upload."""

    msgid: str
    operator: str
    content: Raw


_DECODE = msgspec.json.Decoder(Kept).decode


def keep(command: KeepUpload, view: View, world: World, moment: Moment) -> Decision:
    """Keep stock, a record or an invoice; whoever it names need not be insured here."""
    return replayed(command, view, world, moment) or _kept(command, None, world, moment)


def keep_list(command: KeepList, view: View, world: World, moment: Moment) -> Decision:
    """Keep a settlement list (4101)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    fact = _cited(command, view)
    if isinstance(fact, Refusal):
        return Decision(fact)
    payers = rendering.payers_of(fact.row, world)
    for claimed in command.sums:
        declared_fen = _without_account(claimed, payers)
        computed_fen = getattr(fact.row, claimed.amount)
        if declared_fen != computed_fen:
            return Decision(_differs(claimed, declared_fen, computed_fen))
    return _kept(command, fact.row, world, moment)


def open_upload(row: UploadRow, keyring: Keyring) -> Kept:
    """What was sent."""
    version = int.from_bytes(row.payload[:2], "big")
    record = upload_record(row.lane, row.upload_id)
    return _DECODE(zlib.decompress(keyring.open(row.payload[2:], record, version)))


def upload_record(lane: int, upload_id: int) -> bytes:
    """The associated data under which an upload is sealed."""
    return f"upload/{lane}/{upload_id}".encode()


def _cited(command: KeepList, view: View) -> SettlementFact | Refusal:
    """The settlement that a list is about."""
    if not command.cited:
        return Refusal(code="LIST_WITHOUT_SETTLEMENT", field="setl_id")
    fact = view.settlements.get(command.setl_id)
    named: dict[str, str | int] = {"setl_id": command.cited}
    if fact is None or command.visit_cited not in ("", str(fact.row.mdtrt_id)):
        return Refusal(code="SETTLEMENT_UNKNOWN", field="setl_id", params=named)
    row = fact.row
    if row.institution != command.asked.institution.code:
        return Refusal(code="SETTLEMENT_OF_OTHER_INSTITUTION", field="setl_id")
    if command.person_named not in ("", row.psn_no):
        return Refusal(code="SETTLEMENT_OF_OTHER_PERSON", field="setl_id")
    if fact.undone_by is not None:
        undone = {**named, "undone_by": str(fact.undone_by)}
        return Refusal(code="LIST_OF_CANCELLED", field="setl_id", params=undone)
    if row.kind is not RowKind.SETTLE:
        return Refusal(code="LIST_OF_CANCELLED", field="setl_id", params=named)
    return fact


def _without_account(claimed: Sum, payers: Payers) -> int:
    """A sum of funds without the personal account, which our own answers list beside them."""
    account = None if payers.account is None else payers.account.fund.code
    return claimed.declared_fen - sum(fen for fund, fen in claimed.by_fund if fund == account)


def _differs(claimed: Sum, declared_fen: int, computed_fen: int) -> Refusal:
    return Refusal(
        code="LIST_AMOUNT_DIFFERS", field=claimed.field,
        params={
            "name_zh": claimed.name_zh, "declared_fen": declared_fen, "computed_fen": computed_fen,
        },
    )  # fmt: skip


def _kept(
    command: KeepUpload, cited: SettlementRow | None, world: World, moment: Moment
) -> Decision:
    asked, keyring = command.asked, world.keyring
    upload_id = world.next_number(asked.lane, moment.business_day)
    said = Kept(msgid=asked.msgid, operator=asked.operator, content=Raw(command.content))
    record = upload_record(asked.lane, upload_id)
    sealed = keyring.seal(zlib.compress(_ENCODE(said), _FAST), record)
    row = UploadRow(
        lane=asked.lane,
        upload_id=upload_id,
        setl_id=None if cited is None else cited.setl_id,
        institution=asked.institution.code,
        infno=asked.infno,
        psn_no=command.person_named if cited is None else cited.psn_no,
        payload=keyring.version.to_bytes(2, "big") + sealed,
    )
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.UPLOAD, upload_id),),
        upload=row,
    )
    output = rendering.stored_output(upload_id, asked.infno)
    return Decision(Answer(output=output, warning=STORED_ONLY), effects)
