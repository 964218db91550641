"""Why each fen went where it went (结算过程): compact steps to store, readable lines to show.

A step keeps only numbers and the id of the rule; the Chinese sentence is made when somebody reads
it, so that a settlement stores some forty bytes a step. This module knows no policy: names of
funds are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from ledger.money import yuan_text


class Rule(StrEnum):
    """The first part of a step's rule id; what it applies to may follow after a colon."""

    FULL_SELF_PAY = "full_self_pay"
    OVER_CEILING = "over_ceiling"
    PRE_SELF_PAY = "pre_self_pay"
    IN_SCOPE = "in_scope"
    DEDUCTIBLE = "deductible"
    SHARE = "share"
    ACCOUNT = "account"
    CASH = "cash"


class Closure(StrEnum):
    """Why a fund or the account pays nothing (待遇不享受原因)."""

    WAITING = "waiting"
    SUSPENDED = "suspended"
    ENDED = "ended"
    FUND_CLOSED = "fund_closed"
    FUND_STOPPED = "fund_stopped"
    CREDENTIAL = "credential"
    NO_ACCOUNT = "no_account"
    CAP_REACHED = "cap_reached"


CLOSURE_ZH: Mapping[Closure, str] = {
    Closure.WAITING: "待遇享受期尚未开始",
    Closure.SUSPENDED: "参保关系已暂停",
    Closure.ENDED: "参保关系已终止",
    Closure.FUND_CLOSED: "该基金待遇已停止享受",
    Closure.FUND_STOPPED: "该基金已被经办机构暂停支付",
    Closure.CREDENTIAL: "本次就诊凭证不能使用个人账户",
    Closure.NO_ACCOUNT: "本险种没有个人账户",
    Closure.CAP_REACHED: "受年度限额限制",
}


class ExplanationStep(Struct, frozen=True, array_like=True, gc=False):
    """One step: a rule turned `basis_fen` at `ratio_bp` into `result_fen`; `note` says why not."""

    rule: str
    basis_fen: int
    ratio_bp: int
    result_fen: int
    note: str = ""


def render_zh(steps: Iterable[ExplanationStep], fund_names: Mapping[str, str] | None = None) -> str:
    """Write the steps as numbered Chinese lines; `fund_names` is by fund_pay_type."""
    lines = (f"{number}. {step_zh(step, fund_names or {})}" for number, step in enumerate(steps, 1))
    return "\n".join(lines)


def step_zh(step: ExplanationStep, fund_names: Mapping[str, str]) -> str:
    """Write one step as a Chinese sentence; a rule not known here is shown by its id."""
    rule, _, subject = step.rule.partition(":")
    result = yuan_text(step.result_fen)
    match rule:
        case Rule.SHARE:
            return share_zh(fund_names.get(subject, f"基金 {subject}"), step)
        case Rule.DEDUCTIBLE:
            return f"起付线尚差 {yuan_text(step.basis_fen)} 元，本次计入 {result} 元"
        case Rule.ACCOUNT:
            basis = yuan_text(step.basis_fen)
            return f"个人账户：可由账户支付 {basis} 元，实际支付 {result} 元{_because(step.note)}"
    title = _TITLE_ZH.get(rule, step.rule)
    return f"{title} {result} 元{_because(step.note)}"


def share_zh(fund_name: str, step: ExplanationStep) -> str:
    """Write how one fund's payment came about (结算过程信息, NHSA setl_proc_info)."""
    basis, result = yuan_text(step.basis_fen), yuan_text(step.result_fen)
    return f"{fund_name}：{basis} 元 × {ratio_zh(step.ratio_bp)} → {result} 元{_because(step.note)}"


@lru_cache(maxsize=1_024)
def ratio_zh(ratio_bp: int) -> str:
    """Write basis points as a percentage without needless zeros: 7550 becomes '75.5%'."""
    whole, rest = divmod(ratio_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def _because(note: str) -> str:
    if not note:
        return ""
    reason = CLOSURE_ZH[Closure(note)] if note in _CLOSURES else note
    return f"（{reason}）"


_CLOSURES = frozenset(closure.value for closure in Closure)

_TITLE_ZH: Mapping[str, str] = {
    Rule.FULL_SELF_PAY: "全自费",
    Rule.OVER_CEILING: "超限价自费",
    Rule.PRE_SELF_PAY: "先行自付",
    Rule.IN_SCOPE: "符合政策范围金额",
    Rule.CASH: "个人现金支付",
}
