"""What a person is told once a matter of theirs is decided or done (短信通知), into the outbox of
the same commit. The text names no disease, no institution and nobody; of a number only its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.clock import Moment
from settlement.keyring import Keyring
from settlement.outbox import SMS_GATEWAY, Kind, notice_no
from settlement.payments.mobile_rows import OutboxRow
from settlement.people.matter_rows import MatterEventRow, MatterFact
from settlement.people.matter_states import Happening, MatterKind
from settlement.usecases.matter_payloads import open_wanted
from settlement.usecases.mobile_payloads import seal_notice
from settlement.world import World

_SHOWN_DIGITS = 6
_ENCODE = msgspec.json.Encoder().encode
TEXTS: Mapping[tuple[MatterKind, Happening], str] = {
    (MatterKind.OFF_SITE, Happening.ACCEPTED): "您的异地就医备案（尾号{tail}）已生效。",
    (MatterKind.OFF_SITE, Happening.REFUSED):
        "您的异地就医备案（尾号{tail}）未通过，请登录查看原因。",
    (MatterKind.OFF_SITE, Happening.CANCELLED): "您的异地就医备案（尾号{tail}）已撤销。",
    (MatterKind.OFF_SITE, Happening.ENDED):
        "您的异地就医备案（尾号{tail}）已终止，请登录查看原因。",
    (MatterKind.AUTHORISATION, Happening.ACCEPTED): "您的医保代办授权（尾号{tail}）已生效。",
    (MatterKind.AUTHORISATION, Happening.REFUSED): "您的医保代办授权（尾号{tail}）未通过。",
    (MatterKind.AUTHORISATION, Happening.CANCELLED): "您的医保代办授权（尾号{tail}）已撤销。",
    (MatterKind.AUTHORISATION, Happening.ENDED): "您的医保代办授权（尾号{tail}）已终止。",
    (MatterKind.TRANSFER_OUT, Happening.REFUSED):
        "您的个人账户转出（尾号{tail}）未通过，请登录查看原因。",
    (MatterKind.TRANSFER_OUT, Happening.PAID):
        "您的个人账户转出（尾号{tail}）已办结，转出{yuan}元。",
    (MatterKind.TRANSFER_OUT, Happening.RETURNED):
        "您的个人账户转出（尾号{tail}）被银行退回，{yuan}元已退回账户。",
    (MatterKind.TRANSFER_IN, Happening.REFUSED):
        "您的个人账户转入（尾号{tail}）未通过，请登录查看原因。",
    (MatterKind.TRANSFER_IN, Happening.PAID):
        "您的个人账户转入（尾号{tail}）已办结，转入{yuan}元。",
    (MatterKind.TRANSFER_IN, Happening.RETURNED):
        "您的个人账户转入（尾号{tail}）已退回转出地，退回{yuan}元。",
    (MatterKind.REIMBURSEMENT, Happening.ACCEPTED):
        "您的医疗费报销材料（尾号{tail}）窗口已受理，请登录查看进度。",
    (MatterKind.REIMBURSEMENT, Happening.REFUSED):
        "您的医疗费报销申请（尾号{tail}）未通过，请登录查看原因。",
}  # fmt: skip
"""What a person is told, by what happened; of everything else they are told nothing."""


class PersonMessage(Struct, frozen=True, kw_only=True):
    """A message as the gateway gets it."""

    phone: str
    text: str


def told(
    fact: MatterFact, events: Sequence[MatterEventRow], world: World, moment: Moment
) -> tuple[OutboxRow, ...]:
    """The messages that these events make us owe; none without a telephone or a gateway."""
    if (SMS_GATEWAY, Kind.SMS) not in world.receivers:
        return ()
    texts = [(event, TEXTS.get((fact.row.kind, event.kind))) for event in events]
    if not any(text for _, text in texts):
        return ()
    phone = open_wanted(fact.row, world.keyring).phone
    if not phone:
        return ()
    return tuple(
        _row(fact, event, phone, text, world, moment) for event, text in texts if text
    )


def message(
    words: str, phone: str, *, region_name: str, keyring: Keyring, lane: int, case_no: int,
    number: int, topic: str, at: datetime,
) -> OutboxRow:  # fmt: skip
    """A message about a matter, as the outbox has it."""
    told_to = PersonMessage(phone=phone, text=f"【{region_name}医保】{words}")
    return OutboxRow(
        lane=lane, case_no=case_no, notice_no=number, kind=Kind.SMS, topic=topic,
        institution=SMS_GATEWAY, told_at=at,
        payload=seal_notice(
            _ENCODE(told_to), keyring, lane=lane, case_no=case_no, notice_no=number
        ),
    )  # fmt: skip


def tail_of(matter_no: int) -> str:
    """What is shown of a number."""
    return str(matter_no)[-_SHOWN_DIGITS:]


def _row(
    fact: MatterFact, event: MatterEventRow, phone: str, text: str, world: World, moment: Moment
) -> OutboxRow:
    case_no = fact.row.matter_no
    return message(
        text.format(tail=tail_of(case_no), yuan=yuan_text(event.amount_fen)), phone,
        region_name=world.profile.name, keyring=world.keyring, lane=fact.row.lane,
        case_no=case_no, number=notice_no(event.event_no),
        topic=f"{fact.row.kind.name.lower()}.{event.kind.name.lower()}", at=moment.at,
    )  # fmt: skip
