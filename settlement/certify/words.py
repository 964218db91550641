"""How the report puts what was sent and what came, without personal data."""

from __future__ import annotations

from protocol.nhsa.registry import TYPED
from settlement.client import (
    Came,
    Done,
    Message,
    Outcome,
    Refused,
    Resolution,
    TakenBack,
    Unknown,
)
from settlement.client.patience import Answered, judge
from settlement.client.wire import Passage


def sent_of(message: Message) -> str:
    """A message in a line, without personal data."""
    transaction = TYPED.get(message.infno)
    title = f" {transaction.title} {transaction.title_en}" if transaction else ""
    return f"{message.infno}{title}，msgid {message.msgid}"


def came_of(outcome: Resolution | Outcome) -> str:
    """An outcome in a line."""
    match outcome:
        case Done():
            told = _told_amounts(outcome)
            again = f"；{outcome.warn_msg}" if outcome.warn_msg else ""
            return f"infcode 0{told}{again}"
        case Refused():
            where = f" @ {outcome.field}" if outcome.field else ""
            return f"{outcome.code}{where}：{outcome.text}（retry {outcome.retry}）"
        case TakenBack():
            return "已冲正 taken back by 2601"
        case Unknown():
            return f"结果未知 unknown: {outcome.reason}"


def came_of_passage(came: Passage) -> str:
    """An answer of HTTP in a line."""
    if not isinstance(came, Came):
        return f"无应答 no answer: {came.reason}"
    judged = judge(came)
    if isinstance(judged, Answered):
        return f"HTTP {came.status}，infcode 0"
    return f"HTTP {came.status} {judged.code}：{judged.text}"


def _told_amounts(done: Done) -> str:
    node = done.output.get("setlinfo") if isinstance(done.output, dict) else None
    if not isinstance(node, dict):
        return ""
    names = (("medfee_sumamt", "总额"), ("fund_pay_sumamt", "基金"), ("acct_pay", "账户"),
             ("psn_cash_pay", "现金"))  # fmt: skip
    parts = [f"{zh} {node[name]}" for name, zh in names if name in node]
    return f"，结算ID {node.get('setl_id', '—')}，" + " ".join(parts)
