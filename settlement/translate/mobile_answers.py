"""What stands of an order of mobile payment, in the interface's words: answers of 6201, 6202, 6203,
6301 and 6401, and what we tell by 6204 and 6302.

A first answer, every replay and every notice are made here from the same rows.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from protocol.nhsa.amounts import yuan
from protocol.nhsa.messages.mobile import (
    FeesReply,
    FeesUploaded,
    OrderEnquiryReply,
    OrderShown,
    PayOrdered,
    PayOrderReply,
    Refunded,
    RefundReply,
    RefundTold,
    SettleTold,
    Told,
    Withdrawn,
    WithdrawReply,
)
from protocol.nhsa.times import compact_seconds
from settlement.clock import Moment, local_time
from settlement.payments.mobile_rows import MobileFact, MobileOrderRow
from settlement.payments.mobile_states import (
    INSURANCE_BACK,
    OWN_PART_BACK,
    Happening,
    OrderEvent,
    Standing,
    State,
)
from settlement.payments.mobile_timers import REVERSAL_SECONDS
from settlement.rows import SettlementRow
from settlement.translate import answers
from settlement.translate.rendering import policy_of
from settlement.usecases.mobile_payloads import open_held, pay_token, reversal_token
from settlement.view import View
from settlement.world import World

PAY_ORDER_PREFIX = "ORD"
NO_WALLET = "SELF"
"""thdPayType where no wallet collects the own part: the institution does (机构自收)."""
NAME_LENGTH_MAX = 40
_ALL, _INSURANCE = "ALL", "HI"
_ENCODE = msgspec.json.Encoder().encode
_BACK = {
    Happening.ALL_BACK: "ALL", Happening.INSURANCE_BACK: "HI", Happening.CASH_BACK: "CASH",
}  # fmt: skip
"""refdType (退费类型): which part went back."""
_CALLED = {
    State.SAVED: "", State.HELD: "4", State.PAID: "2", State.DONE: "2", State.ALL_BACK: "3",
    State.INSURANCE_BACK: "3", State.CASH_BACK: "3", State.WITHDRAWN: "", State.EXPIRED: "",
}  # fmt: skip
"""callType (回调类型): 2 paid, 3 refunded, 4 decided; nothing was told of the others."""


def pay_order_id(region: str, order_no: int) -> str:
    """payOrdId (支付订单号)."""
    return f"{PAY_ORDER_PREFIX}{region}{order_no}"


def uploaded(row: MobileOrderRow, world: World) -> FeesReply:
    """Output of 6201. `extData` names the visit, which 6202 asks for."""
    return FeesReply(
        data=FeesUploaded(
            payOrdId=pay_order_id(world.region, row.order_no),
            payToken=pay_token(world.keyring, row.order_no),
            extData={"mdtrtId": str(row.mdtrt_id), "chrgBchno": row.batch_no},
        )
    )


def settled_row(fact: MobileFact, view: View, world: World) -> SettlementRow | None:
    """The settlement of an order; of one that is only held as it will be, without a number."""
    standing = fact.standing
    if standing.paid is not None and standing.paid.setl_id is not None:
        return view.settlements[standing.paid.setl_id].row
    if standing.held is None:
        return None
    held = open_held(
        standing.held.payload, world.keyring, fact.row.lane, fact.row.order_no
    )
    return replace(held.settlement, setl_id=0)


def ordered(
    fact: MobileFact, view: View, world: World, *, settled: SettlementRow | None = None
) -> PayOrderReply:
    """Output of 6202: who pays what; `settled` where it is not in the view yet."""
    row = settled or settled_row(fact, view, world)
    return PayOrderReply(
        data=PayOrdered(
            payOrdId=pay_order_id(world.region, fact.row.order_no),
            ordStas=fact.standing.state.value,
            feeSumamt=yuan(fact.row.total_fen),
            ownPayAmt=yuan(0 if row is None else row.cash_fen),
            psnAcctPay=yuan(0 if row is None else row.account_fen),
            fundPay=yuan(0 if row is None else row.fund_fen),
            extData=None if row is None else settlement_output(row, view, world),
        )
    )


def shown(fact: MobileFact, view: View, world: World, moment: Moment) -> OrderEnquiryReply:
    """Output of 6301."""
    standing, told = fact.standing, ordered(fact, view, world).data
    return OrderEnquiryReply(
        data=OrderShown(
            payOrdId=told.payOrdId, callType=_CALLED[standing.state],
            medOrgOrd=fact.row.institution_order_no,
            traceTime=compact_seconds(local_time(standing.at)), orgCodg=fact.row.institution,
            orgName=world.institutions[fact.row.institution].name,
            setlType=setl_type(standing), ordStas=told.ordStas, feeSumamt=told.feeSumamt,
            ownPayAmt=told.ownPayAmt, psnAcctPay=told.psnAcctPay, fundPay=told.fundPay,
            revsToken=_reversal_token(fact, world, moment), extData=told.extData,
        )
    )  # fmt: skip


def refunded(event: OrderEvent) -> RefundReply:
    """Output of 6203."""
    stamp = compact_seconds(local_time(event.at))
    return RefundReply(
        data=Refunded(
            refdSn=str(event.number_given), hiFefdSn=_insurance_number(event),
            hiTrnsDate=stamp[:8], hiTrnsTime=stamp[8:], refStatus="SUCC",
        )
    )  # fmt: skip


def _insurance_number(event: OrderEvent) -> str:
    """Where only the own part went back there is nothing of the insurance's."""
    return str(event.number_given if event.setl_id is None else event.setl_id)


def withdrawn() -> WithdrawReply:
    """Output of 6401."""
    return WithdrawReply(data=Withdrawn(success=True))


def order_notice(fact: MobileFact, row: SettlementRow, view: View, world: World) -> Told:
    """Data of 6204: what was decided."""
    return Told(
        payOrdId=pay_order_id(world.region, fact.row.order_no),
        medOrgOrd=fact.row.institution_order_no, feeSumamt=yuan(row.total_fen),
        ownPayAmt=yuan(row.cash_fen), psnAcctPay=yuan(row.account_fen),
        fundPay=yuan(row.fund_fen), thdPayType=fact.standing.wallet or NO_WALLET,
        extData=settlement_output(row, view, world),
    )  # fmt: skip


def over_notice(fact: MobileFact, region: str) -> Told:
    """Data of 6204: nobody pays this order any more; `extData` says how it ended, by the status
    that 6301 has. No source says how an end is told."""
    standing = fact.standing
    return Told(
        payOrdId=pay_order_id(region, fact.row.order_no),
        medOrgOrd=fact.row.institution_order_no, feeSumamt=yuan(fact.row.total_fen),
        ownPayAmt=yuan(0), psnAcctPay=yuan(0), fundPay=yuan(0),
        thdPayType=standing.wallet or NO_WALLET,
        extData=Raw(_ENCODE({"ordStas": standing.state.value})),
    )  # fmt: skip


def settle_notice(
    fact: MobileFact, row: SettlementRow, view: View, world: World
) -> SettleTold:
    """Data of 6302: the insurance has paid."""
    standing = fact.standing
    stamp = compact_seconds(local_time(standing.at))
    return SettleTold(
        payOrdId=pay_order_id(world.region, fact.row.order_no),
        callType=_CALLED[standing.state], medOrgOrd=fact.row.institution_order_no,
        traceTime=stamp, orgName=world.institutions[fact.row.institution].name[:NAME_LENGTH_MAX],
        setlType=setl_type(standing), feeSumamt=yuan(row.total_fen),
        ownpayAmt=yuan(row.cash_fen), psnAcctPay=yuan(row.account_fen),
        fundPay=yuan(row.fund_fen), revsToken=reversal_token(world.keyring, fact.row.order_no),
        hiChrgTime=stamp[8:], hiDocSn=str(row.setl_id), hiRgstSn=str(row.mdtrt_id),
        extData=settlement_output(row, view, world),
    )  # fmt: skip


def refund_notice(
    fact: MobileFact, event: OrderEvent, row: SettlementRow, view: View, world: World
) -> SettleTold:
    """Data of 6302: it went back (`callType` 3). `setlType` says which part, `extData` how much."""
    insured, own = event.happening in INSURANCE_BACK, event.happening in OWN_PART_BACK
    account_fen, fund_fen = (row.account_fen, row.fund_fen) if insured else (0, 0)
    own_fen = row.cash_fen if own else 0
    refund = RefundTold(
        appRefdSn=event.reference, refdSn=str(event.number_given),
        hiFefdSn=_insurance_number(event), refdType=_BACK[event.happening],
        totlRefdAmt=yuan(account_fen + fund_fen + own_fen), psnAcctRefdAmt=yuan(account_fen),
        fundRefdAmt=yuan(fund_fen), cashRefdAmt=yuan(own_fen),
    )  # fmt: skip
    return replace(
        settle_notice(fact, row, view, world), setlType=refund.refdType, revsToken="",
        hiDocSn=refund.hiFefdSn, extData=Raw(_ENCODE({"refund": refund})),
    )  # fmt: skip


def setl_type(standing: Standing) -> str:
    """ALL where nothing is left to collect, HI where the institution collects its part itself."""
    if standing.paid is None:
        return ""
    return _ALL if standing.paid.happening is Happening.DONE else _INSURANCE


def settlement_output(row: SettlementRow, view: View, world: World) -> Raw:
    """The settlement as 2207 answers it: what the interface passes through in `extData`."""
    identity = view.persons[row.psn_no].identity
    return answers.visit_reply(row, identity, policy_of(row, world), world.profile)


def _reversal_token(fact: MobileFact, world: World, moment: Moment) -> str:
    standing = fact.standing
    if standing.paid is None or standing.refunds:
        return ""
    if moment.at >= standing.paid.at + timedelta(seconds=REVERSAL_SECONDS):
        return ""
    return reversal_token(world.keyring, fact.row.order_no)
