"""`settlement payments`: payments over channels that are not at their end, and since when."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ledger.money import yuan_text
from ledger.postgres.schema import installed_shape
from settlement.clock import local_time
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import PaymentKind, State
from settlement.said import UNUSABLE, Said
from settlement.storage.connect import connect_plain
from settlement.storage.payment_reader import read_payments
from settlement.storage.payments import open_payments
from settlement.view import View

SHOWN_MAX = 1_000
STATE_ZH = {
    State.WAITING: "待出示付款码",
    State.COLLECTING: "收款结果待确认",
    State.CONFIRMING: "待付款人确认",
    State.CHANGING: "更换支付方式",
    State.UNDOING: "撤销中",
    State.RETURNING: "退款中",
    State.REFUND_DUE: "待人工退款",
    State.SETTLED: "已结算",
    State.CLOSED: "已关闭",
    State.RETURNED: "已退款",
}


def payments(data_dir: Path, *, as_json: bool) -> Said:
    """What is in doubt, the oldest first."""
    try:
        return asyncio.run(_payments(data_dir, as_json=as_json))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _payments(data_dir: Path, *, as_json: bool) -> Said:
    view = View()
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            numbers = await open_payments(connection, limit=SHOWN_MAX)
            shape = await installed_shape(connection)
            await read_payments(connection, numbers, view, shape)
        finally:
            await connection.close()
    facts = [view.payments[number] for number in numbers]
    return Said(0, payments_json(facts) if as_json else payments_table(facts))


def payments_json(facts: Sequence[PaymentFact]) -> str:
    """For machines; numbers of ours are text, amounts yuan as text."""
    return msgspec.json.encode({"payments": [_shown(fact) for fact in facts]}).decode()


def payments_table(facts: Sequence[PaymentFact]) -> str:
    """For people, a payment a line."""
    if not facts:
        return "没有未完结的收款或退款 every payment is at its end"
    lines = ["未完结收款 pay_no, since, state, institution, order_no, channel, yuan, last said"]
    for fact in facts:
        shown = _shown(fact)
        lines.append(
            f"{shown['pay_no']}  {local_time(fact.standing.since):%Y-%m-%d %H:%M:%S}"
            f"  {STATE_ZH[fact.standing.state]}  {shown['institution']}  {shown['order_no']}"
            f"  {shown['channel']}  {shown['amount']}  {shown['said']}"
        )
    return "\n".join(lines)


def _shown(fact: PaymentFact) -> dict[str, object]:
    now = fact.standing
    attempt = now.attempt
    return {
        "pay_no": str(fact.row.pay_no),
        "kind": "collect" if fact.row.kind is PaymentKind.COLLECT else "return",
        "state": now.state.value,
        "since": local_time(now.since),
        "institution": fact.row.institution,
        "order_no": fact.row.order_no,
        "channel": "" if attempt is None else attempt.channel.value,
        "channel_order_no": "" if attempt is None else attempt.order_no,
        "amount": yuan_text(fact.row.amount_fen),
        "said": f"{now.last.code} {now.last.text}".strip(),
    }
