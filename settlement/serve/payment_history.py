"""`settlement payments show`: everything that happened to one payment, for auditors.

Every event with its time, its attempt, what was learnt from it, and the request and the reply that
it came of, as kept: payment codes, keys and signatures were masked before (settlement/channels).
Then what operators did about it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from ledger.postgres.schema import installed_shape
from settlement.clock import local_time
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import Keyring
from settlement.numbers import lane_in
from settlement.payments.payment import Advice, Exchange
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Attempt, Event, Happening, Learnt, PaymentKind
from settlement.said import UNUSABLE, Said
from settlement.serve.by_hand import subject_of
from settlement.serve.worklist import STATE_ZH
from settlement.storage.audits import Audited, audited
from settlement.storage.connect import connect_plain
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.payment_reader import read_payments
from settlement.storage.payments import payment_exchanges
from settlement.usecases.payment_payloads import open_exchange
from settlement.view import View

_HAPPENED_ZH = {
    Happening.ATTEMPTED: "发起",
    Happening.PAID: "渠道已收款",
    Happening.MISPAID: "渠道收款金额不符",
    Happening.CONFIRM: "待确认",
    Happening.UNCLEAR: "结果未明",
    Happening.REFUSED: "渠道拒绝",
    Happening.GIVEN_UP: "放弃收款",
    Happening.UNDONE: "已撤销",
    Happening.NOT_UNDONE: "渠道不能撤销",
    Happening.SURPLUS: "多收",
    Happening.RETURNED: "渠道已退款",
    Happening.RETURN_REFUSED: "渠道拒绝退款",
    Happening.RETRIED: "人工重试",
    Happening.GIVEN_BACK: "线下退款",
    Happening.TAKEN_BACK: "退货",
    Happening.INVITED: "邀请手机支付",
    Happening.CHANGED: "更换支付方式",
    Happening.SHARED: "参保地已结算，待付余款",
}


class History(Struct, frozen=True, kw_only=True):
    """A payment with all that is kept of it."""

    fact: PaymentFact
    exchanges: Mapping[int, Exchange]
    """by number of the event"""
    audits: Sequence[Audited]


def show(data_dir: Path, pay_no: int, *, as_json: bool) -> Said:
    """Print the history of a payment; 1 where there is none of that number."""
    try:
        return asyncio.run(_show(data_dir, pay_no, as_json=as_json))
    except (ServiceError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _show(data_dir: Path, pay_no: int, *, as_json: bool) -> Said:
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            history = await read_history(connection, pay_no, keyring)
        finally:
            await connection.close()
    if history is None:
        return Said(1, f"没有收款或退款 {pay_no} | there is no payment {pay_no}")
    return Said(0, history_json(history) if as_json else history_text(history))


async def read_history(
    connection: PlainConnection, pay_no: int, keyring: Keyring
) -> History | None:
    """Everything that is kept of a payment; None where there is none of that number."""
    view = View()
    await read_payments(connection, [pay_no], view, await installed_shape(connection))
    fact = view.payments.get(pay_no)
    if fact is None:
        return None
    lane = lane_in(pay_no)
    exchanges = {}
    for number, sealed in await payment_exchanges(connection, pay_no):
        opened = open_exchange(sealed, keyring, lane, pay_no, number)
        if opened is not None:
            exchanges[number] = opened
    return History(
        fact=fact, exchanges=exchanges, audits=await audited(connection, subject_of(pay_no))
    )


def history_json(history: History) -> str:
    """For machines; numbers of ours are text, amounts yuan as text."""
    row = history.fact.row
    content = {
        **_head(history.fact),
        "events": [_event(one, history.exchanges.get(one.number)) for one in history.fact.events],
        "returns": [str(number) for number in history.fact.returns],
        "parent": None if row.parent is None else str(row.parent),
        "audit": [_audit(one) for one in history.audits],
    }
    return msgspec.json.encode(content).decode()


def history_text(history: History) -> str:
    """For people, an event a paragraph."""
    fact, head = history.fact, _head(history.fact)
    lines = [
        f"{head['pay_no']}  {_KIND_ZH[fact.row.kind]}  {STATE_ZH[fact.standing.state]} "
        f"{head['state']}  {head['amount']} 元",
        f"机构 institution {head['institution']}  订单 order {head['order_no']}  "
        f"结算 settlement {head['setl_id'] or '-'}",
    ]
    if fact.row.parent is not None:
        lines.append(f"退回的收款 gives back {fact.row.parent}")
    lines += [f"由此退款 given back by {number}" for number in fact.returns]
    for event in fact.events:
        lines += ["", *_event_lines(event, history.exchanges.get(event.number))]
    if history.audits:
        lines += ["", "操作记录 what operators did"]
    for one in history.audits:
        shown = _audit(one)
        lines.append(f"  {shown['at']}  {one.actor}  {one.action}  {one.note}")
    return "\n".join(lines)


_KIND_ZH = {PaymentKind.COLLECT: "收款 collect", PaymentKind.RETURN: "退款 return"}


def _head(fact: PaymentFact) -> dict[str, object]:
    row, now = fact.row, fact.standing
    return {
        "pay_no": str(row.pay_no),
        "kind": row.kind.name.lower(),
        "state": now.state.value,
        "since": local_time(now.since),
        "opened_at": local_time(row.opened_at),
        "institution": row.institution,
        "order_no": row.order_no,
        "setl_id": None if row.setl_id is None else str(row.setl_id),
        "amount": yuan_text(row.amount_fen),
    }


def _event(event: Event, exchange: Exchange | None) -> dict[str, object]:
    return {
        "event_no": event.number,
        "at": local_time(event.at),
        "happened": event.happening.name.lower(),
        "attempt": event.attempt,
        "began": None if event.began is None else _attempt(event.began),
        "learnt": _learnt(event.learnt),
        "exchange": exchange,
    }


def _attempt(began: Attempt) -> dict[str, object]:
    return {
        "channel": began.channel.value,
        "merchant_no": began.merchant_no,
        "custody": began.custody.value,
        "channel_order_no": began.order_no,
        "amount": yuan_text(began.amount_fen),
        "code_shown": began.code_shown,
    }


def _learnt(learnt: Learnt) -> dict[str, object]:
    """What is not empty of it."""
    told: dict[str, object] = {
        "code": learnt.code,
        "text": learnt.text,
        "advice": "" if learnt.advice is Advice.NONE else learnt.advice.value,
        "reference": learnt.reference,
        "amount": "" if learnt.amount_fen is None else yuan_text(learnt.amount_fen),
        "settled": "" if learnt.settled_fen is None else yuan_text(learnt.settled_fen),
        "operator": learnt.operator,
        "setl_id": "" if learnt.setl_id is None else str(learnt.setl_id),
        "return_no": "" if learnt.return_no is None else str(learnt.return_no),
    }
    return {name: value for name, value in told.items() if value}


def _audit(row: Audited) -> dict[str, object]:
    return {
        "at": f"{local_time(row.at):%Y-%m-%d %H:%M:%S}",
        "actor": row.actor,
        "action": row.action,
        "reason": row.note,
    }


def _event_lines(event: Event, exchange: Exchange | None) -> list[str]:
    lines = [
        f"{event.number}. {local_time(event.at):%Y-%m-%d %H:%M:%S.%f}  "
        f"{_HAPPENED_ZH[event.happening]} {event.happening.name.lower()}  第 {event.attempt} 次"
    ]
    for what in (None if event.began is None else _attempt(event.began), _learnt(event.learnt)):
        if what:
            lines.append("   " + "  ".join(f"{name} {value}" for name, value in what.items()))
    if exchange is None:
        return lines
    status = "无答复 no answer" if exchange.status is None else f"HTTP {exchange.status}"
    lines.append(f"   {exchange.operation}  {status}  {exchange.took_ms} ms")
    lines += [f"   > {line}" for line in exchange.request.splitlines()]
    return lines + [f"   < {line}" for line in exchange.reply.splitlines()]
