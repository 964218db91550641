"""From uploads that are only stored (35xx, 41xx, 43xx to 49xx) to commands.

What is kept is the input as it was sent; looked at is only whom it is about and, in a settlement
list (4101), the settlement that it cites and the sums that it claims.
"""

from __future__ import annotations

from collections.abc import Iterator

from protocol.nhsa.fields import Numbers
from protocol.nhsa.messages.stored import SettlementListSeen, Stored
from protocol.nhsa.stored import input_of, seen
from settlement import numbers
from settlement.commands import KeepList, KeepUpload, Sum
from settlement.translate.pieces import UNKNOWN_NUMBER, Sender
from settlement.translate.requests import Translator

_PERSON_LENGTH_MAX = 30


def keep(translator: Translator, request: Stored, sender: Sender) -> KeepUpload:
    """35xx, 43xx to 49xx: in the lane of the one person that they name, else in that of the
    institution."""
    named = set(_persons_in(input_of(request)))
    person_no = named.pop() if len(named) == 1 else ""
    return KeepUpload(
        asked=translator.asked(request, sender, person_no or sender.institution.code),
        person_named=person_no,
        content=bytes(request.input),
    )


def keep_list(translator: Translator, request: Stored, sender: Sender) -> KeepList:
    """4101 and 4101A: in the lane of the person named, or of the settlement where none is."""
    view = seen(request)
    if not isinstance(view, SettlementListSeen):
        raise TypeError("a settlement list has a view of its own")
    info = view.setlinfo
    setl_id = numbers.parse(info.setl_id or "") or UNKNOWN_NUMBER
    person_no = info.psn_no or ""
    asked = translator.asked(request, sender, person_no or sender.institution.code)
    if not person_no and setl_id:
        asked = translator.in_lane_of(asked, setl_id)
    return KeepList(
        asked=asked,
        setl_ids=(setl_id,),
        person_named=person_no,
        content=bytes(request.input),
        setl_id=setl_id,
        cited=info.setl_id or "",
        visit_cited=info.mdtrt_id or "",
        sums=tuple(_sums(view, sender.numbers)),
    )


def _persons_in(content: object) -> Iterator[str]:
    """Every `psn_no` of a node, or of a row of a node."""
    if not isinstance(content, dict):
        return
    for node in (content, *content.values()):
        for row in node if isinstance(node, list) else (node,):
            person_no = row.get("psn_no") if isinstance(row, dict) else None
            if isinstance(person_no, str) and 0 < len(person_no) <= _PERSON_LENGTH_MAX:
                yield person_no


def _sums(view: SettlementListSeen, sent: Numbers) -> Iterator[Sum]:
    """What the list says of money, as far as it says anything."""
    info = view.setlinfo

    def of(name: str) -> int:
        return sent["setlinfo", name][0]

    if view.iteminfo and all(row.amt is not None for row in view.iteminfo):
        yield Sum("iteminfo", "收费项目金额合计", "total_fen", sum(sent["iteminfo", "amt"]))
    if view.payinfo and all(row.fund_payamt is not None for row in view.payinfo):
        paid = zip(view.payinfo, sent["payinfo", "fund_payamt"], strict=True)
        by_fund = tuple((row.fund_pay_type or "", fen) for row, fen in paid)
        yield Sum("payinfo", "基金支付合计", "fund_fen", sum(fen for _, fen in by_fund), by_fund)
    if info.psn_selfpay is not None and info.psn_ownpay is not None:
        own = of("psn_selfpay") + of("psn_ownpay")
        yield Sum("setlinfo.psn_selfpay", "个人自付与个人自费合计", "personal_fen", own)
    if info.acct_pay is not None:
        yield Sum("setlinfo.acct_pay", "个人账户支出", "account_fen", of("acct_pay"))
    if info.psn_cashpay is not None:
        yield Sum("setlinfo.psn_cashpay", "个人现金支付", "cash_fen", of("psn_cashpay"))


