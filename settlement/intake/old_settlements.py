"""Settlements of the system before that can still be cancelled (期初可撤销结算). Pure.

One row each. What was bought is not brought along: a cancel takes a settlement back as a whole. So
the file says who paid how much, and what it added to the accumulators of its year.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct, json

from ledger.money import yuan_text
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.openings import read_accumulators, signing_lines
from settlement.intake.source import Row

SETTLING = ("2102", "2207", "2207A", "2304", "2304A")
"""Transactions that may have made such a settlement."""
_YUAN = Told("不为负、至多两位小数的元", "yuan, not negative, at most two decimals")
_TIME = Told("日期时间，如 2026-11-01 08:30:00", "date and time, like 2026-11-01 08:30:00")
_FUNDS = cells.table(cells.matching(r"\d{6,8}"), cells.read_fen)

COLUMNS = (
    Column(name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
           expected=Told("一个字母和 11 位数字", "a letter and 11 digits")),
    Column(name="psn_no", title="人员编号", read=cells.matching(r"[A-Za-z0-9]{6,30}"),
           personal=True, expected=Told("6 至 30 位字母或数字", "6 to 30 letters or digits")),
    Column(name="earlier_setl_id", title="原结算编号", read=cells.matching(r"[A-Za-z0-9\-]{1,30}"),
           expected=Told("至多 30 位字母、数字或 -", "at most 30 letters, digits or -")),
    Column(name="infno", title="交易编号", read=cells.one_of(*SETTLING),
           expected=Told("、".join(SETTLING), ", ".join(SETTLING))),
    Column(name="medins_setl_id", title="原报文ID", read=cells.matching(r"[A-Za-z0-9]{1,30}"),
           default="", expected=Told("结算报文的 msgid", "the msgid of the settlement")),
    Column(name="setl_time", title="结算时间", read=cells.read_moment, expected=_TIME),
    Column(name="begntime", title="就诊开始时间", read=cells.read_moment, default=None,
           expected=_TIME),
    Column(name="insutype", title="险种类型", read=cells.matching(r"\d{3,5}"),
           expected=Told("险种代码，如 310", "a code of a scheme, as 310")),
    Column(name="psn_type", title="人员类别", read=cells.matching(r"\d{2,6}"),
           expected=Told("2 至 6 位代码，如 11", "a code of 2 to 6 digits, as 11")),
    Column(name="med_type", title="医疗类别", read=cells.matching(r"\d{2,6}"),
           expected=Told("医疗类别代码，如 11", "a code of med_type, as 11")),
    Column(name="year", title="年度", read=cells.matching(r"20\d\d"), default="",
           expected=Told("四位年度", "a year of four digits")),
    Column(name="medfee_sumamt", title="医疗费总额", read=cells.read_fen, expected=_YUAN),
    Column(name="fulamt_ownpay_amt", title="全自费金额", read=cells.read_fen, default=0,
           expected=_YUAN),
    Column(name="overlmt_selfpay", title="超限价自费费用", read=cells.read_fen, default=0,
           expected=_YUAN),
    Column(name="preselfpay_amt", title="先行自付金额", read=cells.read_fen, default=0,
           expected=_YUAN),
    Column(name="act_pay_dedc", title="实际支付起付线", read=cells.read_fen, default=0,
           expected=_YUAN),
    Column(name="funds", title="各基金支付", read=_FUNDS, default=None,
           expected=Told("基金代码:金额（元），以分号分隔",
                         "fund_pay_type:amount in yuan, separated by ;")),
    Column(name="acct_pay", title="个人账户支出", read=cells.read_fen, default=0, expected=_YUAN),
    Column(name="accumulators", title="计入年度累计", read=read_accumulators, default=None,
           expected=Told("名称:金额（元）或次数，以分号分隔",
                         "name:amount in yuan, or times, separated by ;")),
    Column(name="invono", title="发票号", read=cells.short_text(20), default="",
           expected=Told("至多 20 字", "at most 20 characters")),
    Column(name="source", title="来源", read=cells.short_text(200),
           expected=Told("至多 200 字", "at most 200 characters")),
)  # fmt: skip


class OldSettlement(Struct, frozen=True, kw_only=True, gc=False):
    """A settlement that was made elsewhere and may be taken back here."""

    row: int
    institution: str
    person_no: str
    earlier_no: str
    infno: str
    msgid: str
    settled_at: datetime
    begun_at: datetime
    scheme: str
    category: str
    care_type: str
    year: int | None
    """None: that of the begin, by the policy"""
    total_fen: int
    full_self_pay_fen: int
    over_ceiling_fen: int
    pre_self_pay_fen: int
    deductible_fen: int
    funds: Mapping[str, int]
    """by fund_pay_type, what each paid"""
    account_fen: int
    increments: Mapping[str, int]
    invoice_no: str
    source: str

    @property
    def fingerprint(self) -> bytes:
        """Digest of what is said of it, wherever it stands in the file."""
        said = [getattr(self, name) for name in self.__struct_fields__[1:-1]]
        return sha256(json.encode(said)).digest()


def read_old_settlements(rows: Iterable[Row], faults: list[Fault]) -> list[OldSettlement]:
    """Every row that is not at fault."""
    found: dict[tuple[str, str], OldSettlement] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        if told is None:
            continue
        one = OldSettlement(
            row=number, institution=told["fixmedins_code"], person_no=told["psn_no"],
            earlier_no=told["earlier_setl_id"], infno=told["infno"], msgid=told["medins_setl_id"],
            settled_at=told["setl_time"], begun_at=told["begntime"] or told["setl_time"],
            scheme=told["insutype"], category=told["psn_type"], care_type=told["med_type"],
            year=int(told["year"]) if told["year"] else None, total_fen=told["medfee_sumamt"],
            full_self_pay_fen=told["fulamt_ownpay_amt"], over_ceiling_fen=told["overlmt_selfpay"],
            pre_self_pay_fen=told["preselfpay_amt"], deductible_fen=told["act_pay_dedc"],
            funds=told["funds"] or {}, account_fen=told["acct_pay"],
            increments=told["accumulators"] or {}, invoice_no=told["invono"],
            source=told["source"],
        )  # fmt: skip
        problem = _misfit(one)
        if problem is not None:
            faults.append(Fault(row=number, column="medfee_sumamt", problem=problem))
            continue
        earlier = found.setdefault((one.institution, one.earlier_no), one)
        if earlier is not one:
            problem = Told(f"第 {earlier.row} 行已有", f"is in row {earlier.row} already")
            faults.append(Fault(row=number, column="earlier_setl_id", problem=problem))
    return list(found.values())


def totals_text(settlements: Sequence[OldSettlement], digest: str) -> str:
    """The totals of a file, for two people to sign."""
    sums = {
        "医疗费总额 total": sum(each.total_fen for each in settlements),
        "基金支付 funds": sum(sum(each.funds.values()) for each in settlements),
        "个人账户支出 accounts": sum(each.account_fen for each in settlements),
    }
    lines = [
        f"可撤销结算期初合计 old settlements，{len(settlements)} 笔 settlements，"
        f"{len({each.institution for each in settlements})} 家机构 institutions",
        *(f"  {name}  {yuan_text(fen)}" for name, fen in sums.items()),
        *signing_lines(digest),
    ]
    return "\n".join(lines)


def _misfit(one: OldSettlement) -> Told | None:
    """Amounts that cannot be those of one settlement."""
    if one.total_fen == 0:
        return Told("为零，没有可撤销的费用", "is zero: there is nothing to take back")
    if one.full_self_pay_fen + one.over_ceiling_fen + one.pre_self_pay_fen > one.total_fen:
        return Told("小于各自费部分之和", "is less than what the person pays beside the scope")
    if sum(one.funds.values()) + one.account_fen > one.total_fen:
        return Told("小于基金与个人账户之和", "is less than what funds and account paid")
    return None
