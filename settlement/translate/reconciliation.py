"""From the wire's reconciliation and clearing (3201–3204) to scopes and figures, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256

import msgspec

from ledger.money import yuan_text
from protocol.nhsa import canonical
from protocol.nhsa.amounts import scaled, yuan_json
from protocol.nhsa.messages import clearing, reconciliation
from protocol.nhsa.textfile import MEMO_LENGTH_MAX, DetailRow, pack, text_of
from protocol.nhsa.times import parse_moment
from settlement.books.clearing import Claimed, last_day
from settlement.books.statement import (
    Difference,
    Figures,
    Matched,
    OurLine,
    Scope,
    TheirLine,
    Verdict,
    differences,
    match,
)
from settlement.institution import Institution
from settlement.policy.region import RegionProfile
from settlement.refusal import Refusal
from settlement.translate.fund_total import as_reported

DESCRIPTION_LENGTH_MAX = 200
"""stmt_rslt_dscr"""
_SHORT_LENGTH_MAX = 150
_LEVEL, _NOT_LEVEL = "0", "1"
"""stmt_rslt of 3201: 平, 不平"""
_WITHOUT_REFUNDS = "0"
_SIDES = ("机构", "中心")
MESSAGE_AND_FILE = ("报文", "文件")
_COUNT = "结算笔数"
_TOTAL, _FUND, _ACCOUNT = "医疗费总额", "基金支付总额", "个人账户支出"
_VISITS, _RECOGNISED, _CASH = "清算人次", "医保认可费用总额", "现金支付金额"
_CLAIMED_FUND = "基金申报总额"
_COUNTS = frozenset({_COUNT, _VISITS})
_ENCODE = msgspec.json.Encoder().encode

Check = reconciliation.TotalsCheckData | reconciliation.DetailCheckData


def scope_of(
    data: Check, institution: Institution, *, office: str, days_max: int
) -> Scope | Refusal:
    """Which rows 3201 or 3202 speaks of."""
    if data.setl_optins != office:
        return Refusal(
            code="CLEARING_OFFICE_UNKNOWN", field="clearing_office",
            params={"value": data.setl_optins, "office": office},
        )  # fmt: skip
    begin_on, end_on = _day(data.stmt_begndate), _day(data.stmt_enddate)
    if not 0 <= (end_on - begin_on).days < days_max:
        return Refusal(
            code="PERIOD_WRONG", field="begin_on",
            params={"begin": str(begin_on), "end": str(end_on), "days_max": days_max},
        )  # fmt: skip
    scheme = data.insutype if isinstance(data, reconciliation.TotalsCheckData) else None
    return Scope(
        institution=institution.code,
        begin_on=begin_on,
        end_on=end_on,
        clearing_type=data.clr_type,
        scheme=scheme,
        with_refunds=_with_refunds(data),
    )


def said_by(data: reconciliation.DetailCheckData, scope: Scope) -> bytes:
    """The fingerprint of what 3202 says: a resend has the same."""
    totals = (
        int(data.fixmedins_setl_cnt), _fen(data.medfee_sumamt), _fen(data.fund_pay_sumamt),
        _fen(data.cash_payamt),
    )  # fmt: skip
    return _fingerprint(header=(data.file_qury_no, scope), totals=totals)


def sent_as(name: str, content: bytes) -> bytes:
    """The fingerprint of a file that 9101 brings."""
    return _fingerprint(header=(name, content), totals=())


def given_out_as(content: bytes, last_on: date) -> str:
    """What a list that is given out to its last day is kept under: the same bytes have one name."""
    return f"{last_on:%Y%m%d}-{sha256(content).hexdigest()[:32]}"


def _fingerprint(*, header: object, totals: object) -> bytes:
    parts = [sha256(_ENCODE(part)).digest()[: canonical.HASH_BYTES] for part in (header, totals)]
    nobody = bytes(canonical.HASH_BYTES)
    return canonical.Fingerprint(person=nobody, header=parts[0], totals=parts[1], lines=()).pack()


def totals_reply(
    data: reconciliation.TotalsCheckData, ours: Figures, profile: RegionProfile
) -> reconciliation.TotalsCheckReply:
    """Output of 3201."""
    ours = as_reported(ours, profile)
    theirs = {
        _TOTAL: _fen(data.medfee_sumamt),
        _FUND: _fen(data.fund_pay_sumamt),
        _ACCOUNT: _fen(data.acct_pay),
        _COUNT: int(data.fixmedins_setl_cnt),
    }
    held = {
        _TOTAL: ours.total_fen,
        _FUND: ours.fund_fen,
        _ACCOUNT: ours.account_fen,
        _COUNT: ours.settlement_count,
    }
    found = differences(theirs, held)
    checked = reconciliation.TotalsChecked(
        setl_optins=data.setl_optins,
        stmt_rslt=_NOT_LEVEL if found else _LEVEL,
        stmt_rslt_dscr=described(found) if found else "对账一致",
    )
    return reconciliation.TotalsCheckReply(stmtinfo=checked)


def described(found: Sequence[Difference]) -> str:
    """Every figure that differs with both numbers, and by how much where there is room."""
    by_how_much = [_number(one.name, one.theirs - one.ours) for one in found]
    text = "；".join(
        [f"{_both(one)}，差{gap}" for one, gap in zip(found, by_how_much, strict=True)]
    )
    if len(text) <= DESCRIPTION_LENGTH_MAX:
        return text
    return "；".join(map(_both, found))[:DESCRIPTION_LENGTH_MAX]


def in_short(found: Sequence[Difference], *, between: tuple[str, str] = _SIDES) -> str:
    """The same inside another text: both numbers, of as many figures as there is room for."""
    text, *more = [_both(one, between) for one in found]
    for one in more:
        if len(text) + len(one) > _SHORT_LENGTH_MAX:
            return f"{text}等"
        text = f"{text}；{one}"
    return text


def their_lines(rows: Iterable[DetailRow]) -> list[TheirLine]:
    """The lines of an upload for 3202."""
    return [
        TheirLine(
            setl_id=row.setl_id, mdtrt_id=row.mdtrt_id, person_no=row.psn_no, refund=row.refund,
            total_fen=row.total_fen, fund_fen=row.fund_fen, account_fen=row.account_fen,
        )
        for row in rows
    ]  # fmt: skip


def header_differences(
    data: reconciliation.DetailCheckData, lines: Sequence[TheirLine]
) -> list[Difference]:
    """Where the totals of 3202 are not those of its own file: something is missing in one."""
    said = {
        _TOTAL: _fen(data.medfee_sumamt),
        _FUND: _fen(data.fund_pay_sumamt),
        _COUNT: int(data.fixmedins_setl_cnt),
    }
    summed = {
        _TOTAL: sum([line.total_fen for line in lines]),
        _FUND: sum([line.fund_fen for line in lines]),
        _COUNT: len(lines),
    }
    return differences(said, summed)


def result_file(
    theirs: Sequence[TheirLine], ours: Iterable[OurLine], profile: RegionProfile
) -> bytes:
    """Their lines against ours, as the file that 3202 answers."""
    matched = match(theirs, [as_reported(line, profile) for line in ours])
    return pack("result.txt", result_text(matched))


def result_text(matched: Iterable[Matched]) -> str:
    """The result file of 3202. What only we have comes without its numbers, with the msgid that
    2601 would name; amounts are ours, where we have any."""
    return text_of(map(_result_row, matched))


def _result_row(one: Matched) -> tuple[str, ...]:
    line, ours = one.theirs, one.ours
    if ours is not None and ours.reversed:
        memo, ours = "该结算已被冲正，中心不计", None
    else:
        memo = _memo(one)
    about = line or ours
    if about is None:
        raise ValueError("a line of nobody")
    return (
        about.person_no,
        "" if line is None else line.mdtrt_id,
        "" if line is None else line.setl_id,
        "" if ours is None else ours.msgid,
        str(int(one.verdict)),
        _flag(about.refund or (line is None and ours is not None and ours.cancelled)),
        memo[:MEMO_LENGTH_MAX],
        *(
            ("", "", "")
            if ours is None
            else map(yuan_json, (ours.total_fen, ours.fund_fen, ours.account_fen))
        ),
    )


def _memo(one: Matched) -> str:
    theirs, ours = one.theirs, one.ours
    match one.verdict:
        case Verdict.ONLY_HERE:
            return "仅中心有此结算"
        case Verdict.ONLY_THERE:
            return "中心在对账范围内无此结算"
        case Verdict.AGREES:
            return ""
    if theirs is None or ours is None:
        return ""
    pairs = {
        "就诊ID": (theirs.mdtrt_id, ours.mdtrt_id),
        "人员编号": (theirs.person_no, ours.person_no),
        "退费标志": ("", "") if ours.cancelled else (_flag(theirs.refund), _flag(ours.refund)),
        _TOTAL: (yuan_text(theirs.total_fen), yuan_text(ours.total_fen)),
        _FUND: (yuan_text(theirs.fund_fen), yuan_text(ours.fund_fen)),
        _ACCOUNT: (yuan_text(theirs.account_fen), yuan_text(ours.account_fen)),
    }
    return "；".join([f"{name}：机构{a}、中心{b}" for name, (a, b) in pairs.items() if a != b])


def claimed_of(data: clearing.ClearingApplyData) -> Claimed | Refusal:
    """What 3203 claims. The period must be the month, so that no settlement is in two of them."""
    text = data.setlym
    wrong = Refusal(
        code="CLEARING_PERIOD_WRONG", field="begndate",
        params={"month": text, "begin": data.begndate, "end": data.enddate},
    )  # fmt: skip
    try:
        month = date(int(text[:4]), int(text[4:]), 1)
    except ValueError:
        return wrong
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return wrong
    if (_day(data.begndate), _day(data.enddate)) != (month, last_day(month)):
        return wrong
    return Claimed(
        month=month,
        clearing_type=data.clr_type,
        clearing_way=data.clr_way or "",
        settlement_count=int(data.psntime),
        total_fen=_fen(data.medfee_sumamt),
        recognised_fen=_fen(data.med_sumfee),
        fund_fen=_fen(data.fund_appy_sum),
        account_fen=_fen(data.acct_pay),
        cash_fen=_fen(data.cash_payamt),
    )


def claim_differences(claimed: Claimed, ours: Figures) -> list[Difference]:
    """Where an application is not what we hold. Everything is paid by item (按项目), so what is
    recognised is the whole fee. What is claimed of the funds is the funds alone, however a region
    reports its fund total: the account is claimed beside it."""
    said = {
        _VISITS: claimed.settlement_count,
        _TOTAL: claimed.total_fen,
        _RECOGNISED: claimed.recognised_fen,
        _CLAIMED_FUND: claimed.fund_fen,
        _CASH: claimed.cash_fen,
        _ACCOUNT: claimed.account_fen,
    }
    held = {
        _VISITS: ours.settlement_count,
        _TOTAL: ours.total_fen,
        _RECOGNISED: ours.total_fen,
        _CLAIMED_FUND: ours.fund_fen,
        _CASH: ours.cash_fen,
        _ACCOUNT: ours.account_fen,
    }
    return differences(said, held)


def _with_refunds(data: Check) -> bool:
    """The newer flag says what the institution's own numbers contain; it counts where both are."""
    flag = data.fixmedins_refd_setl_flag or data.refd_setl_flag
    return flag != _WITHOUT_REFUNDS


def _flag(refund: bool) -> str:
    return "1" if refund else "0"


def _both(one: Difference, between: tuple[str, str] = _SIDES) -> str:
    theirs, ours = _number(one.name, one.theirs), _number(one.name, one.ours)
    return f"{one.name}：{between[0]}{theirs}、{between[1]}{ours}"


def _number(name: str, value: int) -> str:
    return str(value) if name in _COUNTS else yuan_text(value)


def _fen(value: Decimal) -> int:
    return scaled(value, 2, "input.data")


def _day(text: str) -> date:
    return parse_moment(text).date()
