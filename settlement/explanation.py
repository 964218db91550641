"""Why each fen went where it went (结算过程): compact steps to store, readable lines to show.

A step keeps only numbers and the id of the rule; the Chinese or English sentence is made when
somebody reads it, so that a settlement stores some forty bytes a step. A rule id is a `Rule`, then
perhaps what it applies to after a colon, and its place in the policy's list after an "@":
`share:310102@2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from ledger.money import BASIS_POINTS, yuan_text
from settlement.policy.model import CareRules, Policy


class Rule(StrEnum):
    """The first part of a step's rule id."""

    FULL_SELF_PAY = "full_self_pay"
    OVER_CEILING = "over_ceiling"
    PRE_SELF_PAY = "pre_self_pay"
    IN_SCOPE = "in_scope"
    FIRST_OFF = "first_off"
    DEDUCTIBLE = "deductible"
    CEILING = "ceiling"
    SHARE = "share"
    ACCOUNT = "account"
    FAMILY_ACCOUNT = "family_account"
    CASH = "cash"


class Closure(StrEnum):
    """Why a fund or the account pays nothing, or less than its ratio (待遇不享受原因)."""

    WAITING = "waiting"
    SUSPENDED = "suspended"
    ENDED = "ended"
    FUND_CLOSED = "fund_closed"
    FUND_STOPPED = "fund_stopped"
    CREDENTIAL = "credential"
    NO_ACCOUNT = "no_account"
    CAP_REACHED = "cap_reached"
    CASE_CAP_REACHED = "case_cap_reached"
    CEILING_REACHED = "ceiling_reached"
    BELOW_THRESHOLD = "below_threshold"
    NOT_FILED = "not_filed"
    NOT_CHOSEN = "not_chosen"


CLOSURE_ZH: Mapping[Closure, str] = {
    Closure.WAITING: "待遇享受期尚未开始",
    Closure.SUSPENDED: "参保关系已暂停",
    Closure.ENDED: "参保关系已终止",
    Closure.FUND_CLOSED: "该基金待遇已停止享受",
    Closure.FUND_STOPPED: "该基金已被经办机构暂停支付",
    Closure.CREDENTIAL: "本次就诊凭证不能使用个人账户",
    Closure.NO_ACCOUNT: "本险种没有个人账户",
    Closure.CAP_REACHED: "受年度限额限制",
    Closure.CASE_CAP_REACHED: "受单次限额限制",
    Closure.CEILING_REACHED: "受总报销比例上限限制",
    Closure.BELOW_THRESHOLD: "未超过起付标准的部分",
    Closure.NOT_FILED: "在本机构没有有效的门诊慢特病备案",
    Closure.NOT_CHOSEN: "本机构不是参保人选定的定点机构",
}
CLOSURE_EN: Mapping[Closure, str] = {
    Closure.WAITING: "benefits have not begun yet",
    Closure.SUSPENDED: "the enrolment is suspended",
    Closure.ENDED: "the enrolment has ended",
    Closure.FUND_CLOSED: "this fund is closed for the person",
    Closure.FUND_STOPPED: "the agency has stopped this fund",
    Closure.CREDENTIAL: "the credential shown may not spend the account",
    Closure.NO_ACCOUNT: "this scheme has no personal account",
    Closure.CAP_REACHED: "limited by the cap of the year",
    Closure.CASE_CAP_REACHED: "limited by the cap of a case",
    Closure.CEILING_REACHED: "limited by the ceiling over all funds",
    Closure.BELOW_THRESHOLD: "the part below the threshold",
    Closure.NOT_FILED: "no filing of the disease stands at this institution",
    Closure.NOT_CHOSEN: "the person has not chosen this institution",
}


class ExplanationStep(Struct, frozen=True, array_like=True, gc=False):
    """One step: a rule turned `basis_fen` at `ratio_bp` into `result_fen`; `note` says why not."""

    rule: str
    basis_fen: int
    ratio_bp: int
    result_fen: int
    note: str = ""

    def parts(self) -> tuple[str, str]:
        """The rule and what it applies to, without the place in the policy."""
        rule, _, subject = self.rule.partition("@")[0].partition(":")
        return rule, subject


class FundName(Struct, frozen=True, gc=False):
    """What a fund is called in both languages."""

    zh: str
    en: str


_NO_NAMES: Mapping[str, FundName] = {}


def render_zh(steps: Iterable[ExplanationStep], names: Mapping[str, FundName] = _NO_NAMES) -> str:
    """Write the steps as numbered Chinese lines; `names` is by fund_pay_type."""
    return _numbered(step_zh(step, names) for step in steps)


def render_en(steps: Iterable[ExplanationStep], names: Mapping[str, FundName] = _NO_NAMES) -> str:
    """Write the steps as numbered English lines; `names` is by fund_pay_type."""
    return _numbered(step_en(step, names) for step in steps)


def step_zh(step: ExplanationStep, names: Mapping[str, FundName] = _NO_NAMES) -> str:
    """Write one step as a Chinese sentence; a rule not known here is shown by its id."""
    rule, subject = step.parts()
    basis, result = yuan_text(step.basis_fen), yuan_text(step.result_fen)
    match rule:
        case Rule.SHARE:
            name = names.get(subject)
            return share_zh(f"基金 {subject}" if name is None else name.zh, step)
        case Rule.DEDUCTIBLE:
            return f"起付线尚差 {basis} 元，本次计入 {result} 元"
        case Rule.FIRST_OFF:
            return f"异地就医首先自付：{basis} 元 × {ratio_text(step.ratio_bp)} → {result} 元"
        case Rule.CEILING:
            ratio = ratio_text(step.ratio_bp)
            return f"各项报销合计最多 {basis} 元 × {ratio}，尚可支付 {result} 元"
        case Rule.ACCOUNT:
            return f"个人账户：可由账户支付 {basis} 元，实际支付 {result} 元{_zh(step.note)}"
        case Rule.FAMILY_ACCOUNT:
            whose = f"家庭共济账户{_place_zh(subject)}"
            return f"{whose}：可由账户支付 {basis} 元，实际支付 {result} 元"
    title = _TITLE_ZH.get(rule, step.rule)
    return f"{title} {result} 元{_zh(step.note)}"


def step_en(step: ExplanationStep, names: Mapping[str, FundName] = _NO_NAMES) -> str:
    """Write one step as an English sentence; a rule not known here is shown by its id."""
    rule, subject = step.parts()
    basis, result = yuan_text(step.basis_fen), yuan_text(step.result_fen)
    ratio, why = ratio_text(step.ratio_bp), _en(step.note)
    match rule:
        case Rule.SHARE:
            name = names.get(subject)
            title = f"fund {subject}" if name is None else name.en
            if step.note == Closure.BELOW_THRESHOLD:
                return f"{title}: {basis} is below its threshold, nothing is paid of it"
            return f"{title}: {basis} × {ratio} → {result}{why}"
        case Rule.DEDUCTIBLE:
            return f"deductible: {basis} still due, {result} of it taken here"
        case Rule.FIRST_OFF:
            return f"stays with the patient first, for care elsewhere: {basis} × {ratio} → {result}"
        case Rule.CEILING:
            return f"all funds together pay at most {basis} × {ratio}, {result} of it are left"
        case Rule.ACCOUNT:
            return f"personal account: may pay {basis}, pays {result}{why}"
        case Rule.FAMILY_ACCOUNT:
            return f"relative's account{_place_en(subject)}: may pay {basis}, pays {result}"
    title = _TITLE_EN.get(rule, step.rule)
    return f"{title} {result}{why}"


def share_zh(fund_name: str, step: ExplanationStep) -> str:
    """Write how one fund's payment came about (结算过程信息, NHSA setl_proc_info)."""
    basis, result = yuan_text(step.basis_fen), yuan_text(step.result_fen)
    if step.note == Closure.BELOW_THRESHOLD:
        return f"{fund_name}：{basis} 元在起付标准以内，不予支付"
    return f"{fund_name}：{basis} 元 × {ratio_text(step.ratio_bp)} → {result} 元{_zh(step.note)}"


@lru_cache(maxsize=1_024)
def ratio_text(ratio_bp: int) -> str:
    """Write basis points as a percentage without needless zeros: 7550 becomes '75.5%'."""
    whole, rest = divmod(ratio_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def names_of(policy: Policy) -> dict[str, FundName]:
    """What the funds of a policy are called."""
    return {fund.code: FundName(fund.name, fund.name_en) for fund in policy.funds.values()}


def told(steps: Iterable[ExplanationStep], policy: Policy, care: CareRules) -> list[dict[str, str]]:
    """The steps as JSON fields: amounts are yuan as text, ratios fractions of 1 as text, `source`
    the citation of the rule, where the step is one of a policy's rules."""
    names = names_of(policy)
    return [
        {
            "rule": step.rule,
            "base": yuan_text(step.basis_fen),
            "ratio": f"{step.ratio_bp // BASIS_POINTS}.{step.ratio_bp % BASIS_POINTS:04d}",
            "amount": yuan_text(step.result_fen),
            "text_zh": step_zh(step, names),
            "text_en": step_en(step, names),
            "source": _source(step, policy, care),
        }
        for step in steps
    ]


def _source(step: ExplanationStep, policy: Policy, care: CareRules) -> str:
    """Where the rule comes from."""
    place = step.rule.partition("@")[2]
    if not place.isdigit() or int(place) >= len(care.rules):
        return ""
    return policy.sources.get(care.rules[int(place)].source, "")


def _numbered(lines: Iterable[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _zh(note: str) -> str:
    if not note:
        return ""
    return f"（{CLOSURE_ZH[Closure(note)] if note in _CLOSURES else note}）"


def _en(note: str) -> str:
    if not note:
        return ""
    return f" ({CLOSURE_EN[Closure(note)] if note in _CLOSURES else note})"


def _place_zh(place: str) -> str:
    """Which of the relatives that paid; settlements never name them to each other's readers."""
    return f"（第 {place} 位亲属）" if place else ""


def _place_en(place: str) -> str:
    return f" no. {place}" if place else ""


_CLOSURES = frozenset(closure.value for closure in Closure)

_TITLE_ZH: Mapping[str, str] = {
    Rule.FULL_SELF_PAY: "全自费",
    Rule.OVER_CEILING: "超限价自费",
    Rule.PRE_SELF_PAY: "先行自付",
    Rule.IN_SCOPE: "符合政策范围金额",
    Rule.CASH: "个人现金支付",
}
_TITLE_EN: Mapping[str, str] = {
    Rule.FULL_SELF_PAY: "wholly self-paid",
    Rule.OVER_CEILING: "above the price ceiling",
    Rule.PRE_SELF_PAY: "pre-self-pay",
    Rule.IN_SCOPE: "in scope",
    Rule.CASH: "the patient pays in cash",
}
