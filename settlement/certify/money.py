"""The identities that hold between the amounts of every answer (the interface, "Amounts")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from settlement.client.outcome import AnswerError, Settlement, fen_of

Sum = tuple[str, tuple[str, ...]]
Totals = tuple[int, int, int, int]
"""total, funds, account, cash; fen"""

_FUNDS = (
    "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay",
    "hifdm_pay",
)  # fmt: skip
_EVERYWHERE: tuple[Sum, ...] = (
    ("psn_part_amt", ("acct_pay", "psn_cash_pay")),
    (
        "medfee_sumamt",
        ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"),
    ),
)
FUNDS_ALONE: tuple[Sum, ...] = (
    ("medfee_sumamt", ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt")),
    ("fund_pay_sumamt", _FUNDS),
    *_EVERYWHERE,
)
WITH_ACCOUNT: tuple[Sum, ...] = (
    ("medfee_sumamt", ("fund_pay_sumamt", "psn_cash_pay", "hosp_part_amt")),
    ("fund_pay_sumamt", (*_FUNDS, "acct_pay")),
    *_EVERYWHERE,
)
"""Where the region counts the personal account into the fund total."""
_LINE: Sum = (
    "det_item_fee_sumamt", ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
)  # fmt: skip


def totals_of(one: Settlement) -> Totals:
    """Who pays what of a settlement."""
    return one.total_fen, one.fund_fen, one.account_fen, one.cash_fen


def in_words(totals: Totals) -> str:
    """As the report says it, in yuan."""
    names = ("总额", "基金", "账户", "现金")
    return " ".join(f"{name} {yuan(fen)}" for name, fen in zip(names, totals, strict=True))


def broken_identities(output: object, *, account_in_funds: bool = False) -> list[str] | None:
    """What does not add up, in words; None for an answer without amounts. `account_in_funds`: the
    region's fund total has the personal account in it."""
    info = output.get("setlinfo") if isinstance(output, dict) else None
    if not isinstance(output, dict) or not isinstance(info, Mapping):
        return None
    try:
        sums = WITH_ACCOUNT if account_in_funds else FUNDS_ALONE
        wrong = [said for one in sums if (said := _broken(info, one))]
        listed = ("fund_pay_sumamt",) if account_in_funds else ("fund_pay_sumamt", "acct_pay")
        wrong += _broken_funds(info, output.get("setldetail"), listed)
        wrong += _broken_lines(info, output.get("detlcutinfo"))
    except AnswerError as exc:
        return [str(exc)]
    return wrong


def _broken(node: Mapping[str, object], identity: Sum) -> str | None:
    """The printed answers of some cancels leave fields out: what is not there is not compared."""
    whole, parts = identity
    if whole not in node or any(part not in node for part in parts):
        return None
    told, computed = fen_of(node, whole), sum(fen_of(node, part) for part in parts)
    if told == computed:
        return None
    return f"{whole} {yuan(told)} ≠ {' + '.join(parts)} {yuan(computed)}"


def _broken_funds(
    info: Mapping[str, object], rows: object, listed: tuple[str, ...]
) -> list[str]:
    if not isinstance(rows, Sequence):
        return []
    told = sum(fen_of(info, name) for name in listed)
    computed = sum(fen_of(row, "fund_payamt") for row in rows)
    if told == computed:
        return []
    return [f"setldetail {yuan(computed)} ≠ {' + '.join(listed)} {yuan(told)}"]


def _broken_lines(info: Mapping[str, object], rows: object) -> list[str]:
    if not isinstance(rows, Sequence):
        return []
    wrong = [said for row in rows if (said := _broken(row, _LINE))]
    told = fen_of(info, "medfee_sumamt")
    computed = sum(fen_of(row, "det_item_fee_sumamt") for row in rows)
    if told != computed:
        wrong.append(f"detlcutinfo {yuan(computed)} ≠ medfee_sumamt {yuan(told)}")
    return wrong


def yuan(amount_fen: int) -> str:
    """An amount as the wire writes it."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"
